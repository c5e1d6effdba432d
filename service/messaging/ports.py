"""What a channel must offer, and the values that cross the border."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Contact(StrEnum):
    """What a follower did, as far as the right to answer goes."""

    MESSAGE = "message"
    FOLLOW = "follow"
    MENU = "menu"
    SCAN = "scan"
    TAP = "tap"  # an item of a message that we sent, such as the invitation to rate
    NONE = "none"  # opens no window


@dataclass(frozen=True, slots=True)
class Media:
    """A file that still lies with the channel; `media_id` is the channel's name for it."""

    media_id: str
    kind: str  # image voice video


@dataclass(frozen=True, slots=True)
class Inbound:
    """A follower's message or event, stripped of everything particular to its channel."""

    channel: str  # "wechat:main"
    key: str  # the channel's own id of this push; unique per channel, used to drop repeats
    follower: str  # the channel's own id of the sender (an openid)
    kind: str  # text image voice video location link | subscribe unsubscribe click ... | unknown
    text: str  # what was written, else a short description; never None
    sent_at: datetime
    raw: str  # the inner document as received
    contact: Contact = Contact.NONE
    matter: bool = True  # False: an event or a survey answer, which never opens a ticket
    media: tuple[Media, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)


TEXT = "text"
NOTICES = frozenset({"template", "subscription"})  # kinds that spend nothing of the reply window and need none


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to one follower, small enough for one send.

    `content` by kind: image, voice, video {digest, content_type, name} of a file in the store; news {title,
    description, url, picurl}; msgmenu {head, tail, items: [[id, words], ...]}; template, subscription {template_id,
    data, url, client_id}, which need no window. `text` is what it says in words, for every kind.
    """

    channel: str
    follower: str
    text: str
    kind: str = TEXT
    content: Mapping[str, object] = field(default_factory=dict)


class Failure(StrEnum):
    """How a send went wrong, seen from above the channel."""

    PASSING = "passing"  # known not to have arrived; try again
    PERMANENT = "permanent"  # this message will never arrive
    WINDOW_CLOSED = "window_closed"  # the follower has to write first
    QUOTA_USED = "quota_used"  # likewise: no message left in the window
    UNREACHABLE = "unreachable"  # the follower is gone or blocks us
    HALTED = "halted"  # the operator has to act (permission, IP list); sending pauses
    UNKNOWN = "unknown"  # perhaps delivered: never repeated by itself


class DeliveryError(Exception):
    """A send that did not succeed. `code` is the channel's own error code, None where it has none.

    `pause`: how long a PASSING one asks us to stay away at least.
    """

    def __init__(self, reason: str, *, kind: Failure, code: int | None = None, pause: timedelta = timedelta(0)) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind = kind
        self.code = code
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel lets us send."""

    text_bytes: int | None = None  # longest text of one message; None: no limit
    reply_bytes: int | None = None  # longest text in the answer to a push; None: no limit
    windows: Mapping[Contact, tuple[int, timedelta]] = field(default_factory=dict)  # messages and for how long
    can_send: bool = True  # False: answers only inside the reply to the follower's next message
    refreshes: bool = True  # False: a contact adds nothing to a window of its own kind that is still open
    # what may tell a follower that an answer waits: {"template": {id, fields, url}, "subscription": …, "invite": bool}
    notices: Mapping[str, object] = field(default_factory=dict)


class Channel(Protocol):
    name: str  # "wechat:main": one per account, so two accounts are two channels
    limits: Limits

    def send(self, message: Outbound) -> str:
        """Deliver and return the channel's id for it ("" where it gives none), or raise DeliveryError."""

    def fetch(self, media: Media) -> bytes:
        """The file's bytes, or raise DeliveryError."""

    def show_typing(self, follower: str, *, on: bool) -> None:
        """Show the follower that somebody writes, or no longer; does nothing where the channel will not."""
