"""The examples of this installation: what people corrected, and a little of what they confirmed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.orm import Session

from service.learning.corpus import Example, fixed_examples
from service.routing.keywords import CATEGORIES
from service.routing.text import normalise
from service.tickets.judgements import CONFIRMED, IS_CORRECTED, Judgement

MOST_CORRECTIONS = 20_000  # the newest
MOST_CONFIRMED = 100  # of each category, the newest: there are many, and the model knows them already
ENOUGH_TO_HOLD_OUT = 20  # corrections
HELD_OUT = 0.2  # of the corrections, the newest
PER_CORRECTION = 4  # confirmed ones beside each correction that is held out: most verdicts are right
WORTHLESS = "invalid"  # confirmed so, it was mostly talk, which has a category of its own


@dataclass(frozen=True, slots=True)
class Own:
    """What to learn from, and the newest, which is kept to measure with."""

    training: tuple[Example, ...]
    newest: tuple[Example, ...]
    corrected: int  # of `training`
    confirmed: int
    held_out: int  # corrections in `newest`

    def counts(self) -> dict[str, int]:
        """For people."""
        return {"corrected": self.corrected, "confirmed": self.confirmed, "newest": len(self.newest)}


def gather(session: Session) -> Own:
    """All that this installation can teach by now. Messages that are kept to measure with are left out."""
    rows = session.execute(_newest_of(IS_CORRECTED).limit(MOST_CORRECTIONS)).all()
    held = int(len(rows) * HELD_OUT) if len(rows) >= ENOUGH_TO_HOLD_OUT else 0
    since = rows[held - 1].settled_at if held else None
    newest = [_example(row) for row in rows[:held]]
    if since is not None:
        beside = _newest_of(Judgement.kind == CONFIRMED, Judgement.final_category != WORTHLESS)
        found = session.execute(beside.where(Judgement.settled_at >= since).limit(held * PER_CORRECTION))
        newest += [_example(row) for row in found]
    taken = {normalise(example.text) for example in (*fixed_examples(), *newest)}
    corrected = _each_once([_example(row) for row in rows[held:]], taken)
    confirmed = _each_once(_confirmed(session, since), taken)
    return Own((*corrected, *confirmed), tuple(newest), len(corrected), len(confirmed), held)


def _confirmed(session: Session, before: datetime | None) -> list[Example]:
    """As many of each category, so that the common ones do not drown the rest."""
    found: list[Example] = []
    for code in CATEGORIES:
        if code == WORTHLESS:
            continue
        pair = (Judgement.category == code, Judgement.final_category == code, Judgement.kind == CONFIRMED)
        query = _newest_of(*pair).limit(MOST_CONFIRMED)
        rows = session.execute(query if before is None else query.where(Judgement.settled_at < before))
        found += [_example(row) for row in rows]
    return found


def _newest_of(
    *conditions: ColumnElement[bool],
) -> Select[datetime | None, str | None, str | None, str | None, str, str | None]:
    usable = (Judgement.text.is_not(None), Judgement.settled_at.is_not(None))
    query = select(
        Judgement.settled_at,
        Judgement.text,
        Judgement.final_category,
        Judgement.final_priority,
        Judgement.priority,
        Judgement.kind,
    ).where(*conditions, *usable, Judgement.final_category.in_(CATEGORIES))
    return query.order_by(Judgement.settled_at.desc(), Judgement.ticket_id.desc())


def _example(row: Row[datetime | None, str | None, str | None, str | None, str, str | None]) -> Example:
    """What routing rows made of the priority is no word about the text; what a person said is."""
    priority = row.priority if row.kind == CONFIRMED else row.final_priority
    return Example(row.text or "", row.final_category or "", priority == "urgent", own=True)


def _each_once(examples: Iterable[Example], taken: set[str]) -> list[Example]:
    """Each text once, as the newest word has it, and none that is taken: what is pushed a hundred times counts once."""
    kept = []
    for example in examples:
        plain = normalise(example.text)
        if plain and plain not in taken:
            taken.add(plain)
            kept.append(example)
    return kept
