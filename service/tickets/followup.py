"""The call back after an answer: solved closes, unsolved returns the ticket, three failed attempts close it too."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audit import Event
from service.errors import Forbidden
from service.people import User
from service.sla.policy import ClockKind
from service.tickets.changes import Deed, change
from service.tickets.models import FollowUp, Ticket
from service.tickets.states import Action, after

ATTEMPTS = 3
REWORK_ROUNDS = 2  # how often an unsolved matter comes back
REWORK_SHARE = 0.5  # of the resolve target
HANDLING = (Action.ACCEPT, Action.REPLY, Action.ASK, Action.SUSPEND)


def follow_up(
    session: Session, ticket: Ticket, deed: Deed, *, result: str, satisfaction: int | None = None, note: str = ""
) -> None:
    """Record one attempt. Raises Forbidden for whoever handled a complaint, whatever their roles."""
    if ticket.category == "complaint" and deed.by is not None and handled_by(session, deed.by, [ticket]):
        raise Forbidden("whoever handled a complaint may not follow it up")
    steps = {"solved": _solved, "unsolved": _unsolved, "unreachable": _unreachable}
    after(ticket.status, Action.FOLLOW_UP)
    attempt = FollowUp(ticket_id=ticket.id, at=deed.now, by=deed.actor, result=result, note=note)
    attempt.satisfaction = satisfaction
    session.add(attempt)
    steps[result](session, ticket, deed, because=note, also={"result": result, "satisfaction": satisfaction})


def handled_by(session: Session, user: User, tickets: Sequence[Ticket]) -> set[int]:
    """Ids of those that the user has, or ever took, or dealt with the follower of."""
    did = select(Event.ticket_id).where(
        Event.ticket_id.in_([t.id for t in tickets]), Event.actor == user.username, Event.action.in_(HANDLING)
    )
    return {t.id for t in tickets if t.assignee_id == user.id} | {i for i in session.scalars(did) if i is not None}


def _solved(session: Session, ticket: Ticket, deed: Deed, *, because: str, also: dict[str, object]) -> None:
    with change(session, ticket, Action.SOLVED, deed, because=because, also=also) as clocks:
        clocks.meet(ClockKind.FOLLOW_UP, at=deed.now)


def _unsolved(session: Session, ticket: Ticket, deed: Deed, *, because: str, also: dict[str, object]) -> None:
    if ticket.rework_rounds >= REWORK_ROUNDS:
        # twice is the limit: from here on a supervisor reopens it, with a reason
        with change(session, ticket, Action.CLOSE, deed, because=because, also=also) as clocks:
            clocks.meet(ClockKind.FOLLOW_UP, at=deed.now)
        return
    with change(session, ticket, Action.UNSOLVED, deed, because=because, also=also) as clocks:
        clocks.meet(ClockKind.FOLLOW_UP, at=deed.now)
        clocks.restart(REWORK_SHARE, at=deed.now)
        ticket.rework_rounds, ticket.follow_up_open, ticket.wake_at = ticket.rework_rounds + 1, False, None


def _unreachable(session: Session, ticket: Ticket, deed: Deed, *, because: str, also: dict[str, object]) -> None:
    ticket.follow_up_attempts += 1
    action = Action.CLOSE if ticket.follow_up_attempts >= ATTEMPTS else Action.FOLLOW_UP
    with change(session, ticket, action, deed, because=because, also=also) as clocks:
        if action is Action.CLOSE:
            clocks.meet(ClockKind.FOLLOW_UP, at=deed.now)
