"""The invitation to rate: one message with three choices, a while after the final answer went out."""

from datetime import datetime

from sqlalchemy.orm import Session

from service.messaging import outbox
from service.messaging.followers import Follower, can_reach
from service.messaging.outbox import Part
from service.messaging.ports import Limits
from service.rulebook import Rulebook
from service.tickets import locks, receipts
from service.tickets.changes import mention
from service.tickets.models import Message, Rating, Ticket
from service.tickets.notices import LimitsOf
from service.tickets.states import Action, Status

CHOICES = ((5, "满意"), (3, "基本满意"), (1, "不满意"))  # score and words


def invite_due(session: Session, *, now: datetime, rules: Rulebook, limits_of: LimitsOf) -> int:
    """Invite where the window is open and has a message left; else the progress page offers it.

    Returns how many tickets were looked at; each is asked once, also beside other schedulers.
    """
    due = locks.lock_due(session, Ticket.invite_at, now=now)
    for ticket in due:
        ticket.invite_at = None
        if _is_wanted(session, ticket, limits_of(ticket.channel), now):
            _invite(session, ticket, now, rules)
    return len(due)


def _is_wanted(session: Session, ticket: Ticket, limits: Limits | None, now: datetime) -> bool:
    if limits is None or not limits.can_send or limits.notices.get("invite") is False:
        return False
    if ticket.status not in (Status.ANSWERED, Status.CLOSED) or session.get(Rating, ticket.id) is not None:
        return False
    follower = session.get_one(Follower, ticket.follower_id)
    if follower.waiting_items or not can_reach(follower, now):
        return False
    return follower.messages_left > outbox.count_promised(session, follower.id)


def _invite(session: Session, ticket: Ticket, now: datetime, rules: Rulebook) -> None:
    head = receipts.filled(rules.texts["invite_head"], {"number": ticket.number})
    words = [head, *(name for _, name in CHOICES), rules.texts["invite_tail"]]
    message = Message(ticket_id=ticket.id, follower_id=ticket.follower_id, direction="system", kind="msgmenu")
    message.text, message.at, message.via = head, now, "wechat"
    session.add(message)
    session.flush()
    items = [[f"{ticket.id}{score}", name] for score, name in CHOICES]
    content = {"head": head, "items": items, "tail": rules.texts["invite_tail"]}
    follower = session.get_one(Follower, ticket.follower_id)
    part = Part("\n".join(words), "msgmenu", content)
    message.delivery = outbox.put(session, follower, [part], reference_id=message.id, now=now).value
    mention(session, ticket, Action.INVITE, now=now)
