"""What people decide about breaches: a supervisor confirms, the blamed appeal, another supervisor answers."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import Permission, User
from service.rulebook import Rulebook
from service.tickets import breaches, locks, notifying
from service.tickets.breaches import CONFIRMED, DISMISSED, DRAFT, REVOKED, heads
from service.tickets.changes import Deed, change
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.register import Appeal, Breach
from service.tickets.states import Action

BATCH = 100  # of one transaction
MOST_STAFF = 1_000


# ---- a supervisor's judgement


def judge(session: Session, breach: Breach, deed: Deed, *, confirmed: bool, note: str = "") -> None:
    """Confirm a draft, or dismiss it with a note. Whoever is blamed hears of what is confirmed, and the head too."""
    ticket = lock(session, breach)
    if breach.state != DRAFT:
        raise IllegalTransition("this entry has been judged already", state=breach.state)
    _refuse_own(session, breach, deed)
    if not confirmed and not note.strip():
        raise InvalidInput(note="say why it does not count")
    breach.state = CONFIRMED if confirmed else DISMISSED
    breach.judged_at, breach.judged_by, breach.note = deed.now, deed.actor, note
    _record(session, ticket, breach, Action.JUDGE_BREACH, deed, was=DRAFT)
    if confirmed:
        _tell(session, ticket, breach, deed, "breach", "confirmed", text=note, who=("department_head",))


def judge_several(
    session: Session, user: User, ids: Collection[int], deed: Deed, *, confirmed: bool, note: str = ""
) -> list[int]:
    """The drafts among these, in the order in which tickets are locked; returns which were judged.

    Those that somebody else has judged meanwhile, or that this person may not, are left as they are.
    """
    query = select(Breach.id).join(Ticket, Ticket.id == Breach.ticket_id)
    query = query.where(Breach.id.in_(sorted(ids)[:BATCH]), Breach.state == DRAFT, breaches.visible_to(user))
    done = []
    for breach_id in session.scalars(query.order_by(Ticket.follower_id, Ticket.id, Breach.id)).all():
        breach = breaches.breach_for(session, user, breach_id)
        lock(session, breach)
        if breach.state != DRAFT or not may_judge(session, breach, user):
            continue
        judge(session, breach, deed, confirmed=confirmed, note=note)
        done.append(breach_id)
    return done


def may_judge(session: Session, breach: Breach, user: User) -> bool:
    """Whether this person may confirm or dismiss it: not in a matter of their own where somebody else can."""
    return user.may(Permission.SUPERVISE) and not (_is_party(breach, user) and _others(session, {user.username}))


def _refuse_own(session: Session, breach: Breach, deed: Deed) -> None:
    if deed.by is not None and not deed.by.may(Permission.SUPERVISE):
        raise Forbidden("your role does not allow this", permission=Permission.SUPERVISE.value)
    if deed.by is not None and not may_judge(session, breach, deed.by):
        raise Forbidden("nobody judges a breach of their own")


# ---- appeals


def file_by(breach: Breach, rules: Rulebook) -> datetime | None:
    """Until when one may appeal; None where nothing is confirmed."""
    if breach.state != CONFIRMED or breach.judged_at is None:
        return None
    return rules.calendar.end_of_working_day(breach.judged_at, rules.allowances.appeal.file_within_days)


def is_party(breach: Breach, user: User) -> bool:
    """Whether the person is blamed, or answers for the department that is."""
    return _is_party(breach, user) or heads(user, breach.department_id)


def may_appeal(breach: Breach, user: User, rules: Rulebook, now: datetime) -> bool:
    until = file_by(breach, rules)
    return until is not None and now <= until and breach.appeal is None and is_party(breach, user)


def appeal(session: Session, breach: Breach, deed: Deed, *, text: str) -> Appeal:
    """Object to a confirmed breach, once and within the period."""
    ticket = lock(session, breach)
    if deed.by is None or not is_party(breach, deed.by):
        raise Forbidden("only whoever is blamed, or the head of the department, may appeal")
    if breach.appeal is not None:
        raise IllegalTransition("there is an appeal against this entry already")
    until = file_by(breach, deed.rules)
    if until is None:
        raise IllegalTransition("only a confirmed entry can be appealed against", state=breach.state)
    if deed.now > until:
        raise IllegalTransition("the time to appeal has passed", until=until.isoformat())
    if not text.strip():
        raise InvalidInput(text="must not be empty")
    days = deed.rules.allowances.appeal.answer_within_days
    made = Appeal(breach_id=breach.id, at=deed.now, by=deed.actor, text=text)
    made.answer_by = deed.rules.calendar.end_of_working_day(deed.now, days)
    breach.appeal = made
    session.flush()
    also = {"clock": breach.clock, "answer_by": made.answer_by.isoformat()}
    with change(session, ticket, Action.APPEAL, deed, also=also):
        pass
    _tell(session, ticket, breach, deed, "appeal", "filed", text=text, who=("supervisor",))
    return made


def may_answer(session: Session, breach: Breach, user: User) -> bool:
    """Whether this person may decide the open appeal: another supervisor than who confirmed, where there is one."""
    made = breach.appeal
    if made is None or made.decided_at is not None or not user.may(Permission.SUPERVISE):
        return False
    barred = user.username in (breach.judged_by, made.by) or _is_party(breach, user)
    return not (barred and _others(session, {user.username, breach.judged_by or "", made.by}))


def answer(session: Session, breach: Breach, deed: Deed, *, upheld: bool, note: str) -> None:
    """Revoke the breach, or leave it confirmed; either is said with a reason, and what was judged before stays."""
    ticket = lock(session, breach)
    made = breach.appeal
    if made is None or made.decided_at is not None:
        raise IllegalTransition("no appeal against this entry is open", state=breach.state)
    if deed.by is None or not deed.by.may(Permission.SUPERVISE):
        raise Forbidden("your role does not allow this", permission=Permission.SUPERVISE.value)
    if not may_answer(session, breach, deed.by):
        raise Forbidden("an appeal is decided by another supervisor than the one who confirmed")
    if not note.strip():
        raise InvalidInput(note="say why: whoever appealed reads it")
    made.decided_at, made.decided_by, made.upheld, made.note = deed.now, deed.actor, upheld, note
    if upheld:
        breach.state = REVOKED
    _record(session, ticket, breach, Action.JUDGE_APPEAL, deed, was=CONFIRMED)
    appellant = session.scalar(select(User.id).where(User.username == made.by, User.active))
    what = "upheld" if upheld else "rejected"
    _tell(session, ticket, breach, deed, "appeal", what, text=note, users=(appellant,) if appellant else ())


def late_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Tell of appeals that nobody answered in time, each once; returns how many were looked at."""
    query = select(Breach.id).join(Appeal, Appeal.breach_id == Breach.id).join(Ticket, Ticket.id == Breach.ticket_id)
    query = query.where(Appeal.decided_at.is_(None), Appeal.missed_at.is_(None), Appeal.answer_by < now)
    found = session.execute(
        query.with_only_columns(Ticket.follower_id, Ticket.id, Breach.id).order_by(Appeal.answer_by).limit(BATCH)
    ).all()
    for _, ticket_id, breach_id in sorted(tuple(row) for row in found):
        ticket = locks.lock_ticket(session, ticket_id)
        made = session.get_one(Appeal, breach_id, populate_existing=True)
        if made.decided_at is not None or made.missed_at is not None:
            continue
        made.missed_at = now
        breach, deed = session.get_one(Breach, breach_id), Deed(by=None, now=now, rules=rules)
        _tell(session, ticket, breach, deed, "appeal", "unanswered", who=("supervisor", "leadership"))
    return len(found)


