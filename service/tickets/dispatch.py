"""What is to leave the house by mail or robot: claimed with a lease, settled once, never sent twice by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.people import User
from service.rulebook import Rulebook
from service.tickets import notice_words, recipients
from service.tickets.models import Ticket
from service.tickets.notifying import DUE, MAIL, ROBOT
from service.tickets.register import Notification, Robot

SENDING, SENT, FAILED, UNKNOWN = "sending", "sent", "failed", "unknown"
LEASE = timedelta(minutes=2)  # a claim older than this has lost its worker
MAX_ATTEMPTS = 5
FIRST_PAUSE = timedelta(minutes=1)  # doubled after each attempt
LOOKED_THROUGH = 200  # rows in which the next recipients are looked for
MOST = 50  # rows of one message
HELD = 1_000  # rows put off at once
LONGEST_ROBOT_TEXT = 2000  # bytes: WeCom takes 2048
WITHHELD = "收件人已看不到此工单，或机器人已停用，未发送"
LOST = "发送中断，可能已发出；不会自动重发"


@dataclass(frozen=True, slots=True)
class Claim:
    """A right to send one message, valid until its lease ends. One of `email` and `robot` is set."""

    attempts: Mapping[int, int]  # id of each row that it carries -> which attempt this is
    subject: str
    text: str
    email: str | None = None
    robot: Robot | None = None
    name: str = ""  # of the person or the robot, as operators know them

    @property
    def key(self) -> str:
        """The same for every attempt at its first row."""
        return f"gongdan-{min(self.attempts)}"


def next_due(session: Session, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Way and target of those for whom something is due, who has waited longest first."""
    due = select(Notification.way, Notification.target).where(Notification.send_at <= now, Notification.state == DUE)
    rows = session.execute(due.order_by(Notification.send_at, Notification.id).limit(LOOKED_THROUGH))
    return list(dict.fromkeys((row.way, row.target) for row in rows))[:limit]


def claim(session: Session, way: str, target: str, *, now: datetime, rules: Rulebook) -> Claim | None:
    """Lease everything that is due for one recipient, for one attempt; None if there is nothing, or all is withheld.

    Rows are locked in the order of their ids and not skipped: whoever comes second waits, and finds nothing left.
    """
    due = select(Notification).where(Notification.way == way, Notification.target == target, Notification.state == DUE)
    due = due.where(Notification.send_at <= now).order_by(Notification.id).limit(MOST)
    locked = due.with_for_update(key_share=True).execution_options(populate_existing=True)
    rows = session.scalars(locked).all()
    if not rows:
        return None
    tickets = _tickets_of(session, rows)
    going = _still_meant(session, rows, tickets, way)
    for row in rows:
        if row not in going:
            row.state, row.send_at, row.detail = FAILED, None, WITHHELD
    if not going:
        return None
    for row in going:
        row.state, row.send_at, row.attempts = SENDING, now + LEASE, row.attempts + 1
    lines = [notice_words.line_of(row, _number(row, tickets), rules) for row in going]
    is_digest = any(row.digest for row in going)
    longest = LONGEST_ROBOT_TEXT if way == ROBOT else None
    attempts = {row.id: row.attempts for row in going}
    subject = notice_words.subject_of(lines, is_digest=is_digest)
    text = notice_words.text_of(lines, rules, is_digest=is_digest, longest=longest)
    if way == ROBOT:
        robot = session.get_one(Robot, going[0].robot_id)
        return Claim(attempts, subject, text, robot=robot, name=robot.name)
    user = session.get_one(User, going[0].user_id)
    return Claim(attempts, subject, text, email=user.email, name=user.username)


def sent(session: Session, claim: Claim) -> None:
    """The other side took it."""
    for row in _claimed(session, claim):
        row.state, row.send_at, row.detail = SENT, None, None


def not_sent(session: Session, claim: Claim, reason: str, *, now: datetime, again: bool, pause: timedelta) -> None:
    """It surely did not go out: try it again after a pause that grows, unless that is of no use."""
    for row in _claimed(session, claim):
        row.detail = reason
        if again and row.attempts < MAX_ATTEMPTS:
            row.state, row.send_at = DUE, now + max(pause, FIRST_PAUSE * 2 ** (row.attempts - 1))
        else:
            row.state, row.send_at = FAILED, None


def unclear(session: Session, claim: Claim, reason: str) -> None:
    """Perhaps it went out: it is left at that."""
    for row in _claimed(session, claim):
        row.state, row.send_at, row.detail = UNKNOWN, None, reason


def hold(session: Session, claim: Claim, *, until: datetime) -> None:
    """What else would go to the same server waits, as it would only fail."""
    same = Notification.way == MAIL if claim.robot is None else Notification.robot_id == claim.robot.id
    query = select(Notification).where(same, Notification.state == DUE, Notification.send_at < until)
    locked = query.order_by(Notification.id).limit(HELD).with_for_update(key_share=True, skip_locked=True)
    for row in session.scalars(locked.execution_options(populate_existing=True)):
        row.send_at = until


def expire(session: Session, *, now: datetime) -> int:
    """Claims whose worker died in the middle: nobody knows whether they went out. Returns how many rows."""
    query = select(Notification).where(Notification.send_at <= now, Notification.state == SENDING)
    locked = (
        query.order_by(Notification.send_at).limit(LOOKED_THROUGH).with_for_update(key_share=True, skip_locked=True)
    )
    rows = session.scalars(locked.execution_options(populate_existing=True)).all()
    for row in rows:
        row.state, row.send_at, row.detail = UNKNOWN, None, LOST
    return len(rows)


def _claimed(session: Session, claim: Claim) -> Sequence[Notification]:
    """The rows of this very attempt, locked; those whose lease ended meanwhile too, as we know better now."""
    query = select(Notification).where(Notification.id.in_(claim.attempts), Notification.state.in_((SENDING, UNKNOWN)))
    locked = query.order_by(Notification.id).with_for_update(key_share=True)
    rows = session.scalars(locked.execution_options(populate_existing=True)).all()
    return [row for row in rows if row.attempts == claim.attempts[row.id]]


def _tickets_of(session: Session, rows: Sequence[Notification]) -> dict[int, Ticket]:
    ids = {row.ticket_id for row in rows if row.ticket_id is not None}
    return {ticket.id: ticket for ticket in session.scalars(select(Ticket).where(Ticket.id.in_(ids)))} if ids else {}


def _still_meant(
    session: Session, rows: Sequence[Notification], tickets: Mapping[int, Ticket], way: str
) -> list[Notification]:
    """Those that may go out now: much may have changed over night."""
    if way == ROBOT:
        robot = session.get(Robot, rows[0].robot_id)
        return [row for row in rows if robot and robot.active and not _is_restricted(row, tickets)]
    user = session.get(User, rows[0].user_id)
    if user is None or not user.active or not user.email:
        return []
    seen = {ticket_id: bool(recipients.those_who_see(session, t, [user])) for ticket_id, t in tickets.items()}
    return [row for row in rows if row.ticket_id is None or seen[row.ticket_id]]


def _is_restricted(row: Notification, tickets: Mapping[int, Ticket]) -> bool:
    return row.ticket_id is not None and tickets[row.ticket_id].restricted


def _number(row: Notification, tickets: Mapping[int, Ticket]) -> str:
    return tickets[row.ticket_id].number if row.ticket_id is not None else ""
