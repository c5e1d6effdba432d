"""What a refusal means and what the operator does about it, theirs at the platform's and ours at the webhook. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.channels.wechat.errcodes import verdict_on
from service.messaging.ports import DeliveryError, Failure


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence in both languages."""

    zh: str
    en: str

    def spoken(self, language: str) -> str:
        return self.en if language.startswith("en") else self.zh

    def about(self, slug: str) -> "Words":
        """With the account's name in the commands."""
        return Words(self.zh.replace("SLUG", slug), self.en.replace("SLUG", slug))


FORGEABLE = frozenset({"wrong signature", "a parameter is missing"})  # anybody may send these; the rest was signed
NOT_OURS = Words(
    "请求里没有签名。用浏览器直接打开这个地址就会这样，不要紧；如果是点“提交”时出现的，是反向代理丢掉了网址里“?”后面的部分",
    "it carried no signature: a browser that opens the address does that, no harm. If it was the console's submit, the "
    "proxy drops what follows the ? of the address",
)
SAFE_MODE = Words(
    "消息加解密方式两边不一致：在公众平台选“安全模式”，并运行 desk account set SLUG --mode safe",
    "the modes differ: choose safe mode (安全模式) in the console and run `desk account set SLUG --mode safe`",
)
REFUSALS: Mapping[str, Words] = {  # why a push was refused -> what is probably wrong
    "wrong signature": Words(
        "令牌 Token 与公众平台填写的不一致，请在两边填写同一个（desk account set SLUG --token -）",
        "the Token differs from the console's: enter the same (`desk account set SLUG --token -`)",
    ),
    "a parameter is missing": NOT_OURS,
    "wrong msg_signature": Words(
        "令牌或消息加解密方式与公众平台不一致，请在两边核对", "Token or mode differ from the console's: compare them"
    ),
    "stale timestamp": Words("服务器时间不准，请开启网络校时（NTP）", "this server's clock is wrong: switch NTP on"),
    "foreign appid": Words(
        "AppID 与公众平台不一致，请核对（desk account set SLUG --app-id …）",
        "the AppID differs from the console's: compare it (`desk account set SLUG --app-id …`)",
    ),
    "plaintext where encryption is due": SAFE_MODE,
    "padding is wrong": Words(
        "EncodingAESKey 与公众平台不一致，请在两边填写同一个（desk account set SLUG --aes-key -）",
        "the EncodingAESKey differs from the console's: enter the same (`desk account set SLUG --aes-key -`)",
    ),
}
CURE_UNKNOWN = Words(
    "请核对令牌、EncodingAESKey、加解密方式与公众平台一致", "compare Token, EncodingAESKey and mode with the console's"
)
MISFITS: Mapping[str, Words] = {  # what was odd about a push that was taken -> which setting does not fit
    "for another account": Words(
        "原始 ID 填错了，消息没有成为工单：到公众平台“公众号设置”重新复制，运行 "
        "desk account set SLUG --original-id gh_…",
        "the original id is wrong, and no ticket was made: copy it anew from the console (公众号设置), "
        "run `desk account set SLUG --original-id gh_…`",
    ),
    "encryption where plaintext is due": SAFE_MODE,
    "encryption alone where plaintext is due too": SAFE_MODE,
}

