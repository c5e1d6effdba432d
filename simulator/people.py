"""Followers as the platform tells of them: user/info, user/get, remarks. Raises RefusedError."""

from simulator.config import Account
from simulator.endpoints import OK, Endpoint
from simulator.state import Follower, State
from simulator.tags import page
from simulator.tokens import RefusedError
from simulator.values import Values, rows, text

AT_ONCE, PAGE, REMARK_BYTES = 100, 10_000, 30
# the keys are still there, what they held is no longer told
WITHHELD = {"nickname": "", "sex": 0, "language": "", "city": "", "province": "", "country": "", "headimgurl": ""}


def _told(follower: Follower) -> dict[str, object]:
    union = {"unionid": follower.unionid} if follower.unionid else {}
    if not follower.following:
        return {"subscribe": 0, "openid": follower.openid, "tagid_list": []} | union
    return {
        **WITHHELD,
        "subscribe": 1,
        "openid": follower.openid,
        "subscribe_time": int(follower.subscribed_at),
        **union,
        "remark": follower.remark,
        "groupid": follower.tags[0] if follower.tags else 0,
        "tagid_list": list(follower.tags),
        "subscribe_scene": follower.subscribe_scene,
        "qr_scene": int(follower.scene) if follower.scene.isdigit() else 0,
        "qr_scene_str": "" if follower.scene.isdigit() else follower.scene,
    }


def told(state: State, account: Account, values: Values) -> dict[str, object]:
    """What user/info says of one follower."""
    openid = text(values, "openid")
    if not openid:
        raise RefusedError(41009)
    return _told(state.recipient(account, openid))


def told_of_many(state: State, account: Account, values: Values) -> dict[str, object]:
    """What user/info says, of a hundred followers at most."""
    wanted = [text(row, "openid") for row in rows(values, "user_list")]
    if not 1 <= len(wanted) <= AT_ONCE:
        raise RefusedError(40032)
    return {"user_info_list": [_told(state.recipient(account, openid)) for openid in wanted]}


def followers(state: State, account: Account, values: Values) -> dict[str, object]:
    """The openids of those who follow, after `next_openid`."""
    found = [follower.openid for follower in state.followers_of(account.slug) if follower.following]
    return page(found, text(values, "next_openid"), PAGE)


def update_remark(state: State, account: Account, values: Values) -> dict[str, object]:
    """What the account calls the follower: under thirty bytes, empty to take it away."""
    follower, remark = state.recipient(account, text(values, "openid")), text(values, "remark")
    if len(remark.encode()) >= REMARK_BYTES:
        raise RefusedError(40092)
    follower.remark = remark
    return OK


ENDPOINTS = {
    "user/info": Endpoint("GET", told),
    "user/info/batchget": Endpoint("POST", told_of_many),
    "user/get": Endpoint("GET", followers),
    "user/info/updateremark": Endpoint("POST", update_remark, access="service"),
}
