"""A follower does something: the phone's line, the window and the push, as one step."""

import secrets
from collections.abc import Mapping
from dataclasses import replace

from simulator import windows
from simulator.config import Account
from simulator.inbound import Act, ActError, Phone, build
from simulator.pushes import Push, Pusher
from simulator.state import Follower, State
from simulator.wire import render

MOST_COPIES = 50
WHILE_AWAY = ("subscribe", "raw", "event")


class NotFollowingError(Exception):
    """Somebody who does not follow the account cannot write to it."""


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
        if not follower.following and values.get("type", "text") not in WHILE_AWAY:
            raise NotFollowingError(f"{follower.name} does not follow {follower.account}")
        account = state.get_account(follower.account)
        done = build(_phone(state, account), values)
        document = done.raw or _document(state, account, follower, done, values)
        _apply(state, follower, done)
        if done.content.type != "raw" or done.content.text:
            state.show(follower, "mine", done.content)
        offset = _whole(values, "timestamp_offset", 0)
        lanes = [""] if copies == 1 else [f"/{secrets.token_hex(6)}" for _ in range(copies)]
        return [
            pusher.put(account, openid, document, is_message=done.is_message, timestamp_offset=offset, lane=lane)
            for lane in lanes
        ]


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


def _phone(state: State, account: Account) -> Phone:
    config = state.config
    return Phone(
        store=lambda kind, data: state.store(account.slug, kind, data),
        public_url=config.public_url,
        survey_grant=config.survey_tap_opens,
        recognition=config.recognition,
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


def _apply(state: State, follower: Follower, done: Act) -> None:
    now = state.now()
    if done.following is not None:
        follower.following = done.following
        follower.subscribed_at = now if done.following else follower.subscribed_at
    if done.following is False:
        follower.window = windows.CLOSED
        return
    follower.seen_at = now
    follower.window = windows.opened(follower.window, done.grant, now=now, model=state.config.window_model)


def _whole(values: Mapping[str, object], name: str, default: int) -> int:
    value = values.get(name)
    if value is None:
        return default
    try:
        return int(str(value))
    except ValueError as error:
        raise ActError(f"{name} must be a whole number") from error
