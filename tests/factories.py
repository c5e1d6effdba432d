"""Makers with defaults for all: tests pass only what matters."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import credentials
from service.audit import Event
from service.channels import intake as channel_intake
from service.channels import registry
from service.database import reading, transaction
from service.messaging import outbox
from service.messaging.ports import Contact, DeliveryError, Inbound, Media
from service.people import NewUser, User
from service.rulebook import Rulebook
from service.tickets import classification, delivery, handling, locks, queries, sweeps
from service.tickets.changes import Deed
from service.tickets.handling import Draft
from service.tickets.models import ClockRow, Message, Ticket

MORNING = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)  # a Wednesday, 09:30 in Shanghai
PASSWORD = "correct-horse-7"
COMPLAINT = "我要投诉，你们的服务态度太差了"
INQUIRY = "请问你们几点上班"
ANSWER = "已经处理完毕，谢谢您"


class Desk:
    """One installation in one process, its time moved by hand."""

    def __init__(self, app: Flask) -> None:
        self.app, self.now = app, MORNING
        self._pushes = 0

    @property
    def rules(self) -> Rulebook:
        with reading() as session:
            current: Rulebook = self.app.extensions["rulebook"].current(session)
        return current

    def later(self, **length: float) -> datetime:
        """Move the time on."""
        self.now += timedelta(**length)
        return self.now

    def person(self, username: str = "zhang", role: str = "agent", department: str = "KFB", *more: str) -> User:
        with transaction() as session:
            new = NewUser(username, f"{username} 的姓名", department, (role, *more), PASSWORD)
            made = credentials.add_user(session, new, now=self.now)
            session.flush()
            session.expunge(made)  # else a look at the database in between would forget what it knows
        return made

    def client(self, user: User) -> "Caller":
        with transaction() as session:
            token = credentials.add_token(session, user, now=self.now)
        return Caller(self.app.test_client(), token)

    def says(
        self,
        text: str = INQUIRY,
        *,
        follower: str = "oFollower0001",
        kind: str = "text",
        contact: Contact = Contact.MESSAGE,
        matter: bool = True,
        media: tuple[Media, ...] = (),
        channel: str = "wechat:main",
    ) -> str:
        """A follower's message arrives now; returns the passive reply."""
        self._pushes += 1
        key = f"m:{follower}:{self._pushes}"
        message = Inbound(channel, key, follower, kind, text, self.now, "<xml/>", contact, matter, media)
        return channel_intake.handle(message, now=self.now)

    def classify(self) -> None:
        """What the worker does once followers are quiet."""
        self.later(seconds=5)
        with transaction() as session:
            classification.classify_due(session, now=self.now, rules=self.rules)

    def ticket(self, text: str = INQUIRY, *, follower: str = "oFollower0001", classified: bool = True) -> Ticket:
        """A new matter of a new follower."""
        self.says(text, follower=follower)
        if classified:
            self.classify()
        return self.newest()

    def newest(self) -> Ticket:
        with reading() as session:
            found = session.scalars(select(Ticket).order_by(Ticket.id.desc()).limit(1)).one()
            return self.reread(found)

    def reread(self, ticket: Ticket) -> Ticket:
        """The ticket as it stands in the database."""
        with reading() as session:
            query = queries.for_lists(select(Ticket).where(Ticket.id == ticket.id))
            found = session.scalars(query.execution_options(populate_existing=True)).one()
            session.expunge_all()
        return found

    @contextmanager
    def doing(self, ticket: Ticket, by: User | None) -> Iterator["Doing"]:
        """One transaction in which `by` does something to the ticket."""
        with transaction() as session:
            found = locks.lock_ticket(session, ticket.id)
            person = session.get_one(User, by.id) if by else None
            yield Doing(session, found, Deed(by=person, now=self.now, rules=self.rules))

    def accept(self, ticket: Ticket, by: User) -> Ticket:
        with self.doing(ticket, by) as d:
            handling.accept(d.session, d.ticket, d.deed)
        return self.reread(ticket)

    def reply(self, ticket: Ticket, by: User, text: str = ANSWER, kind: str = "final", **more: object) -> Message:
        """Written, and not yet delivered."""
        limits = registry.channel_named(ticket.channel).limits
        with self.doing(ticket, by) as d:
            draft = Draft(text, kind, **more)  # type: ignore[arg-type]
            message = handling.reply(d.session, d.ticket, draft, d.deed, limits=limits)
        with reading() as session:
            session.expunge(message)
        return message

    def answer(self, ticket: Ticket, by: User) -> Ticket:
        """The final answer, delivered."""
        self.reply(ticket, by)
        self.deliver()
        return self.reread(ticket)

    def events(self, ticket: Ticket) -> list[Event]:
        with reading() as session:
            found = session.scalars(select(Event).where(Event.ticket_id == ticket.id).order_by(Event.id)).all()
            session.expunge_all()
        return list(found)

    def clock(self, ticket: Ticket, kind: str) -> ClockRow | None:
        """One clock as it stands in the database, None if it is not set."""
        return next((row for row in self.reread(ticket).clocks if row.kind == kind), None)

    def deliver(self) -> None:
        """What the worker does with the outbox, at this desk's time."""
        while ids := self._due():
            sent = [self._deliver(item_id) for item_id in ids]
            if not any(sent):
                return

    def _due(self) -> list[int]:
        with reading() as session:
            return list(outbox.next_due(session, self.now))

    def _deliver(self, item_id: int) -> bool:
        with transaction() as session:
            claim = outbox.claim(session, item_id, now=self.now)
            if claim is None:
                item = outbox.find(session, item_id)
                delivery.lock_for(session, item_id)
                delivery.settled(session, item, now=self.now, rules=self.rules)
                return False
        try:
            outcome: str | DeliveryError = registry.channel_named(claim.message.channel).send(claim.message)
        except DeliveryError as error:
            outcome = error
        with transaction() as session:
            delivery.concluded(session, claim, outcome, now=self.now, rules=self.rules)
        return True

    def sweep(self) -> None:
        with transaction() as session:
            sweeps.mark_overdue(session, now=self.now, rules=self.rules)
        with transaction() as session:
            sweeps.wake(session, now=self.now, rules=self.rules)

    def messages(self, ticket: Ticket) -> list[Message]:
        with reading() as session:
            found = session.scalars(select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)).all()
            session.expunge_all()
        return list(found)


@dataclass
class Doing:
    session: Session
    ticket: Ticket
    deed: Deed


class Caller:
    """A program with a bearer token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client, self._headers = client, {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: object):  # type: ignore[no-untyped-def]
        return self._client.get(f"/api/v1{path}", query_string=query, headers=self._headers)

    def post(self, path: str, body: dict[str, object] | None = None, **headers: str):  # type: ignore[no-untyped-def]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._client.post(f"/api/v1{path}", json=body or {}, headers=self._headers | named)
