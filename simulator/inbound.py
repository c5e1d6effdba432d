"""What a follower does on the phone, as the nodes that the platform pushes and the line that the phone shows."""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.content import Content
from simulator.media import SAMPLES, Media

Values = Mapping[str, object]
Store = Callable[[str, bytes], Media]


STICKER_LINE = "【收到不支持的消息类型，暂无法显示】"


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
    scene: str = ""

    @property
    def is_message(self) -> bool:
        """Whether it is a message (which has a MsgId) and not an event."""
        return self.nodes.get("MsgType") not in (None, "event")


@dataclass(frozen=True, slots=True)
class Phone:
    """What building an action needs: where media go, and the address under which pictures are seen."""

    store: Store
    openid: str
    app_id: str
    public_url: str
    survey_grant: str
    recognition: str
    recognition_text: str


Make = Callable[[Phone, Values], Act]


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
    return Act(dict(nodes), Content("image", media_id=media.id, url=nodes["PicUrl"]), "message")


def _voice(phone: Phone, values: Values) -> Act:
    media = _file(phone, values, "voice")
    kind = media.filename.rpartition(".")[2]
    nodes: dict[str, object] = {"MsgType": "voice", "MediaId": media.id, "Format": kind, "MediaId16K": media.id}
    if "recognition" in values or phone.recognition != "absent":
        usual = phone.recognition_text if phone.recognition == "filled" else ""
        nodes["Recognition"] = _text(values, "recognition", usual)
    return Act(nodes, Content("voice", media_id=media.id), "message")


def _video(kind: str) -> Callable[[Phone, Values], Act]:
    def make(phone: Phone, values: Values) -> Act:
        media, thumb = _file(phone, values, "video"), phone.store("thumb", SAMPLES["thumb"])
        nodes = {"MsgType": kind, "MediaId": media.id, "ThumbMediaId": thumb.id}
        return Act(dict(nodes), Content("video", media_id=media.id), "message")

    return make


def _location(phone: Phone, values: Values) -> Act:
    nodes = {"MsgType": "location", **_place(values)}
    return Act(nodes, Content("location", str(nodes["Label"])), "message")


def _place(values: Values) -> dict[str, object]:
    return {
        "Location_X": _degrees(values, "latitude", 31.230416),
        "Location_Y": _degrees(values, "longitude", 121.473701),
        "Scale": 16,
        "Label": _text(values, "label", "上海市黄浦区人民大道200号"),
    }


def _link(phone: Phone, values: Values) -> Act:
    title = _text(values, "title", "一篇文章")
    more, url = _text(values, "description", ""), _text(values, "url", "https://example.com/article")
    nodes: dict[str, object] = {"MsgType": "link", "Title": title, "Description": more, "Url": url}
    return Act(nodes, Content("link", title, url=url, more=more), "message")


def _sticker(phone: Phone, values: Values) -> Act:
    """A sticker of one's own reaches no account: a line that says so comes in its place."""
    return Act({"MsgType": "text", "Content": STICKER_LINE}, Content("sticker"), "message")


def _event(
    name: str,
    key: str,
    line: str,
    grant: str = "",
    *,
    following: bool | None = None,
    scene: str = "",
    ticket: str = "",
) -> Act:
    nodes: dict[str, object] = {"MsgType": "event", "Event": name, "EventKey": key}
    if scene:
        nodes["Ticket"] = ticket or "gQ" + secrets.token_urlsafe(24)
    return Act(nodes, Content("event", line), grant, following, scene=scene)


def _subscribe(phone: Phone, values: Values) -> Act:
    scene = _text(values, "scene", "")
    key = f"qrscene_{scene}" if scene else ""
    line = f"扫码 {scene} 关注了公众号" if scene else "已关注"
    ticket = _text(values, "ticket", "")
    return _event("subscribe", key, line, "subscribe", following=True, scene=scene, ticket=ticket)


def _unsubscribe(phone: Phone, values: Values) -> Act:
    return _event("unsubscribe", "", "已取消关注", following=False)


