"""Raw deliveries to the webhook, signed and sealed as the platform does it."""

import time

import requests
from scenario_rig import Rig, account_fields

from simulator import wire
from simulator.config import Account, account_from


def account(slug: str, **changes: object) -> Account:
    return account_from({"slug": slug, **account_fields(slug), **changes})


def document(slug: str, openid: str, text: str, message_id: str = "") -> str:
    """A text message as the platform writes it."""
    nodes = {"ToUserName": account(slug).original_id, "FromUserName": openid, "CreateTime": int(time.time())}
    return wire.render(nodes | {"MsgType": "text", "Content": text, "MsgId": message_id or str(time.time_ns())})


def push(
    rig: Rig, sender: Account, inner: str, *, age: int = 0, openid: str = "o", **changed: str
) -> requests.Response:
    """One delivery; `changed` replaces parameters of the query, and leaves out those that are empty."""
    query, body = wire.envelope(sender, inner, openid=openid, timestamp=int(time.time()) - age)
    parameters = dict(pair.split("=", 1) for pair in query.split("&")) | changed
    kept = {name: requests.utils.unquote(value) for name, value in parameters.items() if value}
    headers = {"Content-Type": "text/xml"}
    return requests.post(f"{rig.url}/wechat/{sender.slug}", params=kept, data=body, headers=headers, timeout=10)
