"""What staff do to a follower: at the platform first, where the account may, then with us."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.channels.wechat import accounts, followers_api
from service.channels.wechat.accounts import PREFIX, Account
from service.channels.wechat.calls import RefusedError
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import InvalidInput
from service.messaging import profiles
from service.people import User
from service.tickets import profiles as deeds
from service.web.follower_access import follower_for
from service.web.languages import language


@dataclass(frozen=True, slots=True)
class Known:
    """A follower as they stood when the person asked."""

    id: int
    address: str
    account: Account | None  # None: another kind of channel, or an account that is gone
    following: bool
    tags: tuple[str, ...]


def known(user: User, follower_id: int) -> Known:
    """The follower, if the user may see them. Raises NotFound."""
    with reading() as session:
        found = follower_for(session, user, follower_id)
        slug = found.channel.removeprefix(PREFIX)
        account = accounts.account_for(slug) if found.channel.startswith(PREFIX) else None
        return Known(found.id, found.address, account, found.following, tuple(found.tags or ()))


def set_remark(user: User, follower_id: int, remark: str) -> None:
    """Raises InvalidInput with the platform's reason, NotFound."""
    deeds.check_remark(remark)
    found = known(user, follower_id)
    if found.account is not None and found.following and followers_api.may_remark(found.account):
        try:
            followers_api.set_remark(found.account, found.address, remark.strip())
        except RefusedError as refused:
            raise InvalidInput(remark=refused.sentence(language())) from refused
    with transaction() as session:
        deeds.set_remark(session, found.id, remark, by=user, now=utcnow())


def retag(user: User, follower_id: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    """Raises InvalidInput with the platform's reason, NotFound."""
    found = known(user, follower_id)
    gone = set(remove)
    wanted = list(dict.fromkeys(n for n in (*found.tags, *(name.strip() for name in add)) if n and n not in gone))
    deeds.check_tags(wanted)
    numbers: dict[str, int | None] = dict.fromkeys(wanted)
    account = found.account
    if account is not None and found.following and followers_api.may_read(account):
        try:
            numbers |= _tag_there(account, found, wanted)
        except RefusedError as refused:
            # some may have been done: the profile is read again, so that both sides agree
            with transaction() as session:
                profiles.postpone(session, [found.id], utcnow())
            raise InvalidInput(tags=refused.sentence(language())) from refused
    with transaction() as session:
        deeds.retag(session, found.id, numbers, by=user, now=utcnow())


def _tag_there(account: Account, found: Known, wanted: list[str]) -> dict[str, int]:
    """Make the platform's tags what is wanted; returns the numbers of those that were added."""
    there = followers_api.tags(account)
    made: dict[str, int] = {}
    for name in wanted:
        if name not in found.tags:
            made[name] = there.get(name) or followers_api.make_tag(account, name)
            followers_api.tag(account, found.address, made[name])
    for name in found.tags:
        if name not in wanted and name in there:
            followers_api.untag(account, found.address, there[name])
    return made


def block(user: User, follower_id: int, *, reason: str) -> str:
    """Block them with us, and at the platform where the account may; returns why it could not be done there, or ""."""
    found = known(user, follower_id)
    with transaction() as session:
        deeds.block(session, found.id, reason=reason, by=user, now=utcnow())
    return _at_platform(found, is_blocked=True)


def unblock(user: User, follower_id: int, *, reason: str) -> str:
    """The reverse of `block`."""
    found = known(user, follower_id)
    with transaction() as session:
        deeds.unblock(session, found.id, reason=reason, by=user, now=utcnow())
    return _at_platform(found, is_blocked=False)


def _at_platform(found: Known, *, is_blocked: bool) -> str:
    """Ours counts at once, whatever the platform says."""
    if found.account is None or not followers_api.may_read(found.account):
        return ""
    try:
        (followers_api.block if is_blocked else followers_api.unblock)(found.account, found.address)
    except RefusedError as refused:
        return refused.sentence(language())
    return ""
