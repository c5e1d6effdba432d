"""The custom menu: what menu/create accepts, what is answered about it, what a tap on it does. Raises RefusedError."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from simulator.book import Book, Json, Menu
from simulator.config import Account, MenuItem
from simulator.tokens import RefusedError
from simulator.values import Values, rows, text

TOP_BUTTONS, SUB_BUTTONS = 3, 5
KEY_BYTES, URL_BYTES = 128, 1024
KEYED = (
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
)
OTHERS = {"media_id": "media_id", "article_id": "article_id", "article_view_limited": "article_id"}
# errcodes of a button at the top and of one below it
NAME, NAME_BYTES = (40018, 40025), (16, 60)
TYPE, KEY, URL = (40017, 40024), (40019, 40026), (40020, 40027)
FIRST_ID = 430_000_000


class TapError(ValueError):
    """The menu has no such button; the message says so."""


def from_console(items: Sequence[MenuItem]) -> Menu:
    """The menu that the operator made in the console."""
    buttons = [
        {"type": "view", "name": item.name, "url": item.url}
        if item.url
        else {"type": "click", "name": item.name, "key": item.key}
        for item in items
    ]
    return Menu(tuple(buttons))


def made_in_console(menu: Menu) -> Menu:
    """The same menu as one that no program made."""
    return replace(menu, by_api=False)


def create(book: Book, account: Account, values: Values) -> dict[str, object]:
    """Replace the menu after the platform's checks."""
    given = values.get("button")
    buttons = rows(values, "button")
    if not isinstance(given, list) or len(buttons) != len(given) or not 1 <= len(buttons) <= TOP_BUTTONS:
        raise RefusedError(40016)
    for button in buttons:
        _check(account, button, level=0)
    book.menu = Menu(tuple(dict(button) for button in buttons), by_api=True, id=max(book.menu.id, FIRST_ID) + 1)
    return {"errcode": 0, "errmsg": "ok"}


def _check(account: Account, button: Json, *, level: int) -> None:
    if not 1 <= len(text(button, "name").strip().encode()) <= NAME_BYTES[level]:
        raise RefusedError(NAME[level])
    subs = button.get("sub_button")
    if subs and level:
        raise RefusedError(40022)
    if subs:
        below = rows(button, "sub_button")
        if not isinstance(subs, list) or len(below) != len(subs) or len(below) > SUB_BUTTONS:
            raise RefusedError(40023)
        for sub in below:
            _check(account, sub, level=1)
        return
    _check_action(account, button, level)


def _check_action(account: Account, button: Json, level: int) -> None:
    kind = text(button, "type")
    if not kind:
        raise RefusedError(65308)
    if kind in KEYED:
        if not 1 <= len(text(button, "key").encode()) <= KEY_BYTES:
            raise RefusedError(KEY[level])
    elif kind == "view":
        _check_url(button, level)
    elif kind == "miniprogram":
        if text(button, "appid") not in account.mini_programs:
            raise RefusedError(40166)
        if not text(button, "pagepath"):
            raise RefusedError(40165)
        _check_url(button, level)
    elif kind not in OTHERS or not text(button, OTHERS[kind]):
        raise RefusedError(TYPE[level])


def _check_url(button: Json, level: int) -> None:
    url = text(button, "url")
    if not 1 <= len(url.encode()) <= URL_BYTES:
        raise RefusedError(URL[level])
    if not url.startswith(("http://", "https://")):
        raise RefusedError(65317)


def get(book: Book) -> dict[str, object]:
    """The menu that was made through the API; 46003 if there is none."""
    if not book.menu.by_api:
        raise RefusedError(46003)
    return {"menu": {"button": [_as_got(button) for button in book.menu.buttons], "menuid": book.menu.id}}


def _as_got(button: Json) -> dict[str, object]:
    """The button with a list of sub buttons, which is empty where it has none."""
    return dict(button) | {"sub_button": [_as_got(sub) for sub in rows(button, "sub_button")]}


def delete(book: Book) -> dict[str, object]:
    """No menu from now on, also none of the console."""
    book.menu = Menu(id=book.menu.id)
    return {"errcode": 0, "errmsg": "ok"}


def current(book: Book) -> dict[str, object]:
    """The menu that followers see, whoever made it, in the form of get_current_selfmenu_info."""
    shown = [_as_shown(button) for button in book.menu.buttons]
    return {"is_menu_open": int(bool(shown)), "selfmenu_info": {"button": shown}}


def _as_shown(button: Json) -> dict[str, object]:
    subs = rows(button, "sub_button")
    if subs:
        return {"name": button["name"], "sub_button": {"list": [_as_shown(sub) for sub in subs]}}
    return {name: value for name, value in button.items() if name != "sub_button"}


def tapped(menu: Menu, values: Values) -> dict[str, object]:
    """What the follower does by tapping the button at the position `at`, or the one of this `name`. Raises TapError."""
    button = _find(menu, values)
    kind = text(button, "type")
    act: dict[str, object] = {"type": kind, "name": button.get("name", ""), "menu_number": menu.id}
    if kind in KEYED:
        return act | {"key": button["key"]}
    if kind == "view":
        return act | {"url": button["url"]}
    if kind == "miniprogram":
        return act | {"type": "view_miniprogram", "path": button["pagepath"]}
    raise TapError(f"a tap on {button.get('name')!r} pushes nothing")


def _find(menu: Menu, values: Values) -> Json:
    at = values.get("at")
    if isinstance(at, list) and at:
        level: Sequence[Json] = menu.buttons
        found: Json = {}
        for place in at:
            if not isinstance(place, int) or not 0 <= place < len(level):
                raise TapError(f"the menu has no button at {at}")
            found = level[place]
            level = rows(found, "sub_button")
        return found
    every = [leaf for button in menu.buttons for leaf in (rows(button, "sub_button") or [button])]
    named = [leaf for leaf in every if leaf.get("name") == values.get("name")]
    if not named:
        raise TapError(f"the menu has no button {values.get('name')!r}")
    return named[0]


def as_json(menu: Menu) -> list[Mapping[str, object]]:
    """The buttons for the phone page."""
    return [dict(button) for button in menu.buttons]