def _scan(phone: Phone, values: Values) -> Act:
    scene = _text(values, "scene")
    ticket = _text(values, "ticket", "")
    return _event("SCAN", scene, f"扫描了二维码 {scene}", "scan", scene=scene, ticket=ticket)


def _click(phone: Phone, values: Values) -> Act:
    key = _text(values, "key")
    return _event("CLICK", key, f"点击了菜单「{_text(values, 'name', key)}」", "click")


def _view(phone: Phone, values: Values) -> Act:
    act = _event("VIEW", _text(values, "url"), f"打开了菜单「{_text(values, 'name', '网页')}」")
    act.nodes["MenuId"] = int(_text(values, "menu_number", "0"))
    return act


def _view_mini_program(phone: Phone, values: Values) -> Act:
    act = _event("view_miniprogram", _text(values, "path"), f"打开了小程序「{_text(values, 'name', '')}」")
    act.nodes["MenuId"] = int(_text(values, "menu_number", "0"))
    return act


def _scan_button(name: str) -> Make:
    def make(phone: Phone, values: Values) -> Act:
        result = _text(values, "result", "https://example.com/asset/1001")
        act = _event(name, _text(values, "key"), f"用菜单扫描了「{result}」", "click")
        act.nodes["ScanCodeInfo"] = {"ScanType": _text(values, "scan_type", "qrcode"), "ScanResult": result}
        return act

    return make


def _picture_button(name: str) -> Make:
    def make(phone: Phone, values: Values) -> Act:
        digest = hashlib.md5(secrets.token_bytes(8), usedforsecurity=False).hexdigest()
        act = _event(name, _text(values, "key"), f"用菜单「{_text(values, 'name', '发图')}」发送图片")
        act.nodes["SendPicsInfo"] = {"Count": 1, "PicList": {"item": {"PicMd5Sum": digest}}}
        return act

    return make


def _place_button(phone: Phone, values: Values) -> Act:
    act = _event("location_select", _text(values, "key"), f"用菜单「{_text(values, 'name', '位置')}」发送位置")
    place = {name: str(value) for name, value in _place(values).items()}
    act.nodes["SendLocationInfo"] = place | {"Poiname": ""}
    return act


def _subscription(event: str, wrapper: str, line: str) -> Make:
    def make(phone: Phone, values: Values) -> Act:
        pairs = values["answers"]
        if not isinstance(pairs, list):
            raise ActError("answers are missing")
        scene: dict[str, object] = {"PopupScene": 1} if wrapper == "SubscribeMsgPopupEvent" else {}
        rows = [{"TemplateId": name, "SubscribeStatusString": answer, **scene} for name, answer in pairs]
        act = _event(event, "", line)
        del act.nodes["EventKey"]
        act.nodes[wrapper] = {"List": rows}
        return act

    return make


def _duty(name: str, line: str) -> Make:
    """The events about a person's own data; `RevokeInfo` says which right they took back."""

    def make(phone: Phone, values: Values) -> Act:
        act = _event(name, "", line)
        del act.nodes["EventKey"]
        act.nodes.update(
            {
                "OpenID": phone.openid,
                "AppID": phone.app_id,
                "RevokeInfo": _text(values, "revoke_info", "1"),
            }
        )
        return act

    return make


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


ACTS: dict[str, Make] = {
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
    "sticker": _sticker,
    "view": _view,
    "view_miniprogram": _view_mini_program,
    **{name: _scan_button(name) for name in ("scancode_push", "scancode_waitmsg")},
    **{name: _picture_button(name) for name in ("pic_sysphoto", "pic_photo_or_album", "pic_weixin")},
    "location_select": _place_button,
    "subscribe_popup": _subscription("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", "回应了订阅请求"),
    "subscribe_change": _subscription("subscribe_msg_change_event", "SubscribeMsgChangeEvent", "关闭了订阅通知"),
    "user_info_modified": _duty("user_info_modified", "修改了个人资料"),
    "user_authorization_revoke": _duty("user_authorization_revoke", "撤回了个人信息授权"),
    "user_authorization_cancellation": _duty("user_authorization_cancellation", "注销了微信帐号"),
}
