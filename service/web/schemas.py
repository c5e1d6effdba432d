"""The shapes of JSON in and out. Plain schemas: they never touch the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from flask import current_app, url_for
from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from service.audit import Event
from service.messaging.followers import Follower, window_left
from service.messaging.outbox import OutboxItem
from service.sla.policy import ClockKind
from service.tickets.clocks import ROUNDS
from service.tickets.cooperation import PRIORITIES
from service.tickets.matters import account_of
from service.tickets.models import Attachment, ClockRow, Message, Rating, Ticket
from service.tickets.queries import SORTS
from service.tickets.states import Status

LONGEST_TEXT = 20_000
LONGEST_REASON = 2_000
LARGEST_ID = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 1900, 2200  # beyond them there is neither a calendar nor, in some zones, a date
NO_CLOCK = {"state": "none", "due_at": None, "met_at": None, "provisional": False}


class In(Schema):
    """Unknown fields are refused: a typing error must not be taken for silence."""

    class Meta:
        unknown = RAISE

    @pre_load
    def refuse_unstorable(self, values: Mapping[str, object], **_: object) -> Mapping[str, object]:
        """No database keeps a NUL or half a surrogate pair."""
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        wrong = {name: ["holds characters that are none"] for name, text in texts.items() if not is_storable(text)}
        if wrong:
            raise ValidationError(wrong)
        return values


def is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


class Instant(fields.AwareDateTime):
    """ISO 8601 with an offset; a `+` that a query string turned into a blank is put back."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> datetime:
        text = value.strip().replace(" ", "+") if isinstance(value, str) and "T" in value else value
        instant: datetime = super()._deserialize(text, attr, data, **kwargs)  # type: ignore[arg-type]
        if not FIRST_YEAR <= instant.year <= LAST_YEAR:
            raise ValidationError(f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
        return instant


def message_id_field() -> fields.Integer:
    return fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(0, LARGEST_ID))


def reason_field(*, required: bool = True) -> fields.String:
    check = [validate.Length(1 if required else 0, LONGEST_REASON)]
    return fields.String(required=True, validate=check) if required else fields.String(load_default="", validate=check)


def text_field() -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, LONGEST_TEXT), is_not_blank])


def is_not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank")


class NothingIn(In):
    pass


class AcceptIn(In):
    promise_at = Instant(load_default=None, allow_none=True)
    plan = reason_field(required=False)


class NoteIn(In):
    text = text_field()


class ClassifyIn(In):
    category = fields.String(required=True)
    priority = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(PRIORITIES))
    # null: what it has, or in another category what its words speak for; "": none
    subcategory = fields.String(load_default=None, allow_none=True)
    reason = reason_field()


class AssignIn(In):
    assignee = fields.String(required=True)


class TransferIn(In):
    department = fields.String(required=True)
    reason = reason_field()


class SuspendIn(In):
    reason = reason_field()
    until = Instant(required=True)


class FollowUpIn(In):
    result = fields.String(required=True, validate=validate.OneOf(("solved", "unsolved", "unreachable")))
    satisfaction = fields.Integer(load_default=None, allow_none=True, strict=True, validate=validate.Range(1, 5))
    note = reason_field(required=False)


class CloseIn(In):
    reason = reason_field(required=False)


class ReasonIn(In):
    reason = reason_field()


class DeclineIn(In):
    reason = reason_field()
    refer_to = reason_field(required=False)


class MergeIn(In):
    into = fields.String(required=True)


class TextIn(In):
    text = fields.String(required=True, validate=validate.Length(0, LONGEST_TEXT))


class ExplainIn(In):
    category = fields.String(required=True)
    priority = fields.String(required=True, validate=validate.OneOf(PRIORITIES))
    at = Instant(required=True)


class PageIn(In):
    cursor = fields.String(load_default=None)


