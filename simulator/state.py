"""What the simulated platform holds in memory, under one lock; decisions live elsewhere."""

import base64
import hashlib
import itertools
import random
import secrets
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from simulator import media, menus, windows
from simulator.book import Book
from simulator.config import Account, Config
from simulator.content import Content
from simulator.faults import Faults
from simulator.knobs import Knobs
from simulator.tokens import RefusedError, Tokens

CALLS_KEPT = 5000
DAY = 86400.0
OPENID_LENGTH = 28


@dataclass(frozen=True, slots=True)
class Entry:
    """One line on a follower's phone.

    Kinds: mine, receipt (passive reply), reply (customer message), notice (template or subscription), failure.
    """

    id: int
    kind: str
    at: float
    content: Content
    agent: str = ""
    by_ai: bool = False

    def as_json(self) -> dict[str, object]:
        """Fields for JSON; `at` is Unix seconds."""
        head = {"id": self.id, "kind": self.kind, "at": self.at, "agent": self.agent, "by_ai": self.by_ai}
        return head | self.content.as_json()


@dataclass(slots=True)
class Follower:
    """A person as one account sees them; the name is for the phone page, as the platform tells it to nobody."""

    openid: str
    account: str
    name: str
    following: bool = True
    subscribed_at: float = 0.0
    seen_at: float = 0.0
    typing_until: float = 0.0
    window: windows.Window = windows.CLOSED
    unionid: str = ""
    remark: str = ""
    tags: list[int] = field(default_factory=list)
    subscribe_scene: str = "ADD_SCENE_SEARCH"
    scene: str = ""  # of the last QR code
    is_blacklisted: bool = False
    is_muted: bool = False  # of template messages: failed:user block
    is_refusing: bool = False  # of every message: 48002
    grants: dict[str, int] = field(default_factory=dict)  # subscription template -> messages still allowed
    transcript: list[Entry] = field(default_factory=list)

    def as_json(self, now: float) -> dict[str, object]:
        """Fields for JSON; deadlines are Unix seconds."""
        return {
            "openid": self.openid,
            "account": self.account,
            "name": self.name,
            "following": self.following,
            "remaining": self.window.remaining,
            "deadline": self.window.deadline,
            "window_open": self.window.is_open(now),
            "typing": now < self.typing_until,
            "remark": self.remark,
            "tags": list(self.tags),
            "scene": self.scene,
            "blacklisted": self.is_blacklisted,
            "muted": self.is_muted,
            "refusing": self.is_refusing,
            "grants": dict(self.grants),
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the platform's API, without its token and body."""

    at: float
    endpoint: str
    account: str
    openid: str
    status: int
    errcode: int | None
    fault: str
    duration_ms: int


class UnknownError(LookupError):
    """No such account, follower or push."""


def openid_for(app_id: str, name: str) -> str:
    """The openid of a seeded person at an account: 28 characters, the same after each start."""
    digest = hashlib.sha256(f"{app_id}:{name}".encode()).digest()
    return ("o" + base64.urlsafe_b64encode(digest).decode())[:OPENID_LENGTH]


class State:
    """Accounts, followers, tokens, media, faults and calls. Take `lock` around anything that reads and then writes."""

    def __init__(
        self, config: Config, clock: Callable[[], float] = time.time, chance: Callable[[], float] = random.random
    ) -> None:
        """Start with the configured accounts and the seeded followers of each."""
        self.knobs = Knobs(config)
        self.clock = clock
        self.chance = chance
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)  # anything that somebody may wait for
        self.work = threading.Condition(self.lock)  # something to push
        self.stopping = threading.Event()
        self._entry_ids = itertools.count(1)
        self._fault_ids = itertools.count(1)
        self._msg_ids = itertools.count(int(time.time() * 10_000))
        self.reset()

    @property
    def config(self) -> Config:
        """The settings in force for everybody; `settings` knows what differs for one account."""
        return self.knobs.base

    def settings(self, slug: str) -> Config:
        """The settings in force for the account."""
        return self.knobs.of(slug)

    def reset(self) -> None:
        """Forget everything but the configured accounts."""
        with self.lock:
            self.clock_ahead = 0.0
            self.knobs.reset()
            self.books: dict[str, Book] = {}
            self.epoch = secrets.token_hex(8)  # a page that shows an older one starts anew
            self.accounts: dict[str, Account] = {}
            self.followers: dict[str, Follower] = {}
            self.media: dict[str, media.Media] = {}
            self.tokens = Tokens(self.knobs)
            self.faults = Faults(self.chance)
            self.calls: deque[Call] = deque(maxlen=CALLS_KEPT)
            self.call_counts: Counter[str] = Counter()
            for account in self.config.accounts:
                self.register(account)
            self.changed.notify_all()

    def now(self) -> float:
        """The platform's time for windows, tokens and media: the clock plus what was advanced."""
        return self.clock() + self.clock_ahead

    def next_msg_id(self) -> int:
        """A MsgId that was not given out before, also not before the last start."""
        with self.lock:
            return next(self._msg_ids)

    def next_fault_id(self) -> int:
        """A number for a new fault."""
        return next(self._fault_ids)

    def register(self, account: Account) -> None:
        """Add an account with seeded followers, or change one and keep its own. Raises ValueError on a taken app_id."""
        with self.lock:
            others = (other for other in self.accounts.values() if other.slug != account.slug)
            if any(other.app_id == account.app_id for other in others):
                raise ValueError(f"app_id {account.app_id} belongs to another account")
            before = self.accounts.get(account.slug)
            self.accounts[account.slug] = account
            self._open_book(before, account)
            if before is None:
                for name in self.config.follower_names:
                    self.add_follower(account.slug, name)

    def _open_book(self, before: Account | None, account: Account) -> None:
        """Write what the operator made in the console into the account's book, where it is new or another one."""
        book = self.books.setdefault(account.slug, Book())
        if before is None or before.autoreply != account.autoreply:
            book.autoreply = account.autoreply
        if before is None or (before.menu != account.menu and not book.menu.by_api):
            book.menu = menus.from_console(account.menu)

    def add_follower(self, slug: str, name: str, *, openid: str = "", following: bool = True) -> Follower:
        """A follower with a closed window; without an openid one is derived from the name. Known openids are kept."""
        with self.lock:
            account = self.get_account(slug)
            openid = openid or openid_for(account.app_id, name)
            follower = self.followers.get(openid)
            if follower is None:
                follower = Follower(openid, slug, name, following, subscribed_at=self.now() - 30 * DAY)
                remaining, deadline = self.config.follower_windows.get(openid, (0, 0.0))
                follower.window = windows.Window(remaining, deadline, 2 * DAY)
                self.followers[openid] = follower
            self.changed.notify_all()
            return follower

    def get_account(self, slug: str) -> Account:
        """The account; raises UnknownError."""
        account = self.accounts.get(slug)
        if account is None:
            raise UnknownError(f"no account {slug}")
        return account

    def account_by_app_id(self, app_id: str) -> Account | None:
        """The account, or None if no account has this appid."""
        return next((account for account in self.accounts.values() if account.app_id == app_id), None)

    def get_follower(self, openid: str) -> Follower:
        """The follower; raises UnknownError."""
        follower = self.followers.get(openid)
        if follower is None:
            raise UnknownError(f"no follower {openid}")
        return follower

    def book(self, account: Account) -> Book:
        """What the platform keeps for the account."""
        return self.books[account.slug]

    def followers_of(self, slug: str) -> list[Follower]:
        """The account's followers in the order in which they came."""
        with self.lock:
            return [follower for follower in self.followers.values() if follower.account == slug]

    def recipient(self, account: Account, openid: str) -> Follower:
        """The account's follower; adopts an unknown one where the configuration says so. Raises RefusedError 40003."""
        follower = self.followers.get(openid)
        if follower is None and self.config.adopt_unknown_followers and len(openid) == OPENID_LENGTH:
            follower = self.add_follower(account.slug, f"粉丝 {openid[-4:]}", openid=openid)
        if follower is None or follower.account != account.slug:
            raise RefusedError(40003)
        return follower

    def show(self, follower: Follower, kind: str, content: Content, *, agent: str = "", by_ai: bool = False) -> Entry:
        """Put a line on the follower's phone."""
        with self.lock:
            entry = Entry(next(self._entry_ids), kind, self.now(), content, agent, by_ai)
            follower.transcript.append(entry)
            self.changed.notify_all()
            return entry

    def store(self, slug: str, kind: str, data: bytes) -> media.Media:
        """Keep a file for the account; raises RefusedError if the platform would not take it."""
        with self.lock:
            item = media.make(slug, kind, data, self.now())
            self.media[item.id] = item
            return item

    def find_media(self, account: Account, media_id: str, kinds: Iterable[str] = media.RULES) -> media.Media:
        """The account's file while it is kept and of one of the kinds; raises RefusedError 40007."""
        item = self.media.get(media_id)
        if item is None or item.account != account.slug or item.type not in kinds:
            raise RefusedError(40007)
        if self.now() - item.created_at >= self.settings(account.slug).media_days * DAY:
            raise RefusedError(40007)
        return item

    def log_call(self, call: Call) -> None:
        """Remember a call and count its endpoint."""
        with self.lock:
            self.calls.append(call)
            self.call_counts[call.endpoint] += 1
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds; False when the time is up or the simulator stops."""
        with self.changed:
            return self.changed.wait_for(lambda: self.stopping.is_set() or condition(), seconds) and condition()

    def stop(self) -> None:
        """Let everything that waits come to its end."""
        self.stopping.set()
        with self.lock:
            self.changed.notify_all()
            self.work.notify_all()
