"""Rows of the routing table that can never decide: contradictory ones, and those that earlier rows cover. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from service.routing.classifier import PRIORITIES
from service.routing.rules import ALWAYS, RoutingRow, in_order, is_empty, words_in

ANOTHER = "\0"  # stands for whatever is not known: an account that is yet to come, a subcategory no longer there
MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - only its weekday matters
MOST_PIECES = 400  # of what is left of a row; beyond it nothing is claimed
_Box = tuple[frozenset[object], ...]  # (category, subcategory) pairs, priorities, accounts, pieces of the week


class Why(StrEnum):
    """What is wrong with a row."""

    NO_CATEGORY = "no_category"
    NO_SUBCATEGORY = "no_subcategory"
    NO_PRIORITY = "no_priority"
    NO_ACCOUNT = "no_account"
    NO_WORDS = "no_words"
    NO_TIME = "no_time"
    COVERED = "covered"
    NO_DEPARTMENT = "no_department"  # the row decides, and what it decides stays with intake
    NO_TARGETS = "no_targets"  # the row decides, and the ticket keeps its own targets


HARMLESS = frozenset({Why.NO_DEPARTMENT, Why.NO_TARGETS})  # such a row may still decide


@dataclass(frozen=True, slots=True)
class Known:
    """What rows may name; categories with their subcategories, targets as "category/priority"."""

    categories: Mapping[str, Collection[str]]
    departments: Collection[str]
    accounts: Collection[str]
    targets: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a row can never decide; `by`: the earlier rows that cover it, `value`: what nobody knows."""

    why: Why
    value: str = ""
    by: tuple[RoutingRow, ...] = ()

    @property
    def is_dead(self) -> bool:
        return self.why not in HARMLESS


def troubles(rows: Iterable[RoutingRow], known: Known) -> dict[str, Trouble]:
    """What is wrong, by the row's name; rows that may decide, and do it well, are not in it."""
    ordered = in_order(rows)
    week = _week(ordered)
    boxes = [_box(row, known, week) for row in ordered]
    found: dict[str, Trouble] = {}
    living: list[int] = []  # a row that never decides covers nothing that others do not
    for at, row in enumerate(ordered):
        trouble = _contradiction(row, known) or _covered(at, living, ordered, boxes) or _harmless(row, known)
        if trouble is not None:
            found[row.name] = trouble
        if trouble is None or not trouble.is_dead:
            living.append(at)
    return found


def _contradiction(row: RoutingRow, known: Known) -> Trouble | None:
    everywhere = {name for names in known.categories.values() for name in names}
    subcategories = known.categories.get(row.category, ()) if row.category else everywhere
    checks = (
        (Why.NO_CATEGORY, row.category, known.categories),
        (Why.NO_SUBCATEGORY, row.subcategory, subcategories),
        (Why.NO_PRIORITY, row.priority, PRIORITIES),
        (Why.NO_ACCOUNT, row.account, known.accounts),
    )
    for why, value, values in checks:
        if value is not None and value not in values:
            return Trouble(why, value)
    if row.keyword is not None and not words_in(row.keyword):
        return Trouble(Why.NO_WORDS, row.keyword)
    return Trouble(Why.NO_TIME) if is_empty(row.window) else None


def _harmless(row: RoutingRow, known: Known) -> Trouble | None:
    if row.department not in known.departments:
        return Trouble(Why.NO_DEPARTMENT, row.department)
    if row.targets is not None and row.targets not in known.targets:
        return Trouble(Why.NO_TARGETS, row.targets)
    return None


def _covered(at: int, living: Sequence[int], rows: Sequence[RoutingRow], boxes: Sequence[_Box]) -> Trouble | None:
    """Trouble where the earlier rows that fit whatever fits this one leave nothing of it."""
    left, by = [boxes[at]], []
    for earlier in living:
        if not _follows(rows[at], rows[earlier]):
            continue
        after = [piece for box in left for piece in _minus(box, boxes[earlier])]
        if after != left:
            by.append(rows[earlier])
        if not after:
            return Trouble(Why.COVERED, by=tuple(by))
        if len(after) > MOST_PIECES:
            return None
        left = after
    return None


def _follows(row: RoutingRow, earlier: RoutingRow) -> bool:
    """Whether what cannot be counted holds for the earlier row whenever it holds for this one."""
    same = all(getattr(earlier, name) in (None, getattr(row, name)) for name in ("menu_key", "scene", "tag"))
    return same and (earlier.keyword is None or (row.keyword is not None and _says(row.keyword, earlier.keyword)))


def _says(keyword: str, earlier: str) -> bool:
    """Whether a text with one of these words always has one of the earlier ones; Latin words count only whole."""
    known = words_in(earlier)
    wide = [word for word in known if not word.isascii()]
    return all(word in known or any(part in word for part in wide) for word in words_in(keyword))


def _box(row: RoutingRow, known: Known, week: frozenset[object]) -> _Box:
    """All that a row fits of what can be counted."""
    kinds = {(ANOTHER, ANOTHER), (None, None)}
    kinds |= {(code, name) for code, names in known.categories.items() for name in (*names, None, ANOTHER)}
    return (
        frozenset(
            (category, name)
            for category, name in kinds
            if row.category in (None, category) and row.subcategory in (None, name)
        ),
        frozenset([row.priority] if row.priority else PRIORITIES),
        frozenset([row.account] if row.account else [*known.accounts, ANOTHER]),
        week if row.window == ALWAYS else frozenset(cell for cell in week if _holds(row, cell)),
    )


def _week(rows: Sequence[RoutingRow]) -> frozenset[object]:
    """The week in pieces within which no row changes its mind: (beginning, whether it is working time)."""
    ends = {time.min}
    for row in rows:
        ends |= {at for at in (row.window.start, row.window.end) if at is not None}
    days = [MONDAY + timedelta(days=day) for day in range(7)]
    return frozenset((datetime.combine(day, at), is_open) for day in days for at in ends for is_open in (True, False))


def _holds(row: RoutingRow, cell: object) -> bool:
    assert isinstance(cell, tuple)  # noqa: S101 - made above
    at, is_open = cell
    return not is_empty(row.window) and row.window.holds(at, is_open=is_open)


def _minus(box: _Box, other: _Box) -> Iterator[_Box]:
    """What of the box lies outside the other one, in boxes that do not overlap."""
    if not all(mine & theirs for mine, theirs in zip(box, other, strict=True)):
        yield box
        return
    for place, (mine, theirs) in enumerate(zip(box, other, strict=True)):
        if mine - theirs:
            within = tuple(a & b for a, b in zip(box[:place], other[:place], strict=True))
            yield (*within, mine - theirs, *box[place + 1 :])