# ---- what they share


def lock(session: Session, breach: Breach) -> Ticket:
    """Lock the ticket, and read the entry as it is now."""
    ticket = locks.lock_ticket(session, breach.ticket_id)
    session.refresh(breach, ["state", "judged_at", "judged_by", "note", "appeal"])
    return ticket


def _is_party(breach: Breach, user: User) -> bool:
    return breach.user_id == user.id


def _others(session: Session, than: Collection[str]) -> bool:
    """Whether somebody else here supervises."""
    query = select(User).where(User.active, User.username.not_in(than)).order_by(User.id).limit(MOST_STAFF)
    staff: Sequence[User] = session.scalars(query).all()
    return any(user.may(Permission.SUPERVISE) for user in staff)


def _record(session: Session, ticket: Ticket, breach: Breach, action: Action, deed: Deed, *, was: str) -> None:
    """The event, without the words: those are between the person and who judges, and stand in the register."""
    changed: dict[str, object] = {"clock": breach.clock, "breach": breach.state}
    with change(session, ticket, action, deed, was={"breach": was}, also=changed):
        pass


def _tell(
    session: Session,
    ticket: Ticket,
    breach: Breach,
    deed: Deed,
    kind: str,
    what: str,
    *,
    text: str = "",
    who: tuple[str, ...] = (),
    users: tuple[int, ...] = (),
) -> None:
    """Facts: what (confirmed; filed upheld rejected unanswered), number, clock, breach, text, actor.

    Whoever is blamed is told apart and without the ticket, which they may see no more.
    """
    facts = {"what": what, "number": ticket.number, "clock": breach.clock, "breach": breach.id}
    facts |= {"text": text, "actor": deed.actor if deed.by else audit.SYSTEM}
    cause = f"{kind}:{breach.id}:{what}"
    if who:
        notifying.tell(session, Matter(cause, kind, ticket, facts, who=who), deed)
    blamed = (breach.user_id,) if breach.user_id and what not in ("filed", "unanswered") else ()
    told = tuple(dict.fromkeys((*users, *blamed)))
    if told:
        notifying.tell(session, Matter(f"{cause}:person", kind, None, facts, users=told), deed)
