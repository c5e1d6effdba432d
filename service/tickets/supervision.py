"""Supervision orders: a supervisor, or the ladder, demands an answer about a ticket."""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.rulebook import Rulebook
from service.sla.clocks import due
from service.sla.ladder import LEVELS
from service.sla.orders import rank
from service.sla.policy import ClockKind
from service.tickets import locks, notifying, orders
from service.tickets.changes import FINISHED, Deed, change
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.register import SupervisionOrder
from service.tickets.states import Action

BATCH = 100  # orders of one transaction
HANDLERS: Final = ("handler", "department_head")
USUAL: Final = ("in_app", "browser")
GRAVE: Final = (*USUAL, "mail")  # of a yellow or red card
LATE = {  # why the ladder opened it
    ClockKind.ACCEPT: "受理超时",
    ClockKind.FIRST_REPLY: "首次回复超时",
    ClockKind.RESOLVE: "办结超时",
    ClockKind.FOLLOW_UP: "回访超时",
    ClockKind.NEXT_REPLY: "再次回复超时",
    ClockKind.UPDATE: "进展告知超时",
}
MISSED = "督办到期未答复"


def open_order(
    session: Session, ticket: Ticket, deed: Deed, *, level: str, reason: str, due_at: datetime | None = None
) -> SupervisionOrder:
    """A supervisor demands an answer, within the usual time if `due_at` is None."""
    if ticket.status in FINISHED:
        raise IllegalTransition("a ticket that has ended is not supervised", ticket_status=ticket.status.value)
    if ticket.supervision is not None:
        raise IllegalTransition("an order is open already; raise its level instead", level=ticket.supervision)
    refuse_unknown(level)
    if due_at is not None and due_at <= deed.now:
        raise InvalidInput(due_at="must lie in the future")
    order = _open(session, ticket, deed, level=level, reason=reason, due_at=due_at)
    _tell(session, ticket, order, deed, what="opened", who=HANDLERS)
    return order


def raise_order(session: Session, ticket: Ticket, deed: Deed, *, level: str, reason: str) -> SupervisionOrder:
    """A supervisor raises the open order; never to the same level or a lower one."""
    refuse_unknown(level)
    order = get_open(session, ticket)
    if rank(level) <= rank(order.level):
        raise IllegalTransition("the order has this level or a higher one already", level=order.level)
    _raise(session, ticket, order, deed, level=level, reason=reason)
    _tell(session, ticket, order, deed, what="raised", who=_who_hears(level))
    return order


def raise_level(session: Session, ticket: Ticket, deed: Deed, *, level: str, clock: ClockKind) -> None:
    """Open an order of this level, or raise the open one to it; a higher one stays.

    Nobody is told here: whoever should know hears of the ladder's rung itself.
    """
    _bring_to(session, ticket, deed, level=level, reason=LATE[clock])


def demand(session: Session, ticket: Ticket, deed: Deed, *, level: str, reason: str) -> None:
    """An order of at least this level by itself, for a reason other than the ladder; told where it is news."""
    before = ticket.supervision
    order = _bring_to(session, ticket, deed, level=level, reason=reason)
    if order is not None:
        _tell(session, ticket, order, deed, what="raised" if before else "opened", who=_who_hears(level))


def answer(session: Session, ticket: Ticket, deed: Deed, *, text: str) -> None:
    """Whoever handles the ticket says what is being done; never the supervisor who asked."""
    order = get_open(session, ticket)
    if order.answered_at is not None:
        raise IllegalTransition("the order is answered already; it waits for the verdict")
    if order.opened_by == deed.actor:
        raise Forbidden("whoever opened the order does not answer it")
    with change(session, ticket, Action.ANSWER_ORDER, deed, because=text):
        order.answered_at, order.answered_by, order.answer = deed.now, deed.actor, text
    opener = session.scalar(select(User.id).where(User.username == order.opened_by, User.active))
    asked = {"users": (opener,)} if opener else {"who": ("supervisor",)}
    _tell(session, ticket, order, deed, what="answered", text=text, **asked)


def close(session: Session, ticket: Ticket, deed: Deed, *, verdict: str = "", reason: str = "") -> None:
    """A supervisor judges the answer; `reason` says why none is needed where there is none."""
    order = get_open(session, ticket)
    if order.answered_at is None and not reason.strip():
        raise IllegalTransition("the order is not answered; say why no answer is needed")
    if order.answered_at is not None and not verdict.strip():
        raise InvalidInput(verdict="must not be empty")
    words = "\n".join(text for text in (verdict.strip(), reason.strip()) if text)
    with change(
        session, ticket, Action.CLOSE_ORDER, deed, because=words, was={"level": order.level}, also={"level": None}
    ):
        order.closed_at, order.closed_by, order.verdict = deed.now, deed.actor, words
        ticket.supervision = None
    _tell(session, ticket, order, deed, what="closed", who=("handler",), text=words)


def get_open(session: Session, ticket: Ticket) -> SupervisionOrder:
    """The ticket's open order. Raises IllegalTransition where there is none."""
    order = orders.find_open(session, ticket)
    if order is None:
        raise IllegalTransition("no supervision order is open on this ticket", ticket_status=ticket.status.value)
    return order


