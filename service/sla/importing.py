"""Reading the announced holidays of a year from a file, checking them, and what they would change. Pure.

Two forms: holiday-cn JSON, `{"year", "papers": [], "days": [{"name", "date", "isOffDay"}]}`, and CSV with the header
`date,type,name`. A notice may hold days of the neighbouring years: next year's often decides the end of December.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from io import StringIO

from service.sla.hours import DayKind

LARGEST_BYTES = 1 << 20
MOST_DAYS = 400
LONGEST_NAME = 40
YEARS = range(2000, 2101)
OFF_DAYS = range(20, 46)  # a year has about 30 days off; far from that the file is not what it seems
MONDAY_TO_FRIDAY = range(5)
DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")  # spreadsheets write 2027/2/6
COLUMNS = {"date": "date", "日期": "date", "type": "type", "类型": "type", "name": "name", "名称": "name"}
TYPES: Mapping[str, DayKind] = {
    **dict.fromkeys(("holiday", "off", "休", "休息", "放假", "节假日"), "holiday"),
    **dict.fromkeys(
        ("makeup_workday", "makeup", "work", "workday", "班", "上班", "调休", "调休上班"), "makeup_workday"
    ),
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a file; `words.mistake_words` says it."""

    code: str
    values: Mapping[str, object] = field(default_factory=dict)


class UnusableNotice(ValueError):
    """A file that must not be applied; carries every mistake in it."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("; ".join(mistake.code for mistake in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class OfficialDay:
    """A day that the notice makes a day off or a make-up workday."""

    day: date
    kind: DayKind
    name: str


@dataclass(frozen=True, slots=True)
class Notice:
    """The arrangement of one year."""

    year: int
    days: tuple[OfficialDay, ...]  # by date
    papers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Raw:
    """A line of the file as it stands there; `place` counts from 1."""

    place: int
    day: object
    kind: DayKind | None
    written: object  # what stood for the kind
    name: object


@dataclass(frozen=True, slots=True)
class Difference:
    """One day before and after; None: an ordinary day."""

    before: OfficialDay | None
    after: OfficialDay | None

    @property
    def day(self) -> date:
        """Which day it is."""
        known = self.after or self.before
        assert known is not None  # noqa: S101 - one of them is there
        return known.day


@dataclass(frozen=True, slots=True)
class Diff:
    """What an import would change, each by date."""

    added: tuple[Difference, ...] = ()
    removed: tuple[Difference, ...] = ()
    changed: tuple[Difference, ...] = ()

    @property
    def all(self) -> tuple[Difference, ...]:
        """Every difference by date."""
        return tuple(sorted((*self.added, *self.removed, *self.changed), key=lambda each: each.day))


def read_notice(data: bytes | str, year: int | None = None) -> Notice:
    """The arrangement in a file; `year` only where a CSV could be of either of two. Raises UnusableNotice."""
    text = data if isinstance(data, str) else decoded(data)
    if not text.strip():
        raise UnusableNotice(Mistake("empty"))
    if len(text) > LARGEST_BYTES:
        raise UnusableNotice(Mistake("large"))
    is_json = text.lstrip().startswith(("{", "["))
    return checked(*from_json(text)) if is_json else checked(year, (), list(from_csv(text)))


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, with or without a byte order mark, or GBK. Raises UnusableNotice."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnusableNotice(Mistake("encoding"))


def from_json(text: str) -> tuple[int, tuple[str, ...], list[Raw]]:
    """Year, papers and lines of a holiday-cn file."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise UnusableNotice(Mistake("not_json")) from None
    if not isinstance(content, dict) or not isinstance(content.get("days"), list):
        raise UnusableNotice(Mistake("no_days"))
    year, papers = content.get("year"), content.get("papers")
    if not isinstance(year, int) or isinstance(year, bool):
        raise UnusableNotice(Mistake("no_year"))
    lines = [json_line(place, day) for place, day in enumerate(content["days"], 1)]
    return year, tuple(str(paper) for paper in papers) if isinstance(papers, list) else (), lines


def json_line(place: int, day: object) -> Raw:
    """One object of `days`."""
    row = day if isinstance(day, dict) else {}
    off = row.get("isOffDay")
    kind: DayKind | None = ("holiday" if off else "makeup_workday") if isinstance(off, bool) else None
    return Raw(place, row.get("date"), kind, off, row.get("name"))


