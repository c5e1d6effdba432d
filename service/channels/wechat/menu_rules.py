"""What a custom menu may be: its shape, the platform's limits in bytes, and the way between it and our document. Pure.

A document is `{"buttons": [...], "actions": {key: {"action": ..., "text": ...}}}`. A button has `name` and either
`sub_button` (a list of items) or what an item has: `type` and the fields of that type. `actions` says what the desk
does when an item of type `click` is tapped.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

Item = Mapping[str, object]
Document = Mapping[str, object]

TOPS, SUBS = 3, 5
LIMITS: Mapping[str, int] = {"top": 16, "sub": 60, "key": 128, "url": 1024, "appid": 64, "pagepath": 1024}  # bytes
SHOWN = {"top": 4, "sub": 8}  # Chinese characters that a phone shows before it cuts a name
LONGEST_ANSWER = 2048  # bytes of UTF-8: one passive reply
FIELDS: Mapping[str, tuple[str, ...]] = {  # type -> what it needs
    "click": ("key",),
    "view": ("url",),
    "miniprogram": ("appid", "pagepath", "url"),
    "scancode_push": ("key",),
    "scancode_waitmsg": ("key",),
    "pic_sysphoto": ("key",),
    "pic_photo_or_album": ("key",),
    "pic_weixin": ("key",),
    "location_select": ("key",),
}
ACTIONS = ("text", "ask", "complain", "suggest", "progress", "tickets", "human", "rate", "privacy", "help")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a menu from being published. `place` is "", "0" (a top item) or "0.2" (a sub item)."""

    place: str
    field: str
    code: str  # empty long scheme kind action conflict count


@dataclass(frozen=True, slots=True)
class Placed:
    """An item where it stands."""

    place: str
    item: Item
    level: str  # top sub


def buttons_of(document: Document) -> Sequence[Item]:
    return _rows(document.get("buttons"))


def actions_of(document: Document) -> Mapping[str, Mapping[str, str]]:
    found = document.get("actions")
    return cast(Mapping[str, Mapping[str, str]], found) if isinstance(found, Mapping) else {}


def items_of(document: Document) -> Iterator[Placed]:
    """Every item that can be tapped, from left to right and from top to bottom."""
    for i, button in enumerate(buttons_of(document)):
        subs = _rows(button.get("sub_button"))
        if not subs:
            yield Placed(str(i), button, "top")
        for j, item in enumerate(subs):
            yield Placed(f"{i}.{j}", item, "sub")


def problems(document: Document) -> list[Problem]:
    """Everything that is wrong with it, in the order of the menu."""
    buttons, found = buttons_of(document), list[Problem]()
    if not 1 <= len(buttons) <= TOPS:
        found.append(Problem("", "buttons", "count"))
    for i, button in enumerate(buttons):
        found += _name(str(i), button, "top")
        if len(_rows(button.get("sub_button"))) > SUBS:
            found.append(Problem(str(i), "sub_button", "count"))
    seen: dict[str, str] = {}
    for placed in items_of(document):
        if placed.level == "sub":
            found += _name(placed.place, placed.item, "sub")
        found += _item(placed, actions_of(document))
        key, kind = text_of(placed.item, "key"), text_of(placed.item, "type")
        if key and seen.setdefault(key, kind) != kind:
            found.append(Problem(placed.place, "key", "conflict"))
    return found


def _name(place: str, item: Item, level: str) -> list[Problem]:
    return _text(place, "name", text_of(item, "name"), LIMITS[level])


