"""What administrators do with the routing table: add, change, move and delete rows. Each leaves one event."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, rulebook
from service.errors import InvalidInput, NotFound
from service.routing.coverage import Known, Why, troubles
from service.routing.patterns import compile_words
from service.routing.rules import RoutingRow, in_order, row_from, value_of, words_in
from service.rulebook import Rulebook, RulebookRow

SECTION = "routing"
STEP = 10  # between the numbers of neighbours, so that a row finds room between them
MOST_ROWS = 200
AFTER_THE_SHIPPED = 10_000  # place in the section; the order of the table is the rows' own
OWN = "own-"  # how the keys of rows begin that were not shipped
REFUSED = {  # what no row may be saved with: reason -> field
    Why.NO_CATEGORY: "category",
    Why.NO_SUBCATEGORY: "subcategory",
    Why.NO_PRIORITY: "priority",
    Why.NO_ACCOUNT: "account",
    Why.NO_WORDS: "keyword",
    Why.NO_TIME: "start",
    Why.NO_DEPARTMENT: "department",
    Why.NO_TARGETS: "targets",
}

SENTENCES = {
    Why.NO_CATEGORY: "this category is not there",
    Why.NO_SUBCATEGORY: "this subcategory is not one of the category's",
    Why.NO_PRIORITY: "this priority is not there",
    Why.NO_ACCOUNT: "this account is not there",
    Why.NO_WORDS: "write at least one word",
    Why.NO_TIME: "no moment lies in these hours",
    Why.NO_DEPARTMENT: "this department is not there, or not in use",
    Why.NO_TARGETS: "there are no such targets",
}


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes the table, and when."""

    actor: str
    now: datetime


def known_to(rules: Rulebook, accounts: Sequence[str], departments: Sequence[str]) -> Known:
    """What rows may name: categories and targets as they are now, accounts, departments in use."""
    codes = rules.subcategories.codes()
    categories = {code: codes.get(code, ()) for code in rules.categories}
    targets = [policy.name for policy in rules.policies.policies if policy.tag is None]
    return Known(categories, departments, accounts, targets)


def rows_of(session: Session) -> list[RoutingRow]:
    """The table in its order, as it stands in the database."""
    return in_order(_row(kept) for kept in _kept(session).values() if not kept.value.get("deleted"))


def get_row(session: Session, key: str) -> RoutingRow:
    """One row. Raises NotFound."""
    found = next((row for row in rows_of(session) if row.name == key), None)
    if found is None:
        raise NotFound(f"no routing row {key}")
    return found


def add(session: Session, row: RoutingRow, known: Known, edit: Edit, *, before: str | None) -> RoutingRow:
    """A new row in front of another one; None: at the end. Raises InvalidInput on what can never decide."""
    rulebook.lock(session)
    rows, kept = rows_of(session), _kept(session)
    if len(rows) >= MOST_ROWS:
        raise InvalidInput(department="the table is full; delete a row first")
    numbers = [int(key.removeprefix(OWN)) for key in kept if key.startswith(OWN)]
    made = replace(row, key=f"{OWN}{max(numbers, default=0) + 1}")
    refuse_contradiction(made, known)
    place = next((at for at, other in enumerate(rows) if other.name == before), len(rows))
    low = rows[place - 1].position if place else 0
    high = rows[place].position if place < len(rows) else low + 2 * STEP
    made = replace(made, position=(low + high) // 2)
    _write(session, [made] if low < made.position < high else _numbered([*rows[:place], made, *rows[place:]]), edit)
    _record(session, edit, "routing_row_added", made.key, after=_told(made))
    return made


def change(session: Session, row: RoutingRow, known: Known, edit: Edit) -> None:
    """The row of this name becomes so; it stays where it is. Raises InvalidInput on what can never decide."""
    rulebook.lock(session)
    before = get_row(session, row.name)
    after = replace(row, position=before.position)
    if after == before:
        return
    refuse_contradiction(after, known)
    _write(session, [after], edit)
    _record(session, edit, "routing_row_changed", after.name, before=_told(before), after=_told(after))


def move(session: Session, key: str, edit: Edit, *, up: bool) -> None:
    """The row and its neighbour change places; at the end of the table nothing happens."""
    rulebook.lock(session)
    get_row(session, key)
    rows = rows_of(session)
    at = next(place for place, row in enumerate(rows) if row.name == key)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(rows):
        return
    mine, other = rows[at], rows[to]
    rows[at], rows[to] = other, mine
    swapped = [replace(mine, position=other.position), replace(other, position=mine.position)]
    _write(session, swapped if mine.position != other.position else _numbered(rows), edit)
    _record(session, edit, "routing_row_moved", key, before={"place": at + 1}, after={"place": to + 1})


def delete(session: Session, key: str, edit: Edit) -> None:
    """The row is no more. One that was shipped is kept as deleted, as an upgrade would bring a missing row back."""
    rulebook.lock(session)
    before, kept = get_row(session, key), _kept(session)[key]
    if key.startswith(OWN):
        session.delete(kept)
    else:
        kept.value, kept.edited, kept.changed_at = {**kept.value, "key": key, "deleted": True}, True, edit.now
    rulebook.bump(session)
    _record(session, edit, "routing_row_deleted", key, before=_told(before))


def refuse_contradiction(row: RoutingRow, known: Known) -> None:
    """Raise InvalidInput where the row alone, whatever stands before it, can never decide or decides nothing."""
    if row.subcategory and not row.category:
        raise InvalidInput(subcategory="choose the category that it belongs to")
    if row.keyword is not None and words_in(row.keyword):
        compile_words(words_in(row.keyword))
    trouble = troubles([row], known).get(row.name)
    if trouble is not None:
        raise InvalidInput(**{REFUSED[trouble.why]: SENTENCES[trouble.why]})


def _kept(session: Session) -> dict[str, RulebookRow]:
    query = select(RulebookRow).where(RulebookRow.section == SECTION).execution_options(populate_existing=True)
    return {row.key: row for row in session.scalars(query)}


def _row(kept: RulebookRow) -> RoutingRow:
    return row_from(kept.value, kept.key)


def _write(session: Session, rows: Iterable[RoutingRow], edit: Edit) -> None:
    """Keep these rows as the administrator's own, which no upgrade touches."""
    present = _kept(session)
    for row in rows:
        kept = present.get(row.name) or RulebookRow(section=SECTION, key=row.name, position=AFTER_THE_SHIPPED)
        kept.value, kept.edited, kept.changed_at = value_of(row) | {"key": row.name}, True, edit.now
        session.add(kept)
    rulebook.bump(session)


def _numbered(rows: Sequence[RoutingRow]) -> list[RoutingRow]:
    """The rows in this order, with room between them."""
    return [replace(row, position=STEP * place) for place, row in enumerate(rows, start=1)]


def _told(row: RoutingRow) -> dict[str, object]:
    return {name: value for name, value in value_of(row).items() if name != "position"}


def _record(
    session: Session,
    edit: Edit,
    action: str,
    about: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    told = {"about": about, **(after or {})}
    audit.record(session, at=edit.now, actor=edit.actor, action=action, before=before, after=told)
