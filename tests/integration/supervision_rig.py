"""What tests of supervision share: orders opened, answered and closed, and who was told."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.tickets import supervision, urging
from service.tickets.models import Ticket
from service.tickets.register import Notification, SupervisionOrder
from tests.factories import Desk

WHY = "客户多次反映，请说明进展"


def supervise(desk: Desk, ticket: Ticket, by: User, level: str = "ordinary", due_at: datetime | None = None) -> Ticket:
    with desk.doing(ticket, by) as d:
        supervision.open_order(d.session, d.ticket, d.deed, level=level, reason=WHY, due_at=due_at)
    return desk.reread(ticket)


def answer(desk: Desk, ticket: Ticket, by: User, text: str = "已联系施工队，明天上午完成") -> None:
    with desk.doing(ticket, by) as d:
        supervision.answer(d.session, d.ticket, d.deed, text=text)


def close(desk: Desk, ticket: Ticket, by: User, **words: str) -> None:
    with desk.doing(ticket, by) as d:
        supervision.close(d.session, d.ticket, d.deed, **words)


def urge(desk: Desk, ticket: Ticket, by: User, text: str = "") -> None:
    with desk.doing(ticket, by) as d:
        urging.urge(d.session, d.ticket, d.deed, text=text)


def miss(desk: Desk) -> int:
    """What the sweep does at this desk's time."""
    rules = desk.rules
    with transaction() as session:
        return supervision.miss_due(session, now=desk.now, rules=rules)


def orders(ticket: Ticket) -> list[SupervisionOrder]:
    query = select(SupervisionOrder).where(SupervisionOrder.ticket_id == ticket.id).order_by(SupervisionOrder.id)
    with reading() as session:
        found = session.scalars(query).all()
        session.expunge_all()
    return list(found)


def told(ticket: Ticket, what: str, kind: str = "supervision") -> set[str]:
    """Usernames of those in whose list it stands."""
    query = select(Notification, User.username).join(User, User.id == Notification.user_id)
    query = query.where(Notification.ticket_id == ticket.id, Notification.kind == kind, Notification.way == "in_app")
    with reading() as session:
        return {name for row, name in session.execute(query) if row.facts.get("what", "") == what}


def steps(desk: Desk, ticket: Ticket, actions: Iterable[str] = ("supervise",)) -> list[tuple[str, object, object]]:
    """Actor, level before and after of these events."""
    return [
        (e.actor, e.before.get("level"), e.after.get("level")) for e in desk.events(ticket) if e.action in set(actions)
    ]
