"""More time for a ticket (延期): asked for before it is due, decided by another, told to the customer by a draft."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, false, func, or_, select, true
from sqlalchemy.orm import Session, joinedload

from service.errors import Forbidden, IllegalTransition, InvalidInput, NotFound
from service.messaging.outbox import Delivery
from service.people import Permission, Scope, User
from service.rulebook import Rulebook
from service.sla.clocks import Clock, ClockState, extended_by
from service.sla.policy import ClockKind
from service.tickets import access, locks, notifying, receipts
from service.tickets.changes import Deed, change, mention
from service.tickets.clocks import clock_of
from service.tickets.models import ClockRow, Message, Ticket
from service.tickets.notifying import Matter
from service.tickets.queries import Page, decode_cursor, encode_cursor
from service.tickets.register import ExtensionRequest
from service.tickets.states import WORKABLE, Action

PENDING, GRANTED, REFUSED, LAPSED = "pending", "granted", "refused", "lapsed"
STATES = (PENDING, GRANTED, REFUSED, LAPSED)
BATCH = 100  # requests of one transaction
COUNT_CAP = 1_000  # the menu says "999+" beyond this
TOO_LATE: Final = "the ticket is answered, has ended or is due already: more time is asked for before that"


@dataclass(frozen=True, slots=True)
class Room:
    """What may still be asked for on a ticket. `why_not`: the sentence that says why nothing, "" where something."""

    times_left: int
    days: int  # at most, working days of one request
    why_not: str = ""


def room(session: Session, ticket: Ticket, rules: Rulebook, now: datetime) -> Room:
    """What the ticket's category leaves, and whether now is a time to ask."""
    allowed = rules.allowances.extension_for(ticket.category)
    left = max(0, allowed.times - times_granted(session, ticket))
    if not is_in_time(ticket, resolve_clock(session, ticket), now):
        return Room(left, allowed.days, TOO_LATE)
    if find_pending(session, ticket) is not None:
        return Room(left, allowed.days, "a request for this ticket waits for its decision already")
    if not left:
        return Room(0, allowed.days, f"a ticket of this category is extended at most {allowed.times} times")
    return Room(left, allowed.days)


def is_in_time(ticket: Ticket, clock: Clock | None, now: datetime) -> bool:
    """Whether the ticket still runs towards its due time, or stands still on the way."""
    if ticket.status not in WORKABLE or clock is None or clock.due_at is None:
        return False
    return clock.state is ClockState.PAUSED or (clock.state is ClockState.RUNNING and clock.due_at > now)


def ask(session: Session, ticket: Ticket, deed: Deed, *, days: int, reason: str) -> ExtensionRequest:
    """The handler asks for so many working days more; the head of the department hears, of a second one supervisors."""
    left = room(session, ticket, deed.rules, deed.now)
    if left.why_not:
        raise IllegalTransition(left.why_not, ticket_status=ticket.status.value)
    if not 1 <= days <= left.days:
        raise InvalidInput(days=f"at most {left.days} working days at a time")
    if not reason.strip():
        raise InvalidInput(reason="must not be empty")
    clock = resolve_clock(session, ticket)
    assert clock is not None and clock.due_at is not None  # noqa: S101, PT018 - `room` says so
    request = ExtensionRequest(ticket_id=ticket.id, at=deed.now, by=deed.actor, reason=reason, days=days, state=PENDING)
    request.due_before, request.due_after = clock.due_at, due_after(ticket, clock, days, deed.rules, deed.now)
    session.add(request)
    session.flush()
    with change(session, ticket, Action.ASK_EXTENSION, deed, because=reason, also=_told(request)):
        pass
    is_first = times_granted(session, ticket) == 0
    _tell(session, ticket, request, deed, "asked", who=("department_head",) if is_first else ("supervisor",))
    return request


def due_after(ticket: Ticket, clock: Clock, days: int, rules: Rulebook, now: datetime) -> datetime:
    """When the clock would be due with so many working days more."""
    longer = extended_by(clock, days, rules.calendar_for(ticket.department_id), now)
    assert longer.due_at is not None  # noqa: S101 - a clock that runs is due
    return longer.due_at