class SearchIn(In):
    status = fields.List(fields.String(validate=validate.OneOf([s.value for s in Status])), load_default=list)
    category = fields.String(load_default=None)
    priority = fields.String(load_default=None, validate=validate.OneOf(PRIORITIES))
    department = fields.String(load_default=None)
    assignee = fields.String(load_default=None)
    account = fields.String(load_default=None)
    overdue = fields.Boolean(load_default=None)
    q = fields.String(load_default="", validate=validate.Length(0, 100))
    sort = fields.String(load_default="-received", validate=validate.OneOf(tuple(SORTS)))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(load_default=None)


class ClockOut(Schema):
    state = fields.String()
    due_at = fields.String(allow_none=True)
    met_at = fields.String(allow_none=True)
    provisional = fields.Boolean()


class PersonOut(Schema):
    id = fields.Integer()
    display_name = fields.String()


class TicketOut(Schema):
    """What GET /tickets/{number} answers; see `ticket_out`."""

    number = fields.String()
    status = fields.String(validate=validate.OneOf([s.value for s in Status]))
    category = fields.String(allow_none=True)
    subcategory = fields.String(allow_none=True)
    classification = fields.Dict(allow_none=True)
    priority = fields.String(validate=validate.OneOf(PRIORITIES))
    department = fields.String()
    assignee = fields.String(allow_none=True)
    account = fields.String()
    follower = fields.Nested(PersonOut)
    subject = fields.String()
    received_at = fields.String()
    accepted_at = fields.String(allow_none=True)
    first_replied_at = fields.String(allow_none=True)
    answered_at = fields.String(allow_none=True)
    closed_at = fields.String(allow_none=True)
    clocks = fields.Dict(keys=fields.String(), values=fields.Nested(ClockOut))
    rounds = fields.Dict(keys=fields.String(), values=fields.Nested(ClockOut))  # those that begin anew with each word
    overdue = fields.Boolean()
    reply_window = fields.Dict(allow_none=True)
    version = fields.Integer()
    urges = fields.Integer()  # by colleagues
    customer_urges = fields.Integer()
    recused = fields.List(fields.String())  # usernames of those who keep away from it
    assigned_because = fields.String(allow_none=True)  # why the rule gave it to its assignee
    supervision = fields.Dict(allow_none=True)  # level, due_at and answered_at of its open order
    repeat_of = fields.String(allow_none=True)  # of one ticket, not in lists
    merged_into = fields.String(allow_none=True)
    rating = fields.Dict(allow_none=True)  # likewise


class MessageOut(Schema):
    """What a message looks like; see `message_out`."""

    id = fields.Integer()
    direction = fields.String(validate=validate.OneOf(("inbound", "outbound", "note", "system")))
    type = fields.String()
    text = fields.String()
    at = fields.String()
    author = fields.String(allow_none=True)
    attachments = fields.List(fields.Dict())
    files_missing = fields.List(fields.Dict())
    delivery = fields.Dict(allow_none=True)


class EventOut(Schema):
    at = fields.String()
    actor = fields.String()
    action = fields.String()
    before = fields.Dict()
    after = fields.Dict()
    because = fields.String()


class ProblemOut(Schema):
    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    code = fields.String()
    detail = fields.String()
    errors = fields.Dict()


def local(at: datetime | None) -> str | None:
    """ISO 8601 with the service's own offset."""
    return at.astimezone(current_app.config["SETTINGS"].time_zone).isoformat(timespec="milliseconds") if at else None


def ticket_out(ticket: Ticket, now: datetime) -> dict[str, object]:
    """A ticket that `queries.loaded` or a list has loaded."""
    clocks = {row.kind: row for row in ticket.clocks}
    return {
        "number": ticket.number,
        "status": ticket.status.value,
        "category": ticket.category,
        "subcategory": ticket.subcategory,
        "classification": classification_out(ticket),
        "priority": ticket.priority,
        "department": ticket.department.code,
        "assignee": ticket.assignee.username if ticket.assignee else None,
        "account": account_of(ticket.channel),
        "follower": {"id": ticket.follower.id, "display_name": ticket.follower.display_name},
        "subject": ticket.subject,
        **{name: local(getattr(ticket, name)) for name in TIMES},
        "clocks": {kind.value: clock_out(clocks.get(kind)) for kind in ClockKind if kind not in ROUNDS},
        "rounds": {kind.value: clock_out(clocks.get(kind)) for kind in ROUNDS},
        "overdue": ticket.overdue,
        "reply_window": window_out(ticket.follower, now),
        "proposal": ticket.proposal,
        "triage": ticket.triage,
        "version": ticket.version,
        "assigned_because": ticket.assigned_because,
        "urges": ticket.urges,
        "customer_urges": ticket.customer_urges,
    }


