"""Customer-service messages: what the platform accepts, and how it looks on the phone. Raises RefusedError."""

from collections.abc import Callable, Mapping

from simulator import windows
from simulator.config import Account
from simulator.content import Article, Choice, Content
from simulator.endpoints import OK, Endpoint
from simulator.state import Follower, State
from simulator.tokens import RefusedError
from simulator.values import Values, inner, rows, text

TYPING_SECONDS = 15.0
EXCHANGE_SECONDS = 30.0


def send(state: State, account: Account, body: Values) -> dict[str, object]:
    """Check the message in the platform's order, put it on the phone and count it."""
    follower = state.recipient(account, text(body, "touser"))
    kind = text(body, "msgtype")
    build = BUILDERS.get(kind)
    if build is None:
        raise RefusedError(40008)
    if not isinstance(body.get(kind), Mapping):
        raise RefusedError(44004 if kind == "text" else 40008)
    content = build(state, account, inner(body, kind))
    errcode = _refusal(state, follower)
    if errcode is not None:
        raise RefusedError(errcode)
    follower.window = windows.spent(follower.window)
    follower.typing_until = 0.0
    agent = text(inner(body, "customservice"), "kf_account")
    by_ai = inner(body, "aimsgcontext").get("is_ai_msg") == 1
    state.show(follower, "reply", content, agent=agent, by_ai=by_ai)
    return OK


def _refusal(state: State, follower: Follower) -> int | None:
    """The errcode that whoever writes to this follower gets now; None if a message may go out."""
    if not follower.following:
        return 45015
    if follower.is_blacklisted:
        return 43019
    if follower.is_refusing:
        return 48002
    return windows.refusal(follower.window, now=state.now())


def typing(state: State, account: Account, body: Values) -> dict[str, object]:
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
    return OK


def _text(state: State, account: Account, given: Values) -> Content:
    words = text(given, "content")
    if not words.strip():
        raise RefusedError(44004)
    if len(words.encode("utf-8", "replace")) > state.settings(account.slug).text_limit_bytes:
        raise RefusedError(45002)
    return Content("text", words)


def _media(kind: str) -> Callable[[State, Account, Values], Content]:
    def build(state: State, account: Account, given: Values) -> Content:
        item = state.find_media(account, text(given, "media_id"), (kind,))
        return Content(kind, text(given, "title"), item.id, more=text(given, "description"))

    return build


def _video(state: State, account: Account, given: Values) -> Content:
    # the thumb is marked as required, and libraries that leave it out work all the same
    if "thumb_media_id" in given:
        state.find_media(account, text(given, "thumb_media_id"), ("thumb", "image"))
    return _media("video")(state, account, given)


def _music(state: State, account: Account, given: Values) -> Content:
    state.find_media(account, text(given, "thumb_media_id"), ("thumb", "image"))
    return Content("music", text(given, "title"), more=text(given, "description"), url=text(given, "musicurl"))


def _mini_program(state: State, account: Account, given: Values) -> Content:
    if text(given, "appid") not in account.mini_programs:
        raise RefusedError(40166)
    if not text(given, "pagepath"):
        raise RefusedError(40165)
    state.find_media(account, text(given, "thumb_media_id"), ("thumb", "image"))
    return Content("miniprogrampage", text(given, "title"), more=text(given, "pagepath"))


def _news(state: State, account: Account, given: Values) -> Content:
    articles = tuple(
        Article(text(row, "title"), text(row, "description"), text(row, "url"), text(row, "picurl"))
        for row in rows(given, "articles")
    )
    if not articles:
        raise RefusedError(44003)
    if len(articles) > 1:
        raise RefusedError(45008)
    return Content("news", articles[0].title, articles=articles)


def _survey(state: State, account: Account, given: Values) -> Content:
    choices = tuple(Choice(str(row.get("id", "")), text(row, "content")) for row in rows(given, "list"))
    if not choices or not all(choice.content for choice in choices):
        raise RefusedError(44004)
    head, tail = text(given, "head_content"), text(given, "tail_content")
    words = "\n".join((head, *(choice.content for choice in choices), tail))
    if len(words.encode("utf-8", "replace")) > state.settings(account.slug).text_limit_bytes:
        raise RefusedError(45002)
    return Content("msgmenu", "\n".join(part for part in (head, tail) if part), choices=choices)


def _named(kind: str) -> Callable[[State, Account, Values], Content]:
    """Kinds that a help desk has no use for: taken, and shown by their title."""
    return lambda state, account, given: Content(kind, text(given, "title"))


BUILDERS: dict[str, Callable[[State, Account, Values], Content]] = {
    "text": _text,
    "image": _media("image"),
    "voice": _media("voice"),
    "video": _video,
    "news": _news,
    "msgmenu": _survey,
    "music": _music,
    "mpnews": _named("mpnews"),
    "mpnewsarticle": _named("mpnewsarticle"),
    "wxcard": _named("wxcard"),
    "miniprogrampage": _mini_program,
}
ENDPOINTS = {
    "message/custom/send": Endpoint("POST", send),
    "message/custom/typing": Endpoint("POST", typing),
}
