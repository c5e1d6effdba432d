"""How a ticket ends, and how it begins again."""

from sqlalchemy.orm import Session

from service.errors import IllegalTransition, InvalidInput
from service.sla.policy import ClockKind
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.states import Action, Status


def decline(session: Session, ticket: Ticket, deed: Deed, *, reason: str, refer_to: str = "") -> None:
    """Not ours to handle: says why, and where the follower can turn."""
    with change(session, ticket, Action.DECLINE, deed, because=reason, also={"refer_to": refer_to} if refer_to else {}):
        ticket.assignee_id = ticket.assignee_id or (deed.by.id if deed.by else None)


def withdraw(session: Session, ticket: Ticket, deed: Deed, *, reason: str) -> None:
    """The follower takes the matter back."""
    with change(session, ticket, Action.WITHDRAW, deed, because=reason):
        pass


def invalidate(session: Session, ticket: Ticket, deed: Deed, *, reason: str) -> None:
    """No matter at all: advertising, harassment, a slip of the finger."""
    with change(session, ticket, Action.INVALIDATE, deed, because=reason):
        pass


def close(session: Session, ticket: Ticket, deed: Deed, *, reason: str = "") -> None:
    """The end. A complaint ends with a final answer, never without one."""
    if ticket.category == "complaint" and ticket.answered_at is None:
        raise IllegalTransition(
            "a complaint without a final answer cannot be closed", ticket_status=ticket.status.value
        )
    if ticket.status is not Status.ANSWERED and not reason and deed.by is not None:
        raise InvalidInput(reason="a ticket without a final answer is closed with a reason")
    with change(session, ticket, Action.CLOSE, deed, because=reason):
        ticket.closed_at = deed.now


def reopen(session: Session, ticket: Ticket, deed: Deed, *, reason: str) -> None:
    """Work goes on: resolve runs on what was left, at least half its target."""
    with change(session, ticket, Action.REOPEN, deed, because=reason) as clocks:
        if clocks.get(ClockKind.RESOLVE) is None:  # it ended unmet: what was left is counted from its end
            clocks.start(ClockKind.RESOLVE, clocks.target(ClockKind.RESOLVE), at=ticket.received_at)
            clocks.meet(ClockKind.RESOLVE, at=ticket.closed_at or deed.now)
        clocks.reopen(at=deed.now)
        clocks.cancel(ClockKind.FOLLOW_UP)
        ticket.closed_at, ticket.wake_at, ticket.follow_up_open = None, None, False
        if ticket.accepted_at is None:
            ticket.accepted_at = deed.now
            ticket.assignee_id = ticket.assignee_id or (deed.by.id if deed.by else None)