APP_SECRET = Words(
    "核对 AppSecret；不知道就在公众平台“基本配置”重置并立即复制，然后运行 desk account set SLUG --app-secret -"
    "（或在“公众号 → 编辑”里填写）",
    "compare the AppSecret; if you do not have it, reset it in the console, copy it at once and "
    "run `desk account set SLUG --app-secret -`",
)
APP_ID = Words(
    "到公众平台“基本配置”重新复制 AppID（wx 开头，不是 AppSecret），运行 desk account set SLUG --app-id wx…",
    "copy the AppID anew from the console (it begins with wx), run `desk account set SLUG --app-id wx…`",
)
WHITE_LIST = Words(
    "请在公众平台“基本配置 → IP 白名单”中加入 ADDRESS，几分钟后生效",
    "add ADDRESS to the IP white list in the console; it holds after a few minutes",
)
CONFIRM = Words(
    "请公众号管理员在微信里确认，然后再检查一次",
    "the account's administrator confirms it in WeChat; check again then",
)
REFUSED_BY_ADMIN = Words(
    "先与公众号管理员说好，等上面的时间过后再检查一次，并请其确认",
    "agree with the account's administrator, wait for the time above, check again and have it confirmed",
)
RIGHTS = Words(
    "请在公众平台核对认证和“接口权限”；确实未认证，就运行 desk account set SLUG --uncertified"
    "（或在“公众号 → 编辑”里取消“已认证”）",
    "look at the certification and the rights (接口权限) in the console; if it is not certified, "
    "run `desk account set SLUG --uncertified`",
)
CURES: Mapping[int, Words] = {  # what the platform answers to our credentials -> what the operator does
    40001: Words(
        "别的系统也在换这个公众号的凭证：停掉它，或让它改用稳定版接口 stable_token",
        "another system renews the token of this account: stop it, or let it use stable_token",
    ),
    40013: APP_ID,
    41002: APP_ID,
    40125: APP_SECRET,
    41004: APP_SECRET,
    40164: WHITE_LIST,
    45035: WHITE_LIST,
    61004: WHITE_LIST,
    40243: Words("请在公众平台“基本配置”中解冻 AppSecret", "unfreeze the AppSecret in the console"),
    48001: RIGHTS,
    89501: CONFIRM,
    89503: CONFIRM,
    89506: REFUSED_BY_ADMIN,
    89507: REFUSED_BY_ADMIN,
    45009: Words("等到零点以后，或在公众平台清零", "wait until midnight, or clear the quota in the console"),
}
BUSY = Words("平台忙，过一会儿再检查一次", "the platform is busy: check again in a while")
LOOK_IT_UP = Words(
    "请在微信开放文档的“全局返回码”中查这个错误码，处理后再检查一次",
    "look the code up in the platform's documentation (全局返回码), put it right, check again",
)
UNREACHED = Words(
    "本机连不上 PLATFORM：检查域名解析、防火墙的出站规则和 WECHAT_API_BASE_URL",
    "this machine does not reach PLATFORM: look at name resolution, the firewall's outgoing rules, WECHAT_API_BASE_URL",
)

ADDRESS = re.compile(r"(?<![\w.:])((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")
STREAK = re.compile(r"（已连续失败 \d+ 次[^）]*）$")
CODE = re.compile(r"（(-?\d+)：")


def refusal_in(reason: str) -> DeliveryError:
    """The refusal that an account was halted with, from the reason that was kept."""
    code = CODE.search(reason)
    return DeliveryError(reason, kind=Failure.HALTED, code=int(code[1]) if code else None)


def said(refusal: DeliveryError) -> Words:
    """A refusal of the platform in both languages."""
    reason = STREAK.sub("", refusal.reason)
    if refusal.code is None:
        _, colon, told = reason.partition("：")
        return Words(reason, f"no access token: {told}" if colon else reason)
    _, bracket, told = reason.rpartition("（")
    if not bracket:
        return Words(reason, reason)
    return Words(reason, f"{verdict_on(_meant(refusal)).en} ({told.rstrip('）').replace('：', ': ')})")


def cure_of(refusal: DeliveryError, *, api_url: str) -> Words:
    """What the operator has to do about it; SLUG stands for the account."""
    if refusal.code is None:
        return Words(*(text.replace("PLATFORM", api_url) for text in (UNREACHED.zh, UNREACHED.en)))
    code = _meant(refusal)
    cure = CURES.get(code, BUSY if verdict_on(code).kind is Failure.PASSING else LOOK_IT_UP)
    address = ADDRESS.search(refusal.reason)
    seen = (address[1], address[1]) if address else ("本机的出口 IP", "this machine's outgoing address")
    return Words(cure.zh.replace("ADDRESS", seen[0]), cure.en.replace("ADDRESS", seen[1]))


def _meant(refusal: DeliveryError) -> int:
    """The code; where a token was asked for, 40001 is a wrong AppSecret, and the reason says so."""
    is_secret = refusal.code == 40001 and refusal.reason.startswith(verdict_on(40125).zh)
    return 40125 if is_secret else refusal.code or 0
