"""The table of targets as an editor's form: each cell a text, each mistake at its cell, changed cells marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _p
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service import policies
from service.policies import Difference, Version
from service.sla.drafts import CLOCKLESS, MOST_ROWS, ORDER, SHARE, Mistake, UnusableTable, mistake_words
from service.sla.policy import ANY_PRIORITY, TARGETS, Policy, PolicyTable, policy_from, row_of
from service.sla.rows import Row
from service.sla.target_words import LONGEST, Unreadable, share_in, share_text, target_in, target_text
from service.sla.words import Lang
from service.web import labels
from service.web.languages import language
from service.web.naming import category_name

COLUMNS: Mapping[str, LazyString] = {
    "accept": _p("clock", "受理"),
    "first_reply": _p("clock", "首次回复"),
    "next_reply": _p("clock", "再次回复"),
    "update_every": _l("更新间隔"),
    "resolve": _p("clock", "办结"),
    "follow_up": _p("clock", "回访"),
    SHARE: _l("回访抽样"),
}
TAG = _l("标签")


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One row as its author wrote it."""

    category: str
    priority: str
    tag: str
    cells: Mapping[str, str]
    mistakes: Mapping[str, str] = field(default_factory=dict)  # column -> sentence

    @property
    def name(self) -> str:
        return "/".join(filter(None, (self.category, self.priority, self.tag)))

    @property
    def is_tagged(self) -> bool:
        return bool(self.tag) or "tag" in self.mistakes


@dataclass(frozen=True, slots=True)
class Draft:
    """A table in work; `base` is the version that its author began with."""

    base: int
    rows: Sequence[DraftRow]
    mistakes: Sequence[str] = ()  # of the table as a whole

    @property
    def is_good(self) -> bool:
        return not self.mistakes and not any(row.mistakes for row in self.rows)

    def groups(self) -> Iterator[tuple[str, list[tuple[int, DraftRow]]]]:
        """The rows by category, each with its number in the form."""
        for category in dict.fromkeys(row.category for row in self.rows):
            yield category, [(n, row) for n, row in enumerate(self.rows) if row.category == category]

    def table(self, session: Session) -> PolicyTable:
        """The table that was written. Raises UnusableTable."""
        read = [read_row(number, row) for number, row in enumerate(self.rows)]
        if mistakes := [mistake for _, found in read for mistake in found]:
            raise UnusableTable(mistakes)
        return policies.check(session, [row for row, _ in read])

    def with_mistakes(self, mistakes: Sequence[Mistake]) -> "Draft":
        """The same with what is wrong beside each cell."""
        rows = list(self.rows)
        for mistake in mistakes:
            if mistake.row is not None:
                row, column = rows[mistake.row], mistake.column if mistake.column in (*COLUMNS, "tag") else "accept"
                rows[mistake.row] = replace(row, mistakes={**row.mistakes, column: said(mistake)})
        whole = [said(mistake) for mistake in mistakes if mistake.row is None and mistake.column != "note"]
        return replace(self, rows=rows, mistakes=[*self.mistakes, *whole])

    def with_words(self, words: str) -> "Draft":
        """The same with something wrong that is no cell's."""
        return replace(self, mistakes=[*self.mistakes, words])

    def tidied(self) -> "Draft":
        """The same as it will be shown again: "30分" is "30 分钟". For a draft without mistakes."""
        read = [policy_from(read_row(number, row)[0]) for number, row in enumerate(self.rows)]
        return replace(self, rows=[replace(r, cells=cells_of(p)) for r, p in zip(self.rows, read, strict=True)])

    def with_row(self, category: str, priority: str, tag: str) -> "Draft":
        """One row more for a tag, which begins as the row for everybody; behind the others of its category."""
        like = [row for row in self.rows if row.category == category and not row.tag]
        start = next((row for row in like if row.priority == priority), None) or next(iter(like), None)
        if not tag or start is None or priority not in ORDER:
            return replace(self, mistakes=[said(Mistake("tag"))])
        made = DraftRow(category, priority, tag, start.cells)
        if any(row.name == made.name for row in self.rows):
            return replace(self, mistakes=[said(Mistake("twice", values={"name": made.name}))])
        last = max(number for number, row in enumerate(self.rows) if row.category == category)
        return replace(self, rows=[*self.rows[: last + 1], made, *self.rows[last + 1 :]])

    def without_row(self, number: int) -> "Draft":
        return replace(self, rows=[row for n, row in enumerate(self.rows) if n != number or not row.tag])


