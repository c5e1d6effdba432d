"""Judging what a webhook answered to a push, as the platform does. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulator.config import Account
from simulator.content import Article, Content
from simulator.wire import Nodes, WireError, open_reply, parse

FAILURE_LINE = "该公众号提供的服务出现故障，请稍后再试"
ACKNOWLEDGEMENTS = (b"", b"success")


class Outcome(StrEnum):
    """What became of one attempt."""

    HANDLED = "handled"
    SHOWN = "shown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an attempt, what the follower sees of it (None: nothing), and why."""

    outcome: Outcome
    shown: Content | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What the judge needs to know of the push: from whom it was, and whether it was a message or an event."""

    openid: str
    is_message: bool
    text_limit_bytes: int


def failed(why: str) -> Verdict:
    """The verdict that makes the platform try again."""
    return Verdict(Outcome.FAILED, why=why)


def judge(account: Account, pushed: Pushed, *, status: int, body: bytes) -> Verdict:
    """Empty or exactly `success` is handled, a valid reply is shown, everything else has failed."""
    if not 200 <= status < 300:
        return failed(f"status {status}")
    if body in ACKNOWLEDGEMENTS:
        return Verdict(Outcome.HANDLED)
    try:
        nodes = _open(account, body)
        content = _content(account, pushed, nodes)
    except WireError as error:
        return failed(str(error))
    return _fit(content, pushed)


def _open(account: Account, body: bytes) -> Nodes:
    try:
        nodes = parse(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise WireError("answer is not UTF-8") from error
    if "Encrypt" in nodes and account.mode != "plain":
        return parse(open_reply(account, nodes))
    if account.mode == "safe":
        raise WireError("plaintext reply in safe mode")
    return nodes


def _content(account: Account, pushed: Pushed, nodes: Nodes) -> Content | None:
    if _need(nodes, "ToUserName") != pushed.openid or _need(nodes, "FromUserName") != account.original_id:
        raise WireError("ToUserName and FromUserName must be swapped")
    if not _need(nodes, "CreateTime").strip().isdigit():
        raise WireError("CreateTime is not a number")
    build = REPLIES.get(_need(nodes, "MsgType"))
    if build is None:
        raise WireError(f"unknown MsgType {nodes['MsgType']}")
    return build(nodes)


def _fit(content: Content | None, pushed: Pushed) -> Verdict:
    """A well-formed reply that breaks a limit is taken, and nothing is shown."""
    if content is None:
        return Verdict(Outcome.HANDLED, why="handed over")
    if content.type == "text" and len(content.text.encode()) > pushed.text_limit_bytes:
        return Verdict(Outcome.HANDLED, why="text above the limit: not shown")
    if len(content.articles) > (1 if pushed.is_message else 8):
        return Verdict(Outcome.HANDLED, why="too many articles: not shown")
    return Verdict(Outcome.SHOWN, content)


def _need(nodes: Nodes, name: str) -> str:
    value = nodes.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WireError(f"{name} is missing or empty")
    return value


def _inside(nodes: Nodes, name: str) -> Nodes:
    value = nodes.get(name)
    if not isinstance(value, Mapping):
        raise WireError(f"{name} is missing")
    return value


def _or_empty(nodes: Nodes, name: str) -> str:
    value = nodes.get(name)
    return value if isinstance(value, str) else ""


def _text(nodes: Nodes) -> Content:
    return Content("text", _need(nodes, "Content"))


def _media(name: str) -> Callable[[Nodes], Content]:
    def build(nodes: Nodes) -> Content:
        inner = _inside(nodes, name)
        return Content(name.lower(), _or_empty(inner, "Title"), _need(inner, "MediaId"))

    return build


def _music(nodes: Nodes) -> Content:
    inner = _inside(nodes, "Music")
    _need(inner, "ThumbMediaId")
    return Content("music", _or_empty(inner, "Title"))


def _news(nodes: Nodes) -> Content:
    items = _inside(nodes, "Articles").get("item")
    rows = [item for item in (items if isinstance(items, list) else [items]) if isinstance(item, Mapping)]
    if not rows or _need(nodes, "ArticleCount").strip() != str(len(rows)):
        raise WireError("ArticleCount does not fit Articles")
    articles = tuple(Article(_need(r, "Title"), _or_empty(r, "Description"), _or_empty(r, "Url")) for r in rows)
    return Content("news", articles[0].title, articles=articles)


REPLIES: dict[str, Callable[[Nodes], Content | None]] = {
    "text": _text,
    "image": _media("Image"),
    "voice": _media("Voice"),
    "video": _media("Video"),
    "music": _music,
    "news": _news,
    "transfer_customer_service": lambda nodes: None,
    "transfer_biz_ai_ivr": lambda nodes: None,
}
