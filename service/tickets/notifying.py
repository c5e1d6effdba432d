"""Who hears of a matter, and how: rows that the app shows and a worker sends. Whoever calls decides what and when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from typing import cast as known_as

from sqlalchemy import Executable, Table, Text, cast, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from service.doorbell import announce, ring
from service.people import Role, User
from service.rulebook import Rulebook
from service.sla.clocks import due
from service.sla.policy import Target, Unit
from service.tickets import locks, recipients
from service.tickets.changes import FINISHED, Deed, mention
from service.tickets.models import Ticket
from service.tickets.register import Notification
from service.tickets.states import Action

BATCH = 100  # matters of one transaction
IN_APP, MAIL, ROBOT = "in_app", "mail", "robot"  # ways
DUE = "due"
RED = "red"
NOTICED: Final = "unread"  # kind of what the next level hears
TO_REACT = Target(1, Unit.WORKING_DAYS)  # what a supervisor has before the next level hears of it
ALL: Final = ("handler", "department_head", "supervisor", "leadership")
BEFORE_DIGEST = timedelta(minutes=10)
UNREAD = "督办员一个工作日内未查看，已报上一级"


@dataclass(frozen=True, slots=True)
class Matter:
    """What people should know. `who` and `how` as in `sla.ladder`; `users`: ids of others who hear of it too."""

    cause: str  # the same cause is told once: "escalation:12"
    kind: str  # escalation urge supervision extension breach appeal unread handover assigned urgent
    ticket: Ticket | None
    facts: Mapping[str, object]
    who: tuple[str, ...] = ()
    how: tuple[str, ...] = ("in_app", "browser")
    users: tuple[int, ...] = ()
    answer_by: datetime | None = None  # unread by then, the next level hears of it


def tell(session: Session, matter: Matter, deed: Deed) -> None:
    """Write the notifications of a matter; the same cause again writes nothing.

    Only to those who may see its ticket, never to a robot of one that is restricted, and not to whoever did it.
    """
    tell_all(session, (matter,), deed)


def tell_all(session: Session, matters: Iterable[Matter], deed: Deed) -> None:
    """The same for many matters at once; what they have in common is asked once."""
    zone, quiet = deed.rules.zone, deed.rules.quiet
    is_quiet = quiet.holds(deed.now, zone)
    at_once, in_digest = Outgoing(deed.now, digest=False), Outgoing(quiet.next_digest(deed.now, zone), digest=True)
    _write(session, [(m, in_digest if is_quiet and not is_urgent(m) else at_once) for m in matters], deed)


def _write(session: Session, matters: Sequence[tuple[Matter, "Outgoing"]], deed: Deed) -> None:
    if not matters:
        return
    causes = select(Notification.cause).where(Notification.cause.in_([matter.cause for matter, _ in matters]))
    told, known = set(session.scalars(causes)), recipients.Addressees(session, deed.rules)
    rows: list[dict[str, object]] = []
    for matter, outgoing in matters:
        if matter.cause not in told:
            rows += _rows(known, matter, deed, outgoing)
    if not rows or session.connection().execute(_insert(session.get_bind().dialect.name), rows).rowcount == 0:
        return  # another process has told it at this very moment
    announce(session, *{topic_of(int(str(row["user_id"]))) for row in rows if row["user_id"] is not None})
    if any(isinstance(at := row["send_at"], datetime) and at <= deed.now for row in rows):
        ring(session, "notify")


def _rows(
    known: recipients.Addressees, matter: Matter, deed: Deed, outgoing: "Outgoing"
) -> Iterator[dict[str, object]]:
    """All that is written of one matter."""
    for user in _people(known, matter, deed):
        yield from _rows_of(matter, user, deed, outgoing)
    if ROBOT in matter.how:
        for robot in known.robots(matter.ticket):
            yield _row(matter, ROBOT, deed, target=f"robot:{robot.id}", robot_id=robot.id, **outgoing.columns)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """When what leaves the house goes out, alone or with the others of the morning."""

    send_at: datetime
    digest: bool

    @property
    def columns(self) -> dict[str, object]:
        """Of a row that is sent."""
        return {"send_at": self.send_at, "digest": self.digest, "state": DUE}


def _people(known: recipients.Addressees, matter: Matter, deed: Deed) -> list[User]:
    """Who hears of it, each once: whoever did it needs no telling, unless they are named."""
    meant = known.people(matter.ticket, matter.who)
    found = {user.id: user for user in meant if deed.by is None or user.id != deed.by.id}
    found |= {user.id: user for user in recipients.users_of(known.session, matter.ticket, matter.users)}
    return list(found.values())


def _rows_of(matter: Matter, user: User, deed: Deed, outgoing: Outgoing) -> Iterator[dict[str, object]]:
    own: dict[str, object] = {"target": f"user:{user.id}", "user_id": user.id}
    if {IN_APP, "browser"} & set(matter.how):
        answer_by = _answer_by(matter, deed) if Role.SUPERVISOR in user.roles else None
        yield _row(matter, IN_APP, deed, **own, pops="browser" in matter.how, answer_by=answer_by)
    if MAIL in matter.how and user.email:
        yield _row(matter, MAIL, deed, **own, **outgoing.columns)


def _row(matter: Matter, way: str, deed: Deed, **columns: object) -> dict[str, object]:
    """All columns, as one statement writes them all."""
    nothing = dict.fromkeys(("user_id", "robot_id", "answer_by", "send_at", "state", "read_at", "detail"))
    return {
        **nothing,
        "cause": matter.cause,
        "kind": matter.kind,
        "way": way,
        "ticket_id": matter.ticket.id if matter.ticket else None,
        "facts": dict(matter.facts),
        "at": deed.now,
        "urgent": is_urgent(matter),
        "pops": False,
        "digest": False,
        "attempts": 0,
        **columns,
    }


def _answer_by(matter: Matter, deed: Deed) -> datetime | None:
    """By when a supervisor has to look at it; None where nobody waits for that."""
    if matter.answer_by is not None:
        return matter.answer_by
    if matter.kind == "escalation" and matter.facts.get("level"):
        return due(TO_REACT, deed.now, deed.rules.calendar)[0]
    return None


@cache
def _insert(dialect: str) -> Executable:
    """INSERT that leaves what is there alone; both dialects know ON CONFLICT and spell it alike."""
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(known_as(Table, Notification.__table__))
    return statement.on_conflict_do_nothing(index_elements=["cause", "way", "target"])


def topic_of(user_id: int) -> str:
    """What open pages of this person listen to."""
    return f"user:{user_id}"


def is_urgent(matter: Matter) -> bool:
    """Whether it goes out in quiet hours too."""
    return (
        matter.facts.get("level") == RED
        or matter.kind == "urgent"
        or (matter.ticket is not None and matter.ticket.priority == "urgent")
    )


def unread_due(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """Tell the next level what no supervisor has read in time, each matter once; returns how many were looked at."""
    passed = select(Notification.cause, Notification.ticket_id).where(Notification.answer_by <= now)
    found = session.execute(passed.order_by(Notification.answer_by, Notification.id).limit(BATCH)).all()
    if not found:
        return 0
    order = select(Ticket.id).where(Ticket.id.in_([row.ticket_id for row in found if row.ticket_id is not None]))
    ids = session.scalars(order.order_by(Ticket.follower_id, Ticket.id)).all()
    tickets = {ticket_id: locks.lock_ticket(session, ticket_id) for ticket_id in ids}
    for cause, ticket_id in dict.fromkeys((row.cause, row.ticket_id) for row in found):
        ticket = tickets[ticket_id] if ticket_id is not None else None
        _look_after(session, cause, ticket, Deed(by=None, now=now, rules=rules))
    return len(found)


def _look_after(session: Session, cause: str, ticket: Ticket | None, deed: Deed) -> None:
    """One matter whose time to react has passed: it is enough that one of the supervisors has read it."""
    query = select(Notification).where(Notification.cause == cause, Notification.answer_by.is_not(None))
    rows = session.scalars(
        query.order_by(Notification.id).with_for_update(key_share=True).execution_options(populate_existing=True)
    ).all()
    if not rows:  # another scheduler has had it
        return
    was_read = any(row.read_at is not None for row in rows)
    for row in rows:
        row.answer_by = None
    if was_read or (ticket is not None and ticket.status in FINISHED):
        return
    first = rows[0]
    facts = {**first.facts, "of": first.kind}
    how = ("in_app", "browser", "mail")
    matter = Matter(f"{NOTICED}:{first.id}", NOTICED, ticket, facts, who=("leadership",), how=how)
    tell(session, matter, deed)
    if ticket is not None:
        mention(session, ticket, Action.ESCALATE, now=deed.now, because=UNREAD, after={"rung": NOTICED})


def remind_red(session: Session, *, now: datetime, rules: Rulebook) -> int:
    """What stands under a red card goes into each morning's digest until it is closed; returns how many it were.

    Written a little before the digest, so that it is in it. A card of this very day has just been told.
    """
    here = now.astimezone(rules.zone)
    digest_at = rules.quiet.digest_on(here.date(), rules.zone)
    if now < digest_at - BEFORE_DIGEST or (now > digest_at and rules.quiet.holds(now, rules.zone)):
        return 0
    told = select(Notification.id).where(Notification.ticket_id == Ticket.id, Notification.urgent.expression)
    cause = literal("red:").concat(cast(Ticket.id, Text)).concat(f":{here.date()}")
    today = select(Notification.id).where(Notification.cause == cause)
    query = select(Ticket.follower_id, Ticket.id).where(Ticket.supervision == RED, ~today.exists())
    query = query.where(told.where(Notification.at < digest_at - BEFORE_DIGEST).exists())
    found = session.execute(query.order_by(Ticket.id).limit(BATCH)).all()
    outgoing = Outgoing(max(now, digest_at), digest=True)
    for _, ticket_id in sorted(tuple(row) for row in found):  # followers are locked in the order of their ids
        ticket = locks.lock_ticket(session, ticket_id)
        facts = {"what": "standing", "level": RED, "number": ticket.number}
        matter = Matter(
            f"red:{ticket.id}:{here.date()}", "supervision", ticket, facts, who=ALL, how=(IN_APP, MAIL, ROBOT)
        )
        if ticket.supervision == RED:
            _write(session, [(matter, outgoing)], Deed(by=None, now=now, rules=rules))
    return len(found)
