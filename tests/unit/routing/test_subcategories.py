"""What a matter is about within its category: the subcategory whose words it has most of, or none."""

import json
from importlib import resources

import pytest

from service.errors import InvalidInput
from service.routing.subcategories import subcategories_from

FOLDER = resources.files("service.defaults")
ROWS = json.loads(FOLDER.joinpath("subcategories.json").read_text(encoding="utf-8"))
CATEGORIES = json.loads(FOLDER.joinpath("categories.json").read_text(encoding="utf-8"))
SHIPPED = subcategories_from(ROWS)


@pytest.mark.parametrize(
    ("category", "text", "code"),
    [
        ("inquiry", "请问几点关门", "hours"),
        ("inquiry", "發票抬頭寫錯咗可以改嗎", "invoice"),
        ("inquiry", "你们这个套餐一个月多少钱", "product"),
        ("complaint", "柜员态度太差了，爱理不理", "attitude"),
        ("complaint", "快递显示签收，包裹根本没收到", "delivery"),
        ("complaint", "电梯又把人困在里面，太危险了", "safety"),
        ("privacy_request", "请把我的手机号从系统里删除", "deletion"),
        ("fault", "文章里的链接点不开", "link"),
        ("invalid", "，，，，", "blank"),
        ("complaint", "你们到底想怎样", None),
        ("praise", "谢谢你们的客服", None),
        (None, "发票", None),
    ],
)
def test_the_words_of_a_text_name_its_subcategory(category: str | None, text: str, code: str | None) -> None:
    picked = SHIPPED.pick(category, text)

    assert (picked.subcategory.code if picked else None) == code


def test_the_reason_are_the_words_that_were_found() -> None:
    picked = SHIPPED.pick("inquiry", "请问开发票要填税号吗")

    assert picked is not None
    assert picked.because == ("发票", "税号")


def test_as_much_of_one_as_of_another_is_none() -> None:
    rows = [
        {"category": "c", "code": "one", "name_zh": "", "name_en": "", "words": "苹果"},
        {"category": "c", "code": "two", "name_zh": "", "name_en": "", "words": "香蕉"},
    ]

    assert subcategories_from(rows).pick("c", "苹果和香蕉") is None


def test_a_word_within_another_counts_once() -> None:
    rows = [
        {"category": "c", "code": "one", "name_zh": "", "name_en": "", "words": "苹果汁"},
        {"category": "c", "code": "two", "name_zh": "", "name_en": "", "words": "苹果|果汁"},
    ]

    assert subcategories_from(rows).pick("c", "一杯苹果汁").subcategory.code == "two"  # type: ignore[union-attr]
    assert subcategories_from(rows[:1]).pick("c", "一杯苹果汁").because == ("苹果汁",)  # type: ignore[union-attr]


def test_every_category_has_the_subcategories_that_it_lists_in_both_languages() -> None:
    for category in CATEGORIES:
        rows = SHIPPED.of(category["code"]).values()
        assert [row.name_zh for row in rows] == category["subcategories"]
        assert all(row.name_en for row in rows)


def test_a_pattern_that_could_run_away_is_refused() -> None:
    row = {"category": "c", "code": "x", "name_zh": "", "name_en": "", "regex": ["(.*)*a"]}

    with pytest.raises(InvalidInput):
        subcategories_from([row])
