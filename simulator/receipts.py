"""Events that the platform itself pushes, some time after it took a message."""

from collections.abc import Mapping

from simulator.config import Account
from simulator.pushes import Push, Pusher
from simulator.wire import render


def push_event(pusher: Pusher, account: Account, openid: str, nodes: Mapping[str, object]) -> Push:
    """Queue an event about the follower, after the account's `receipt_delay` and past what waits in their lane."""
    state = pusher.state
    document = render(
        {
            "ToUserName": account.original_id,
            "FromUserName": openid,
            "CreateTime": int(state.clock()),
            "MsgType": "event",
            **nodes,
        }
    )
    delay = state.settings(account.slug).receipt_delay
    return pusher.put(account, openid, document, is_message=False, lane=f"/receipt{state.next_msg_id()}", delay=delay)