def lang() -> Lang:
    return "en" if language() == "en" else "zh"


def said(mistake: Mistake) -> str:
    """What is wrong, in the page's language and with names that people know."""
    values = dict(mistake.values)
    if "name" in values:
        values["name"] = row_name(*str(values["name"]).split("/", 2))
    if "category" in values and mistake.code == "clockless":
        values["category"] = category_name(str(values["category"]))
    return mistake_words(replace(mistake, values=values), lang())


def row_name(category: str, priority: str = ANY_PRIORITY, tag: str = "") -> str:
    """投诉 · 高 · VIP."""
    words = [category_name(category)]
    if priority != ANY_PRIORITY:
        words.append(str(labels.PRIORITIES.get(priority, priority)))
    return " · ".join(words + ([tag] if tag else []))


def cells_of(policy: Policy) -> dict[str, str]:
    """The texts of a policy's cells."""
    texts = {name: target_text(getattr(policy, name), lang()) for name in TARGETS}
    return texts | {SHARE: share_text(policy.follow_up_share)}


def draft_of(version: Version, base: int) -> Draft:
    """A version as a draft; categories without clocks are left out."""
    shown = [policy for policy in version.table.policies if policy.category not in CLOCKLESS]
    return Draft(base, [DraftRow(p.category, p.priority, p.tag or "", cells_of(p)) for p in shown])


def draft_from(form: MultiDict[str, str]) -> Draft:
    """The draft that a form carries; what is not there is empty."""

    def text(name: str, most: int = LONGEST * 2) -> str:
        return form.get(name, "").replace("\0", "").strip()[:most]

    base, count = text("base"), text("rows")
    rows = [
        DraftRow(
            text(f"r{n}-category"),
            text(f"r{n}-priority"),
            text(f"r{n}-tag"),
            {column: text(f"r{n}-{column}") for column in COLUMNS},
        )
        for n in range(min(int(count) if count.isdecimal() else 0, MOST_ROWS + 1))
    ]
    return Draft(int(base) if base.isdecimal() and len(base) < LONGEST // 2 else -1, rows)


def read_row(number: int, row: DraftRow) -> tuple[Row, list[Mistake]]:
    """The row of the texts, and what is wrong with them."""
    mistakes, values = [], {}
    for name in TARGETS:
        try:
            values[name] = target_in(row.cells[name])
        except Unreadable as unreadable:
            mistakes.append(Mistake(unreadable.code, number, name))
    try:
        share = share_in(row.cells[SHARE])
    except Unreadable as unreadable:
        mistakes.append(Mistake(unreadable.code, number, SHARE))
    if mistakes:
        return {}, mistakes
    try:
        made = Policy(row.category, row.priority, follow_up_share=share, tag=row.tag or None, **values)
    except ValueError:  # the one thing that a policy refuses although each cell is good
        return {}, [Mistake("share_without_follow_up", number, "follow_up")]
    return row_of(made), []


def differs(column: str, text: str, now_is: str | None) -> bool:
    """Whether a cell says something else than the newest version; unreadable texts do."""
    if now_is is None:
        return True
    read = share_in if column == SHARE else target_in
    try:
        return read(text) != read(now_is)
    except Unreadable:
        return True


def changes_of(difference: Difference) -> tuple[str, list[tuple[str, str, str]]]:
    """A row's name, and of each cell that is other: its column, what it was and what it is."""
    policy = difference.policy
    before, after = (cells_of(p) if p else {} for p in (difference.before, difference.after))
    cells = [
        (str(words), before.get(column, ""), after.get(column, ""))
        for column, words in COLUMNS.items()
        if before.get(column) != after.get(column)
    ]
    return row_name(policy.category, policy.priority, policy.tag or ""), cells