def from_csv(text: str) -> Iterator[Raw]:
    """Lines of a file with the columns date, type and name; blank ones are left out. Raises UnusableNotice."""
    try:
        rows = list(csv.reader(StringIO(text.lstrip("\ufeff"))))
    except csv.Error:
        raise UnusableNotice(Mistake("not_csv")) from None
    header = [COLUMNS.get(cell.strip().lower(), "") for cell in rows[0]] if rows else []
    if not {"date", "type", "name"} <= set(header):
        raise UnusableNotice(Mistake("no_header"))
    for place, cells in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in cells):
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            written = row.get("type", "")
            yield Raw(place, row.get("date"), TYPES.get(written.lower()), written, row.get("name"))


def checked(year: int | None, papers: tuple[str, ...], lines: list[Raw]) -> Notice:
    """The notice, if nothing is wrong with it. Raises UnusableNotice with everything that is."""
    if not lines:
        raise UnusableNotice(Mistake("no_days"))
    if len(lines) > MOST_DAYS:
        raise UnusableNotice(Mistake("many_days", {"most": MOST_DAYS}))
    mistakes: list[Mistake] = []
    days = [day for line in lines if (day := day_in(line, mistakes)) is not None]
    year = year or year_among(days)
    if year is not None and year not in YEARS:
        mistakes.append(Mistake("year", {"year": year}))
    elif year is not None:
        mistakes += wrong_together(year, days)
    if mistakes or year is None:
        raise UnusableNotice(*mistakes)
    return Notice(year, tuple(sorted(days, key=lambda each: each.day)), papers)


def day_in(line: Raw, mistakes: list[Mistake]) -> OfficialDay | None:
    """The day of a line; None, and a mistake noted, where it cannot be read."""
    day, name = date_in(line.day), line.name.strip() if isinstance(line.name, str) else ""
    where = {"place": line.place, "day": on_one_line(line.day)}
    if day is None:
        mistakes.append(Mistake("date", where))
    elif line.kind is None:
        mistakes.append(Mistake("type", where | {"written": on_one_line(line.written)}))
    elif not name or len(name) > LONGEST_NAME or not name.isprintable():
        mistakes.append(Mistake("name", where))
    else:
        return OfficialDay(day, line.kind, name)
    return None


def on_one_line(written: object) -> str:
    """What stands in a file, short enough for a sentence."""
    return " ".join(str(written).split())[:40]


def date_in(written: object) -> date | None:
    """A date as files write it; None where it is none."""
    found = DATE.fullmatch(written.strip()) if isinstance(written, str) else None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def year_among(days: Iterable[OfficialDay]) -> int | None:
    """The year that most days lie in; None without a day."""
    counts = Counter(each.day.year for each in days).most_common(1)
    return counts[0][0] if counts else None


def wrong_together(year: int, days: list[OfficialDay]) -> Iterator[Mistake]:
    """What is wrong with readable days: days twice or of another year, make-up days in the week, an odd count."""
    counts = Counter(each.day for each in days)
    yield from (Mistake("twice", {"day": day.isoformat()}) for day, times in sorted(counts.items()) if times > 1)
    for each in days:
        if abs(each.day.year - year) > 1:
            yield Mistake("other_year", {"day": each.day.isoformat(), "year": year})
        elif each.kind == "makeup_workday" and each.day.weekday() in MONDAY_TO_FRIDAY:
            yield Mistake("makeup_in_week", {"day": each.day.isoformat(), "weekday": each.day.weekday()})
    off = len({each.day for each in days if each.kind == "holiday" and each.day.year == year})
    if off not in OFF_DAYS:
        least, most = OFF_DAYS[0], OFF_DAYS[-1]
        yield Mistake("count", {"year": year, "count": off, "least": least, "most": most})


def differences(notice: Notice, current: Mapping[date, OfficialDay]) -> Diff:
    """What the notice changes in the announced days as they are: those that it replaces, by date."""
    after = {each.day: each for each in notice.days}
    pairs = [Difference(current.get(day), after.get(day)) for day in sorted(current.keys() | after.keys())]
    return Diff(
        added=tuple(each for each in pairs if each.before is None),
        removed=tuple(each for each in pairs if each.after is None),
        changed=tuple(each for each in pairs if each.before and each.after and each.before != each.after),
    )
