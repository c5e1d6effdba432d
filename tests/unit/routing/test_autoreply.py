"""Which auto-reply a message hits, and which rules are refused before they can do harm."""

from datetime import UTC, datetime

import pytest

from service import rulebook
from service.errors import InvalidInput
from service.routing.autoreply import LARGEST_PROGRAM, Do, How, compiled, read, said
from service.routing.menu_keys import Tap, tap_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday; the zone does not matter here
RULE = {"id": "r", "name": "规则", "keywords": [{"how": "exact", "words": ["进度"]}], "answers": ["答"]}


def made(*rules, **more):
    return read({"rules": [RULE | {"id": str(n)} | rule for n, rule in enumerate(rules)], **more})


def words(how, *found):
    return {"keywords": [{"how": how, "words": list(found)}]}


@pytest.mark.parametrize(
    ("how", "word", "text", "hit"),
    [
        ("exact", "进度", "进度", True),
        ("exact", "进度", " “进度”？ ", True),
        ("exact", "发票", "發票", True),
        ("exact", "Progress", "ＰＲＯＧＲＥＳＳ!", True),
        ("exact", "进度", "我的进度呢", False),
        ("exact", "？？", "？？", True),
        ("contains", "发票", "请问發票怎么开", True),
        ("contains", "发票", "请问怎么开", False),
        ("pattern", "退.{0,4}款", "我要退我的款", True),
        ("pattern", "^订单[0-9]{6}$", "订单123456", True),
        ("pattern", "WiFi", "wifi 连不上", True),
        ("pattern", "^订单[0-9]{6}$", "订单12345", False),
    ],
)
def test_a_keyword_is_found_as_people_write_it(how, word, text, hit):
    assert bool(made(words(how, word)).hits(text)) is hit


def test_the_larger_priority_counts_then_the_stricter_way_then_the_earlier_rule():
    replies = made(
        words("contains", "进度"),
        words("exact", "进度"),
        words("exact", "进度"),
        words("pattern", "进.") | {"priority": 60},
    )

    assert [hit.rule.id for hit in replies.hits("进度")] == ["3", "1", "2", "0"]


def test_a_rule_that_is_switched_off_answers_nothing():
    assert made({"enabled": False}).hits("进度") == []


@pytest.mark.parametrize(
    ("window", "at", "is_open", "holds"),
    [
        ({}, NOON, True, True),
        ({"days": [0, 1]}, NOON, True, False),
        ({"days": [2]}, NOON, True, True),
        ({"start": "09:00", "end": "12:00"}, NOON, True, False),
        ({"start": "12:00", "end": "13:00"}, NOON, True, True),
        ({"start": "22:00", "end": "06:00"}, NOON.replace(hour=23), False, True),
        ({"start": "22:00", "end": "06:00"}, NOON.replace(hour=5), False, True),
        ({"start": "22:00", "end": "06:00"}, NOON, True, False),
        ({"hours": "inside"}, NOON, False, False),
        ({"hours": "inside"}, NOON, True, True),
        ({"hours": "outside"}, NOON, False, True),
        ({"hours": "outside"}, NOON, True, False),
    ],
)
def test_a_rule_holds_in_its_window_only(window, at, is_open, holds):
    assert bool(made({"window": window}).first("进度", at, is_open=is_open)) is holds


def test_outside_its_window_a_rule_gives_way_to_the_next():
    replies = made({"priority": 90, "window": {"hours": "outside"}}, {})

    assert replies.first("进度", NOON, is_open=True).rule.id == "1"


@pytest.mark.parametrize(
    ("rule", "text", "opens", "why"),
    [
        ({"only_reply": True}, "进度", False, "it says so"),
        ({"only_reply": False}, "进度", True, "it does not"),
        ({"only_reply": True} | words("contains", "进度"), "进度怎么样", True, "words around it are a matter"),
        ({"action": "progress"}, "进度", False, "a question to the service itself"),
        ({"action": "complain"}, "进度", False, "the matter comes next"),
        ({"action": "human"}, "进度", True, "a person has to come"),
    ],
)
def test_whether_a_hit_is_a_matter_all_the_same(rule, text, opens, why):
    assert made(rule).hits(text)[0].opens is opens


