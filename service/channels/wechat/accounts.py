"""The official accounts of this installation: rows, and a book of them that is never older than a second."""

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import JSON, CheckConstraint, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service import alerts
from service.channels.wechat import sightings
from service.channels.wechat.token_shelf import forgive
from service.clock import utcnow
from service.database import BigId, Model, on_commit, reading
from service.errors import InvalidInput, NotFound

BOOK_AGE = 1.0  # seconds; what a command or a page changes has to hold everywhere within two
PREFIX = "wechat:"


class Mode(StrEnum):
    PLAIN = "plain"
    COMPAT = "compat"
    SAFE = "safe"


class Kind(StrEnum):
    SERVICE = "service"
    SUBSCRIPTION = "subscription"


class OfficialAccount(Model):
    __tablename__ = "official_accounts"
    __table_args__ = (
        CheckConstraint("mode IN ('plain', 'compat', 'safe')", name="mode"),
        CheckConstraint("kind IN ('service', 'subscription')", name="kind"),
        CheckConstraint("token <> ''", name="token"),  # an empty one would let everybody in
        CheckConstraint("mode = 'plain' OR aes_key <> ''", name="aes_key"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    original_id: Mapped[str]  # gh_…: who a push says it is for
    app_id: Mapped[str]
    app_secret: Mapped[str]
    token: Mapped[str]
    aes_key: Mapped[str]
    mode: Mapped[str]
    kind: Mapped[str]
    certified: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)
    halted_reason: Mapped[str | None]  # why sending pauses until the operator has acted
    # what is this account's own; what is not named in them is the installation's or the platform's default
    texts: Mapped[dict[str, str] | None] = mapped_column(JSON)
    window_rules: Mapped[dict[str, object] | None] = mapped_column(JSON)
    notices: Mapped[dict[str, object] | None] = mapped_column(JSON)  # template and subscription messages it may send
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Account:
    """An official account as it was when it was read."""

    slug: str
    name: str
    original_id: str
    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    mode: Mode = Mode.SAFE
    kind: Kind = Kind.SERVICE
    certified: bool = True
    active: bool = True
    halted_reason: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    window_rules: Mapping[str, object] = field(default_factory=dict)
    notices: Mapping[str, object] = field(default_factory=dict)

    @property
    def channel(self) -> str:
        """The name under which messages of this account are kept."""
        return PREFIX + self.slug


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field must look like, and the sentence for one that does not."""

    pattern: re.Pattern[str]
    hint: str


RULES: Mapping[str, Rule] = {
    "slug": Rule(re.compile(r"[a-z0-9-]{1,40}"), "use 1 to 40 of a-z, 0-9 and -"),
    "name": Rule(re.compile(r".*\S.*"), "give a name"),
    "original_id": Rule(re.compile(r"gh_[0-9A-Za-z]{1,40}"), "use the original id, gh_ and 12 letters or digits"),
    "app_id": Rule(re.compile(r"[0-9A-Za-z_-]{1,64}"), "use the AppID, letters and digits such as wx0123456789abcdef"),
    "app_secret": Rule(re.compile(r"[!-~]{1,128}"), "use the AppSecret, letters and digits without blanks"),
    "token": Rule(re.compile(r"[0-9A-Za-z]{3,32}"), "use 3 to 32 letters or digits"),
    "aes_key": Rule(re.compile(r"([0-9A-Za-z+/]{43})?"), "use the 43 letters and digits of the EncodingAESKey"),
    "mode": Rule(re.compile("|".join(Mode)), f"use one of {', '.join(Mode)}"),
    "kind": Rule(re.compile("|".join(Kind)), f"use one of {', '.join(Kind)}"),
}
HALTED = "halted"  # the alert that stands as long as `halted_reason`
PROBE_FIRST, PROBE_LAST = timedelta(seconds=8), timedelta(minutes=1)
LONGEST_TEXT = 1800  # bytes of one text; the reply that it stands in has 2048
SWITCHES = ("certified", "active")
CHECKED_BY = {"token", "aes_key", "mode", "app_id", "original_id"}  # a push
HEALING = {
    "app_id",
    "app_secret",
    "certified",
    "active",
}  # whoever changes one of these wants sending to be tried again


def add(
    session: Session,
    *,
    slug: str,
    name: str,
    original_id: str,
    app_id: str,
    app_secret: str,
    token: str,
    aes_key: str = "",
    mode: str = Mode.SAFE,
    kind: str = Kind.SERVICE,
    certified: bool = True,
    active: bool = True,
) -> OfficialAccount:
    """Register an account; holds in every process within two seconds. Raises InvalidInput."""
    texts = {
        "slug": slug,
        "name": name,
        "original_id": original_id,
        "app_id": app_id,
        "app_secret": app_secret,
        "token": token,
        "aes_key": aes_key,
        "mode": mode,
        "kind": kind,
    }
    _refuse_mistakes(texts, texts)
    if session.scalar(select(OfficialAccount.id).where(OfficialAccount.slug == slug)) is not None:
        raise InvalidInput(slug=f"{slug} is taken: use another")
    account = OfficialAccount(**{n: str(v) for n, v in texts.items()}, certified=certified, active=active)
    account.created_at = utcnow()
    session.add(account)
    session.flush()
    on_commit(session, book().forget)
    return account


def change(session: Session, slug: str, /, **fields: str | bool) -> OfficialAccount:
    """Change the named fields of an account, and let sending be tried again. Raises NotFound, InvalidInput."""
    account = get_row(session, slug)
    texts = {name: value for name, value in fields.items() if name in RULES and isinstance(value, str)}
    switches = {name: value for name, value in fields.items() if name in SWITCHES and isinstance(value, bool)}
    wrong = fields.keys() - texts.keys() - switches.keys() | ({"slug"} & fields.keys())
    if wrong:
        raise InvalidInput(**dict.fromkeys(sorted(wrong), "cannot be changed like this"))
    _refuse_mistakes(texts, {"mode": account.mode, "aes_key": account.aes_key, **texts})
    for name, value in {**texts, **switches}.items():
        setattr(account, name, str(value) if name in texts else value)
    if CHECKED_BY & fields.keys():
        sightings.changed(session, slug)
    if HEALING & fields.keys():
        _heal(session, account)
    session.flush()
    on_commit(session, book().forget)
    return account


def listing(session: Session) -> Sequence[OfficialAccount]:
    """Every account, by slug."""
    return session.scalars(select(OfficialAccount).order_by(OfficialAccount.slug).limit(1000)).all()


def get_row(session: Session, slug: str) -> OfficialAccount:
    """The account's row. Raises NotFound."""
    account = session.scalar(select(OfficialAccount).where(OfficialAccount.slug == slug))
    if account is None:
        raise NotFound(f"no official account {slug}")
    return account


def say(session: Session, slug: str, texts: Mapping[str, str]) -> None:
    """Give the account its own words: key -> text, "" for the installation's. Whoever calls this bumps the rulebook.

    Raises NotFound, InvalidInput.
    """
    account = get_row(session, slug)
    long = [key for key, text in texts.items() if len(text.encode()) > LONGEST_TEXT]
    if long:
        raise InvalidInput(**dict.fromkeys(long, f"use at most {LONGEST_TEXT} bytes, about 600 Chinese characters"))
    account.texts = {key: text for key, text in {**(account.texts or {}), **texts}.items() if text.strip()} or None
    session.flush()
    on_commit(session, book().forget)


def own_texts(session: Session) -> dict[str, Mapping[str, str]]:
    """The texts of each account that has its own, by slug."""
    return {row.slug: row.texts for row in listing(session) if row.texts}


def halt(session: Session, slug: str, reason: str) -> None:
    """Pause sending for this account until the operator has acted, and tell them; an inactive one pauses anyway."""
    account = session.scalar(select(OfficialAccount).where(OfficialAccount.slug == slug))
    if account is None or not account.active or account.halted_reason == reason:
        return
    _pause(session, account, reason)


def still_halted(session: Session, slug: str, reason: str) -> None:
    """Another probe failed: the reason is this one now, and the next probe is later."""
    account = get_row(session, slug)
    if account.halted_reason:  # somebody may have resumed it while the probe ran
        _pause(session, account, reason)


def resume(session: Session, slug: str) -> None:
    """Let this account send again, and ask the platform anew for what it refused."""
    _heal(session, get_row(session, slug))
    session.flush()
    on_commit(session, book().forget)


def halted(session: Session, *, now: datetime) -> Sequence[str]:
    """Slugs of active accounts whose sending pauses and whose next probe is due, the longer the more failed."""
    query = select(OfficialAccount.slug).where(OfficialAccount.halted_reason.is_not(None), OfficialAccount.active)
    slugs = session.scalars(query.order_by(OfficialAccount.slug).limit(1000)).all()
    tried = {alert.scope: alert for alert in alerts.of_kind(session, HALTED)} if slugs else {}
    return [slug for slug in slugs if _is_due(tried.get(PREFIX + slug), now)]


def _is_due(alert: alerts.Alert | None, now: datetime) -> bool:
    return alert is None or now - alert.last_seen_at >= min(PROBE_FIRST * 2 ** (alert.times - 1), PROBE_LAST)


def _pause(session: Session, account: OfficialAccount, reason: str) -> None:
    account.halted_reason = reason
    session.flush()
    alerts.raised(session, scope=PREFIX + account.slug, kind=HALTED, detail=reason, now=utcnow())
    on_commit(session, book().forget)


def _heal(session: Session, account: OfficialAccount) -> None:
    account.halted_reason = None
    forgive(session, account.app_id)
    alerts.resolved(session, scope=PREFIX + account.slug, kind=HALTED, now=utcnow())


def _refuse_mistakes(given: Mapping[str, str], whole: Mapping[str, str]) -> None:
    errors = {name: RULES[name].hint for name, value in given.items() if not RULES[name].pattern.fullmatch(value)}
    if not errors and whole["mode"] != Mode.PLAIN and not whole["aes_key"]:
        errors["aes_key"] = f"{RULES['aes_key'].hint}; only mode plain does without"
    if errors:
        raise InvalidInput(**errors)


class AccountBook:
    """All accounts as they were at most a second ago; a busy webhook does not ask the database for each push."""

    def __init__(
        self, load: Callable[[], Mapping[str, Account]], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._pages: Mapping[str, Account] | None = None
        self._read_at = 0.0  # when the pages were last read
        self._tried_at = 0.0  # when somebody last tried to read them

    def account_for(self, slug: str) -> Account | None:
        """The active or inactive account of that slug; None if there is none. Raises what the first reading raises."""
        pages = self._pages
        if pages is None or self._clock() - self._read_at > BOOK_AGE:
            pages = self._reread()
        return pages.get(slug)

    def forget(self) -> None:
        """Read again at the next question."""
        self._pages = None

    def _reread(self) -> Mapping[str, Account]:
        with self._lock:
            pages = self._pages
            # somebody else has just read while this thread waited, or has just tried in vain
            if pages is not None and self._clock() - self._tried_at <= BOOK_AGE:
                return pages
            started = self._tried_at = self._clock()
            try:
                fresh = self._load()
            except SQLAlchemyError:
                if pages is None:
                    raise
                return pages  # nothing can have been changed while the database is away; forged pushes stay refused
            self._pages, self._read_at = fresh, started
            return fresh


def book() -> AccountBook:
    """The book of the current app."""
    found = current_app.extensions.get("wechat_accounts")
    if isinstance(found, AccountBook):
        return found
    made: AccountBook = current_app.extensions.setdefault("wechat_accounts", AccountBook(_read_all))
    return made


def account_for(slug: str) -> Account | None:
    """The account as it is now, give or take a second; None if there is none."""
    return book().account_for(slug)


def _read_all() -> Mapping[str, Account]:
    with reading() as session:
        return {row.slug: copy(row) for row in listing(session)}


def copy(row: OfficialAccount) -> Account:
    """The account as a value."""
    return Account(
        slug=row.slug,
        name=row.name,
        original_id=row.original_id,
        app_id=row.app_id,
        app_secret=row.app_secret,
        token=row.token,
        aes_key=row.aes_key,
        mode=Mode(row.mode),
        kind=Kind(row.kind),
        certified=row.certified,
        active=row.active,
        halted_reason=row.halted_reason,
        texts=row.texts or {},
        window_rules=row.window_rules or {},
        notices=row.notices or {},
    )