def decide(
    session: Session, request: ExtensionRequest, ticket: Ticket, deed: Deed, *, granted: bool, note: str = ""
) -> None:
    """Grant it, which moves the due time, or refuse it with a note. The ticket is locked."""
    if request.state != PENDING:
        raise IllegalTransition("this request has been decided, or has lapsed", state=request.state)
    refuse_judge(session, request, ticket, deed.by)
    if not is_in_time(ticket, resolve_clock(session, ticket), deed.now):
        raise IllegalTransition(TOO_LATE, ticket_status=ticket.status.value)
    if not granted and not note.strip():
        raise InvalidInput(note="say why: whoever asked reads it")
    request.state = GRANTED if granted else REFUSED
    request.decided_at, request.decided_by, request.note = deed.now, deed.actor, note
    if granted:
        _grant(session, request, ticket, deed)
    else:
        with change(session, ticket, Action.REFUSE_EXTENSION, deed, because=note, also={"days": request.days}):
            pass
    asker = session.scalar(select(User.id).where(User.username == request.by, User.active))
    _tell(session, ticket, request, deed, request.state, users=(asker,) if asker else ())


def _grant(session: Session, request: ExtensionRequest, ticket: Ticket, deed: Deed) -> None:
    was: dict[str, object] = {}
    also: dict[str, object] = {"days": request.days}
    with change(session, ticket, Action.EXTEND, deed, because=request.note or "", was=was, also=also) as clocks:
        before = clocks.get(ClockKind.RESOLVE)
        clocks.extend(request.days, now=deed.now)
        after = clocks.get(ClockKind.RESOLVE)
        assert before and before.due_at and after and after.due_at  # noqa: S101, PT018 - it is in time
        request.due_before, request.due_after = before.due_at, after.due_at
        was["resolve_due_at"], also["resolve_due_at"] = before.due_at.isoformat(), after.due_at.isoformat()


def may_decide(session: Session, user: User, request: ExtensionRequest, ticket: Ticket) -> bool:
    try:
        refuse_judge(session, request, ticket, user)
    except Forbidden:
        return False
    return True


def refuse_judge(session: Session, request: ExtensionRequest, ticket: Ticket, user: User | None) -> None:
    """Raises Forbidden unless this person decides it: never who asked; a second one only who supervises."""
    scopes = user.scopes(Permission.DECIDE_EXTENSION) if user else set()
    own = user is not None and Scope.DEPARTMENT in scopes and user.department_id == ticket.department_id
    if Scope.ALL not in scopes and not own:
        raise Forbidden("your role does not allow this on this ticket", permission=Permission.DECIDE_EXTENSION.value)
    if user is not None and user.username == request.by:
        raise Forbidden("whoever asked for more time does not grant it")
    if Scope.ALL not in scopes and times_granted(session, ticket):
        raise Forbidden("a further extension of the same ticket is decided by a supervisor")


