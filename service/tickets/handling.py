"""What a handler does: accept, reply, ask, note, suspend, resume, send again, cancel."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from service.errors import IllegalTransition, InvalidInput, LastMessage, NotFound, StaleReply
from service.messaging import outbox
from service.messaging.followers import Follower, can_reach
from service.messaging.outbox import Delivery, Part
from service.messaging.ports import Limits
from service.sla.policy import ClockKind
from service.tickets import delivery, judgements, suspensions, uploads
from service.tickets.changes import Deed, change
from service.tickets.clocks import Clocks
from service.tickets.models import Message, Ticket
from service.tickets.states import Action, Status, after
from service.tickets.uploads import Upload

SHORTEST_ACCOUNT = 8  # characters: a call is recorded with whom and what, not with "ok"
SHOWN_WHEN_STALE = 50
BY_CHANNEL = "wechat"  # the contract's word for the ticket's own channel


@dataclass(frozen=True, slots=True)
class Link:
    """A link card."""

    url: str
    title: str
    description: str = ""
    picurl: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply as its author wrote it."""

    text: str
    kind: str  # interim final ask
    via: str = BY_CHANNEL  # or phone, in_person
    seen: int | None = None  # id of the newest message the author saw
    force: bool = False
    files: Sequence[int] = ()  # ids of the author's uploads, each a message of the window
    link: Link | None = None  # shown as a card, one more message of the window


def accept(session: Session, ticket: Ticket, deed: Deed, *, promise_at: datetime | None = None, plan: str = "") -> None:
    """The actor takes the ticket: it is theirs, and the accept clock is met."""
    also = {"promise_at": promise_at.isoformat()} if promise_at else {}
    with change(session, ticket, Action.ACCEPT, deed, because=plan, also=also) as clocks:
        _take(session, ticket, deed, clocks)
        ticket.assignee_id = deed.by.id if deed.by else None
        ticket.promise_at, ticket.plan = promise_at or ticket.promise_at, plan or ticket.plan


def reply(session: Session, ticket: Ticket, draft: Draft, deed: Deed, *, limits: Limits) -> Message:
    """Write a reply. Its clocks are met once the platform has taken it, or at once where it was given by phone.

    Raises StaleReply or LastMessage unless `draft.force`.
    """
    action = Action.ASK if draft.kind == "ask" else Action.REPLY
    after(ticket.status, action)
    follower = session.get_one(Follower, ticket.follower_id)
    files = uploads.chosen(session, deed.by, draft.files)
    _refuse_unsendable(draft, limits)
    parts = _parts(draft, files, limits)
    if not draft.force:
        _refuse_stale(session, ticket, draft, deed.actor)
        _refuse_last(session, follower, draft, len(parts), deed.now)
    also = {"kind": draft.kind, "via": draft.via}
    with change(session, ticket, action, deed, also=also) as clocks:
        if ticket.accepted_at is None or ticket.assignee_id is None:  # nobody has it, or has it any more
            _take(session, ticket, deed, clocks)
            ticket.assignee_id = deed.by.id if deed.by else None
        if action is Action.ASK:
            ticket.suspend_reason, ticket.wake_at = None, None
        message = _message(session, ticket, draft, files, deed)
        if draft.via == BY_CHANNEL:
            state = outbox.put(
                session, follower, parts, reference_id=message.id, now=deed.now, can_send=limits.can_send
            )
            message.delivery = state.value
            delivery.note_waiting(session, ticket, deed)
        else:
            clocks.spoke(at=deed.now)
            ticket.callback_due_at = None
    if draft.via != BY_CHANNEL and draft.kind == "final":
        delivery.answered(session, ticket, at=deed.now, deed=deed)
    return message


def note(session: Session, ticket: Ticket, text: str, deed: Deed) -> Message:
    """An internal note: staff see it, the follower never does."""
    if ticket.status is Status.MERGED:
        raise IllegalTransition(
            "a merged ticket takes no notes; write on the ticket it went into", ticket_status="merged"
        )
    with change(session, ticket, Action.NOTE, deed):
        message = Message(ticket_id=ticket.id, follower_id=ticket.follower_id, direction="note", kind="text", text=text)
        message.at, message.author = deed.now, deed.actor
        session.add(message)
        session.flush()
    return message


def suspend(session: Session, ticket: Ticket, deed: Deed, *, reason: str, until: datetime) -> None:
    """Stop the resolve clock until a date; the ticket wakes by itself then, or when the follower writes.

    Raises InvalidInput for a date beyond what the ticket has left.
    """
    if until <= deed.now:
        raise InvalidInput(until="must lie in the future")
    after(ticket.status, Action.SUSPEND)
    suspensions.refuse_longer(session, ticket, deed, until)
    calendar = deed.rules.calendar_for(ticket.department_id)
    with change(session, ticket, Action.SUSPEND, deed, because=reason):
        ticket.suspend_reason, ticket.wake_at = reason, until
        ticket.remind_at = suspensions.next_reminder(deed.now, until, deed.now, deed.rules, calendar)


