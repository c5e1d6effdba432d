"""What the platform knows of followers: profiles, remarks, tags, the black list. Nothing here opens a transaction."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from service.channels.wechat import calls
from service.channels.wechat.accounts import Account, Kind
from service.channels.wechat.calls import OTHER, RefusedError
from service.messaging.profiles import Profile

UNKNOWN_FOLLOWER = 40003
TAKEN_NAME = 45157


def may_read(account: Account) -> bool:
    """Whether the platform tells this account of its followers, and lets it tag and black-list them."""
    return account.active and account.certified


def may_remark(account: Account) -> bool:
    """Whether remarks are pushed."""
    return may_read(account) and account.kind is Kind.SERVICE


def read(account: Account, openids: Sequence[str]) -> Mapping[str, Profile]:
    """Profiles by openid, a hundred at most. Raises RefusedError."""
    wanted = {"user_list": [{"openid": openid, "lang": "zh_CN"} for openid in openids]}
    rows = _rows(calls.post(account, "user/info/batchget", wanted).fields.get("user_info_list"))
    names = tags(account) if any(row.get("tagid_list") for row in rows) else {}
    numbered = {number: name for name, number in names.items()}
    return {str(row["openid"]): _profile(account, row, numbered) for row in rows if row.get("openid")}


def _profile(account: Account, row: Mapping[str, object], names: Mapping[int, str]) -> Profile:
    if str(row.get("subscribe")) != "1":
        return Profile(following=False)
    seconds = row.get("subscribe_time")
    numbers = row.get("tagid_list")
    numbers = numbers if isinstance(numbers, list) else []
    remark = str(row.get("remark") or "")
    scene = str(row.get("qr_scene_str") or "") or str(row.get("qr_scene") or "").removeprefix("0")
    return Profile(
        following=True,
        subscribed_at=datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and seconds > 0 else None,
        union_id=str(row.get("unionid") or "") or None,
        remark=remark if remark or may_remark(account) else None,
        tags={names[number]: number for number in numbers if number in names},
        scene=str(row.get("subscribe_scene") or "") or None,
        source=scene or None,
    )


def set_remark(account: Account, openid: str, remark: str) -> None:
    """Raises RefusedError."""
    calls.post(account, "user/info/updateremark", {"openid": openid, "remark": remark})


def tags(account: Account) -> Mapping[str, int]:
    """The account's tags: name -> number. Raises RefusedError."""
    rows = _rows(calls.get(account, "tags/get").fields.get("tags"))
    return {str(row["name"]): row["id"] for row in rows if isinstance(row.get("id"), int) and row.get("name")}  # type: ignore[misc]


def make_tag(account: Account, name: str) -> int:
    """The number of a tag, which is made if there is none of that name. Raises RefusedError."""
    try:
        made = calls.post(account, "tags/create", {"tag": {"name": name}}).fields.get("tag")
    except RefusedError as refused:
        if refused.code != TAKEN_NAME:
            raise
        found = tags(account).get(name)
        if found is None:
            raise
        return found
    number = made.get("id") if isinstance(made, dict) else None
    if not isinstance(number, int):
        raise RefusedError(None, OTHER)
    return number


def tag(account: Account, openid: str, number: int) -> None:
    """Raises RefusedError."""
    calls.post(account, "tags/members/batchtagging", {"openid_list": [openid], "tagid": number})


def untag(account: Account, openid: str, number: int) -> None:
    """Raises RefusedError."""
    calls.post(account, "tags/members/batchuntagging", {"openid_list": [openid], "tagid": number})


def block(account: Account, openid: str) -> None:
    """The platform takes no more messages from them for this account. Raises RefusedError."""
    calls.post(account, "tags/members/batchblacklist", {"openid_list": [openid]})


def unblock(account: Account, openid: str) -> None:
    """Raises RefusedError."""
    calls.post(account, "tags/members/batchunblacklist", {"openid_list": [openid]})


def _rows(value: object) -> list[Mapping[str, object]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