def test_all_answers_stand_together_and_one_by_lot_is_the_same_for_the_same_message():
    answers = ("一", "二", "三")

    assert said(answers, "all", "m:1") == "一\n二\n三"
    assert said(answers, "random", "m:1") == said(answers, "random", "m:1")
    assert {said(answers, "random", f"m:{n}") for n in range(50)} == set(answers)
    assert said((), "random", "m:1") == ""


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "(a{900}){9}", "(.{0,100}){9}x", "a*", ".*", ""])
def test_a_pattern_that_is_none_costs_too_much_or_fits_everything_is_refused(pattern):
    with pytest.raises(InvalidInput):
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*)*x", "([a-z]+)*!", "(x+x+)+y"])
def test_a_pattern_that_ruins_other_engines_is_linear_in_ours(pattern):
    made = compiled(f"z{pattern}z")

    assert made.programsize <= LARGEST_PROGRAM
    assert made.search("z" + "ax" * 1000) is None


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"name": ""}, "name"),
        ({"keywords": []}, "keywords"),
        ({"keywords": [{"how": "exact", "words": [" "]}]}, "keywords"),
        ({"keywords": [{"how": "loosely", "words": ["x"]}]}, "how"),
        ({"keywords": [{"how": "pattern", "words": ["("]}]}, "pattern"),
        ({"answers": []}, "answers"),
        ({"answers": ["长" * 601]}, "answers"),
        ({"priority": 101}, "priority"),
        ({"action": "explode"}, "action"),
        ({"pick": "some"}, "pick"),
        ({"window": {"days": []}}, "days"),
        ({"window": {"start": "9 Uhr", "end": "10:00"}}, "start"),
        ({"window": {"start": "09:00"}}, "start"),
        ({"window": {"hours": "sometimes"}}, "hours"),
    ],
)
def test_a_mistake_in_a_rule_is_named_by_its_field(broken, field):
    with pytest.raises(InvalidInput) as refused:
        made(broken)

    assert list(refused.value.data["errors"]) == [field]


def test_two_rules_of_one_id_are_refused():
    with pytest.raises(InvalidInput, match="same id"):
        read({"rules": [RULE, RULE]})


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("进度", Do.PROGRESS),
        ("查询", Do.PROGRESS),
        ("到哪了？", Do.PROGRESS),
        ("progress", Do.PROGRESS),
        ("人工", Do.HUMAN),
        ("帮助", Do.HELP),
        ("help", Do.HELP),
        ("隐私", Do.PRIVACY),
        ("评价", Do.RATE),
        ("礼包", Do.TEXT),
    ],
)
def test_what_is_shipped_answers_bare_words_only(text, action):
    shipped = read(rulebook.shipped("autoreplies.json")[0])

    [hit] = shipped.hits(text)

    assert (hit.rule.action, hit.how) == (action, How.EXACT)
    assert shipped.hits(f"我想问一下{text}的事情怎么办") == []


MENU = {
    "buttons": [{"name": "服务", "sub_button": [{"name": "投诉这里", "type": "click", "key": "COMPLAIN"}]}],
    "actions": {"HOURS": {"action": "text", "text": "九点到六点"}, "BAD": {"action": "explode"}},
}


@pytest.mark.parametrize(
    ("document", "key", "tap"),
    [
        ({}, "COMPLAIN", Tap(Do.COMPLAIN, "", "")),
        (MENU, "COMPLAIN", Tap(Do.COMPLAIN, "", "投诉这里")),
        (MENU, "HOURS", Tap(Do.TEXT, "九点到六点", "")),
        (MENU | {"actions": {"COMPLAIN": {"action": "help"}}}, "COMPLAIN", Tap(Do.HELP, "", "投诉这里")),
        (MENU, "BAD", None),
        (MENU, "OTHER", None),
        ({}, "", None),
    ],
)
def test_a_menu_key_means_what_the_menu_says_else_what_every_installation_knows(document, key, tap):
    assert tap_of(document, key) == tap
