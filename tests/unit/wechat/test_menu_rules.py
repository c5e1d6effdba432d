"""What a menu may be: the platform's limits to the byte, and the way to the platform's form and back."""

import copy
from collections.abc import Callable

import pytest

from service.channels.wechat import menu_rules
from service.channels.wechat.menu_rules import Problem

PAGE = "https://desk.example.org/my/main/"
Menu = dict[str, object]


def menu() -> Menu:
    """Two groups of one item each."""
    return {
        "buttons": [
            {"name": "服务", "sub_button": [{"name": "我要咨询", "type": "click", "key": "ASK"}]},
            {"name": "官网", "type": "view", "url": "https://example.org/"},
        ],
        "actions": {"ASK": {"action": "ask", "text": ""}},
    }


def at(document: Menu, *path: str | int) -> Menu:
    """A part of the document, to be changed."""
    part: object = document["buttons"]
    for step in path:
        part = part[step]  # type: ignore[index]
    return part  # type: ignore[return-value]


def test_the_shipped_menu_has_three_by_five_items_and_nothing_wrong():
    shipped = menu_rules.default_menu(PAGE)

    assert menu_rules.problems(shipped) == []
    assert [len(button["sub_button"]) for button in shipped["buttons"]] == [5, 5, 5]
    assert shipped["buttons"][2]["sub_button"][0] == {"name": "我的工单", "type": "view", "url": PAGE}
    assert shipped["actions"]["COMPLAIN"]["action"] == "complain"


def test_where_no_page_can_be_opened_the_shipped_menu_sends_its_address():
    assert menu_rules.default_menu("")["actions"]["TICKETS"] == {"action": "tickets", "text": ""}


CHANGES: dict[str, tuple[Callable[[Menu], object], list[Problem]]] = {
    "a top name of 16 bytes": (lambda m: at(m, 1).update(name="一二三四五x"), []),
    "a top name of 17 bytes": (lambda m: at(m, 1).update(name="一二三四五xy"), [Problem("1", "name", "long")]),
    "a sub name of 60 bytes": (lambda m: at(m, 0, "sub_button", 0).update(name="字" * 20), []),
    "a sub name of 61 bytes": (
        lambda m: at(m, 0, "sub_button", 0).update(name="字" * 20 + "x"),
        [Problem("0.0", "name", "long")],
    ),
    "an address of 1025 bytes": (
        lambda m: at(m, 1).update(url="https://" + "a" * 1017),
        [Problem("1", "url", "long")],
    ),
    "a script for an address": (lambda m: at(m, 1).update(url="javascript:x"), [Problem("1", "url", "scheme")]),
    "a key of 129 bytes": (
        lambda m: at(m, 1).update(type="scancode_push", key="k" * 129),
        [Problem("1", "key", "long")],
    ),
    "a type that nobody knows": (lambda m: at(m, 1).update(type="dance"), [Problem("1", "type", "kind")]),
    "a key of two types": (
        lambda m: at(m, 1).update(type="pic_weixin", key="ASK"),
        [Problem("1", "key", "conflict")],
    ),
    "a click that does nothing": (lambda m: m.update(actions={}), [Problem("0.0", "action", "action")]),
    "an answer without words": (
        lambda m: m.update(actions={"ASK": {"action": "text", "text": " "}}),
        [Problem("0.0", "text", "empty")],
    ),
    "six sub items": (
        lambda m: at(m, 0).update(sub_button=at(m, 0, "sub_button") * 6),
        [Problem("0", "sub_button", "count")],
    ),
    "four top items": (lambda m: m.update(buttons=[*m["buttons"], *m["buttons"]]), [Problem("", "buttons", "count")]),
    "no items": (lambda m: m.update(buttons=[]), [Problem("", "buttons", "count")]),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_platform_would_refuse_is_known_before(what: str):
    change, expected = CHANGES[what]
    changed = copy.deepcopy(menu())

    change(changed)

    assert menu_rules.problems(changed) == expected


def test_the_platform_is_told_no_more_than_it_knows():
    assert menu_rules.to_platform(menu()) == {
        "button": [
            {"name": "服务", "sub_button": [{"name": "我要咨询", "type": "click", "key": "ASK"}]},
            {"name": "官网", "type": "view", "url": "https://example.org/"},
        ]
    }


SHOWN = {  # as get_current_selfmenu_info tells it
    "is_menu_open": 1,
    "selfmenu_info": {
        "button": [
            {"name": "服务", "sub_button": {"list": [{"type": "click", "name": "我要咨询", "key": "ASK"}]}},
            {"type": "view", "name": "官网", "url": "https://example.org/"},
        ]
    },
}


def test_a_menu_is_the_same_in_both_forms_in_which_the_platform_tells_it():
    listed = {"menu": {"button": [*menu_rules.to_platform(menu())["button"]]}}

    assert menu_rules.is_same(menu(), SHOWN)
    assert menu_rules.is_same(menu(), listed)


@pytest.mark.parametrize(
    "told", [{}, {**SHOWN, "is_menu_open": 0}, {"menu": {"button": [{"type": "click", "name": "服务", "key": "ASK"}]}}]
)
def test_a_menu_that_is_gone_switched_off_or_changed_is_not_the_same(told: Menu):
    assert not menu_rules.is_same(menu(), told)


def test_a_menu_made_in_the_console_becomes_a_draft():
    told = {
        "selfmenu_info": {
            "button": [
                {"name": "营业时间", "type": "text", "value": "每天 9 点到 18 点"},
                {
                    "name": "图文",
                    "type": "news",
                    "value": "m1",
                    "news_info": {"list": [{"title": "t", "content_url": "https://mp.example.org/a"}]},
                },
                {"name": "咨询", "type": "click", "key": "ASK"},
            ]
        }
    }

    taken = menu_rules.from_platform(told, {"ASK": {"action": "ask", "text": ""}})

    hours, article, ask = taken["buttons"]
    assert taken["actions"][hours["key"]] == {"action": "text", "text": "每天 9 点到 18 点"}
    assert article == {"name": "图文", "type": "view", "url": "https://mp.example.org/a"}
    assert taken["actions"][ask["key"]] == {"action": "ask", "text": ""}
    assert menu_rules.problems(taken) == []


@pytest.mark.parametrize("junk", [{"selfmenu_info": None}, {"menu": {"button": "x"}}, {"menu": {"button": [1, {}]}}])
def test_an_answer_of_another_shape_is_taken_without_a_fault(junk: Menu):
    assert menu_rules.from_platform(junk, {})["actions"] is not None
