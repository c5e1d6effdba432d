"""Where the demonstration plays: one transaction, a clock moved by hand, and what workers do meanwhile."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.channels.wechat.errcodes import verdict_on
from service.demo import people
from service.demo.account import CHANNEL
from service.demo.followers import Person
from service.demo.pictures import PICTURES
from service.files import FileStore
from service.messaging import inbox, outbox
from service.messaging.followers import Follower
from service.messaging.outbox import Delivery, OutboxItem
from service.messaging.ports import Contact, DeliveryError, Failure, Inbound, Limits, Media
from service.people import Permission, User
from service.rulebook import Rulebook
from service.sla.policy import ClockKind
from service.tickets import access, attachments, classification, delivery, intake, sweeps
from service.tickets.changes import Deed
from service.tickets.models import ClockRow, Ticket

TICK = timedelta(seconds=1)  # between an instant that has come and the worker that sees it
GONE = DeliveryError(
    f"{verdict_on(43004).zh}（43004：require subscribe）", kind=Failure.UNREACHABLE, code=43004
)  # the follower has left
SILENT = DeliveryError("不能确定是否送达：read timed out", kind=Failure.UNKNOWN)
QUEUE = select(OutboxItem.id).where(OutboxItem.state == Delivery.QUEUED).order_by(OutboxItem.id)
SWEEPS: Mapping[str, Callable[..., int]] = {  # a ticket's column, and what is done when its instant has come
    "classify_at": classification.classify_due,
    "breach_at": sweeps.mark_overdue,
    "wake_at": sweeps.wake,
}


@dataclass(slots=True)
class Stage:
    """The session and the time of the play; `now` only moves forward."""

    session: Session
    rules: Rulebook
    limits: Limits
    files: FileStore
    chance: random.Random
    staff: Mapping[str, User]
    now: datetime
    trouble: dict[int, DeliveryError] = field(default_factory=dict)  # what meets the sends of which message
    _pushes: int = 0
    # held on to, so that the session need not read them again for each step
    _tickets: dict[int, Ticket] = field(default_factory=dict)
    _awaited: dict[int, Ticket] = field(default_factory=dict)  # those of which an instant is still to come
    _followers: dict[str, Follower] = field(default_factory=dict)

    def says(self, person: Person, text: str, *, kind: str = "text", contact: Contact = Contact.MESSAGE) -> None:
        """A push of the platform: kept in the inbox, handled at once, answered."""
        self._pushes += 1
        media = (Media(f"demo-{self._pushes}", "image"),) if kind == "image" else ()
        message = Inbound(
            channel=CHANNEL,
            key=f"demo:{self._pushes}",
            follower=person.openid,
            kind=kind,
            text=text,
            sent_at=self.now,
            raw="<xml/>",
            contact=contact,
            matter=contact is Contact.MESSAGE,
            media=media,
        )
        self.session.flush()  # intake speaks to the connection itself
        item_id = inbox.keep(self.session, message, now=self.now, handled_at=self.now)
        if item_id is not None:
            intake.receive(self.session, message, item_id=item_id, limits=self.limits, rules=self.rules, now=self.now)
        follower = self.follower(person)
        if follower is not None:
            self._reread(follower)

    def _reread(self, follower: Follower) -> None:
        """Take over what intake wrote past the session, and send what waited for this word."""
        waited = follower.waiting_items
        self.session.refresh(follower)
        if follower.open_ticket_id is not None:
            self.session.expire(self.ticket(follower.open_ticket_id))
        if waited:
            self.deliver()

    def sends_picture(self, person: Person, picture: str) -> None:
        """A picture arrives, and the worker brings its file."""
        self.says(person, "[图片]", kind="image")
        for attachment_id in attachments.pending(self.session, self.now):
            attachments.store(self.session, attachment_id, PICTURES[picture](), files=self.files)

    def follower(self, person: Person) -> Follower | None:
        """The person's row; None before their first word."""
        if person.openid not in self._followers:
            query = select(Follower).where(Follower.channel == CHANNEL, Follower.address == person.openid)
            found = self.session.scalar(query)
            if found is None:
                return None
            self._followers[person.openid] = found
        return self._followers[person.openid]

    def ticket(self, ticket_id: int) -> Ticket:
        """The ticket as it is now. Nobody else is at work yet, so that nothing has to be locked."""
        if ticket_id not in self._tickets:
            self._tickets[ticket_id] = self.session.get_one(Ticket, ticket_id)
        self._awaited[ticket_id] = self._tickets[ticket_id]
        return self._tickets[ticket_id]

    def deed(self, username: str, ticket: Ticket, permission: Permission) -> Deed:
        """What this person does now. Raises ValueError where the desk would not let them."""
        user = self.staff[username]
        sees = not ticket.restricted or user.may(Permission.SEE_RESTRICTED) or ticket.assignee_id == user.id
        if not (sees and access.may(user, permission, ticket)):
            raise ValueError(f"{username} may not {permission} on {ticket.number}")
        return Deed(by=user, now=self.now, rules=self.rules)

    def due_at(self, ticket_id: int, kind: ClockKind) -> datetime | None:
        """When this clock of the ticket is due; None if it does not run."""
        query = select(ClockRow.due_at).where(ClockRow.ticket_id == ticket_id, ClockRow.kind == kind.value)
        return self.session.scalar(query.where(ClockRow.met_at.is_(None)))

    def agents(self, department_id: int) -> list[str]:
        """Who works in a department, heads left out where there are others."""
        own = [name for name in people.USERNAMES if self.staff[name].department_id == department_id]
        agents = [name for name in own if "agent" in self.staff[name].roles]
        return agents or own

    def next_due(self) -> datetime | None:
        """When something falls due by itself: a burst to classify, a clock, a wake-up."""
        for ticket_id, ticket in list(self._awaited.items()):
            if not any(getattr(ticket, name) for name in SWEEPS):
                del self._awaited[ticket_id]
        instants = (getattr(ticket, name) for ticket in self._awaited.values() for name in SWEEPS)
        return min((at for at in instants if at is not None), default=None)

    def work_off(self) -> None:
        """What workers do about that once it has come."""
        for name, step in SWEEPS.items():
            instants = (getattr(ticket, name) for ticket in self._awaited.values())
            if any(at is not None and at <= self.now for at in instants):
                self.session.flush()
                step(self.session, now=self.now, rules=self.rules)
        for ticket in self._tickets.values():
            if "clocks" in ticket.__dict__:  # a sweep has loaded them; others come, and it would not be noticed
                self.session.expire(ticket, ["clocks"])

    def deliver(self) -> None:
        """What workers do with the outbox."""
        for item_id in self.session.scalars(QUEUE).all():
            self._deliver(item_id)

    def _deliver(self, item_id: int) -> None:
        """One send without a network: it arrives, unless trouble was planned for its message."""
        claim = outbox.claim(self.session, item_id, now=self.now)
        if claim is None:
            item = self.session.get_one(OutboxItem, item_id)
        elif error := self.trouble.pop(self.session.get_one(OutboxItem, item_id).reference_id, None):
            item = outbox.refused(self.session, claim, error, now=self.now)
        else:
            item = outbox.sent(self.session, claim, now=self.now)
        delivery.settled(self.session, item, now=self.now, rules=self.rules)