def lapse_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Requests that nobody decided before the ticket was answered, ended or due; returns how many there were."""
    over = or_(
        Ticket.status.not_in(WORKABLE),
        ClockRow.state.is_(None),
        ClockRow.state.in_((ClockState.MET.value, ClockState.BREACHED.value)),
        (ClockRow.state == ClockState.RUNNING.value) & (ClockRow.due_at <= now),
    )
    resolve = (ClockRow.ticket_id == Ticket.id) & (ClockRow.kind == ClockKind.RESOLVE.value)
    query = select(Ticket.follower_id, Ticket.id).join(ExtensionRequest, ExtensionRequest.ticket_id == Ticket.id)
    query = query.outerjoin(ClockRow, resolve).where(ExtensionRequest.state == PENDING, over)
    found = session.execute(query.order_by(ExtensionRequest.at, ExtensionRequest.id).limit(BATCH)).all()
    for _, ticket_id in sorted(tuple(row) for row in found):  # followers are locked in the order of their ids
        _lapse(session, locks.lock_ticket(session, ticket_id), Deed(by=None, now=now, rules=rules))
    return len(found)


def _lapse(session: Session, ticket: Ticket, deed: Deed) -> None:
    request = find_pending(session, ticket)
    if request is None or is_in_time(ticket, resolve_clock(session, ticket), deed.now):
        return
    request.state, request.decided_at = LAPSED, deed.now
    because = "审批前工单已到期" if ticket.status in WORKABLE else "审批前工单已答复或结束"
    mention(session, ticket, Action.LAPSE_EXTENSION, now=deed.now, because=because, after={"days": request.days})
    asker = session.scalar(select(User.id).where(User.username == request.by, User.active))
    _tell(session, ticket, request, deed, LAPSED, users=(asker,) if asker else ())


def _told(request: ExtensionRequest) -> dict[str, object]:
    return {"days": request.days, "resolve_due_at": request.due_after.isoformat()}


def _tell(
    session: Session,
    ticket: Ticket,
    request: ExtensionRequest,
    deed: Deed,
    what: str,
    *,
    who: tuple[str, ...] = (),
    users: tuple[int, ...] = (),
) -> None:
    """Facts: what (asked granted refused lapsed), number, days, due_before, due_after, text, actor, request."""
    facts: dict[str, object] = {
        "what": what,
        "number": ticket.number,
        "days": request.days,
        "due_before": request.due_before.isoformat(),
        "due_after": request.due_after.isoformat(),
        "text": request.reason if what == "asked" else request.note or "",
        "actor": deed.actor,
        "request": request.id,
    }
    matter = Matter(f"extension:{request.id}:{what}", "extension", ticket, facts, who=who, users=users)
    notifying.tell(session, matter, deed)


# ---- what stands on a ticket, and lists


def resolve_clock(session: Session, ticket: Ticket) -> Clock | None:
    row = session.get(ClockRow, (ticket.id, ClockKind.RESOLVE.value))
    return clock_of(row) if row else None


def times_granted(session: Session, ticket: Ticket) -> int:
    query = select(func.count()).select_from(ExtensionRequest)
    return session.scalar(query.where(ExtensionRequest.ticket_id == ticket.id, ExtensionRequest.state == GRANTED)) or 0


def days_in(session: Session, ticket: Ticket, clock: Clock) -> int:
    """Working days that were granted in this run of the clock."""
    if not ticket.extended_days or clock.kind is not ClockKind.RESOLVE or clock.started_at is None:
        return 0
    query = select(func.sum(ExtensionRequest.days)).where(ExtensionRequest.ticket_id == ticket.id)
    query = query.where(ExtensionRequest.state == GRANTED, ExtensionRequest.decided_at >= clock.started_at)
    return int(session.scalar(query) or 0)


def find_pending(session: Session, ticket: Ticket) -> ExtensionRequest | None:
    query = select(ExtensionRequest).where(ExtensionRequest.ticket_id == ticket.id, ExtensionRequest.state == PENDING)
    return session.scalar(query.execution_options(populate_existing=True))


def of_ticket(session: Session, ticket: Ticket, limit: int = 20) -> Sequence[ExtensionRequest]:
    """The ticket's requests, the newest first."""
    query = select(ExtensionRequest).where(ExtensionRequest.ticket_id == ticket.id)
    return session.scalars(query.order_by(ExtensionRequest.id.desc()).limit(limit)).all()


def request_for(session: Session, user: User, request_id: int, *, lock: bool = False) -> ExtensionRequest:
    """The request, if the person sees its ticket, else NotFound; `lock`: its ticket is locked."""
    found = session.scalar(_seen(user).where(ExtensionRequest.id == request_id))
    if found is None:
        raise NotFound("no such request")
    if lock:
        access.ticket_for(session, user, found.ticket.number, lock=True)
        session.refresh(found)
    return found


def _seen(user: User) -> Select[ExtensionRequest]:
    query = select(ExtensionRequest).join(Ticket, Ticket.id == ExtensionRequest.ticket_id)
    ticket = joinedload(ExtensionRequest.ticket)
    query = query.options(ticket.joinedload(Ticket.department), ticket.joinedload(Ticket.assignee))
    return query.where(access.visible_to(user))


