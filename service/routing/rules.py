"""Where a matter goes, with which priority and targets: the first row of the table that fits. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from service.errors import InvalidInput
from service.routing.autoreply import HOURS, Window, time_in
from service.routing.patterns import Matcher, compile_words
from service.routing.text import normalise

INTAKE = "QGB"
URGENT = "urgent"
ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """A row of the table; what is None fits anything.

    `keyword`: words separated by `|`, any of them. `set_priority` takes the place of the priority of what it routes.
    `targets`: "category/priority" whose targets such a ticket gets, of whatever version it has.
    """

    position: int
    category: str | None
    priority: str | None
    account: str | None
    department: str
    keyword: str | None = None
    set_priority: str | None = None
    subcategory: str | None = None
    menu_key: str | None = None
    scene: str | None = None
    tag: str | None = None
    window: Window = ALWAYS
    targets: str | None = None
    key: str = ""

    @property
    def name(self) -> str:
        """What a ticket remembers of it; the position of one that is not in the rulebook."""
        return self.key or str(self.position)


@dataclass(frozen=True, slots=True)
class Matter:
    """What routing looks at; category is None until classified. `at`: in the service's zone, None: not known."""

    category: str | None
    priority: str
    account: str
    text: str = ""
    subcategory: str | None = None
    menu_key: str | None = None
    scene: str | None = None
    tags: tuple[str, ...] = ()
    at: datetime | None = None
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it goes and why; `priority` and `targets` are None where the matter keeps its own.

    `row`: name of the row that decided, None where none fitted.
    """

    department: str
    because: str
    priority: str | None = None
    targets: str | None = None
    row: str | None = None


def words_in(keyword: str) -> list[str]:
    """The words of a keyword as they are compared."""
    return [word for word in (normalise(part) for part in normalise(keyword).split("|")) if word]


@lru_cache(maxsize=1000)
def _finder(keyword: str) -> Matcher | None:
    words = words_in(keyword)
    return compile_words(words) if words else None


@lru_cache(maxsize=4)  # each row of a table looks at the same text
def _plain(text: str) -> str:
    return normalise(text)


def _has_word(row: RoutingRow, matter: Matter) -> bool:
    if row.keyword is None:
        return True
    finder = _finder(row.keyword)
    return finder is not None and finder(_plain(matter.text)) is not None


def _is_in_time(row: RoutingRow, matter: Matter) -> bool:
    if row.window == ALWAYS:
        return True
    return matter.at is not None and not is_empty(row.window) and row.window.holds(matter.at, is_open=matter.is_open)


def is_empty(window: Window) -> bool:
    """Whether no moment lies in it: no day, or a span that ends where it begins."""
    return not window.days or (window.start is not None and window.start == window.end)


def _is_same(name: str) -> Callable[[RoutingRow, Matter], bool]:
    return lambda row, matter: getattr(row, name) in (None, getattr(matter, name))


CONDITIONS: Mapping[str, Callable[[RoutingRow, Matter], bool]] = {  # in the order in which they are explained
    **{name: _is_same(name) for name in ("category", "subcategory", "priority", "account", "menu_key", "scene")},
    "tag": lambda row, matter: row.tag is None or row.tag in matter.tags,
    "keyword": _has_word,
    "window": _is_in_time,
}


def misfits(row: RoutingRow, matter: Matter) -> Iterator[str]:
    """Names of the conditions that do not hold."""
    return (name for name, holds in CONDITIONS.items() if not holds(row, matter))


def fits(row: RoutingRow, matter: Matter) -> bool:
    """Whether every condition of the row holds."""
    return next(misfits(row, matter), None) is None


def in_order(rows: Iterable[RoutingRow]) -> list[RoutingRow]:
    return sorted(rows, key=lambda row: (row.position, row.name))


def first(rows: Iterable[RoutingRow], matter: Matter) -> RoutingRow | None:
    """The row that decides; None where none fits."""
    return next((row for row in in_order(rows) if fits(row, matter)), None)


def route(rows: Sequence[RoutingRow], matter: Matter, *, intake: str = INTAKE) -> Destination:
    """The destination of the first fitting row in order of position, else the intake department."""
    row = first(rows, matter)
    if row is None:
        return Destination(intake, "no row fits: intake")
    because = f"row {row.position}: {_conditions(row)}"
    return Destination(row.department, because, priority_by(row, matter.priority), row.targets, row.name)


def priority_by(row: RoutingRow, priority: str) -> str | None:
    """The priority that the row gives; an urgent finding is lowered only by a row that is about urgent matters."""
    return None if priority == URGENT and row.priority != URGENT else row.set_priority


def looks_at(rows: Iterable[RoutingRow], name: str) -> bool:
    """Whether any row has this condition: what no row asks for need not be read."""
    return any(getattr(row, name) is not None for row in rows)


def _conditions(row: RoutingRow) -> str:
    named = [(name, getattr(row, name)) for name in CONDITIONS if name != "window"]
    told = [f"{name} {value}" for name, value in named if value is not None]
    return ", ".join([*told, *(["hours"] if row.window != ALWAYS else [])]) or "any matter"


def row_from(row: Mapping[str, object], key: str = "") -> RoutingRow:
    """A row as it stands in the rulebook. Raises InvalidInput on hours that mean nothing."""
    named = {name: _text(row, name) for name in CONDITIONS if name != "window"}
    window = row.get("window")
    return RoutingRow(
        position=int(str(row["position"])),
        department=str(row["department"]),
        set_priority=_text(row, "set_priority"),
        targets=_text(row, "targets"),
        window=window_from(window) if isinstance(window, dict) else ALWAYS,
        key=key,
        **named,
    )


def window_from(row: Mapping[str, object]) -> Window:
    """Hours as they stand in the rulebook; an empty span is kept as it is."""
    days, hours = row.get("days", list(range(7))), str(row.get("hours") or "any")
    start, end = time_in(row, "start"), time_in(row, "end")
    if not isinstance(days, list) or not set(days) <= set(range(7)):
        raise InvalidInput(days="days are numbers from 0 to 6")
    if hours not in HOURS:
        raise InvalidInput(hours=f"one of {', '.join(HOURS)}")
    if (start is None) != (end is None):
        raise InvalidInput(start="give both ends of the span, or none")
    return Window(frozenset(days), start, end, hours)


def value_of(row: RoutingRow) -> dict[str, object]:
    """The row as it stands in the rulebook: `row_from` gives the same again."""
    value: dict[str, object] = {"position": row.position, "department": row.department}
    names = [*(name for name in CONDITIONS if name != "window"), "set_priority", "targets"]
    value |= {name: getattr(row, name) for name in names if getattr(row, name) is not None}
    if row.window == ALWAYS:
        return value
    window: dict[str, object] = {"days": sorted(row.window.days), "hours": row.window.hours}
    ends = {"start": row.window.start, "end": row.window.end}
    return value | {"window": window | {name: f"{at:%H:%M}" for name, at in ends.items() if at is not None}}


def _text(row: Mapping[str, object], name: str) -> str | None:
    return str(row[name]) if row.get(name) else None
