"""What the platform keeps for one account beside its followers: menu, tags, templates, codes, counters. Plain data."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

Json = Mapping[str, object]
FIRST_OWN_TAG = 100
SYSTEM_TAGS = {2: "星标组"}


@dataclass(frozen=True, slots=True)
class Menu:
    """The buttons under the chat in the form of menu/create; `by_api` is False for one that was made in the console."""

    buttons: tuple[Json, ...] = ()
    by_api: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """A message template; `content` holds lines such as `工单编号:{{character_string1.DATA}}`."""

    id: str
    title: str
    content: str
    is_long_term: bool = False

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Label and field name of each line that holds a field."""
        found = []
        for line in self.content.splitlines():
            label, mark, rest = line.partition("{{")
            if mark:
                found.append((label.rstrip(":： "), rest.partition(".DATA")[0]))
        return found


@dataclass(frozen=True, slots=True)
class QrCode:
    """A code with a scene; `expires_at` None means that it is permanent."""

    ticket: str
    scene: str
    is_number: bool
    expires_at: float | None
    url: str


@dataclass(slots=True)
class OAuthCode:
    """What a web page exchanges once for an openid."""

    openid: str
    scope: str
    expires_at: float
    used: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A template message that was taken with a client_msg_id."""

    msg_id: int
    at: float


TICKET_TEMPLATE = (
    "工单编号:{{character_string1.DATA}}\n处理状态:{{phrase2.DATA}}\n说明:{{thing3.DATA}}\n时间:{{time4.DATA}}"
)
DEFAULT_TEMPLATES = (Template("SIMTPL_TICKET_PROGRESS", "工单处理进度通知", TICKET_TEMPLATE),)
DEFAULT_NOTIFICATIONS = (Template("SIMSUB_TICKET_REPLY", "工单回复提醒", TICKET_TEMPLATE),)


@dataclass(slots=True)
class Book:
    """One account's pages in the platform's books. No lock of its own."""

    menu: Menu = field(default_factory=Menu)
    autoreply: Json = field(default_factory=dict)
    tags: dict[int, str] = field(default_factory=lambda: dict(SYSTEM_TAGS))
    next_tag: int = FIRST_OWN_TAG
    templates: dict[str, Template] = field(default_factory=lambda: {t.id: t for t in DEFAULT_TEMPLATES})
    notifications: dict[str, Template] = field(default_factory=lambda: {t.id: t for t in DEFAULT_NOTIFICATIONS})
    sent: dict[tuple[str, str], Sent] = field(default_factory=dict)
    qr_codes: dict[str, QrCode] = field(default_factory=dict)
    oauth_codes: dict[str, OAuthCode] = field(default_factory=dict)
    js_tickets: dict[str, tuple[str, float]] = field(default_factory=dict)  # type -> ticket, expires at
    calls: Counter[tuple[str, int]] = field(default_factory=Counter)  # endpoint and day number
    calls_in_minute: Counter[tuple[str, int]] = field(default_factory=Counter)
    clearings: Counter[int] = field(default_factory=Counter)  # by thirty days
