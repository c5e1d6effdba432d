"""What the operator is told to do about each refusal of the platform, in both languages."""

import re

import pytest

from service.channels.wechat import api, cures
from service.channels.wechat.cures import cure_of, refusal_in, said
from service.channels.wechat.tokens import token_error
from service.messaging.ports import DeliveryError, Failure

API = "https://api.weixin.qq.com"
CHINESE = re.compile(r"[一-鿿]")
STREAK = "（已连续失败 5 次，恢复后会自动继续发送）"


def refused(code: int, message: str = "told rid: 1-2-3") -> DeliveryError:
    return token_error(api.Answer(code, message))


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        (40125, "--app-secret -", "--app-secret -"),
        (40001, "--app-secret -", "--app-secret -"),
        (40013, "--app-id", "--app-id"),
        (40243, "解冻", "unfreeze"),
        (89503, "管理员", "administrator"),
        (89506, "管理员", "administrator"),
        (48001, "--uncertified", "--uncertified"),
        (45009, "零点", "midnight"),
        (-1, "过一会儿", "in a while"),
        (99999, "错误码", "code"),
    ],
)
def test_the_cure_of_a_code_is_its_own(code: int, zh: str, en: str):
    cure = cure_of(refused(code), api_url=API)

    assert (zh in cure.zh, en in cure.en) == (True, True)


@pytest.mark.parametrize("told", ["invalid ip 203.0.113.7, not in whitelist", "not in whitelist"])
def test_the_cure_of_the_white_list_names_the_address_where_the_platform_does(told: str):
    cure = cure_of(refused(40164, told), api_url=API)

    assert ("203.0.113.7" in cure.zh) == ("203.0.113.7" in told)
    assert "ADDRESS" not in cure.zh + cure.en


@pytest.mark.parametrize("code", [40001, 40164, 45009, -1, 99999])
@pytest.mark.parametrize("streak", ["", STREAK])
def test_a_refusal_is_told_in_the_language_with_its_code(code: int, streak: str):
    error = refused(code)

    words = said(DeliveryError(error.reason + streak, kind=Failure.HALTED, code=code))

    assert f"（{code}：told" in words.zh
    assert f"({code}: told" in words.en
    assert not CHINESE.search(re.sub(r"[（“（].*", "", words.en))


def test_a_wrong_secret_is_told_as_one_though_the_platform_says_40001():
    assert "AppSecret is wrong" in said(refused(40001)).en


def test_a_platform_that_is_not_reached_is_named():
    error = DeliveryError(f"取访问凭证失败：no connection{STREAK}", kind=Failure.HALTED)

    assert said(error).en == "no access token: no connection"
    assert API in cure_of(error, api_url=API).zh


@pytest.mark.parametrize("code", [40164, 48001, 40001])
def test_what_halted_an_account_has_the_same_cure_as_when_it_is_asked(code: int):
    error = refused(code)

    assert cure_of(refusal_in(error.reason), api_url=API) == cure_of(error, api_url=API)


def test_every_cure_is_in_both_languages():
    table = [*cures.REFUSALS.values(), *cures.MISFITS.values(), *cures.CURES.values()]

    assert [words.zh for words in table if not (CHINESE.search(words.zh) and words.en)] == []
