"""Which texts are advertising by rules alone: several independent signs, and not one that speaks for a matter."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import service.learning
from service.routing.noise import advert_signs, mark_of, noise_kind, talk_kind

ADVERTS = (
    ("兼职日结，手机就能做，日入300，加微信 abc12345", "a job, a sum, a contact"),
    ("代开发票，点数低，量大优先，加微信：fp888888", "invoices"),
    ("低息贷款当天放款，黑户可做，加微 dk8888", "a loan"),
    ("公众号涨粉，刷阅读量，全网最低价 加V: fensi6688", "reach for sale"),
    ("彩票计划群 稳赚 进群口令888", "gambling"),
    ("招刷单员，日赚500，零投入，扫码进群", "a scam"),
    ("厂家直销，高仿鞋包一件代发，诚招代理，加微信 xiebao99", "goods"),
    ("低息贷款 https://t.cn/abc 额度最高50万 秒到账", "a link"),
    ("低息貸款當天放款，黑戶可做，加微信 dk8888", "traditional characters"),
    ("代 开 发 票 ，点 数 低，量 大 优 先 ＋Ｖ：fp888888", "spaced out, full width"),
)
MATTERS = (
    (
        "加微信 abc12345 贷款秒批 当天放款，已转了3000元",
        "what somebody fell for, told in the words of the advertisement",
    ),
    ("微信号abc12345 诚招代理 加盟费5万交完就失联", "the same"),
    ("我加了你们客服微信，说低息贷款当天放款，结果收了我手续费", "a victim complains"),
    ("有人加我微信说刷单日赚300，是真的吗", "asks whether it is true"),
    ("被刷单骗了，对方微信 abc123，日赚300，零投入", "a victim reports"),
    ("我要举报有人贴代开发票的广告，点数低量大优先，加微信 fp888", "reports the advertiser"),
    ("厂家直销的高仿鞋订单8823，一件代发，加了客服微信也不理", "mentions an order"),
    ("你们可以代开发票吗，量大优先，加我微信 abc12345", "a question"),
    ("信用卡提额，我的电话13800000000", "a customer of a bank leaves a number"),
    ("上门回收旧冰箱，电话13800000000，当天来", "a customer of a recycler"),
    ("请加我微信 abc12345 方便联系", "contact alone"),
    ("低息贷款当天放款黑户可做", "sales talk without a contact"),
    ("代开发票 加微信fp888888", "one sign of sales talk is not enough"),
    ("贷款当天放款，黑户可做，加微信 dk8888，这条短信是贵行的吗", "forwarded with a question"),
    ("https://item.example.com/1234 这个产品免费试用怎么申请", "a link to what is meant"),
    ("兼职日结日入300加微信abc12345 这种信息麻烦处理下", "asks to do something about it"),
)


@pytest.mark.parametrize(("text", "why"), ADVERTS)
def test_advertising_with_several_signs_is_noise(text: str, why: str):
    assert noise_kind(text) == "advert", why
    assert len(advert_signs(text)) >= 3


@pytest.mark.parametrize(("text", "why"), MATTERS)
def test_one_sign_of_a_matter_makes_a_ticket(text: str, why: str):
    assert noise_kind(text) is None, why


def test_no_matter_among_all_messages_written_for_training_is_taken_for_an_advert():
    folder = Path(service.learning.__file__).parent / "messages"
    rows = [json.loads(line) for file in sorted(folder.glob("*.jsonl")) for line in file.read_text().splitlines()]

    assert len(rows) > 2000
    assert [row["text"] for row in rows if row["category"] != "invalid" and advert_signs(row["text"])] == []


TROUBLE = ("我要投诉", "怎么回事？", "你们的人说的", "没有人处理", "退款", "被骗了", "请问", "订单号123", "帮我看看")


@given(st.sampled_from([text for text, _ in ADVERTS]), st.sampled_from(TROUBLE), st.booleans())
def test_a_word_of_trouble_beside_the_advert_makes_a_matter(advert: str, trouble: str, first: bool):
    assert advert_signs(f"{trouble}，{advert}" if first else f"{advert}，{trouble}") == ()


@given(st.text(max_size=200))
def test_whatever_is_written_has_one_kind_at_most(text: str):
    if talk_kind(text) is not None:
        assert advert_signs(text) == ()


@pytest.mark.parametrize(
    ("one", "other", "same", "why"),
    [
        ("我家漏水了", "我家漏水了！！", True, "punctuation"),
        ("ＡＢＣ 漏水", "abc漏水", True, "width, case, gaps"),
        ("沒有收到", "没有收到", True, "traditional"),
        ("3栋漏水", "5栋漏水", False, "another number is another matter"),
        ("没收到", "已收到", False, "one character"),
    ],
)
def test_the_same_words_have_the_same_mark(one: str, other: str, same: bool, why: str):
    assert (mark_of(one) == mark_of(other)) is same, why


def test_signs_alone_have_no_mark():
    assert mark_of("？？……😂") is None