def clock_out(row: ClockRow | None) -> Mapping[str, object]:
    if row is None:
        return NO_CLOCK
    times = {"due_at": local(row.due_at), "met_at": local(row.met_at)}
    return {"state": row.state, **times, "provisional": row.provisional}


TIMES = ("received_at", "accepted_at", "first_replied_at", "answered_at", "closed_at")


def classification_out(ticket: Ticket) -> dict[str, object] | None:
    if ticket.class_source is None:
        return None
    return {
        "category": ticket.category,
        "source": ticket.class_source,
        "confidence": ticket.class_confidence,
        "because": ticket.class_because or [],
    }


def rating_out(rating: Rating | None) -> dict[str, object] | None:
    """What the follower thinks of it; None while they have not said."""
    if rating is None:
        return None
    comment = "\n".join(text for text in (rating.comment, rating.added) if text)
    return {"score": rating.score, "solved": rating.solved, "comment": comment}


def window_out(follower: Follower, now: datetime) -> dict[str, object] | None:
    """None once the window is shut."""
    if not follower.following or not window_left(follower, now):
        return None
    return {"closes_at": local(follower.window_closes_at), "messages_left": follower.messages_left}


def message_out(message: Message, parts: Sequence[OutboxItem] = ()) -> dict[str, object]:
    files = message.attachments if "attachments" in message.__dict__ else []
    return {
        "id": message.id,
        "direction": message.direction,
        "type": message.kind,
        "text": message.text,
        "at": local(message.at),
        "author": message.author,
        "attachments": [attachment_out(a) for a in files if a.state == "stored"],
        "files_missing": [missing_out(a) for a in files if a.state != "stored"],
        "delivery": delivery_out(message, parts),
        "kind": message.reply_kind,
        "via": message.via,
    }


def attachment_out(attachment: Attachment) -> dict[str, object]:
    """A file that is here; `playable_url` where a voice is also kept as MP3."""
    out: dict[str, object] = {
        "url": url_for("api.attachment", attachment_id=attachment.id),
        "content_type": attachment.content_type,
        "size_bytes": attachment.size_bytes,
        "kind": attachment.kind,
    }
    if attachment.playable_digest:
        out["playable_url"] = url_for("api.sound", attachment_id=attachment.id)
    return out


def missing_out(attachment: Attachment) -> dict[str, object]:
    """A file that is not here: still to be fetched (`pending`), refused (`failed`), or gone (`expired`)."""
    return {
        "kind": attachment.kind,
        "state": attachment.state,
        "attempts": attachment.attempts,
        "retry_at": local(attachment.retry_at) if attachment.state == "pending" else None,
        "detail": attachment.detail,
    }


def delivery_out(message: Message, parts: Sequence[OutboxItem]) -> dict[str, object] | None:
    if message.delivery is None:
        return None
    troubled = next((p for p in parts if p.state == message.delivery), parts[0] if parts else None)
    out: dict[str, object] = {
        "state": message.delivery,
        "errcode": troubled.code if troubled else None,
        "attempts": sum(p.attempts for p in parts),
        "detail": troubled.detail if troubled else None,
    }
    if len(parts) > 1:
        out["parts"] = [{"state": p.state, "errcode": p.code, "attempts": p.attempts, "text": p.text} for p in parts]
    return out


def event_out(event: Event) -> Mapping[str, object]:
    return {
        "at": local(event.at),
        "actor": event.actor,
        "action": event.action,
        "before": event.before,
        "after": event.after,
        "because": event.because,
    }
