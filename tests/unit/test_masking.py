"""Personal numbers leave no digit behind; what says what the matter is stays; masking twice is masking once."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service import masking
from service.masking import masked

HIDDEN = [
    ("138 1234 5678", "〔手机号〕", "in groups"),
    ("138-1234-5678", "〔手机号〕", "with hyphens"),
    ("138.1234.5678", "〔手机号〕", "with points"),
    ("138\u200b12345678", "〔手机号〕", "with a sign that nobody sees"),
    ("1 3 8 1 2 3 4 5 6 7 8", "〔手机号〕", "digit by digit"),
    ("+8613812345678", "〔手机号〕", "with the country"),
    ("+86 138 1234 5678", "〔手机号〕", "with the country, in groups"),
    ("（+86）13812345678", "〔手机号〕", "with the country in full-width brackets"),
    ("０１３８１２３４５６７８", "０１３８１２３４５６７８", "twelve full-width digits are no mobile number"),
    ("１３８１２３４５６７８", "〔手机号〕", "full-width digits"),
    ("一三八一二三四五六七八", "〔手机号〕", "spelt, as a voice is written down"),
    ("我13812345678打我", "我〔手机号〕打我", "between words"),
    ("tel13812345678谢谢", "tel〔手机号〕谢谢", "behind letters"),
    ("13812345678/13987654321", "〔手机号〕/〔手机号〕", "two of them"),
    ("010-12345678", "〔电话〕", "Beijing"),
    ("（0755）1234 5678", "〔电话〕", "area in brackets"),
    ("0755-12345678转801", "〔电话〕", "with an extension"),
    ("075582345678", "〔电话〕", "in one"),
    ("电话：8234 5678", "电话：〔电话〕", "without area, after its word"),
    ("+852 9123 4567", "〔电话〕", "Hong Kong"),
    ("11010119900307803X", "〔证件号〕", "18 digits, date and check digit right"),
    ("110101 19900307 803x", "〔证件号〕", "in groups"),
    ("我是11010119900307803X啊", "我是〔证件号〕啊", "between words"),
    ("110101900307001", "〔证件号〕", "the old 15 digits with a date"),
    ("身份证号110101199003071234", "身份证号〔证件号〕", "after its word, though a digit is mistyped"),
    ("6222 0212 3456 7890 128", "〔银行卡〕", "grouped"),
    ("6222-0212-3456-7890", "〔银行卡〕", "grouped with hyphens"),
    ("卡号6222021234567890128", "卡号〔银行卡〕", "Luhn after its word"),
    ("退到工商银行卡 6222021234567890128", "退到工商银行卡 〔银行卡〕", "the word a little before"),
    ("京A12345", "〔车牌号〕", "a plate"),
    ("粤B·D12345", "〔车牌号〕", "new energy, small"),
    ("沪AD12345", "〔车牌号〕", "new energy, without the dot"),
    ("浙A·12345F", "〔车牌号〕", "new energy, large"),
    ("皖a12b45", "〔车牌号〕", "in small letters"),
    ("粤Z1234港", "〔车牌号〕", "across the border"),
    ("91350100M000100Y43", "〔信用代码〕", "a credit code whose check sign is right"),
    ("zhang.san+1@mail.example.com.cn", "〔邮箱〕", "e-mail"),
    ("ａｂｃ＠ｅｘａｍｐｌｅ．ｃｏｍ", "〔邮箱〕", "full-width e-mail"),
    ("13812345678@139.com", "〔邮箱〕", "e-mail that begins with a number"),
    ("微信号：zhang_san88", "微信号：〔微信号〕", "after its word"),
    ("加V zhangsan88", "加V 〔微信号〕", "after the usual evasion"),
    ("加我微信wang-lei", "加我微信〔微信号〕", "after 加我微信"),
    ("vx:abcdef1", "vx:〔微信号〕", "after vx"),
    ("WeChat ID: zhangsan88", "WeChat ID: 〔微信号〕", "after WeChat with a colon"),
    ("QQ：123456789", "QQ：〔QQ号〕", "QQ"),
    ("验证码是 123456", "验证码是 〔验证码〕", "a code"),
    ("密码：20261120", "密码：〔验证码〕", "a password of digits"),
]
KEPT = [
    ("工单GD20261120-0001", "a ticket's number"),
    ("微信号GD20261120-0001", "a ticket's number, whatever stands before it"),
    ("订单号202611201234567890", "18 digits that are no identity"),
    ("订单号6222021234567890128", "one number in ten passes Luhn: without a card's word it is none"),
    ("用银行卡付的，订单号6222021234567890128", "the nearest label counts"),
    ("卡号6222021234567890123", "a number that fails Luhn"),
    ("110101199013078030", "an 18-digit number with a month 13"),
    ("110101199003078031", "an 18-digit number with a wrong check digit"),
    ("990101900307001", "15 digits of no province"),
    ("10812345678", "no mobile number begins with 10"),
    ("1381234567", "ten digits"),
    ("138123456789", "twelve digits"),
    ("SF1381234567890", "a parcel's number"),
    ("扣了1381.50元，还剩13,812,345元", "amounts"),
    ("2026-11-20 09:30", "date and time"),
    ("20261120093015", "date and time in one"),
    ("2026年11月20日到2026.12.31", "dates"),
    ("3号楼2单元1801", "a flat, which no pattern knows"),
    ("400-820-8820 和 95588、12345", "numbers of the public"),
    ("电话20261120打过", "a date after 电话"),
    ("验证码2026年收不到", "a year after 验证码"),
    ("验证码等了3000秒", "a number that is no code"),
    ("微信支付成功 wxpay", "微信 that announces no name"),
    ("WeChat official account", "WeChat that announces no name"),
    ("京东A12345", "a shop is no province"),
    ("京I12345", "no plate has an I"),
    ("91350100M000100Y44", "a credit code whose check sign is wrong"),
    ("@客服 你好", "an @ of no address"),
    ("a@b", "an address without a dot"),
]


@pytest.mark.parametrize(("text", "expected", "why"), HIDDEN, ids=[why for _, _, why in HIDDEN])
def test_personal_numbers_are_replaced(text: str, expected: str, why: str):
    assert masked(text) == expected


@pytest.mark.parametrize(("text", "why"), KEPT, ids=[why for _, why in KEPT])
def test_what_says_what_the_matter_is_stays(text: str, why: str):
    assert masked(text) == text


def test_what_is_not_masked_keeps_its_width():
    assert masked("ＡＢＣ　１２３，１３８１２３４５６７８！") == "ＡＢＣ　１２３，〔手机号〕！"


PIECES = [text for text, _, _ in HIDDEN] + [text for text, _ in KEPT]
SIGNS = list("0123456789138６２ -.·+@_():：，。/xXvVqQaADF京粤学转号为是〔〕\n")
WORDS = ["卡号", "订单", "微信号", "加V", "QQ", "身份证", "电话", "验证码", "〔手机号〕", "http://", "GD20261120-0001"]
MIXED = st.lists(st.sampled_from([*PIECES, *SIGNS, *WORDS]), max_size=24).map("".join)


@example("010-12345678（0755）1234 5678")
@example("zhang.san+1@mail.example.cnzhang.san+1@mail.example.cn")
@example("11010119900307803Xvx:abcdef1")
@example("卡号微信号GD20261120-0001138123456789")
@example("粤B·D12345学+8613812345678")
@given(MIXED | st.text(max_size=60))
def test_masked_twice_is_masked_once(text: str):
    once = masked(text)

    assert masked(once) == once


@given(MIXED)
def test_no_digit_is_made_up_and_none_moves(text: str):
    rest = iter(text)

    assert all(sign in rest for sign in re.sub("〔[^〔〕]{2,4}〕", "", masked(text)))


def patterns() -> Iterator[re.Pattern[str]]:
    yield from (kind.pattern for kind in masking.KINDS)
    yield masking.CARDS


def unbounded(parsed: object) -> Iterator[str]:
    """Names of the repeats without an end in a parsed pattern."""
    if isinstance(parsed, re._parser.SubPattern):
        parsed = parsed.data
    if isinstance(parsed, list | tuple):
        is_repeat = len(parsed) == 2 and str(parsed[0]).endswith("REPEAT") and isinstance(parsed[1], tuple)
        if is_repeat and parsed[1][1] is re._constants.MAXREPEAT:
            yield str(parsed[0])
        for part in parsed:
            yield from unbounded(part)


@pytest.mark.parametrize("pattern", list(patterns()), ids=lambda p: p.pattern[:30])
def test_no_pattern_can_run_away(pattern: re.Pattern[str]):
    """Time grows with the text alone: what has no upper limit never gives back what it took."""
    assert set(unbounded(re._parser.parse(pattern.pattern, pattern.flags))) <= {"POSSESSIVE_REPEAT"}


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "13812345678", "a@", "a.", "a@b.", "微信号", "微信号a", "6222 ", "京A", "0755", "+8", "〔", "一三"],
)
def test_a_long_text_ends(unit: str):
    assert masked(unit * (200_000 // len(unit))).count("\n") == 0
