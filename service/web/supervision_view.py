"""A supervision order as pages show it: its chip, its people, and what the one who looks may do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.sla.calendar import Calendar
from service.tickets import orders
from service.tickets.models import Ticket
from service.tickets.register import SupervisionOrder
from service.tickets.supervised import state_of
from service.web import acts, formats
from service.web.chips import AT_RISK
from service.web.naming import actor_name, people_names

IN_ORDER = ("answer-order", "close-order", "raise-order")


@dataclass(frozen=True, slots=True)
class OrderChip:
    """By when the answer is due. `left`: working time until then; the time since when it is late."""

    due_at: datetime
    level: str  # calm soon late
    left: timedelta
    day: timedelta  # a working day, to tell working time in


@dataclass(frozen=True, slots=True)
class OrderView:
    order: SupervisionOrder
    ticket: Ticket
    state: str  # open missed answered closed
    chip: OrderChip | None  # None: nothing is owed any more
    opened_by: str
    answered_by: str
    closed_by: str
    acts: Sequence[str]
    may_urge: bool

    @property
    def main_act(self) -> str | None:
        """What this person is expected to do next: answer what is asked, judge what is answered."""
        wanted = "close-order" if self.state == "answered" else "answer-order"
        return wanted if wanted in self.acts else None


def view_of(session: Session, user: User, ticket: Ticket) -> OrderView | None:
    """The open order of a ticket that the user sees; None where there is none."""
    order = orders.find_open(session, ticket)
    return views_of(session, user, [(order, ticket)])[0] if order else None


def views_of(session: Session, user: User, rows: Sequence[tuple[SupervisionOrder, Ticket]]) -> list[OrderView]:
    names = people_names(session, {name for o, _ in rows for name in (o.opened_by, o.answered_by, o.closed_by)})
    return [_view(user, order, ticket, names) for order, ticket in rows]


def _view(user: User, order: SupervisionOrder, ticket: Ticket, names: Mapping[str, str]) -> OrderView:
    owed = order.closed_at is None and order.answered_at is None
    return OrderView(
        order=order,
        ticket=ticket,
        state=state_of(order),
        chip=chip_of(order, g.rules.calendar_for(ticket.department_id), formats.now()) if owed else None,
        opened_by=actor_name(order.opened_by, names),
        answered_by=actor_name(order.answered_by, names),
        closed_by=actor_name(order.closed_by, names),
        acts=[name for name in IN_ORDER if may(user, order, ticket, name)],
        may_urge=owed and acts.is_open(user, ticket, acts.ACTS["urge"]),
    )


def may(user: User, order: SupervisionOrder, ticket: Ticket, name: str) -> bool:
    """Whether the action is worth offering: what the service would refuse is not, nor that supervisors answer."""
    if order.closed_at is not None or not acts.is_open(user, ticket, acts.ACTS[name]):
        return False
    if name != "answer-order":
        return True
    if order.answered_at is not None or order.opened_by == user.username:
        return False
    return ticket.assignee_id == user.id or not user.may(Permission.SUPERVISE)


def chip_of(order: SupervisionOrder, calendar: Calendar, now: datetime) -> OrderChip:
    day = calendar.normal_day
    if order.due_at <= now:
        return OrderChip(order.due_at, "late", now - order.due_at, day)
    left, whole = calendar.working_time(now, order.due_at), calendar.working_time(order.opened_at, order.due_at)
    return OrderChip(order.due_at, "soon" if left < whole * AT_RISK else "calm", left, day)