def _item(placed: Placed, actions: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    kind = text_of(placed.item, "type")
    if kind not in FIELDS:
        return [Problem(placed.place, "type", "kind")]
    found: list[Problem] = []
    for name in FIELDS[kind]:
        value = text_of(placed.item, name)
        found += _text(placed.place, name, value, LIMITS[name])
        if name == "url" and value and not value.startswith(("http://", "https://")):
            found.append(Problem(placed.place, name, "scheme"))
    if kind == "click":
        found += _action(placed, actions.get(text_of(placed.item, "key"), {}))
    return found


def _action(placed: Placed, action: Mapping[str, str]) -> list[Problem]:
    if action.get("action") not in ACTIONS:
        return [Problem(placed.place, "action", "action")]
    text = action.get("text", "")
    if action["action"] == "text":
        return _text(placed.place, "text", text, LONGEST_ANSWER)
    return _text(placed.place, "text", text, LONGEST_ANSWER) if text else []


def _text(place: str, field: str, value: str, limit: int) -> list[Problem]:
    if not value.strip():
        return [Problem(place, field, "empty")]
    return [Problem(place, field, "long")] if len(value.encode()) > limit else []


def to_platform(document: Document) -> dict[str, object]:
    """The body of menu/create."""
    return {"button": [_sent(button) for button in buttons_of(document)]}


def _sent(item: Item) -> dict[str, object]:
    subs = _rows(item.get("sub_button"))
    if subs:
        return {"name": text_of(item, "name"), "sub_button": [_sent(sub) for sub in subs]}
    return _tapped(item)


def _tapped(item: Item) -> dict[str, object]:
    """The fields of an item that can be tapped, and no others."""
    kind = text_of(item, "type")
    return {name: text_of(item, name) for name in ("name", "type", *FIELDS.get(kind, ()))}


def from_platform(answer: Mapping[str, object], known: Mapping[str, Mapping[str, str]]) -> dict[str, object]:
    """A document of what menu/get or get_current_selfmenu_info tells; `known` are actions whose keys may come again.

    A menu made in the console may answer by itself: such a text becomes a click with that answer.
    """
    actions: dict[str, dict[str, str]] = {}
    buttons = [_taken(row, str(i), actions) for i, row in enumerate(_told(answer)[:TOPS])]
    for placed in items_of({"buttons": buttons}):
        key = text_of(placed.item, "key")
        if text_of(placed.item, "type") == "click" and key not in actions:
            actions[key] = dict(known.get(key) or {"action": "text", "text": ""})
    return {"buttons": buttons, "actions": actions}


def _told(answer: Mapping[str, object]) -> Sequence[Item]:
    """The top items, whichever of the two calls told them; none where the menu is switched off."""
    for name in ("selfmenu_info", "menu"):
        found = answer.get(name)
        if isinstance(found, Mapping):
            return [] if answer.get("is_menu_open") == 0 else _rows(found.get("button"))
    return []


def _taken(row: Item, place: str, actions: dict[str, dict[str, str]]) -> dict[str, object]:
    nested = row.get("sub_button")
    subs = _rows(nested.get("list")) if isinstance(nested, Mapping) else _rows(nested)
    name = text_of(row, "name")
    if subs:
        taken = [_taken(sub, f"{place}-{j}", actions) for j, sub in enumerate(subs[:SUBS])]
        return {"name": name, "sub_button": taken}
    kind = text_of(row, "type")
    if kind in FIELDS:
        return _tapped(row)
    address = _article(row)
    if address:
        return {"name": name, "type": "view", "url": address}
    key = f"console-{place}"
    actions[key] = {"action": "text", "text": text_of(row, "value") if kind == "text" else ""}
    return {"name": name, "type": "click", "key": key}


def _article(row: Item) -> str:
    """The address of the first article of an item that shows some; "" for other items."""
    news = row.get("news_info")
    rows = _rows(news.get("list")) if isinstance(news, Mapping) else []
    return text_of(rows[0], "content_url") if rows else ""


def is_same(document: Document, answer: Mapping[str, object]) -> bool:
    """Whether the platform shows exactly this menu."""
    told = from_platform(answer, actions_of(document))
    return to_platform(document) == to_platform(told)


def text_of(item: Item, name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _rows(value: object) -> list[Item]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _click(name: str, key: str) -> dict[str, object]:
    return {"name": name, "type": "click", "key": key}


def default_menu(tickets_url: str) -> dict[str, object]:
    """The menu that an account begins with; `tickets_url` is the follower's own page, "" where it cannot be opened."""
    mine = {"name": "我的工单", "type": "view", "url": tickets_url} if tickets_url else _click("我的工单", "TICKETS")
    groups = {name: [_click(*row) for row in rows] for name, rows in SHIPPED.items()}
    buttons = [{"name": name, "sub_button": items} for name, items in groups.items()]
    buttons[-1]["sub_button"] = [mine, *groups["我的"]]
    keys = [text_of(placed.item, "key") for placed in items_of({"buttons": buttons})]
    return {"buttons": buttons, "actions": {key: _shipped_action(key) for key in keys if key}}


def _shipped_action(key: str) -> dict[str, str]:
    return {"action": key.lower(), "text": ""} if key.lower() in ACTIONS else dict(SHIPPED_ACTIONS.get(key, SOON))


SHIPPED = {
    "服务大厅": (
        ("我要咨询", "ASK"),
        ("我要投诉", "COMPLAIN"),
        ("进度查询", "PROGRESS"),
        ("常见问题", "FAQ"),
        ("联系人工", "HUMAN"),
    ),
    "了解我们": (
        ("公司介绍", "ABOUT"),
        ("产品中心", "PRODUCTS"),
        ("最新活动", "EVENTS"),
        ("服务网点", "BRANCHES"),
        ("加入我们", "JOBS"),
    ),
    "我的": (("服务评价", "RATE"), ("意见建议", "SUGGEST"), ("隐私与数据", "PRIVACY"), ("使用帮助", "HELP")),
}
SOON = {"action": "text", "text": "这部分资料正在整理。您想了解什么，请直接留言，工作人员会回复您。"}
SHIPPED_ACTIONS = {"FAQ": {"action": "help", "text": ""}}
