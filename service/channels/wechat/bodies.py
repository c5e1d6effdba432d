"""What the platform wants to be sent for each kind of message: values in, JSON objects out. Pure."""

from collections.abc import Callable, Mapping

from service.channels.wechat.document import legal
from service.channels.wechat.errcodes import verdict_on
from service.messaging.ports import DeliveryError, Failure, Outbound

Body = dict[str, object]

CUSTOM, TEMPLATE, SUBSCRIPTION = "message/custom/send", "message/template/send", "message/subscribe/bizsend"
PATHS: Mapping[str, str] = {"template": TEMPLATE, "subscription": SUBSCRIPTION}  # any other kind: CUSTOM
FILES: Mapping[str, str] = {"image": "image", "voice": "voice"}  # kinds that need an upload -> type of the upload


def body_of(message: Outbound, media_id: str = "") -> Body:
    """The object for `path_of(message.kind)`; `media_id` for the kinds in FILES. Raises DeliveryError, PERMANENT."""
    build = BODIES.get(message.kind)
    if build is None:
        raise DeliveryError(verdict_on(40008).zh, kind=Failure.PERMANENT, code=40008)
    return {"touser": message.follower} | build(message, media_id)


def path_of(kind: str) -> str:
    return PATHS.get(kind, CUSTOM)


def _text(message: Outbound, _media_id: str) -> Body:
    words = legal(message.text)
    if not words.strip():
        raise DeliveryError(verdict_on(44004).zh, kind=Failure.PERMANENT, code=44004)
    return {"msgtype": "text", "text": {"content": words}}


def _file(message: Outbound, media_id: str) -> Body:
    return {"msgtype": message.kind, message.kind: {"media_id": media_id}}


def _news(message: Outbound, _media_id: str) -> Body:
    """One link card: more than one is refused with 45008."""
    article = {name: _words(message, name) for name in ("title", "description", "url", "picurl")}
    return {"msgtype": "news", "news": {"articles": [article]}}


def _menu(message: Outbound, _media_id: str) -> Body:
    items = message.content.get("items")
    pairs = [pair for pair in items if isinstance(pair, list | tuple)] if isinstance(items, list | tuple) else []
    menu: Body = {"list": [{"id": str(item_id), "content": legal(str(words))} for item_id, words in pairs]}
    for name, ours in (("head_content", "head"), ("tail_content", "tail")):
        if _words(message, ours):
            menu[name] = _words(message, ours)
    return {"msgtype": "msgmenu", "msgmenu": menu}


def _template(message: Outbound, _media_id: str) -> Body:
    body: Body = {"template_id": _words(message, "template_id"), "data": _data(message)}
    for name, ours in (("url", "url"), ("client_msg_id", "client_id")):  # the same client id is delivered once
        if _words(message, ours):
            body[name] = _words(message, ours)
    return body


def _subscription(message: Outbound, _media_id: str) -> Body:
    body: Body = {"template_id": _words(message, "template_id"), "data": _data(message)}
    return body | ({"page": _words(message, "url")} if _words(message, "url") else {})


def _data(message: Outbound) -> Body:
    """Fields of a template: `{key: words}`, or already `{key: {"value": words}}`."""
    data = message.content.get("data")
    fields = data.items() if isinstance(data, Mapping) else ()
    return {key: value if isinstance(value, Mapping) else {"value": legal(str(value))} for key, value in fields}


def _words(message: Outbound, name: str) -> str:
    value = message.content.get(name)
    return "" if value is None else legal(str(value))


BODIES: Mapping[str, Callable[[Outbound, str], Body]] = {
    "text": _text,
    "image": _file,
    "voice": _file,
    "news": _news,
    "msgmenu": _menu,
    "template": _template,
    "subscription": _subscription,
}
