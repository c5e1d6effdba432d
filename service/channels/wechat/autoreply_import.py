"""The auto-replies that an operator made in the platform's console, as a document of ours: what switching the server
URL on would lose."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.channels.wechat import calls
from service.channels.wechat.accounts import Account

MOST_CHARS = 600  # of one answer
MOST_ANSWERS = 10
HOW = {"equal": "exact", "contain": "contains"}
PICK = {"reply_all": "all", "random_one": "random"}

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken over. `kind`: what it is (img, voice, video …), or long, empty."""

    rule: str  # "" for the welcome and the default answer
    kind: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`rules`, `welcome` and `default` as our documents have them; the two are "" where the console has none."""

    rules: Sequence[Mapping[str, object]]
    welcome: str
    default: str
    left: Sequence[Left]


def fetch(account: Account) -> Imported:
    """Ask the platform. Raises RefusedError."""
    return read(calls.get(account, "get_current_autoreply_info").fields)


def read(answer: Row) -> Imported:
    """The platform's answer in our words; what is no text or link cannot be taken over and is named."""
    left: list[Left] = []
    rules = []
    for place, row in enumerate(_rows(_part(answer, "keyword_autoreply_info"))):
        rule = _rule(row, place, left)
        if rule is not None:
            rules.append(rule)
    welcome = default = ""
    if _is_on(answer, "is_add_friend_reply_open"):
        welcome = _text(_part(answer, "add_friend_autoreply_info"), "", left)
    if _is_on(answer, "is_autoreply_open"):
        default = _text(_part(answer, "message_default_autoreply_info"), "", left)
    return Imported(rules, welcome, default, left)


def _rule(row: Row, place: int, left: list[Left]) -> dict[str, object] | None:
    name = str(row.get("rule_name") or f"{place + 1}")[:60]
    words: dict[str, list[str]] = {}
    for key in _list(row.get("keyword_list_info")):
        word = str(key.get("content") or "").strip()[:100]
        if word:
            words.setdefault(HOW.get(str(key.get("match_mode")), "exact"), []).append(word)
    found = [_text(reply, name, left) for reply in _list(row.get("reply_list_info"))]
    answers = [text for text in found if text][:MOST_ANSWERS]
    if not words or not answers:
        left.append(Left(name, "empty"))
        return None
    return {
        "id": "wx" + hashlib.sha256(f"{place}:{name}".encode()).hexdigest()[:10],
        "name": name,
        "enabled": True,
        "keywords": [{"how": how, "words": found_words} for how, found_words in words.items()],
        "answers": answers,
        "pick": PICK.get(str(row.get("reply_mode")), "all"),
        "priority": 50,
        "window": {},
        "action": "text",
        "only_reply": True,  # in the console a keyword's answer was all that happened
    }


def _text(reply: Row, rule: str, left: list[Left]) -> str:
    """The words of one reply, or links to its articles; "" where it is neither, and then it is noted."""
    kind = str(reply.get("type") or "")
    text = ""
    if kind == "text":
        text = str(reply.get("content") or "").strip()
    elif kind == "news":
        text = "\n".join(_links(_part(reply, "news_info")))
    if not text or len(text) > MOST_CHARS:
        if kind or text:
            left.append(Left(rule, "long" if text else kind))
        return ""
    return text


def _links(news: Row) -> Iterator[str]:
    for article in _rows(news):
        title, url = str(article.get("title") or "").strip(), str(article.get("content_url") or "").strip()
        if title and url.startswith(("http://", "https://")) and '"' not in url and "<" not in title:
            yield f'<a href="{url}">{title}</a>'


def _is_on(answer: Row, name: str) -> bool:
    return str(answer.get(name) or "0") not in ("0", "False")


def _part(row: Row, name: str) -> Row:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def _rows(row: Row) -> list[Row]:
    return _list(row.get("list"))


def _list(found: object) -> list[Row]:
    return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