def miss_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Note the orders that were not answered in time and raise them, each once; returns how many were looked at."""
    missed = (SupervisionOrder.answered_at, SupervisionOrder.closed_at, SupervisionOrder.missed_at)
    query = select(Ticket.follower_id, Ticket.id).join(SupervisionOrder, SupervisionOrder.ticket_id == Ticket.id)
    query = query.where(SupervisionOrder.due_at <= now, *(column.is_(None) for column in missed))
    found = session.execute(query.order_by(SupervisionOrder.due_at, SupervisionOrder.id).limit(BATCH)).all()
    for _, ticket_id in sorted({tuple(row) for row in found}):  # followers are locked in the order of their ids
        ticket = locks.lock_ticket(session, ticket_id)
        own = select(SupervisionOrder).where(SupervisionOrder.ticket_id == ticket_id, SupervisionOrder.due_at <= now)
        own = own.where(*(column.is_(None) for column in missed)).execution_options(populate_existing=True)
        order = session.scalar(own)  # another scheduler may have had it, or the handler has just answered
        if order is not None:
            _miss(session, ticket, order, Deed(by=None, now=now, rules=rules))
    return len(found)


def check_repeats(session: Session, ticket: Ticket, deed: Deed) -> None:
    """A complaint about the same matter for the third time, or as often as the rules say, is a grave one."""
    trigger = deed.rules.orders.repeated_complaints
    if ticket.category != "complaint" or ticket.repeat_of_id is None or ticket.status in FINISHED:
        return
    count, earlier = 1, ticket.repeat_of_id or 0
    for _ in range(trigger.times - 1):
        before = session.get(Ticket, earlier) if earlier else None
        if before is None or before.category != "complaint":
            break
        count, earlier = count + 1, before.repeat_of_id or 0
    if count >= trigger.times:
        demand(session, ticket, _by_itself(deed), level=trigger.level, reason=f"同一问题第 {count} 次投诉")


def refuse_unknown(level: str) -> None:
    if level not in LEVELS:
        raise InvalidInput(level=f"unknown; one of {', '.join(LEVELS)}")


def _bring_to(session: Session, ticket: Ticket, deed: Deed, *, level: str, reason: str) -> SupervisionOrder | None:
    """The order that this opened or raised; None where nothing changed."""
    if ticket.status in FINISHED:
        return None
    order = orders.find_open(session, ticket)
    if order is None:
        return _open(session, ticket, _by_itself(deed), level=level, reason=reason)
    if rank(level) <= rank(order.level):
        return None
    _raise(session, ticket, order, _by_itself(deed), level=level, reason=reason)
    return order


def _by_itself(deed: Deed) -> Deed:
    """What follows from somebody's deed without being theirs."""
    return Deed(by=None, now=deed.now, rules=deed.rules)


def _open(
    session: Session, ticket: Ticket, deed: Deed, *, level: str, reason: str, due_at: datetime | None = None
) -> SupervisionOrder:
    if due_at is None:
        due_at, _ = due(deed.rules.orders.answer, deed.now, deed.rules.calendar_for(ticket.department_id))
    order = SupervisionOrder(ticket_id=ticket.id, level=level, reason=reason, due_at=due_at)
    order.opened_at, order.opened_by = deed.now, deed.actor
    also = {"level": level, "answer_due_at": due_at.isoformat()}
    with change(session, ticket, Action.SUPERVISE, deed, because=reason, was={"level": None}, also=also):
        session.add(order)
        ticket.supervision = level
    session.flush()
    return order


def _raise(session: Session, ticket: Ticket, order: SupervisionOrder, deed: Deed, *, level: str, reason: str) -> None:
    was = {"level": order.level}
    with change(session, ticket, Action.SUPERVISE, deed, because=reason, was=was, also={"level": level}):
        order.level = ticket.supervision = level


def _miss(session: Session, ticket: Ticket, order: SupervisionOrder, deed: Deed) -> None:
    level = max(order.level, deed.rules.orders.unanswered.level, key=rank)
    also = {"level": level, "answer_due_at": order.due_at.isoformat()}
    with change(session, ticket, Action.SUPERVISE, deed, because=MISSED, was={"level": order.level}, also=also):
        order.missed_at = deed.now
        order.level = ticket.supervision = level
    _tell(session, ticket, order, deed, what="missed", who=(*HANDLERS, "supervisor", "leadership"))


def _who_hears(level: str) -> tuple[str, ...]:
    """The graver, the higher up."""
    return (*HANDLERS, "supervisor", "leadership") if level != "ordinary" else (*HANDLERS, "supervisor")


def _tell(
    session: Session,
    ticket: Ticket,
    order: SupervisionOrder,
    deed: Deed,
    *,
    what: str,
    who: tuple[str, ...] = (),
    users: tuple[int, ...] = (),
    text: str = "",
) -> None:
    """Facts: `what` (opened raised missed answered closed), level, number, due_at, text, actor."""
    facts = {
        "what": what,
        "level": order.level,
        "number": ticket.number,
        "due_at": order.due_at.isoformat(),
        "text": text or order.reason,
        "actor": deed.actor,
    }
    cause = f"order:{order.id}:{what}" + (f":{order.level}" if what == "raised" else "")
    how = GRAVE if order.level != "ordinary" and what in ("opened", "raised", "missed") else USUAL
    notifying.tell(session, Matter(cause, "supervision", ticket, facts, who=who, how=how, users=users), deed)