def to_decide(user: User) -> ColumnElement[bool]:
    """Whose requests the person may ever decide: everybody's, or those of the own department. Joins the ticket."""
    scopes = user.scopes(Permission.DECIDE_EXTENSION)
    if Scope.ALL in scopes:
        return true()
    return Ticket.department_id == user.department_id if Scope.DEPARTMENT in scopes else false()


def listing(
    session: Session, user: User, *, state: str | None = None, limit: int = 50, cursor: str | None = None
) -> Page[ExtensionRequest]:
    """Requests on tickets that the person sees, the newest first."""
    query = _seen(user)
    if state is not None:
        query = query.where(ExtensionRequest.state == state)
    if cursor:
        at, request_id = decode_cursor(cursor)
        earlier = (ExtensionRequest.at == at) & (ExtensionRequest.id < request_id)
        query = query.where((ExtensionRequest.at < at) | earlier)
    order = (ExtensionRequest.at.desc(), ExtensionRequest.id.desc())
    found = session.scalars(query.order_by(*order).limit(limit + 1)).all()
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], encode_cursor(found[limit - 1].at, found[limit - 1].id))


def waiting(session: Session, user: User, limit: int) -> Sequence[ExtensionRequest]:
    """What the person may decide, the oldest first."""
    query = _seen(user).where(ExtensionRequest.state == PENDING, to_decide(user))
    found: Sequence[ExtensionRequest] = session.scalars(
        query.order_by(ExtensionRequest.at, ExtensionRequest.id).limit(limit)
    ).all()
    return found


def decided(session: Session, user: User, limit: int) -> Sequence[ExtensionRequest]:
    """The last that are decided, of those that the person may decide."""
    query = _seen(user).where(ExtensionRequest.state != PENDING, to_decide(user))
    order = (ExtensionRequest.decided_at.desc(), ExtensionRequest.id.desc())
    found: Sequence[ExtensionRequest] = session.scalars(query.order_by(*order).limit(limit)).all()
    return found


def count_waiting(session: Session, user: User) -> int:
    """How many wait for the person, up to COUNT_CAP: not their own, and of further ones only where they supervise."""
    query = select(ExtensionRequest.id).join(Ticket, Ticket.id == ExtensionRequest.ticket_id)
    query = query.where(
        ExtensionRequest.state == PENDING,
        ExtensionRequest.by != user.username,
        to_decide(user),
        access.visible_to(user),
    )
    if Scope.ALL not in user.scopes(Permission.DECIDE_EXTENSION):
        query = query.where(Ticket.extended_days == 0)
    return session.scalar(select(func.count()).select_from(query.limit(COUNT_CAP).subquery())) or 0


# ---- the draft to the customer


def untold(session: Session, ticket: Ticket) -> ExtensionRequest | None:
    """The last extension that was granted, where the customer has not been written to since."""
    if not ticket.extended_days or ticket.status not in WORKABLE:
        return None
    query = select(ExtensionRequest).where(ExtensionRequest.ticket_id == ticket.id, ExtensionRequest.state == GRANTED)
    granted = session.scalar(query.order_by(ExtensionRequest.id.desc()).limit(1))
    if granted is None or granted.decided_at is None or is_written_to(session, ticket, granted.decided_at):
        return None
    return granted


def is_written_to(session: Session, ticket: Ticket, since: datetime) -> bool:
    """Whether somebody of ours has written or spoken to the customer since, as far as it was not taken back."""
    lost = (Delivery.CANCELLED.value, Delivery.FAILED.value)
    query = select(Message.id).where(Message.ticket_id == ticket.id, Message.at >= since)
    query = query.where(Message.direction == "outbound", func.coalesce(Message.delivery, "").not_in(lost))
    return session.scalar(query.limit(1)) is not None


def notice(request: ExtensionRequest, ticket: Ticket, rules: Rulebook, now: datetime) -> str:
    """The draft that tells the customer of it; sent by the handler, never by itself."""
    values = {
        "number": ticket.number,
        "reason": request.reason.strip().rstrip("。.；;"),
        "promise": receipts.local(request.due_after, now, rules),
    }
    return receipts.filled(rules.text("extension_notice", ticket.channel), values)