def resume(session: Session, ticket: Ticket, deed: Deed, *, because: str = "") -> None:
    with change(session, ticket, Action.RESUME, deed, because=because):
        ticket.suspend_reason, ticket.wake_at = None, None


def send_again(session: Session, ticket: Ticket, message_id: int, deed: Deed) -> Message:
    """A person decides that a message that failed, or perhaps arrived, goes out once more."""
    message = reply_of(session, ticket, message_id)
    states = (Delivery.UNKNOWN, Delivery.FAILED)
    if message.delivery not in states:
        raise IllegalTransition("only a message that failed or is unknown can be sent again", delivery=message.delivery)
    follower = session.get_one(Follower, ticket.follower_id)
    with change(session, ticket, Action.SEND_AGAIN, deed, also={"message": message.id}):
        outbox.retry(session, follower, message.id, now=deed.now)
        delivery.refresh(session, ticket, message, deed)
    return message


def cancel(session: Session, ticket: Ticket, message_id: int, deed: Deed) -> Message:
    """Take back what has not gone out."""
    message = reply_of(session, ticket, message_id)
    follower = session.get_one(Follower, ticket.follower_id)
    if not outbox.cancel(session, follower, message.id, now=deed.now):
        raise IllegalTransition("the message has gone out or is on its way", delivery=message.delivery)
    with change(session, ticket, Action.CANCEL, deed, also={"message": message.id}):
        delivery.refresh(session, ticket, message, deed)
    delivery.not_asked(session, ticket, message, deed, because="询问已撤回")
    return message


def reply_of(session: Session, ticket: Ticket, message_id: int) -> Message:
    """The ticket's own outbound message by WeChat; NotFound for any other."""
    message = session.get(Message, message_id)
    if message is None or message.ticket_id != ticket.id or message.delivery is None:
        raise NotFound("no such reply on this ticket")
    return message


def _take(session: Session, ticket: Ticket, deed: Deed, clocks: Clocks) -> None:
    judgements.accepted(session, ticket, deed)
    if ticket.accepted_at is None:
        ticket.accepted_at = deed.now
    clocks.meet(ClockKind.ACCEPT, at=deed.now)


def _message(session: Session, ticket: Ticket, draft: Draft, files: Sequence[Upload], deed: Deed) -> Message:
    message = Message(ticket_id=ticket.id, follower_id=ticket.follower_id, direction="outbound", kind="text")
    message.text, message.at, message.author = draft.text, deed.now, deed.actor
    message.via, message.reply_kind = draft.via, draft.kind
    if draft.link is not None:
        link = draft.link
        message.extra = {"Url": link.url, "Title": link.title, "Description": link.description, "PicUrl": link.picurl}
    if not draft.text.strip():
        message.kind = files[0].kind if files else "link"
        message.text = "".join(uploads.WORDS[file.kind] for file in files) or uploads.WORDS["news"]
    session.add(message)
    session.flush()
    uploads.attach(session, message, files, now=deed.now)
    return message


def _parts(draft: Draft, files: Sequence[Upload], limits: Limits) -> list[Part]:
    """What goes out, in order: the text, each file, the link. An account that cannot send writes the link as text."""
    texts = outbox.parts_of(draft.text, limits.text_bytes)
    parts = [Part(text) for text in texts if text.strip()]  # a blank message is refused
    parts += [uploads.part_of(file) for file in files]
    if draft.link is not None:
        words = f"{draft.link.title}\n{draft.link.url}"
        parts.append(Part(words, "news", asdict(draft.link)) if limits.can_send else Part(words))
    return parts


def _refuse_unsendable(draft: Draft, limits: Limits) -> None:
    extras = draft.files or draft.link is not None
    if draft.via != BY_CHANNEL and len(draft.text.strip()) < SHORTEST_ACCOUNT:
        raise InvalidInput(text="write with whom you spoke and what was said")
    if draft.via != BY_CHANNEL and extras:
        raise InvalidInput(attachments="files and links go out by WeChat only")
    if draft.files and not limits.can_send:
        raise InvalidInput(attachments="this account is not certified and cannot send files")
    if not draft.text.strip() and not extras:
        raise InvalidInput(text="must not be empty")


def _refuse_stale(session: Session, ticket: Ticket, draft: Draft, author: str) -> None:
    if draft.seen is None:
        return
    said = or_(Message.direction == "inbound", and_(Message.direction == "outbound", Message.author != author))
    newer = select(Message).where(Message.ticket_id == ticket.id, Message.id > draft.seen, said)
    messages = session.scalars(newer.order_by(Message.id).limit(SHOWN_WHEN_STALE)).all()
    if messages:
        raise StaleReply("somebody wrote since you looked; read it, then send again or force", messages=messages)


def _refuse_last(session: Session, follower: Follower, draft: Draft, needed: int, now: datetime) -> None:
    """`needed`: how many messages of the window the reply spends."""
    if draft.via != BY_CHANNEL or draft.kind == "final" or not can_reach(follower, now):
        return
    left = follower.messages_left - outbox.count_promised(session, follower.id)
    if 0 < left <= needed:
        raise LastMessage(
            "this would spend the window's last message: keep it for the final answer, or force", left=left
        )
