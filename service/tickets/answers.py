"""What the service says by itself: the words of the actions that a keyword or a menu button has."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit
from service.audit import Event
from service.errors import InvalidInput
from service.routing import autoreply
from service.routing.autoreply import INTENTS, Autoreplies, Do
from service.rulebook import Rulebook, shipped
from service.tickets import locks, progress, urging
from service.tickets.changes import Deed
from service.tickets.models import Rating, Ticket
from service.tickets.receipts import filled, local
from service.tickets.states import WORKABLE, Action, Status

log = logging.getLogger(__name__)

KIND = "autoreplies"  # of the published document, one a channel
LATELY = timedelta(days=7)  # how long a finished ticket is told about
SHOWN = 5  # tickets of one answer
URGE_EVERY = timedelta(minutes=10)

_compiled: dict[str, tuple[Mapping[str, object], Autoreplies]] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to know, and when. The follower is locked by the caller."""

    follower_id: int
    open_ticket_id: int | None
    channel: str
    rules: Rulebook
    now: datetime

    @property
    def pages(self) -> str:
        """Address of the follower's own pages."""
        return f"{self.rules.public_url.rstrip('/')}/my/{self.channel.partition(':')[2]}/"

    def text(self, key: str, **values: str) -> str:
        return filled(self.rules.texts[key], values)


def default_document() -> Mapping[str, object]:
    """What holds for a channel until somebody publishes a document of its own."""
    return shipped("autoreplies.json")[0]


def replies_for(rules: Rulebook, channel: str) -> Autoreplies:
    """The channel's auto-replies as values, made once for each version of them."""
    document = rules.documents.get((KIND, channel)) or default_document()
    kept = _compiled.get(channel)
    if kept is None or kept[0] is not document:
        try:
            kept = document, autoreply.read(document)
        except InvalidInput:  # it was checked when it was published; messages must be taken all the same
            log.exception("the published auto-replies are not usable", extra={"channel": channel})
            kept = document, autoreply.read(default_document())
        _compiled[channel] = kept
    return kept[1]


def say(session: Session, action: Do, asked: Asked, *, own: str, is_bare: bool) -> str:
    """What an action says: the rule's own words, then what the service knows.

    `is_bare`: nothing but the keyword was written or tapped; else the follower has told us more, and only a ticket
    that is open is worth telling about.
    """
    own = completed(own, asked)
    if action is Do.TEXT:
        return own
    if action in (Do.PROGRESS, Do.RATE) and (is_bare or asked.open_ticket_id is not None):
        return "\n".join(text for text in (own, SAYINGS[action](session, asked)) if text)
    return own or (SAYINGS[action](session, asked) if is_bare else "")


def completed(text: str, asked: Asked) -> str:
    """The operator's text with {gift}, {opening}, {progress_url} and {my_url} filled in."""
    if "{" not in text:
        return text
    gift = replies_for(asked.rules, asked.channel).gift or asked.rules.texts["no_gift"]
    opening = local(asked.rules.calendar.next_opening(asked.now), asked.now, asked.rules)
    return filled(
        text, {"gift": gift, "opening": opening, "progress_url": _progress_page(asked), "my_url": asked.pages}
    )


def welcome(asked: Asked) -> str:
    """What a new follower reads: the paragraphs, and the gift."""
    replies = replies_for(asked.rules, asked.channel)
    return completed("\n".join(text for text in (*replies.paragraphs, replies.gift) if text), asked)


def default(asked: Asked) -> str:
    """The answer to what needs none, by working hours; "" where the operator wants none."""
    replies, is_open = replies_for(asked.rules, asked.channel), asked.rules.calendar.is_open(asked.now)
    return completed(replies.inside if is_open else replies.outside, asked)


def urge(session: Session, asked: Asked, *, because: str) -> Ticket | None:
    """Note on the open ticket that the follower asks for haste, at most once in URGE_EVERY; None without one."""
    if asked.open_ticket_id is None:
        return None
    ticket = locks.lock_ticket(session, asked.open_ticket_id)
    if ticket.status not in WORKABLE:
        return ticket
    query = select(Event.id).where(
        Event.ticket_id == ticket.id, Event.at > asked.now - URGE_EVERY, Event.action == Action.CUSTOMER_URGE.value
    )
    if session.scalar(query.limit(1)) is None:
        deed = Deed(by=None, now=asked.now, rules=asked.rules, actor_name=audit.FOLLOWER)
        urging.urge_by_customer(session, ticket, deed, because=because)
    return ticket


