"""The menu's editor as plain fields: three columns of a top item and five places below it, and back to a document."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from service.channels.wechat import menu_rules as rules
from service.channels.wechat.menu_rules import Document, Item, Problem, text_of
from service.web.labels import Labels
from service.web.schemas import is_storable

LONGEST = 6000  # characters of one field that are kept at all
NAMES = ("name", "type", "key", "action", "text", "url", "appid", "pagepath")

TYPES: Labels = {
    "click": _l("点击后由工单台答复"),
    "view": _l("打开网页"),
    "miniprogram": _l("打开小程序"),
    "scancode_push": _l("扫码（结果由微信打开）"),
    "scancode_waitmsg": _l("扫码（等待回复）"),
    "pic_sysphoto": _l("拍照"),
    "pic_photo_or_album": _l("拍照或从相册选"),
    "pic_weixin": _l("从微信相册选"),
    "location_select": _l("选择位置"),
}
ACTIONS: Labels = {
    "text": _l("回复下面的文字"),
    "ask": _l("我要咨询：下一条留言按咨询登记"),
    "complain": _l("我要投诉：下一条留言按投诉登记"),
    "suggest": _l("意见建议：下一条留言按建议登记"),
    "progress": _l("进度查询"),
    "tickets": _l("我的工单（发送链接）"),
    "human": _l("联系人工"),
    "rate": _l("服务评价"),
    "privacy": _l("隐私说明"),
    "help": _l("使用帮助"),
}
WRONG: Mapping[tuple[str, str], LazyString] = {
    ("buttons", "count"): _l("请填写 1 到 3 个一级菜单"),
    ("sub_button", "count"): _l("二级菜单最多 5 个"),
    ("name", "empty"): _l("请填写名称"),
    ("name", "long"): _l("名称过长：一级菜单最多 16 字节，二级菜单最多 60 字节（一个汉字 3 字节）"),
    ("type", "kind"): _l("请选择点击后做什么，或在下面添加二级菜单"),
    ("key", "empty"): _l("请填写 KEY"),
    ("key", "long"): _l("KEY 最多 128 字节"),
    ("key", "conflict"): _l("同一个 KEY 不能用于两种类型，请换一个"),
    ("action", "action"): _l("请选择点击后做什么"),
    ("text", "empty"): _l("请填写点击后回复的文字"),
    ("text", "long"): _l("回复最多 2048 字节（约 680 个汉字）"),
    ("url", "empty"): _l("请填写网址"),
    ("url", "long"): _l("网址最多 1024 字节"),
    ("url", "scheme"): _l("网址须以 http:// 或 https:// 开头"),
    ("appid", "empty"): _l("请填写小程序的 AppID"),
    ("appid", "long"): _l("AppID 过长，请核对"),
    ("pagepath", "empty"): _l("请填写小程序的页面路径"),
    ("pagepath", "long"): _l("页面路径过长，请核对"),
}
OTHERWISE = _l("请检查这一项")


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the editor, filled or empty. `id` is "0" for a top item and "0.2" for a sub item."""

    id: str
    level: str  # top sub
    values: Mapping[str, str]
    wrong: Sequence[LazyString]

    @property
    def limit(self) -> int:
        return rules.LIMITS[self.level]

    @property
    def used(self) -> int:
        return len(self.values["name"].encode())

    @property
    def is_filled(self) -> bool:
        return any(self.values[name].strip() for name in ("name", "url", "text", "appid"))


@dataclass(frozen=True, slots=True)
class Column:
    top: Place
    subs: Sequence[Place]


def read(form: Mapping[str, str]) -> dict[str, object]:
    """The document that the filled places make; empty places close up. Says nothing about what is wrong with it."""
    actions: dict[str, dict[str, str]] = {}
    buttons: list[dict[str, object]] = []
    for i in range(rules.TOPS):
        subs = [_item(form, f"{i}.{j}", actions) for j in range(rules.SUBS)]
        filled = [sub for sub in subs if sub]
        top = _item(form, str(i), {} if filled else actions)
        if filled:
            buttons.append({"name": _value(form, str(i), "name"), "sub_button": filled})
        elif top:
            buttons.append({**top})
    return {"buttons": buttons, "actions": actions}


