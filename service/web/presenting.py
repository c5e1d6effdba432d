"""What several endpoints answer with: tickets, messages with their deliveries, explanations."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from flask import current_app
from sqlalchemy.orm import Session

from service.clock import utcnow
from service.messaging import outbox
from service.messaging.outbox import OutboxItem
from service.messaging.ports import NOTICES
from service.rulebook import Rulebook
from service.sla.calendar import Calendar
from service.sla.clocks import Clock
from service.sla.explain import explain
from service.sla.policy import ClockKind
from service.tickets import clocks, custody, orders, queries, ratings
from service.tickets.models import ClockRow, Message, Ticket
from service.web import schemas, supervision_schemas
from service.web.auth import me

LINKS = ("repeat_of", "merged_into")  # a ticket closed a few days before; the one that took this one in


def rules(session: Session) -> Rulebook:
    """The rules as they are now."""
    current: Rulebook = current_app.extensions["rulebook"].current(session)
    return current


def ticket(session: Session, found: Ticket) -> dict[str, object]:
    (made,) = tickets(session, [queries.loaded(session, found)])
    made |= {name: _number_of(session, getattr(found, f"{name}_id")) for name in LINKS}
    return made | {"rating": schemas.rating_out(ratings.find(session, found))}


def tickets(session: Session, found: Sequence[Ticket]) -> list[dict[str, object]]:
    """Tickets of a list, with their open supervision orders: one query for all, none where there are none."""
    now, supervised = utcnow(), orders.open_ones(session, found)
    away = custody.recusals_of(session, [t.id for t in found])
    return [
        schemas.ticket_out(t, now)
        | {"supervision": supervision_schemas.brief_out(supervised.get(t.id))}
        | {"recused": [user.username for user, _ in away.get(t.id, ())]}
        for t in found
    ]


def _number_of(session: Session, ticket_id: int | None) -> str | None:
    """Number of another ticket that this one points to, if the caller may see it."""
    if ticket_id is None:
        return None
    linked = queries.visible_ticket(session, me(), ticket_id)
    return linked.number if linked else None


def message(session: Session, found: Message) -> dict[str, object]:
    session.flush()
    session.refresh(found, ["attachments"])
    return schemas.message_out(found, parts_of(session, [found])[found.id])


def messages(session: Session, found: Sequence[Message]) -> list[dict[str, object]]:
    parts = parts_of(session, found)
    return [schemas.message_out(m, parts[m.id]) for m in found]


def parts_of(session: Session, found: Iterable[Message]) -> dict[int, list[OutboxItem]]:
    """The sends of each message that went out by WeChat, one query for all."""
    by_message: dict[int, list[OutboxItem]] = defaultdict(list)
    ids = [m.id for m in found if m.delivery is not None]
    if ids:
        for item in outbox.items_of(session, ids):
            if item.kind not in NOTICES:  # a notice that a message waits is no part of it
                by_message[item.reference_id].append(item)
    return by_message


def explanation(running: Iterable[Clock], calendar: Calendar, *, extended: int = 0) -> dict[str, object]:
    """Why each due time is what it is, from the code that computes it; `extended`: days granted beyond resolve."""
    days = {ClockKind.RESOLVE: extended}
    found = {clock.kind: clock_steps(clock, calendar, days.get(clock.kind, 0)) for clock in running}
    rounds = {kind.value: found.pop(kind) for kind in clocks.ROUNDS if kind in found}
    shown: dict[str, object] = {"clocks": {kind.value: steps for kind, steps in found.items()}}
    return shown | ({"rounds": rounds} if rounds else {})


def clock_steps(clock: Clock, calendar: Calendar, extended: int = 0) -> dict[str, object]:
    steps = [
        {"from": schemas.local(s.start), "to": schemas.local(s.end), "minutes": s.minutes, "why": s.why}
        for s in explain(clock, calendar, extended=extended)
    ]
    return {"due_at": schemas.local(clock.due_at), "provisional": clock.provisional, "steps": steps}


def clocks_of(rows: Iterable[ClockRow]) -> list[Clock]:
    order = {kind: place for place, kind in enumerate(ClockKind)}
    return sorted((clocks.clock_of(row) for row in rows), key=lambda clock: order[clock.kind])
