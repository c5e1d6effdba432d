"""Customer-service messages: what the platform accepts, and how it looks on the phone. Raises RefusedError."""

from collections.abc import Callable, Mapping

from simulator import windows
from simulator.config import Account
from simulator.content import Article, Choice, Content
from simulator.state import State
from simulator.tokens import RefusedError

Body = Mapping[str, object]
TYPING_SECONDS = 15.0
EXCHANGE_SECONDS = 30.0


def send(state: State, account: Account, body: Body) -> dict[str, object]:
    """Check the message in the platform's order, put it on the phone and count it."""
    follower = state.recipient(account, text(body, "touser"))
    kind = text(body, "msgtype")
    build = BUILDERS.get(kind)
    if build is None:
        raise RefusedError(40008)
    inner = body.get(kind)
    if not isinstance(inner, Mapping):
        raise RefusedError(44004 if kind == "text" else 40008)
    content = build(state, account, inner)
    errcode = windows.refusal(follower.window, now=state.now()) if follower.following else 45015
    if errcode is not None:
        raise RefusedError(errcode)
    follower.window = windows.spent(follower.window)
    follower.typing_until = 0.0
    state.show(follower, "reply", content, agent=_agent(body), by_ai=_is_by_ai(body))
    return {"errcode": 0, "errmsg": "ok"}


def typing(state: State, account: Account, body: Body) -> dict[str, object]:
    """Show or take away the line that somebody is typing."""
    follower = state.recipient(account, text(body, "touser"))
    command, now = text(body, "command"), state.now()
    if command not in ("Typing", "CancelTyping"):
        raise RefusedError(45072)
    if not follower.following or now - follower.seen_at > EXCHANGE_SECONDS:
        raise RefusedError(45080)
    if command == "Typing" and now < follower.typing_until:
        raise RefusedError(45081)
    follower.typing_until = now + TYPING_SECONDS if command == "Typing" else 0.0
    return {"errcode": 0, "errmsg": "ok"}


def text(body: Body, name: str) -> str:
    """The value as text; empty if it is missing or no text."""
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _agent(body: Body) -> str:
    service = body.get("customservice")
    return text(service, "kf_account") if isinstance(service, Mapping) else ""


def _is_by_ai(body: Body) -> bool:
    context = body.get("aimsgcontext")
    return isinstance(context, Mapping) and context.get("is_ai_msg") == 1


def _rows(body: Body, name: str) -> list[Body]:
    value = body.get(name)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _text(state: State, account: Account, inner: Body) -> Content:
    words = text(inner, "content")
    if not words.strip():
        raise RefusedError(44004)
    if len(words.encode("utf-8", "replace")) > state.config.text_limit_bytes:
        raise RefusedError(45002)
    return Content("text", words)


def _media(kind: str) -> Callable[[State, Account, Body], Content]:
    def build(state: State, account: Account, inner: Body) -> Content:
        item = state.find_media(account, text(inner, "media_id"), (kind,))
        return Content(kind, text(inner, "title"), item.id)

    return build


def _news(state: State, account: Account, inner: Body) -> Content:
    articles = tuple(
        Article(text(row, "title"), text(row, "description"), text(row, "url")) for row in _rows(inner, "articles")
    )
    if not articles:
        raise RefusedError(44003)
    if len(articles) > 1:
        raise RefusedError(45008)
    return Content("news", articles[0].title, articles=articles)


def _survey(state: State, account: Account, inner: Body) -> Content:
    choices = tuple(Choice(str(row.get("id", "")), text(row, "content")) for row in _rows(inner, "list"))
    if not choices or not all(choice.content for choice in choices):
        raise RefusedError(44004)
    head, tail = text(inner, "head_content"), text(inner, "tail_content")
    words = "\n".join((head, *(choice.content for choice in choices), tail))
    if len(words.encode("utf-8", "replace")) > state.config.text_limit_bytes:
        raise RefusedError(45002)
    return Content("msgmenu", "\n".join(part for part in (head, tail) if part), choices=choices)


def _named(kind: str) -> Callable[[State, Account, Body], Content]:
    """Kinds that a help desk has no use for: taken, and shown by their title."""
    return lambda state, account, inner: Content(kind, text(inner, "title"))


BUILDERS: dict[str, Callable[[State, Account, Body], Content]] = {
    "text": _text,
    "image": _media("image"),
    "voice": _media("voice"),
    "video": _media("video"),
    "news": _news,
    "msgmenu": _survey,
    "music": _named("music"),
    "mpnews": _named("mpnews"),
    "mpnewsarticle": _named("mpnewsarticle"),
    "wxcard": _named("wxcard"),
    "miniprogrampage": _named("miniprogrampage"),
}