def _item(form: Mapping[str, str], place: str, actions: dict[str, dict[str, str]]) -> dict[str, str]:
    """What stands in a place; {} for an empty one. An item of type click writes down what it does."""
    values = {name: _value(form, place, name) for name in NAMES}
    if not any(values[name] for name in ("name", "url", "text", "appid")):
        return {}
    kind = values["type"]
    item = {"name": values["name"], "type": kind} | {name: values[name] for name in rules.FIELDS.get(kind, ())}
    if kind == "click":
        action = {"action": values["action"], "text": values["text"] if values["action"] == "text" else ""}
        if not item["key"] or actions.get(item["key"], action) != action:  # two items that do different things
            item["key"] = _own_key(kind, values, actions)
        actions[item["key"]] = action
    elif "key" in item and not item["key"]:
        item["key"] = _own_key(kind, values, actions)
    return item


def _own_key(kind: str, values: Mapping[str, str], actions: Mapping[str, object]) -> str:
    """A key for an item whose author has not given one: what it does, else one that nobody has."""
    plain = values["action"].upper()
    if kind == "click" and values["action"] in rules.ACTIONS[1:] and plain not in actions:
        return plain
    return f"{'TEXT' if kind == 'click' else kind.upper()}_{secrets.token_hex(4)}"


def _value(form: Mapping[str, str], place: str, name: str) -> str:
    value = form.get(f"{place}-{name}", "").strip()[:LONGEST]
    return value.replace("\r\n", "\n") if is_storable(value) else ""


def columns(document: Document, problems: Sequence[Problem] = ()) -> Sequence[Column]:
    """The editor's places with what the document says."""
    wrong: dict[str, list[LazyString]] = {}
    for problem in problems:
        wrong.setdefault(problem.place, []).append(WRONG.get((problem.field, problem.code), OTHERWISE))
    buttons = rules.buttons_of(document)
    found = []
    for i in range(rules.TOPS):
        top: Item = buttons[i] if i < len(buttons) else {}
        listed = top.get("sub_button")
        subs: Sequence[Item] = listed if isinstance(listed, list) else []
        places = [
            _place(document, f"{i}.{j}", "sub", subs[j] if j < len(subs) else {}, wrong) for j in range(rules.SUBS)
        ]
        found.append(Column(_place(document, str(i), "top", top, wrong), places))
    return found


def _place(document: Document, place: str, level: str, item: Item, wrong: Mapping[str, list[LazyString]]) -> Place:
    values = {name: text_of(item, name) for name in NAMES}
    values |= {name: rules.actions_of(document).get(values["key"], {}).get(name, "") for name in ("action", "text")}
    return Place(place, level, values, wrong.get(place, []))


def moved(document: Document, step: str) -> dict[str, object]:
    """The document with one item moved: "0.2:up", "1:down"; as it is where there is no place to go."""
    place, _, way = step.partition(":")
    column, _, row = place.partition(".")
    buttons = [dict(button) for button in rules.buttons_of(document)]
    if column.isdigit() and int(column) < len(buttons):
        if row.isdigit():
            subs = buttons[int(column)].get("sub_button")
            buttons[int(column)]["sub_button"] = _swapped(subs if isinstance(subs, list) else [], int(row), way)
        elif not row:
            buttons = _swapped(buttons, int(column), way)
    return {**document, "buttons": buttons}


def _swapped(rows: Sequence[Item], at: int, way: str) -> list[dict[str, object]]:
    made = [dict(row) for row in rows]
    other = at + {"up": -1, "down": 1}.get(way, 0)
    if 0 <= at < len(made) and 0 <= other < len(made):
        made[at], made[other] = made[other], made[at]
    return made


def lines_of(document: Document | None) -> set[tuple[str, str]]:
    """Name and deed of every item: what a reviewer compares two versions by."""
    if document is None:
        return set()
    return {(text_of(placed.item, "name"), told(placed.item, document)) for placed in rules.items_of(document)}


def told(item: Item, document: Document) -> str:
    """What a tap on the item does, in a few words."""
    kind = text_of(item, "type")
    if kind == "click":
        action = rules.actions_of(document).get(text_of(item, "key"), {})
        if action.get("action") == "text":
            return action.get("text", "")
        return str(ACTIONS.get(action.get("action", ""), OTHERWISE))
    target = text_of(item, "url") if kind == "view" else text_of(item, "pagepath")
    return f"{TYPES.get(kind, OTHERWISE)} {target}".strip()
