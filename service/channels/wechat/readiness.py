"""What an account still lacks before followers are served: a check list, each line with its cure. Pure."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from service.channels.wechat.accounts import Account, Mode
from service.channels.wechat.cures import CURE_UNKNOWN, FORGEABLE, MISFITS, REFUSALS, Words, cure_of, refusal_in, said
from service.channels.wechat.sightings import CHANGED, ODD, PUSHED, REFUSED, VERIFIED, Seen
from service.messaging.ports import DeliveryError

PLATFORM = "api.weixin.qq.com"
QUIET = timedelta(days=7)
PORTS = {"http": 80, "https": 443}
SHAPES = {  # what the real platform gives out; a stand-in may give anything
    "app_id": re.compile(r"wx[0-9a-f]{16}"),
    "app_secret": re.compile(r"[0-9a-f]{32}"),
    "original_id": re.compile(r"gh_[0-9a-f]{12}"),
}
NAMES = {"app_id": "AppID", "app_secret": "AppSecret", "original_id": "原始 ID (gh_…)"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of the check list. `todo` is None where nothing is left to do."""

    check: str
    ok: bool
    detail: Words
    todo: Words | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check looks at beside the account itself."""

    public_url: str
    api_url: str
    now: datetime
    seen: Mapping[str, Seen] = field(default_factory=dict)
    certification: str = ""  # the alert that is open about it
    asked: bool = False  # whether the platform was just asked for a token
    refusal: DeliveryError | None = None  # what it answered then

    @property
    def is_real(self) -> bool:
        """Whether the platform is the real one, which a stand-in need not be as strict as."""
        return urlsplit(self.api_url).hostname == PLATFORM


def findings(account: Account, facts: Facts) -> list[Finding]:
    """The check list of an account, in the order in which it is set up."""
    if not account.active:
        return [Finding("account", True, Words("已停用：不接收也不发送", "switched off: takes and sends nothing"))]
    found = [check(account, facts) for check in CHECKS]
    return [replace(finding, todo=finding.todo and finding.todo.about(account.slug)) for finding in found]


def _settings(account: Account, facts: Facts) -> Finding:
    odd = [NAMES[name] for name, shape in SHAPES.items() if not shape.fullmatch(getattr(account, name))]
    if odd and facts.is_real:
        names = ", ".join(odd)
        return Finding(
            "settings",
            False,
            Words(f"{names} 不像是公众平台给出的", f"{names} does not look like what the platform gives out"),
            Words(
                "请到公众平台“设置与开发”中重新复制，再填到“公众号 → 编辑”里，或用 desk account set SLUG 更正",
                "copy it anew from the platform's console and correct it with `desk account set SLUG`",
            ),
        )
    if account.mode is Mode.PLAIN:
        return Finding(
            "settings",
            True,
            Words("明文模式：内容不加密", "plain mode: contents are not encrypted"),
            Words("建议在两边都改为安全模式", "better: safe mode, here and in the console"),
        )
    return Finding("settings", True, Words("填写完整", "complete"))


def _address(account: Account, facts: Facts) -> Finding:
    url = f"{facts.public_url.rstrip('/')}/wechat/{account.slug}"
    wrong = _wrong_with(facts.public_url)
    if wrong is None:
        return Finding("address", True, Words(url, url))
    if not facts.is_real:
        text = Words(f"{url}（{wrong.zh}；模拟平台可用）", f"{url} ({wrong.en}; fine for a stand-in platform)")
        return Finding("address", True, text)
    cure = Words(
        "请把 PUBLIC_URL 设为公网域名，形如 https://desk.example.com，并在前面放一个带证书的反向代理，然后重启",
        "set PUBLIC_URL to a public name such as https://desk.example.com, put a proxy with TLS in front, restart",
    )
    return Finding("address", False, Words(f"{url}：{wrong.zh}", f"{url}: {wrong.en}"), cure)


def _wrong_with(public_url: str) -> Words | None:
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        is_public = ipaddress.ip_address(host).is_global
    except ValueError:
        is_public = "." in host and not host.endswith((".local", ".localhost", ".internal", ".lan"))
    if not is_public:
        return Words("微信访问不到这个地址", "the platform cannot reach this address")
    if parts.port not in (None, PORTS.get(parts.scheme)):
        return Words("微信只访问 80 和 443 端口", "the platform calls ports 80 and 443 only")
    return Words("域名后面不能带路径", "no path may follow the name") if parts.path.strip("/") else None


CONSOLE = Words(
    "请在公众平台“基本配置 → 服务器配置”填写上面的地址、令牌和 EncodingAESKey，点“提交”再点“启用”",
    "enter this address, the Token and the EncodingAESKey in the console's server configuration, submit, switch it on",
)
WRITE = Words("请用手机关注公众号并发一条消息", "follow the account with a phone and send it a message")


def _verified(account: Account, facts: Facts) -> Finding:
    refused, good = facts.seen.get(REFUSED), _latest(facts, VERIFIED, PUSHED, ODD)
    if refused is not None and (good is None or refused.at > good):
        told = Words(
            f"{_ago(refused.at, facts).zh}有一次请求未通过校验（{refused.detail}）",
            f"a call was refused {_ago(refused.at, facts).en} ({refused.detail})",
        )
        changed = facts.seen.get(CHANGED)
        # anybody can send a forged call: with settings under which the platform came through it proves nothing
        is_forged = refused.detail in FORGEABLE and good is not None and (changed is None or good > changed.at)
        return Finding("verified", is_forged, told, REFUSALS.get(refused.detail, CURE_UNKNOWN))
    if good is None:
        return Finding("verified", not facts.is_real, Words("平台还没有验证过这个地址", "not verified yet"), CONSOLE)
    since = _ago(good, facts)
    return Finding("verified", True, Words(f"{since.zh}通过校验", f"came through {since.en}"))


def _token(account: Account, facts: Facts) -> Finding:
    if facts.refusal is not None:
        return Finding("token", False, said(facts.refusal), cure_of(facts.refusal, api_url=facts.api_url))
    if account.halted_reason:
        refusal = refusal_in(account.halted_reason)
        cure = cure_of(refusal, api_url=facts.api_url)
        after = Words(
            "处理后点“立即检查”，或等待自动恢复", "sending resumes by itself within a minute or two after that"
        )
        return Finding("token", False, said(refusal), Words(f"{cure.zh}。{after.zh}", f"{cure.en}; {after.en}"))
    if facts.asked:
        return Finding("token", True, Words("平台刚刚给出了凭证", "the platform has just given one"))
    return Finding("token", True, Words("尚未询问平台", "the platform was not asked"))


def _certified(account: Account, facts: Facts) -> Finding:
    if facts.certification:
        cure = Words("请尽快在公众平台办理认证", "see to the certification in the console")
        return Finding("certified", False, Words(facts.certification, facts.certification), cure)
    if account.certified:
        return Finding("certified", True, Words("登记为已认证：可以主动回复", "registered as certified: may send"))
    text = Words(
        "登记为未认证：答复随客户下次来信的自动回复送达",
        "registered as not certified: answers go out in the reply to the next message",
    )
    return Finding("certified", True, text)


def _push(account: Account, facts: Facts) -> Finding:
    pushed, odd = facts.seen.get(PUSHED), facts.seen.get(ODD)
    if odd is not None and odd.detail in MISFITS and (pushed is None or odd.at > pushed.at):
        since = _ago(odd.at, facts)
        told = Words(
            f"{since.zh}收到的消息与设置不符（{odd.detail}）", f"one came {since.en} that does not fit ({odd.detail})"
        )
        return Finding("push", False, told, MISFITS[odd.detail])
    if pushed is None:
        return Finding("push", not facts.is_real, Words("还没有收到过消息", "no message has come yet"), WRITE)
    since = _ago(pushed.at, facts)
    if facts.now - pushed.at > QUIET and facts.is_real:
        return Finding(
            "push", False, Words(f"最近一次在{since.zh}，之后没有再收到消息", f"no message since {since.en}"), WRITE
        )
    return Finding("push", True, Words(f"最近一次：{since.zh}", f"the last one {since.en}"))


CHECKS: Sequence[Callable[[Account, Facts], Finding]] = (_settings, _address, _verified, _token, _certified, _push)


def _latest(facts: Facts, *what: str) -> datetime | None:
    return max((facts.seen[name].at for name in what if name in facts.seen), default=None)


def _ago(at: datetime, facts: Facts) -> Words:
    minutes = max(0, int((facts.now - at).total_seconds() // 60))
    if minutes < 2:
        return Words("刚刚", "just now")
    if minutes < 120:
        return Words(f"{minutes} 分钟前", f"{minutes} minutes ago")
    if minutes < 48 * 60:
        return Words(f"{minutes // 60} 小时前", f"{minutes // 60} hours ago")
    return Words(f"{minutes // 1440} 天前", f"{minutes // 1440} days ago")
