"""Which matters are alike, and which near misses are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.likeness import ALIKE, SAME_EVENT, are_apart, gist_of, likeness, numbers_in, read

SAME = (
    ("我家停水三天了没人管", "停水三天，没人管", "shorter"),
    ("3栋又停水了什么时候来水", "5栋停水了，啥时候来水啊", "another building"),
    ("快递员态度太差，摔件", "你们快递员的态度很差还摔件", "particles"),
    ("电梯坏了", "电梯坏了两天没修", "said more"),
    ("APP登录不了，提示系统错误", "app登录不上去，一直提示系统错误", "Latin and Chinese"),
    ("停车费涨价不合理", "停车费乱涨价，太不合理了", "a word between"),
    ("停水了", "停水", "short, and the same"),
    ("請問電梯什麼時候修好", "电梯什么时候能修好", "traditional"),
    ("停车费乱涨价[图片]", "[语音]停车费乱涨价", "pictures"),
    ("wifi down since morning", "The WiFi is down since this morning", "English"),
)
OTHER = (
    ("我要投诉", "我要投诉你们", "nothing but the wish to complain"),
    ("物业费怎么交", "停车费怎么交", "another fee"),
    ("快递丢了没人赔", "快递员态度差", "one word in common"),
    ("请问你们几点上班", "请问你们在哪里", "polite both"),
    ("体检报告在哪里看", "体检预约在哪里看", "the same place, another thing"),
    ("门禁卡丢了怎么补办", "门禁卡坏了怎么换", "lost or broken"),
    ("医院挂号挂不上", "医院挂号费太贵", "the same hospital"),
    ("空调外机噪音扰民", "楼上装修噪音扰民", "another noise"),
    ("押金没退", "会员费没退", "another sum"),
    ("？？？", "……", "no words"),
)


def measured(one: str, other: str) -> float:
    return likeness(read(gist_of(one)), read(gist_of(other)))


@pytest.mark.parametrize(("one", "other", "why"), SAME)
def test_the_same_matter_in_other_words_is_alike(one: str, other: str, why: str):
    assert measured(one, other) >= SAME_EVENT, why


@pytest.mark.parametrize(("one", "other", "why"), OTHER)
def test_a_near_miss_is_not_alike(one: str, other: str, why: str):
    assert measured(one, other) < ALIKE, why


@given(st.text(max_size=80), st.text(max_size=80))
def test_likeness_is_a_share_and_looks_the_same_from_both_sides(one: str, other: str):
    score = measured(one, other)

    assert 0 <= score <= 1
    assert score == measured(other, one)


@given(st.text(max_size=80))
def test_a_text_is_wholly_like_itself_or_says_nothing(text: str):
    assert measured(text, text) == (1.0 if gist_of(text) else 0.0)


@given(st.text(alphabet="停水0123456789", max_size=40))
def test_no_number_of_the_followers_is_kept(text: str):
    assert set(gist_of(text)) <= set("停水0 ")


@pytest.mark.parametrize(
    ("one", "other", "apart", "why"),
    [
        ("订单20260301没到", "订单20260415没到", True, "two orders"),
        ("订单20260301没到", "20260301还没到", False, "the same order"),
        ("订单20260301没到", "快递没到", False, "one names none"),
        ("3栋停水", "5栋停水", False, "too short to be an order"),
        ("单号SF1234567", "单号sf1234567", False, "case"),
    ],
)
def test_different_orders_are_different_matters(one: str, other: str, apart: bool, why: str):
    assert are_apart(numbers_in(one), numbers_in(other)) is apart, why
