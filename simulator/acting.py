"""A follower does something: the phone's line, the window and the push, as one step."""

import secrets
from collections.abc import Mapping
from dataclasses import replace

from simulator import menus, qrcodes, templates, windows
from simulator.config import Account
from simulator.inbound import Act, ActError, Phone, build
from simulator.pushes import Push, Pusher
from simulator.state import Follower, State
from simulator.wire import render

MOST_COPIES = 50
WHILE_AWAY = (
    "subscribe",
    "scan",
    "subscribe_popup",
    "subscribe_change",
    "user_info_modified",
    "user_authorization_revoke",
    "user_authorization_cancellation",
    "raw",
    "event",
)
# the platform pushes what a menu button made the follower send, behind the event itself
FOLLOWED_BY = {
    "pic_sysphoto": ("image",),
    "pic_photo_or_album": ("image",),
    "pic_weixin": ("image",),
    "location_select": ("location", ("label", "latitude", "longitude")),
}


class NotFollowingError(Exception):
    """Somebody who does not follow the account, or is on its black list, cannot write to it."""


def act(state: State, pusher: Pusher, openid: str, values: Mapping[str, object]) -> list[Push]:
    """Do what the JSON values describe and queue its pushes (more than one only for `copies`).

    Beside the action's own values: `copies` pushes the same document so often at once, `create_time` and `msg_id`
    replace what the platform would choose, `timestamp_offset` shifts the signed timestamp by seconds.
    Raises UnknownError, ActError, NotFollowingError, or RefusedError for a file that the platform would not take.
    """
    copies = _whole(values, "copies", 1)
    if not 1 <= copies <= MOST_COPIES:
        raise ActError(f"copies must be 1 to {MOST_COPIES}")
    with state.lock:
        follower = state.get_follower(openid)
        account = state.get_account(follower.account)
        values = _meant(state, account, follower, values)
        if not follower.following and values.get("type", "text") not in WHILE_AWAY:
            raise NotFollowingError(f"{follower.name} does not follow {follower.account}")
        if follower.is_blacklisted and values.get("type") != "unsubscribe":
            raise NotFollowingError(f"{follower.name} is on the black list: nothing is pushed")
        done = build(_phone(state, account, openid), values)
        document = done.raw or _document(state, account, follower, done, values)
        _apply(state, account, follower, done)
        if done.content.type != "raw" or done.content.text:
            state.show(follower, "mine", done.content)
        offset = _whole(values, "timestamp_offset", 0)
        lanes = [""] if copies == 1 else [f"/{secrets.token_hex(6)}" for _ in range(copies)]
        pushes = [
            pusher.put(account, openid, document, is_message=done.is_message, timestamp_offset=offset, lane=lane)
            for lane in lanes
        ]
        for further in _further(values):
            pushes += act(state, pusher, openid, further)
        return pushes


def _meant(state: State, account: Account, follower: Follower, values: Mapping[str, object]) -> Mapping[str, object]:
    """The action behind a tap on the menu, the scan of a code, or an answer to a subscription."""
    kind = values.get("type")
    if kind == "menu":
        return menus.tapped(state.book(account).menu, values)
    if kind == "scan":
        return _scanned(state, follower, values)
    if kind in ("subscribe_popup", "subscribe_change"):
        answers = values.get("answers")
        if not isinstance(answers, Mapping) or not answers:
            raise ActError("answers must be an object of template: accept or reject")
        if kind == "subscribe_change" and any(answer != "reject" for answer in answers.values()):
            raise ActError("only a rejection is pushed as a change")
        return dict(values) | {"answers": templates.agreed(state.book(account), follower, answers)}
    return values


def _scanned(state: State, follower: Follower, values: Mapping[str, object]) -> Mapping[str, object]:
    """The code behind the ticket, where one is given; a scan by somebody who does not follow is a follow."""
    found = dict(values)
    if values.get("ticket"):
        code = qrcodes.find(state, str(values["ticket"]))
        if code is None:
            raise ActError("this code is unknown or has run out")
        found["scene"] = code.scene
    return found if follower.following else found | {"type": "subscribe"}


def _further(values: Mapping[str, object]) -> list[dict[str, object]]:
    kind, *names = FOLLOWED_BY.get(str(values.get("type", "")), ("",))
    if not kind:
        return []
    wanted = names[0] if names else ("data", "file")
    return [{"type": kind} | {name: values[name] for name in wanted if name in values}]


def set_window(state: State, openid: str, *, remaining: int | None, deadline: float | None) -> Follower:
    """Put the follower's window where a test wants it; None leaves a value as it is. Raises UnknownError."""
    with state.lock:
        follower = state.get_follower(openid)
        window = follower.window
        follower.window = replace(
            window,
            remaining=window.remaining if remaining is None else remaining,
            deadline=window.deadline if deadline is None else deadline,
        )
        return follower


def _phone(state: State, account: Account, openid: str) -> Phone:
    config = state.settings(account.slug)
    return Phone(
        store=lambda kind, data: state.store(account.slug, kind, data),
        openid=openid,
        app_id=account.app_id,
        public_url=config.public_url,
        survey_grant=config.survey_tap_opens,
        recognition=config.recognition,
        recognition_text=config.recognition_text,
    )


def _document(state: State, account: Account, follower: Follower, done: Act, values: Mapping[str, object]) -> str:
    nodes: dict[str, object] = {
        "ToUserName": account.original_id,
        "FromUserName": follower.openid,
        # the wall clock and not the advanced one: a service compares it with its own
        "CreateTime": _whole(values, "create_time", int(state.clock())),
        **done.nodes,
    }
    if done.is_message:
        nodes["MsgId"] = _whole(values, "msg_id", state.next_msg_id())
    return render(nodes)


def _apply(state: State, account: Account, follower: Follower, done: Act) -> None:
    now = state.now()
    if done.following:
        follower.subscribe_scene = "ADD_SCENE_QR_CODE" if done.scene else "ADD_SCENE_SEARCH"
    follower.scene = done.scene or follower.scene
    if done.following is not None:
        follower.following = done.following
        follower.subscribed_at = now if done.following else follower.subscribed_at
    if done.following is False:
        follower.window = windows.CLOSED
        return
    follower.seen_at = now
    model = state.settings(account.slug).window_model
    follower.window = windows.opened(follower.window, done.grant, now=now, model=model)


def _whole(values: Mapping[str, object], name: str, default: int) -> int:
    value = values.get(name)
    if value is None:
        return default
    try:
        return int(str(value))
    except ValueError as error:
        raise ActError(f"{name} must be a whole number") from error
