"""The shapes of supervision in JSON."""

from marshmallow import fields, validate

from service.sla.ladder import LEVELS
from service.tickets.register import SupervisionOrder
from service.tickets.supervised import STATES, state_of
from service.web.schemas import In, Instant, local, reason_field


def level_field(**more: object) -> fields.String:
    return fields.String(validate=validate.OneOf(LEVELS), **more)  # type: ignore[arg-type]


class UrgeIn(In):
    text = reason_field(required=False)


class SuperviseIn(In):
    level = level_field(load_default="ordinary")
    reason = reason_field()
    due_at = Instant(load_default=None, allow_none=True)


class RaiseOrderIn(In):
    level = level_field(required=True)
    reason = reason_field()


class AnswerOrderIn(In):
    text = reason_field()


class CloseOrderIn(In):
    """`verdict` on the answer; where there is none, `reason` says why none is needed."""

    verdict = reason_field(required=False)
    reason = reason_field(required=False)


class OrdersIn(In):
    state = fields.String(load_default="open", validate=validate.OneOf(tuple(STATES)))
    level = level_field(load_default=None)
    department = fields.String(load_default=None)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(load_default=None)


def brief_out(order: SupervisionOrder | None) -> dict[str, object] | None:
    """What a ticket says of its open order."""
    if order is None:
        return None
    return {"level": order.level, "due_at": local(order.due_at), "answered_at": local(order.answered_at)}


def order_out(order: SupervisionOrder) -> dict[str, object]:
    """An order that `supervised.listing` has loaded, with what is said of its ticket."""
    ticket = order.ticket
    times = ("opened_at", "due_at", "missed_at", "answered_at", "closed_at")
    return {
        "id": order.id,
        "ticket": ticket.number,
        "subject": ticket.subject,
        "department": ticket.department.code,
        "assignee": ticket.assignee.username if ticket.assignee else None,
        "level": order.level,
        "state": state_of(order),
        "reason": order.reason,
        **{name: local(getattr(order, name)) for name in times},
        **{name: getattr(order, name) for name in ("opened_by", "answered_by", "answer", "closed_by", "verdict")},
    }
