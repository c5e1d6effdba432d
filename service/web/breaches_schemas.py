"""The shapes of the register of breaches in JSON, and the address of its page."""

import re
from datetime import datetime, timedelta

from marshmallow import Schema, ValidationError, fields, validate

from service.rulebook import Rulebook
from service.sla.policy import ClockKind
from service.tickets import appeals, breaches
from service.tickets.breaches import Filter
from service.tickets.register import Appeal, Breach
from service.web.schemas import FIRST_YEAR, LAST_YEAR, In, local, reason_field, text_field

MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def is_month(value: str) -> None:
    found = MONTH.fullmatch(value)
    if found is None or not FIRST_YEAR <= int(found[1]) < LAST_YEAR:
        raise ValidationError("a month as 2026-11")


class BreachesIn(In):
    state = fields.String(load_default=None, validate=validate.OneOf((*breaches.STATES, "appealed", "settled")))
    department = fields.String(load_default=None)
    person = fields.String(load_default=None)
    clock = fields.String(load_default=None, validate=validate.OneOf([kind.value for kind in ClockKind]))
    month = fields.String(load_default=None, validate=is_month)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(load_default=None)


class JudgeIn(In):
    """Whoever does not confirm says why."""

    confirmed = fields.Boolean(required=True)
    note = reason_field(required=False)


class AppealIn(In):
    text = text_field()


class DecideAppealIn(In):
    upheld = fields.Boolean(required=True)
    note = reason_field()


class BreachOut(Schema):
    """See `breach_out`."""

    id = fields.Integer()
    ticket = fields.String()
    clock = fields.String(validate=validate.OneOf([kind.value for kind in ClockKind]))
    state = fields.String(validate=validate.OneOf(breaches.STATES))
    department = fields.String()
    person = fields.String(allow_none=True)
    due_at = fields.String()
    noticed_at = fields.String()
    met_at = fields.String(allow_none=True)
    late_minutes = fields.Integer()
    judged_at = fields.String(allow_none=True)
    judged_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    appeal_until = fields.String(allow_none=True)
    appeal = fields.Dict(allow_none=True)


def filter_from(values: dict[str, object], rules: Rulebook) -> Filter:
    """What the address asks for; an unknown department has nothing."""
    since, until = span_of(str(values["month"]), rules) if values["month"] else (None, None)
    code = values["department"]
    return Filter(
        state=values["state"],  # type: ignore[arg-type]
        department_id=rules.departments.get(str(code), -1) if code else None,
        username=values["person"],  # type: ignore[arg-type]
        clock=values["clock"],  # type: ignore[arg-type]
        since=since,
        until=until,
        limit=values["limit"],  # type: ignore[arg-type]
        cursor=values["cursor"],  # type: ignore[arg-type]
    )


def span_of(month: str, rules: Rulebook) -> tuple[datetime, datetime]:
    """From the first moment of a month to that of the next, in the service's zone."""
    first = datetime.strptime(f"{month}-01", "%Y-%m-%d").replace(tzinfo=rules.zone)
    following = (first + timedelta(days=31)).replace(day=1)
    return first, following


def late_by(breach: Breach, rules: Rulebook, now: datetime) -> timedelta:
    """Working time from the due time until it was met, the ticket ended, or now."""
    end = breach.met_at or breach.ticket.closed_at or now
    return rules.calendar_for(breach.department_id).working_time(breach.due_at, end)


def breach_out(breach: Breach, rules: Rulebook, now: datetime) -> dict[str, object]:
    """An entry that the register has loaded."""
    return {
        "id": breach.id,
        "ticket": breach.ticket.number,
        "clock": breach.clock,
        "state": breach.state,
        "department": breach.department.code,
        "person": breach.user.username if breach.user else None,
        "due_at": local(breach.due_at),
        "noticed_at": local(breach.at),
        "met_at": local(breach.met_at),
        "late_minutes": late_by(breach, rules, now) // timedelta(minutes=1),
        "judged_at": local(breach.judged_at),
        "judged_by": breach.judged_by,
        "note": breach.note,
        "appeal_until": local(appeals.file_by(breach, rules)),
        "appeal": appeal_out(breach.appeal),
    }


def appeal_out(made: Appeal | None) -> dict[str, object] | None:
    if made is None:
        return None
    times = ("at", "answer_by", "decided_at")
    words = ("by", "text", "decided_by", "upheld", "note")
    return {name: local(getattr(made, name)) for name in times} | {name: getattr(made, name) for name in words}
