"""What a message shows beside its words: a place on a map, a card, an event of the conversation. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from service.channels import registry
from service.tickets.models import Message

MAP = "https://uri.amap.com/marker"  # takes coordinates without a key
LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class Card:
    """A thing that was sent, with an address where it can be seen; `href` is "" where there is none that is safe."""

    icon: str
    title: str
    detail: str
    foot: str
    href: str
    action: str


# events as lines of a conversation, by the message's kind
HAPPENED: Mapping[str, object] = {
    "subscribe": _l("关注了公众号"),
    "unsubscribe": _l("取消了关注"),
    "scan": _l("扫描了二维码"),
    "click": _l("点击了菜单"),
    "event:scancode_push": _l("用菜单扫了码"),
    "event:scancode_waitmsg": _l("用菜单扫了码"),
    "event:pic_sysphoto": _l("用菜单拍照"),
    "event:pic_photo_or_album": _l("用菜单发图片"),
    "event:pic_weixin": _l("用菜单发图片"),
    "event:location_select": _l("用菜单选了位置"),
    "event:kf_create_session": _l("转到平台客服"),
    "event:kf_close_session": _l("平台客服会话结束"),
    "event:kf_switch_session": _l("平台客服转接"),
}
ABOUT = ("scene", "ScanResult", "Poiname", "Label", "ToKfAccount", "KfAccount", "EventKey")  # what says more of them


def is_event(message: Message) -> bool:
    """Whether the follower did something rather than said it."""
    return message.direction == "inbound" and (message.kind in HAPPENED or message.kind.startswith("event:"))


def event_words(message: Message) -> str:
    """What happened, in one line: 点击了菜单 REPORT_REPAIR."""
    extra = message.extra or {}
    named = HAPPENED.get(message.kind)
    if named is None:
        return message.text
    return " ".join(word for word in (str(named), next((extra[name] for name in ABOUT if extra.get(name)), "")) if word)


def pieces_of(message: Message, channel: str) -> Iterable[tuple[str, str]]:
    """The words as the follower saw them: (words, "") and (code, emoji)."""
    return registry.pieces(channel, message.text)


def recognised(message: Message) -> str:
    """What the platform understood of a voice, "" for most."""
    return (message.extra or {}).get("Recognition", "") if message.kind == "voice" else ""


def card_of(message: Message) -> Card | None:
    """A place, a link or a mini-program page; None for everything else."""
    make = CARDS.get(message.kind)
    return make(message.extra or {}) if make is not None and message.extra else None


def _place(extra: Mapping[str, str]) -> Card:
    latitude, longitude = _degrees(extra.get("Location_X", ""), 90), _degrees(extra.get("Location_Y", ""), 180)
    title = extra.get("Label") or extra.get("Poiname") or _("位置")
    if latitude is None or longitude is None:
        return Card("map-pin", title, "", "", "", "")
    # the platform gives the coordinates that maps in China use, so this map needs no conversion
    place = {"position": f"{longitude},{latitude}", "name": title[:LONGEST_LABEL], "src": "gongdan", "callnative": "0"}
    return Card("map-pin", title, "", f"{latitude}, {longitude}", f"{MAP}?{urlencode(place)}", _("在地图上查看"))


def _degrees(text: str, limit: int) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= limit else None


def _link(extra: Mapping[str, str]) -> Card:
    url, host = extra.get("Url", ""), _host(extra.get("Url", ""))
    title = extra.get("Title") or host or _("链接")
    return Card("link", title, extra.get("Description", ""), host, url if host else "", _("在新窗口打开链接"))


def _host(url: str) -> str:
    """Where a link leads; "" where it is none that a person may be sent to."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host if parts.scheme in ("http", "https") else ""


def _mini_program(extra: Mapping[str, str]) -> Card:
    foot = " ".join(word for word in (_("小程序"), extra.get("AppId", ""), extra.get("PagePath", "")) if word)
    return Card("template", extra.get("Title") or _("小程序"), "", foot, "", "")


CARDS = {"location": _place, "event:location_select": _place, "link": _link, "miniprogrampage": _mini_program}
