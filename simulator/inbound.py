"""What a follower does on the phone, as the nodes that the platform pushes and the line that the phone shows."""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.content import Content
from simulator.media import SAMPLES, Media

Values = Mapping[str, object]
Store = Callable[[str, bytes], Media]


class ActError(ValueError):
    """An action that the phone does not know or that lacks a value; the message says which."""


@dataclass(frozen=True, slots=True)
class Act:
    """One action: nodes beside the common ones, the phone's line, and what it does to window and following."""

    nodes: dict[str, object]
    content: Content
    grant: str = ""
    following: bool | None = None
    raw: str = ""

    @property
    def is_message(self) -> bool:
        """Whether it is a message (which has a MsgId) and not an event."""
        return self.nodes.get("MsgType") not in (None, "event")


@dataclass(frozen=True, slots=True)
class Phone:
    """What building an action needs: where media go, and the address under which pictures are seen."""

    store: Store
    public_url: str
    survey_grant: str
    recognition: str


def build(phone: Phone, values: Values) -> Act:
    """The action that JSON values describe; raises ActError, or RefusedError for a file that the platform refuses."""
    make = ACTS.get(_text(values, "type", "text"))
    if make is None:
        raise ActError(f"unknown type {values.get('type')!r}; known are {' '.join(ACTS)}")
    return make(phone, values)


def _text(values: Values, name: str, default: str | None = None) -> str:
    value = values.get(name, default)
    if value is None:
        raise ActError(f"{name} is missing")
    return str(value)


def _degrees(values: Values, name: str, default: float) -> float:
    try:
        return float(_text(values, name, str(default)))
    except ValueError as error:
        raise ActError(f"{name} must be a number") from error


def _file(phone: Phone, values: Values, kind: str) -> Media:
    given, encoded = values.get("file"), values.get("data")
    if isinstance(given, bytes):
        return phone.store(kind, given)
    if encoded is None:
        return phone.store(kind, SAMPLES[kind])
    try:
        return phone.store(kind, base64.b64decode(str(encoded), validate=True))
    except binascii.Error as error:
        raise ActError("data must be base64") from error


def _words(phone: Phone, values: Values) -> Act:
    nodes: dict[str, object] = {"MsgType": "text", "Content": _text(values, "text")}
    grant = "message"
    if "menu_id" in values:
        nodes["bizmsgmenuid"] = _text(values, "menu_id")
        grant = phone.survey_grant
    return Act(nodes, Content("text", _text(values, "text")), grant)


def _image(phone: Phone, values: Values) -> Act:
    media = _file(phone, values, "image")
    nodes = {"MsgType": "image", "PicUrl": f"{phone.public_url}/media/{media.id}", "MediaId": media.id}
    return Act(dict(nodes), Content("image", media_id=media.id), "message")


def _voice(phone: Phone, values: Values) -> Act:
    media = _file(phone, values, "voice")
    kind = media.filename.rpartition(".")[2]
    nodes: dict[str, object] = {"MsgType": "voice", "MediaId": media.id, "Format": kind, "MediaId16K": media.id}
    if "recognition" in values or phone.recognition == "empty":
        nodes["Recognition"] = _text(values, "recognition", "")
    return Act(nodes, Content("voice", media_id=media.id), "message")


def _video(kind: str) -> Callable[[Phone, Values], Act]:
    def make(phone: Phone, values: Values) -> Act:
        media, thumb = _file(phone, values, "video"), phone.store("thumb", SAMPLES["thumb"])
        nodes = {"MsgType": kind, "MediaId": media.id, "ThumbMediaId": thumb.id}
        return Act(dict(nodes), Content("video", media_id=media.id), "message")

    return make


def _location(phone: Phone, values: Values) -> Act:
    label = _text(values, "label", "上海市黄浦区人民大道200号")
    nodes: dict[str, object] = {
        "MsgType": "location",
        "Location_X": _degrees(values, "latitude", 31.230416),
        "Location_Y": _degrees(values, "longitude", 121.473701),
        "Scale": 16,
        "Label": label,
    }
    return Act(nodes, Content("location", label), "message")


def _link(phone: Phone, values: Values) -> Act:
    title = _text(values, "title", "一篇文章")
    nodes = {"MsgType": "link", "Title": title, "Description": _text(values, "description", "")}
    nodes["Url"] = _text(values, "url", "https://example.com/article")
    return Act(dict(nodes), Content("link", title), "message")


def _event(name: str, key: str, line: str, grant: str = "", following: bool | None = None, scene: str = "") -> Act:
    nodes: dict[str, object] = {"MsgType": "event", "Event": name, "EventKey": key}
    if scene:
        nodes["Ticket"] = "gQ" + secrets.token_urlsafe(24)
    return Act(nodes, Content("event", line), grant, following)


def _subscribe(phone: Phone, values: Values) -> Act:
    scene = _text(values, "scene", "")
    return _event("subscribe", f"qrscene_{scene}" if scene else "", "已关注", "subscribe", True, scene)


def _unsubscribe(phone: Phone, values: Values) -> Act:
    return _event("unsubscribe", "", "已取消关注", following=False)


def _scan(phone: Phone, values: Values) -> Act:
    scene = _text(values, "scene")
    return _event("SCAN", scene, f"扫描了二维码 {scene}", "scan", scene=scene)


def _click(phone: Phone, values: Values) -> Act:
    key = _text(values, "key")
    return _event("CLICK", key, f"点击了菜单「{_text(values, 'name', key)}」", "click")


def _other_event(phone: Phone, values: Values) -> Act:
    act = _event(
        _text(values, "event"), _text(values, "key", ""), f"事件 {values['event']}", _text(values, "grant", "")
    )
    fields = values.get("fields", {})
    if not isinstance(fields, Mapping):
        raise ActError("fields must be an object")
    act.nodes.update({str(name): value for name, value in fields.items()})
    return act


def _raw(phone: Phone, values: Values) -> Act:
    xml = _text(values, "xml")
    return Act({}, Content("raw", _text(values, "text", "")), _text(values, "grant", ""), raw=xml)


ACTS: dict[str, Callable[[Phone, Values], Act]] = {
    "text": _words,
    "image": _image,
    "voice": _voice,
    "video": _video("video"),
    "shortvideo": _video("shortvideo"),
    "location": _location,
    "link": _link,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "scan": _scan,
    "click": _click,
    "event": _other_event,
    "raw": _raw,
}
