"""A ticket's conversation and history as lines of a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service.audit import Event
from service.channels import registry
from service.errors import NotFound
from service.messaging.outbox import Delivery, OutboxItem
from service.tickets import queries
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.states import Action
from service.web import content, labels, presenting, routing_words
from service.web.formats import minute
from service.web.languages import language
from service.web.naming import actor_name, category_name, department_names, people_names, subcategory_named

LINES = 100  # messages and events of one page
SPOKEN = {  # events that the conversation shows too; the rest stands in the history
    Action.ACCEPT,
    Action.ASSIGN,
    Action.TRANSFER,
    Action.CLASSIFY,
    Action.SUSPEND,
    Action.RESUME,
    Action.ANSWER,
    Action.DECLINE,
    Action.WITHDRAW,
    Action.INVALIDATE,
    Action.SOLVED,
    Action.UNSOLVED,
    Action.FOLLOW_UP,
    Action.CLOSE,
    Action.REOPEN,
    Action.MERGE,
    Action.OVERDUE,
    Action.CALENDAR,
    Action.RATE,
    Action.WINDOW,
    Action.NOTICE,
    Action.URGE,
    Action.CUSTOMER_URGE,
    Action.SUPERVISE,
    Action.ANSWER_ORDER,
    Action.CLOSE_ORDER,
    Action.ASK_EXTENSION,
    Action.EXTEND,
    Action.REFUSE_EXTENSION,
    Action.LAPSE_EXTENSION,
    Action.HAND_BACK,
    Action.RECUSE,
    Action.UNRECUSE,
}


@dataclass(frozen=True, slots=True)
class Said:
    """A message. `trouble` says what a person should do about a reply that did not arrive."""

    message: Message
    channel: str
    author: str
    parts: Sequence[OutboxItem]
    trouble: str
    can_send_again: bool
    can_cancel: bool

    @property
    def event_words(self) -> str:
        """What the follower did, "" where they said something."""
        return content.event_words(self.message) if content.is_event(self.message) else ""

    @property
    def pieces(self) -> Iterable[tuple[str, str]]:
        return content.pieces_of(self.message, self.channel)

    @property
    def card(self) -> content.Card | None:
        return content.card_of(self.message)

    @property
    def recognised(self) -> str:
        return content.recognised(self.message)

    @property
    def files(self) -> Sequence[Attachment]:
        return self.message.attachments

    @property
    def at(self) -> datetime:
        return self.message.at

    @property
    def key(self) -> tuple[datetime, int, int]:
        return self.message.at, 0, self.message.id


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an event changed."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Happened:
    """An event."""

    event: Event
    actor: str
    action: str
    changes: Sequence[Change]

    @property
    def at(self) -> datetime:
        return self.event.at

    @property
    def key(self) -> tuple[datetime, int, int]:
        return self.event.at, 1, self.event.id


@dataclass(frozen=True, slots=True)
class Talk:
    """The conversation, oldest first, with what happened in between; `older` leads to what came before."""

    lines: Sequence[Said | Happened]
    older: str | None
    newest: int  # id of the newest message


def talk_of(
    session: Session, ticket: Ticket, *, cursor: str | None, may_handle: bool, history: Sequence[Event]
) -> Talk:
    """Messages before the cursor, and the events of `history` that fall between them."""
    page = queries.newest_messages(session, ticket, cursor, LINES)
    names = known_names(session, page.items, history)
    parts = presenting.parts_of(session, page.items)
    said = [said_of(m, parts[m.id], names, ticket.channel, may_handle=may_handle) for m in page.items]
    begins = page.items[0].at if page.items and page.next_cursor else None
    between = [e for e in history if is_spoken(e) and (begins is None or e.at >= begins)]
    lines: list[Said | Happened] = [*said, *happened(between, names)]
    lines.sort(key=lambda line: line.key)
    return Talk(lines, page.next_cursor, max((m.id for m in page.items), default=0))


def is_spoken(event: Event) -> bool:
    """Whether the conversation shows it; of other targets only what moves a due time."""
    if event.action == Action.POLICY:
        return any(field.endswith("_due_at") for field in event.after)
    return event.action in SPOKEN


def known_names(session: Session, messages: Iterable[Message], events: Iterable[Event]) -> Mapping[str, str]:
    """Names of the people and departments that these lines mention."""
    usernames = {m.author for m in messages}
    for event in events:
        said = (str(v.get(field) or "") for v in (event.before, event.after) for field in ("assignee", "recused"))
        usernames |= {event.actor, *said}
    return {**department_names(session), **people_names(session, usernames)}


def said_of(
    message: Message, parts: Sequence[OutboxItem], names: Mapping[str, str], channel: str, *, may_handle: bool
) -> Said:
    state = message.delivery
    return Said(
        message=message,
        channel=channel,
        author=actor_name(message.author, names) if message.direction != "inbound" else "",
        parts=parts,
        trouble=trouble_of(state, parts, channel),
        can_send_again=may_handle and state in (Delivery.UNKNOWN, Delivery.FAILED),
        can_cancel=may_handle and state in (Delivery.QUEUED, Delivery.WAITING),
    )


def trouble_of(state: str | None, parts: Sequence[OutboxItem], channel: str) -> str:
    """Why a reply did not arrive and what to do next; "" where all is well."""
    if state == Delivery.UNKNOWN:
        return _("平台没有回应，消息可能已经送达。请先与客户确认，再决定是否再次发送。")
    if state != Delivery.FAILED:
        return ""
    failed = next((p for p in parts if p.state == Delivery.FAILED), None)
    if failed is None or failed.code is None:
        return _("没有送出。请检查公众号设置后再次发送，或改用电话联系客户。")
    try:
        advice = registry.advice(channel, failed.code, language())
    except NotFound:
        advice = failed.detail or ""
    return _("%(advice)s（错误码 %(code)s）", advice=advice, code=failed.code)


def happened(events: Iterable[Event], names: Mapping[str, str]) -> list[Happened]:
    return [Happened(e, actor_name(e.actor, names), action_name(e.action), changes_of(e, names)) for e in events]


def action_name(action: str) -> str:
    return str(labels.ACTIONS[Action(action)]) if action in set(Action) else action


def changes_of(event: Event, names: Mapping[str, str]) -> list[Change]:
    """Before and after of everything that changed, in words; what stands only after has no before."""
    fields = [f for f in (*event.before, *event.after) if f in labels.FIELDS]
    return [
        Change(
            str(labels.FIELDS[field]),
            value_name(field, event.before[field], names) if field in event.before else "",
            value_name(field, event.after.get(field), names),
        )
        for field in dict.fromkeys(fields)
    ]


def value_name(field: str, value: object, names: Mapping[str, str]) -> str:
    """A value of an event in words."""
    if value is None:
        return str(labels.NOBODY)
    if isinstance(value, bool):
        return str(labels.YES if value else labels.NO)
    if field.endswith("_at"):
        return minute(datetime.fromisoformat(str(value)))
    if field == "category":
        return category_name(str(value))
    if field == "subcategory":
        return subcategory_named(str(value))
    if field == "targets_as":
        return routing_words.targets_name(str(value))
    if field == "clocks" and isinstance(value, list):
        return _("、").join(str(CLOCK_NAMES.get(str(v), v)) for v in value)
    table = VALUES.get(field)
    return str(table.get(str(value), value)) if table else names.get(str(value), str(value))


CLOCK_NAMES: Mapping[str, object] = {kind.value: name for kind, name in labels.CLOCKS.items()}
VALUES: Mapping[str, Mapping[str, object]] = {
    "status": {status.value: name for status, name in labels.STATUSES.items()},
    "priority": dict(labels.PRIORITIES),
    "kind": dict(labels.REPLY_KINDS),
    "via": dict(labels.VIAS),
    "delivery": {state.value: name for state, name in labels.DELIVERIES.items()},
    "result": dict(labels.RESULTS),
    "satisfaction": {str(n): name for n, name in labels.SATISFACTIONS.items()},
    "source": dict(labels.SOURCES),
    "notice": dict(labels.NOTICES),
    "level": dict(labels.ORDER_LEVELS),
    "clock": {kind.value: name for kind, name in labels.CLOCKS.items()},
    "breach": dict(labels.BREACH_STATES),
}
