"""How a notification is shown: its words in the reader's language, its icon and tone, and for programs its JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g, url_for
from marshmallow import EXCLUDE, Schema, fields, validate
from sqlalchemy.orm import Session

from service.audit import SYSTEM
from service.tickets import notice_words
from service.tickets.notice_words import KINDS, Lang
from service.tickets.noticeboard import Told
from service.web import naming, schemas
from service.web.languages import language

ICONS: Mapping[str, str] = {
    "escalation": "clock-exclamation",
    "supervision": "eye",
    "urge": "bell-ringing",
    "extension": "calendar-event",
    "suspension": "player-pause",
    "breach": "alert-circle",
    "appeal": "message-2",
    "unread": "eye-off",
    "incident": "users",
    "handover": "user-share",
    "assigned": "user-check",
    "urgent": "alert-circle",
}
TONES: Mapping[str, str] = {"ordinary": "orange", "yellow": "amber", "red": "red"}  # by level
LATE_RUNGS = {"overdue"}
MOST = 200
LISTED = 50


class ListIn(schemas.In):
    """What a program asks the list for."""

    unread = fields.Boolean(load_default=False)
    kind = fields.String(load_default=None, validate=validate.OneOf(tuple(KINDS)))
    limit = fields.Integer(load_default=LISTED, validate=validate.Range(1, MOST))
    cursor = fields.String(load_default=None)


class PageIn(ListIn):
    """The address of the page; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE


class BellIn(schemas.In):
    """What an open page knows; `after` None: it has just been opened."""

    class Meta:
        unknown = EXCLUDE

    after = fields.Integer(load_default=None, allow_none=True, validate=validate.Range(0, schemas.LARGEST_ID))


class ReadAllIn(schemas.In):
    """`up_to`: id of the newest that was shown; without it all."""

    up_to = schemas.message_id_field()


class ReadAllForm(schemas.In):
    """The same from a page, where numbers are text."""

    class Meta:
        unknown = EXCLUDE

    up_to = fields.Integer(load_default=None, validate=validate.Range(0, schemas.LARGEST_ID))


class NotificationOut(Schema):
    id = fields.Integer()
    kind = fields.String(validate=validate.OneOf(tuple(KINDS)))
    title = fields.String()
    number = fields.String(allow_none=True)  # of its ticket, as long as the caller may see it
    facts = fields.Dict()
    at = fields.String()
    due_at = fields.String(allow_none=True)
    answer_by = fields.String(allow_none=True)
    read_at = fields.String(allow_none=True)


class NotificationsOut(Schema):
    items = fields.List(fields.Nested(NotificationOut))
    next_cursor = fields.String(allow_none=True)
    unread = fields.Integer()  # counted up to 100


class ReadAllOut(Schema):
    read = fields.Integer()


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the list."""

    id: int
    kind: str
    title: str
    icon: str
    tone: str
    number: str  # "" where there is no ticket to go to
    subject: str
    text: str  # what a colleague wrote
    actor: str
    at: datetime
    due_at: datetime | None
    is_read: bool
    pops: bool


def items_of(session: Session, found: Sequence[Told]) -> list[Item]:
    """Lines of a page; `g.rules` are at hand."""
    names = naming.people_names(session, [str(told.row.facts.get("actor", SYSTEM)) for told in found])
    return [item_of(told, names) for told in found]


def item_of(told: Told, names: Mapping[str, str]) -> Item:
    row, facts = told.row, facts_of(told)
    actor = str(facts.get("actor") or SYSTEM)
    return Item(
        id=row.id,
        kind=row.kind,
        title=title_of(told),
        icon=ICONS.get(row.kind, "bell"),
        tone="red" if facts.get("rung") in LATE_RUNGS else TONES.get(str(facts.get("level")), "blue"),
        number=told.number,
        subject=told.ticket.subject if told.ticket else "",
        text=str(facts.get("text") or ""),
        actor=naming.actor_name(actor, names) if actor != SYSTEM else "",
        at=row.at,
        due_at=notice_words.due_of(facts),
        is_read=row.read_at is not None,
        pops=row.pops,
    )


def title_of(told: Told) -> str:
    lang: Lang = "en" if language() == "en" else "zh"
    return notice_words.title_of(told.row.kind, told.row.facts, g.rules, lang)


def facts_of(told: Told) -> Mapping[str, object]:
    """Without what was written, once the reader may not see the ticket any more."""
    if told.row.ticket_id is None or told.ticket is not None:
        return told.row.facts
    return {name: value for name, value in told.row.facts.items() if name not in ("text", "number")}


def kinds() -> list[tuple[str, str]]:
    """What the list can be narrowed to."""
    lang: Lang = "en" if language() == "en" else "zh"
    return [(kind, notice_words.kind_name(kind, lang)) for kind in KINDS]


def link_of(told: Told) -> str:
    """Where opening leads."""
    if told.row.kind == "handover":
        return url_for("desk.handover")
    return url_for("desk.ticket", number=told.number) if told.number else url_for("desk.notifications")


def out(told: Told) -> dict[str, object]:
    row, facts = told.row, facts_of(told)
    return {
        "id": row.id,
        "kind": row.kind,
        "title": title_of(told),
        "number": told.number or None,
        "facts": dict(facts),
        "at": schemas.local(row.at),
        "due_at": schemas.local(notice_words.due_of(facts)),
        "answer_by": schemas.local(row.answer_by),
        "read_at": schemas.local(row.read_at),
    }
