"""When the platform was last seen at an account's address: what an operator who sets it up wants to know."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app
from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.clock import utcnow
from service.database import Model, single_statement

VERIFIED, PUSHED, REFUSED = "verified", "pushed", "refused"
ODD = "odd"  # a push that was signed, with something about it that is told in the detail
CHANGED = "changed"  # what a push is checked by: what was seen before says nothing about it
OUTCOMES: Mapping[str, str] = {  # of a call at the webhook -> what was seen
    "verified": VERIFIED,
    "taken": PUSHED,
    "other": PUSHED,
    "odd": PUSHED,
    "refused": REFUSED,
}
SAME_EVERY, OTHER_EVERY = 60.0, 5.0  # seconds between two writes of a process: a forger must not make it write


class Sighting(Model):
    """The last time of each thing that was seen at an account's address, give or take a minute."""

    __tablename__ = "account_sightings"

    slug: Mapped[str] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    detail: Mapped[str] = mapped_column(default="")  # why a push was refused, or what was odd about it


@dataclass(frozen=True, slots=True)
class Seen:
    at: datetime
    detail: str = ""


def note(slug: str, outcome: str, detail: str = "") -> None:
    """Remember what was seen; cheap, and never in the way of the answer. Outside of any transaction."""
    what = OUTCOMES.get(outcome)
    if what == PUSHED and detail:
        what = ODD
    if what is None or not _is_worth_writing(slug, what, detail):
        return
    table = cast(Table, Sighting.__table__)
    values = {"slug": slug, "what": what, "at": utcnow(), "detail": detail}
    try:
        with single_statement() as session:
            insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
            told = insert(table).values(values)
            session.execute(
                told.on_conflict_do_update(index_elements=["slug", "what"], set_={"at": values["at"], "detail": detail})
            )
    except SQLAlchemyError:
        return  # the next push tries again


def seen(session: Session, slug: str) -> Mapping[str, Seen]:
    """What was last seen of each thing."""
    rows = session.scalars(select(Sighting).where(Sighting.slug == slug))
    return {row.what: Seen(row.at, row.detail) for row in rows}


def changed(session: Session, slug: str) -> None:
    """Somebody changed what pushes are checked by."""
    session.merge(Sighting(slug=slug, what=CHANGED, at=utcnow(), detail=""))


def _is_worth_writing(slug: str, what: str, detail: str) -> bool:
    last: dict[object, tuple[tuple[str, str], float]] = current_app.extensions.setdefault("wechat_sightings", {})
    now, sight = time.monotonic(), (what, detail)
    written, newest = last.get((slug, what)), last.get(slug)
    wait = SAME_EVERY if newest is not None and newest[0] == sight else OTHER_EVERY
    if written is not None and now - written[1] < wait:
        return False
    last[slug, what] = last[slug] = (sight, now)
    return True