def _progress(session: Session, asked: Asked) -> str:
    """Where the follower's matters stand and by when an answer comes; counts as an urge on the open one."""
    urged = urge(session, asked, because="客户查询进度")
    found = [
        *progress.open_tickets(session, asked.follower_id),
        *(
            ticket
            for ticket in progress.finished_tickets(session, asked.follower_id).items
            if ticket.closed_at is not None and ticket.closed_at >= asked.now - LATELY
        ),
    ][:SHOWN]
    if not found:
        return asked.text("progress_none")
    lines = [asked.text("progress_head"), *(_stand(ticket, asked) for ticket in found)]
    if urged is not None and urged.status in WORKABLE and urged.status is not Status.WAITING_CUSTOMER:
        lines.append(asked.text("progress_urged"))
    return "\n".join([*lines, asked.text("progress_link", progress_url=_progress_page(asked))])


def _stand(ticket: Ticket, asked: Asked) -> str:
    """One line on one ticket."""
    at = promised_at(ticket, asked.now)
    key = f"progress_{ticket.status.value}"
    if at is None and f"{key}_late" in asked.rules.texts:
        key = f"{key}_late"
    promise = local(at, asked.now, asked.rules) if at else ""
    return asked.text(key, number=ticket.number, query_code=ticket.query_code, promise=promise)


def promised_at(ticket: Ticket, now: datetime) -> datetime | None:
    """By when the follower hears from us, or work goes on; None where that time has passed, or there is none."""
    if ticket.status is Status.SUSPENDED:
        return ticket.wake_at
    if ticket.status is Status.PENDING_ACCEPTANCE:
        due = next((row.due_at for row in ticket.clocks if row.kind == "accept"), None)
        return due if due is not None and due > now else None
    promise = progress.promise(ticket, now)
    return promise.at if promise is not None and not promise.is_late else None


def _human(session: Session, asked: Asked) -> str:
    """A person will come, and when: about the open ticket, else once the follower has said what it is about."""
    opening = asked.rules.calendar.next_opening(asked.now)
    values = {"opening": local(opening, asked.now, asked.rules)}
    urged = urge(session, asked, because="客户要求人工")
    if urged is None or urged.status not in WORKABLE:  # on an answered one their next message is what reopens it
        return asked.text("human_ask" if opening <= asked.now else "human_ask_closed", **values)
    session.refresh(urged, ["clocks"])
    at = promised_at(urged, asked.now)
    values |= {"number": urged.number, "promise": local(at, asked.now, asked.rules) if at else ""}
    if opening > asked.now:
        return asked.text("human_joined_closed", **values)
    return asked.text("human_joined" if at else "human_joined_late", **values)


def _rate(session: Session, asked: Asked) -> str:
    """Where to rate the newest answer that has no rating yet."""
    query = select(Ticket.number).outerjoin(Rating, Rating.ticket_id == Ticket.id)
    query = query.where(Ticket.follower_id == asked.follower_id, Rating.ticket_id.is_(None))
    query = query.where(Ticket.status.in_((Status.ANSWERED, Status.CLOSED)), Ticket.answered_at.is_not(None))
    number = session.scalar(query.order_by(Ticket.id.desc()).limit(1))
    if number is None:
        return asked.text("rate_none")
    return asked.text("rate", number=number, ticket_url=f"{asked.pages}{number}")


def _ask(asked: Asked, action: Do) -> str:
    return asked.text(f"ask_{INTENTS[action]}")


def _progress_page(asked: Asked) -> str:
    return f"{asked.rules.public_url.rstrip('/')}/progress"


SAYINGS: Mapping[Do, Callable[[Session, Asked], str]] = {
    Do.ASK: lambda _, asked: _ask(asked, Do.ASK),
    Do.COMPLAIN: lambda _, asked: _ask(asked, Do.COMPLAIN),
    Do.SUGGEST: lambda _, asked: _ask(asked, Do.SUGGEST),
    Do.PROGRESS: _progress,
    Do.TICKETS: lambda _, asked: asked.text("tickets", my_url=asked.pages),
    Do.HUMAN: _human,
    Do.RATE: _rate,
    Do.PRIVACY: lambda _, asked: asked.text("privacy"),
    Do.HELP: lambda _, asked: asked.text("help"),
}
