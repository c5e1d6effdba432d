"""Tags and the black list: tags/*, user/tag/get. Raises RefusedError."""

from simulator.book import SYSTEM_TAGS
from simulator.config import Account
from simulator.endpoints import OK, Endpoint
from simulator.state import Follower, State
from simulator.tokens import RefusedError
from simulator.values import Values, inner, text, texts, whole

MOST_TAGS, NAME_CHARACTERS, TAGS_OF_A_FOLLOWER = 100, 30, 20
TAGGED_AT_ONCE, LISTED_AT_ONCE = 50, 20
MEMBERS_PAGE, BLACKLIST_PAGE = 10_000, 1000


def _name(state: State, account: Account, values: Values, *, own: int | None = None) -> str:
    name = text(inner(values, "tag"), "name").strip()
    taken = {other for number, other in state.book(account).tags.items() if number != own}
    if not name or name in taken:
        raise RefusedError(45157)
    if len(name) > NAME_CHARACTERS:
        raise RefusedError(45158)
    return name


def create(state: State, account: Account, values: Values) -> dict[str, object]:
    """A new tag of a name that is not taken."""
    book, name = state.book(account), _name(state, account, values)
    if len(set(book.tags) - set(SYSTEM_TAGS)) >= MOST_TAGS:
        raise RefusedError(45056)
    number, book.next_tag = book.next_tag, book.next_tag + 1
    book.tags[number] = name
    return {"tag": {"id": number, "name": name}}


def get(state: State, account: Account, values: Values) -> dict[str, object]:
    """Every tag with the count of its followers."""
    tagged = [number for follower in state.followers_of(account.slug) for number in follower.tags]
    found = state.book(account).tags.items()
    return {"tags": [{"id": number, "name": name, "count": tagged.count(number)} for number, name in found]}


def _own_tag(state: State, account: Account, number: int | None) -> int:
    if number in SYSTEM_TAGS or number in (0, 1):
        raise RefusedError(45058)
    return _any_tag(state, account, number)


def _any_tag(state: State, account: Account, number: int | None) -> int:
    if number is None or number not in state.book(account).tags:
        raise RefusedError(45159)
    return number


def update(state: State, account: Account, values: Values) -> dict[str, object]:
    """Another name for a tag of our own."""
    number = _own_tag(state, account, whole(inner(values, "tag"), "id"))
    state.book(account).tags[number] = _name(state, account, values, own=number)
    return OK


def delete(state: State, account: Account, values: Values) -> dict[str, object]:
    """The tag is gone, also from its followers."""
    number = _own_tag(state, account, whole(inner(values, "tag"), "id"))
    del state.book(account).tags[number]
    for follower in state.followers_of(account.slug):
        follower.tags = [other for other in follower.tags if other != number]
    return OK


def members(state: State, account: Account, values: Values) -> dict[str, object]:
    """The tag's followers after `next_openid`."""
    number = _any_tag(state, account, whole(values, "tagid"))
    found = [f.openid for f in state.followers_of(account.slug) if number in f.tags and f.following]
    return page(found, text(values, "next_openid"), MEMBERS_PAGE, with_total=False)


def page(openids: list[str], after: str, size: int, *, with_total: bool = True) -> dict[str, object]:
    """One page in the platform's form; `next_openid` is empty at the end. Raises RefusedError 40003."""
    if after and after not in openids:
        raise RefusedError(40003)
    rest = openids[openids.index(after) + 1 :] if after else openids
    part = rest[:size]
    head: dict[str, object] = {"total": len(openids)} if with_total else {}
    data = {"data": {"openid": part}} if part else {}
    return head | {"count": len(part)} | data | {"next_openid": part[-1] if len(rest) > size else ""}


def listed(state: State, account: Account, values: Values, most: int) -> list[Follower]:
    """The followers whose openids the request names. Raises RefusedError for too many, none, or a foreign one."""
    openids = texts(values, "openid_list")
    if not 1 <= len(openids) <= most:
        raise RefusedError(40032)
    found = []
    for openid in openids:
        follower = state.followers.get(openid)
        if follower is not None and follower.account != account.slug:
            raise RefusedError(49003)
        found.append(state.recipient(account, openid))
    return found


def tag_followers(state: State, account: Account, values: Values) -> dict[str, object]:
    """Every listed follower has the tag, or none gets it."""
    followers = listed(state, account, values, TAGGED_AT_ONCE)
    number = _any_tag(state, account, whole(values, "tagid"))
    if any(len({*follower.tags, number}) > TAGS_OF_A_FOLLOWER for follower in followers):
        raise RefusedError(45059)
    for follower in followers:
        follower.tags = sorted({*follower.tags, number})
    return OK


def untag_followers(state: State, account: Account, values: Values) -> dict[str, object]:
    """No listed follower has the tag."""
    followers = listed(state, account, values, TAGGED_AT_ONCE)
    number = _any_tag(state, account, whole(values, "tagid"))
    for follower in followers:
        follower.tags = [other for other in follower.tags if other != number]
    return OK


def tags_of(state: State, account: Account, values: Values) -> dict[str, object]:
    """The numbers of one follower's tags."""
    return {"tagid_list": list(state.recipient(account, text(values, "openid")).tags)}


def blacklist(state: State, account: Account, values: Values) -> dict[str, object]:
    """The openids on the black list after `begin_openid`."""
    found = [f.openid for f in state.followers_of(account.slug) if f.is_blacklisted]
    return page(found, text(values, "begin_openid"), BLACKLIST_PAGE)


def _list_as(is_blacklisted: bool, state: State, account: Account, values: Values) -> dict[str, object]:
    for follower in listed(state, account, values, LISTED_AT_ONCE):
        follower.is_blacklisted = is_blacklisted
    return OK


ENDPOINTS = {
    "tags/create": Endpoint("POST", create),
    "tags/get": Endpoint("GET", get),
    "tags/update": Endpoint("POST", update),
    "tags/delete": Endpoint("POST", delete),
    "user/tag/get": Endpoint("POST", members),
    "tags/members/batchtagging": Endpoint("POST", tag_followers),
    "tags/members/batchuntagging": Endpoint("POST", untag_followers),
    "tags/getidlist": Endpoint("POST", tags_of),
    "tags/members/getblacklist": Endpoint("POST", blacklist),
    "tags/members/batchblacklist": Endpoint("POST", lambda s, a, v: _list_as(True, s, a, v)),
    "tags/members/batchunblacklist": Endpoint("POST", lambda s, a, v: _list_as(False, s, a, v)),
}
