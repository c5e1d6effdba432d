"""A document of the platform becomes an Inbound, or an Oddity to be kept. Pure; no content makes it raise."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from service.channels.wechat.accounts import Account
from service.channels.wechat.document import Document, DocumentError, read
from service.messaging.ports import Contact, Inbound, Media

LONGEST_KEY = 200
LONGEST_OPENID = 128
LONGEST_NAME = 64  # of an event or a message type that we do not know
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


@dataclass(frozen=True, slots=True)
class EventKind:
    """What we call an event, how it is described, and which right to answer it gives."""

    kind: str
    label: str  # "": not a thing that anybody said or did to us, so it is no line in a conversation
    contact: Contact = Contact.NONE


# by lower-case name, for the platform's own case varies; LOCATION stays apart from a message of type location
EVENTS: Mapping[str, EventKind] = {
    "subscribe": EventKind("subscribe", "[关注]", Contact.FOLLOW),
    "unsubscribe": EventKind("unsubscribe", "[取消关注]"),
    "scan": EventKind("scan", "[扫码]", Contact.SCAN),
    "click": EventKind("click", "[菜单]", Contact.MENU),
    "view": EventKind("view", ""),
    "scancode_push": EventKind("event:scancode_push", "[菜单扫码]", Contact.MENU),
    "scancode_waitmsg": EventKind("event:scancode_waitmsg", "[菜单扫码]", Contact.MENU),
    "location": EventKind("event:location", ""),
    "templatesendjobfinish": EventKind("event:templatesendjobfinish", ""),
}

EXTRA = (
    *(
        "MsgId",
        "MsgID",
        "MsgDataId",
        "Idx",
        "bizmsgmenuid",
        "PicUrl",
        "MediaId",
        "MediaId16K",
        "ThumbMediaId",
        "Format",
    ),
    *("Recognition", "Location_X", "Location_Y", "Scale", "Label", "Title", "Description", "Url", "AppId", "PagePath"),
    *("EventKey", "Ticket", "MenuId", "Status", "Latitude", "Longitude", "Precision"),
)


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
        return Oddity("no MsgType", text)
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
        contact=Contact.MENU if is_menu_tap else Contact.MESSAGE,
        matter=not is_menu_tap and kind is not UNKNOWN,
        media=_media(kind, fields),
        extra=_extra(fields),
    )


def _event(document: Document, *, account: Account, follower: str, raw: str, now: datetime) -> Inbound:
    fields = document.top
    name = fields.get("Event", "").strip()
    known = EVENTS.get(name.lower())
    event = known or EventKind(f"event:{name.lower()[:LONGEST_NAME]}", "")
    target = fields.get("EventKey", "").strip()
    return Inbound(
        channel=account.channel,
        key=_short(f"e:{follower}:{fields.get('CreateTime', '').strip()}:{name}:{target}:{_event_id(document)}"),
        follower=follower,
        kind=event.kind,
        text=_words(event.label, target) if event.label else "",
        sent_at=_sent_at(fields, now),
        raw=raw,
        contact=event.contact,
        matter=False,
        extra=_extra(fields) | _scene(name.lower(), target),
    )


def _event_id(document: Document) -> str:
    """What tells two events of one second apart."""
    top, nested = document.top, document.nested
    found = top.get("MsgID") or top.get("Ticket") or nested.get("MsgID") or nested.get("TemplateId") or ""
    return found.strip()


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


def _extra(fields: Fields) -> dict[str, str]:
    return {name: fields[name].strip() for name in EXTRA if fields.get(name)}


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
