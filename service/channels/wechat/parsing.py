"""A document of the platform becomes an Inbound, or an Oddity to be kept. Pure; no content makes it raise."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.channels.wechat.accounts import Account, Mode
from service.channels.wechat.document import Document, DocumentError, read
from service.channels.wechat.events import EventKind, kind_of
from service.messaging.ports import Contact, Inbound, Media

LONGEST_KEY = 200
LONGEST_OPENID = 128
FIRST_DAY = datetime(2011, 1, 1, tzinfo=UTC)  # the platform is not older than that
CLOCK_SKEW = timedelta(seconds=300)
STICKER = "【收到不支持的消息类型，暂无法显示】"  # what the platform makes of stickers and files

Fields = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Oddity:
    """A well-signed document that no message can be made of. `reason` names no content."""

    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class MessageKind:
    """How a kind of message is described, and which node names its file."""

    kind: str
    text: Callable[[Fields], str]
    media: tuple[str, str] | None = None  # node, kind of file


def _voice(fields: Fields) -> str:
    return _words("[语音]", fields.get("Recognition", "").strip())


def _place(fields: Fields) -> str:
    latitude, longitude = fields.get("Location_X", "").strip(), fields.get("Location_Y", "").strip()
    point = f"({latitude}, {longitude})" if latitude and longitude else ""
    return _words("[位置]", fields.get("Label", "").strip(), point)


def _words(*words: str) -> str:
    return " ".join(word for word in words if word)


MESSAGES: Mapping[str, MessageKind] = {
    "text": MessageKind("text", lambda fields: fields.get("Content", "").strip("\r\n")),
    "image": MessageKind("image", lambda _: "[图片]", ("MediaId", "image")),
    "voice": MessageKind("voice", _voice, ("MediaId", "voice")),
    "video": MessageKind("video", lambda _: "[视频]", ("MediaId", "video")),
    "shortvideo": MessageKind("shortvideo", lambda _: "[视频]", ("MediaId", "video")),
    "location": MessageKind("location", _place),
    "link": MessageKind("link", lambda f: _words("[链接]", f.get("Title", "").strip(), f.get("Url", "").strip())),
    "miniprogrampage": MessageKind("miniprogrampage", lambda f: _words("[小程序]", f.get("Title", "").strip())),
}
UNKNOWN = MessageKind("unknown", lambda _: "[暂不支持的消息]")
UNSUPPORTED = MessageKind("unsupported", lambda _: "[表情或暂不支持的消息]")


ENVELOPE = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "Content", "Encrypt"}  # told elsewhere
MOST_FIELDS = 80
LONGEST_NAME = 100
MOST_ROWS = 100
LONGEST_FIELD = 4000  # characters; the raw document has the rest


def parse(text: str, account: Account, *, now: datetime) -> Inbound | Oddity:
    """What a push says. `text` is the inner document, cleaned."""
    try:
        document = read(text)
    except DocumentError as bad:
        return Oddity(bad.reason, text)
    fields = document.top
    follower = fields.get("FromUserName", "").strip()
    message_type = fields.get("MsgType", "").strip().lower()
    if not message_type:
        is_sealed = account.mode is Mode.PLAIN and fields.get("Encrypt", "")
        return Oddity("encryption where plaintext is due" if is_sealed else "no MsgType", text)
    if not follower or len(follower) > LONGEST_OPENID:
        return Oddity("no usable FromUserName", text)
    if fields.get("ToUserName", "").strip() != account.original_id:
        return Oddity("for another account", text)
    made = _event if message_type == "event" else _message
    return made(document, account=account, follower=follower, raw=text, now=now)


def _message(document: Document, *, account: Account, follower: str, raw: str, now: datetime) -> Inbound:
    fields = document.top
    kind = MESSAGES.get(fields["MsgType"].strip().lower(), UNKNOWN)
    if kind.kind == "text" and fields.get("Content", "").strip() == STICKER:
        kind = UNSUPPORTED
    is_menu_tap = bool(fields.get("bizmsgmenuid", "").strip())
    message_id = fields.get("MsgId", "").strip()
    key = f"m:{follower}:{message_id}" if message_id else f"x:{_digest(raw)}"
    return Inbound(
        channel=account.channel,
        key=_short(key),
        follower=follower,
        kind=kind.kind,
        text=kind.text(fields),
        sent_at=_sent_at(fields, now),
        raw=raw,
        contact=Contact.TAP if is_menu_tap else Contact.MESSAGE,
        matter=not is_menu_tap and kind is not UNKNOWN,
        media=_media(kind, fields),
        extra=_extra(document),
    )


def _event(document: Document, *, account: Account, follower: str, raw: str, now: datetime) -> Inbound:
    fields = document.top
    name = fields.get("Event", "").strip()
    event, extra = kind_of(name), _extra(document)
    return Inbound(
        channel=account.channel,
        key=_short(f"e:{follower}:{fields.get('CreateTime', '').strip()}:{name}:{_event_id(document, raw)}"),
        follower=follower,
        kind=event.kind,
        text=_event_text(event, extra),
        sent_at=_sent_at(fields, now),
        raw=raw,
        contact=event.contact,
        matter=False,
        extra=extra | _scene(name.lower(), extra.get("EventKey", "")),
    )


def _event_text(event: EventKind, extra: Fields) -> str:
    if not event.label:
        return ""
    return _words(event.label, next((extra[node] for node in event.about if node in extra), ""))


def _event_id(document: Document, raw: str) -> str:
    """What tells two events of one second apart: their own ids, else the whole document, which a repeat has too."""
    top, nested = document.top, document.nested
    target = top.get("EventKey", "").strip()
    found = top.get("MsgID") or top.get("Ticket") or nested.get("MsgID") or nested.get("TemplateId") or ""
    return f"{target}:{found.strip()}" if target or found.strip() else _digest(raw)


def _scene(event: str, target: str) -> dict[str, str]:
    """The scene of a parametric QR code. A follow may carry other things in the same node: only the prefix tells."""
    if event == "subscribe" and target.startswith("qrscene_"):
        return {"scene": target.removeprefix("qrscene_")}
    return {"scene": target} if event == "scan" and target else {}


def _media(kind: MessageKind, fields: Fields) -> tuple[Media, ...]:
    if kind.media is None:
        return ()
    node, file_kind = kind.media
    media_id = fields.get(node, "").strip()
    return (Media(media_id, file_kind),) if media_id else ()


def _extra(document: Document) -> dict[str, str]:
    """Every filled node but the common ones, nested ones by their own name; `List` is a JSON array of objects."""
    top = {name: text for name, text in document.top.items() if name not in ENVELOPE and text.strip()}
    nodes = {**top, **{name: text for name, text in document.nested.items() if name not in top and text.strip()}}
    named = [(name, text) for name, text in nodes.items() if len(name) <= LONGEST_NAME]
    extra = {name: text.strip()[:LONGEST_FIELD] for name, text in named[:MOST_FIELDS]}
    rows = [row for row in document.rows if row]
    return extra | {"List": json.dumps(rows[:MOST_ROWS], ensure_ascii=False)} if rows else extra


def _sent_at(fields: Fields, now: datetime) -> datetime:
    """When the platform says it was sent; now, where it says something impossible."""
    text = fields.get("CreateTime", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return now
    seconds = int(text)
    if not FIRST_DAY.timestamp() <= seconds <= (now + CLOCK_SKEW).timestamp():
        return now
    return datetime.fromtimestamp(seconds, UTC)


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else f"{key[:2]}{_digest(key)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
