"""The custom menu of an account at the platform: put there, read back, and whether it is still what is in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import JSON, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service import alerts, publishing
from service.channels.wechat import accounts, calls
from service.channels.wechat.accounts import Account
from service.channels.wechat.calls import RefusedError
from service.channels.wechat.menu_rules import Document, is_same, to_platform
from service.database import Model
from service.publishing import Publication, State

KIND = "menu"
DRIFTED = "menu_drift"  # the alert's kind
NO_MENU = 46003
UNKNOWN_CALL = 40066  # an address that the platform does not know
EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # after a check that got no answer
CHECKED_AT_ONCE = 100
DETAIL = (
    "公众平台上的自定义菜单与工单台发布的不一致：有人在公众平台后台或别的系统里改过。"
    "请到“自定义菜单”核对，然后重新发布，或把平台上的菜单导入为草稿。"
)


class Outcome(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    FAILED = "failed"  # the platform gave no answer


class MenuCheck(Model):
    """The last comparison of an account's menu with what the platform shows."""

    __tablename__ = "menu_checks"

    channel: Mapped[str] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    outcome: Mapped[str]
    found: Mapped[dict[str, object] | None] = mapped_column(JSON)  # the platform's answer, where it differs


def can_publish(account: Account) -> bool:
    """Whether the platform lets this account make menus through its API."""
    return account.certified and account.active


def put(account: Account, document: Document) -> None:
    """Make it the account's menu. Raises RefusedError; then the old menu stays."""
    calls.post(account, "menu/create", to_platform(document))


def shown(account: Account) -> Mapping[str, object]:
    """What followers see now, also where it was made in the console; {} for no menu. Raises RefusedError."""
    try:
        return calls.get(account, "get_current_selfmenu_info").fields
    except RefusedError as refused:
        if refused.code != UNKNOWN_CALL:
            raise
    try:
        return calls.get(account, "menu/get").fields
    except RefusedError as refused:
        if refused.code == NO_MENU:
            return {}
        raise


def check_of(session: Session, channel: str) -> MenuCheck | None:
    """The last comparison."""
    return session.get(MenuCheck, channel)


def compared(session: Session, channel: str, found: Mapping[str, object] | None, *, now: datetime) -> Outcome:
    """Note what the platform shows (None: it gave no answer), and tell the operator if it is not what is in force."""
    ours = publishing.published(session, KIND, channel)
    if found is None or ours is None:
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.SAME if is_same(ours.content, found) else Outcome.DIFFERENT
    row = session.get(MenuCheck, channel)
    if row is None:
        row = MenuCheck(channel=channel)
        session.add(row)
    row.checked_at, row.outcome = now, outcome.value
    row.found = dict(found) if found is not None and outcome is Outcome.DIFFERENT else None
    if outcome is Outcome.DIFFERENT:
        alerts.raised(session, scope=channel, kind=DRIFTED, detail=DETAIL, now=now)
    elif outcome is Outcome.SAME:
        alerts.resolved(session, scope=channel, kind=DRIFTED, now=now)
    session.flush()
    return outcome


def due_checks(session: Session, *, now: datetime) -> Sequence[str]:
    """Slugs of accounts with a published menu that nobody has compared for a day."""
    scopes = select(Publication.scope).where(Publication.kind == KIND, Publication.state == State.PUBLISHED)
    published = set(session.scalars(scopes.limit(1000)))
    checks = {c.channel: c for c in session.scalars(select(MenuCheck).limit(1000))}
    fit = (row for row in accounts.listing(session) if row.active and row.certified)
    slugs = (row.slug for row in fit if accounts.PREFIX + row.slug in published)
    return [slug for slug in slugs if _is_due(checks.get(accounts.PREFIX + slug), now)][:CHECKED_AT_ONCE]


def _is_due(check: MenuCheck | None, now: datetime) -> bool:
    if check is None:
        return True
    return check.checked_at + (AGAIN if check.outcome == Outcome.FAILED else EVERY) <= now
