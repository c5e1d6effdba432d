"""What may become of a notice that was handed to somebody else's server, and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Fate(StrEnum):
    NOT_SENT = "not_sent"  # surely not: it may be tried again
    REFUSED = "refused"  # surely not, and it never will be
    UNKNOWN = "unknown"  # perhaps it was


class SendError(Exception):
    """A notice that did not surely go out. `told` is what the other side said, fit for a log."""

    def __init__(
        self, problem: str, *, fate: Fate, told: str = "", whole: bool = True, pause: timedelta = timedelta(0)
    ) -> None:
        """`whole`: nothing else will go out there either, before somebody has seen to it or `pause` is over."""
        super().__init__(problem)
        self.problem, self.fate, self.told, self.whole, self.pause = problem, fate, told, whole, pause

    def sentence(self, language: str = "zh") -> str:
        """What happened and what to do about it, in that language."""
        words = PROBLEMS[self.problem]
        what, cure = (words.what_en, words.cure_en) if language == "en" else (words.what_zh, words.cure_zh)
        if language == "en":
            return f"{what}{f' ({self.told})' if self.told else ''}: {cure}"
        return f"{what}{f'（{self.told}）' if self.told else ''}：{cure}"


@dataclass(frozen=True, slots=True)
class Words:
    what_zh: str
    cure_zh: str
    what_en: str
    cure_en: str


PROBLEMS: Mapping[str, Words] = {
    "unreachable": Words(
        "连不上对方服务器", "检查本机网络、防火墙和地址", "no connection", "check network, firewall and address"
    ),
    "certificate": Words(
        "对方的证书无效", "核对地址和本机时间", "its certificate is not valid", "check the address and this clock"
    ),
    "broken": Words(
        "连接中断或没有等到回应", "可能已发出，不会自动重发", "no answer", "it may have arrived and is not repeated"
    ),
    "unreadable": Words(
        "对方的回应读不懂",
        "可能已发出，不会自动重发；请核对地址",
        "its answer cannot be read",
        "it may have arrived and is not repeated; check the address",
    ),
    "redirect": Words(
        "对方要求转到别的地址，已拒绝", "填写最终的地址", "it redirects, which is refused", "enter the final address"
    ),
    "address": Words(
        "地址不在允许之列",
        "重新复制机器人的 Webhook 地址；自建的请加入 ROBOT_HOSTS",
        "the address is not allowed",
        "copy the robot's webhook address again, or name your own host in ROBOT_HOSTS",
    ),
    "http": Words("对方拒绝了请求", "核对地址", "it refused the request", "check the address"),
    "signature": Words(
        "签名不符",
        "重新复制加签密钥，并校准本机时间",
        "the signature does not match",
        "copy the secret again; set the clock",
    ),
    "keyword": Words(
        "内容不含机器人的关键词",
        "在机器人的安全设置里加关键词“工单”，或改用加签",
        "the robot's keyword is missing",
        "add the keyword 工单 in the robot's security settings, or use a signature",
    ),
    "ip": Words(
        "本机 IP 不在机器人的白名单",
        "把服务器的出口 IP 加入白名单，或改用加签",
        "this IP address is not on the robot's list",
        "add the server's address there, or use a signature",
    ),
    "security": Words(
        "机器人的安全设置不允许",
        "核对关键词、加签密钥和 IP 白名单",
        "the robot's security settings refuse it",
        "check keyword, secret and IP list",
    ),
    "gone": Words(
        "机器人不存在、已停用或已移出群",
        "在群里重新添加机器人，把新地址填到这里",
        "the robot is gone or switched off",
        "add it to the group again and enter its new address here",
    ),
    "often": Words("发送太频繁", "稍后自动再发", "too many at once", "it goes out by itself in a while"),
    "busy": Words("对方系统繁忙", "稍后自动再发", "the other side is busy", "it goes out by itself in a while"),
    "robot": Words(
        "机器人没有接受", "按括号里的原因处理", "the robot did not take it", "see to what stands in brackets"
    ),
    "no_mail_server": Words(
        "没有设置发信服务器", "设置 SMTP_URL 和 MAIL_FROM", "there is no mail server", "set SMTP_URL and MAIL_FROM"
    ),
    "mail_login": Words(
        "发信服务器不接受账号",
        "核对 SMTP_URL 里的用户名和密码（常为授权码）",
        "the mail server refuses the login",
        "check user and password in SMTP_URL",
    ),
    "mail_sender": Words(
        "发信服务器不接受发件人",
        "核对 MAIL_FROM，通常须与登录账号一致",
        "the mail server refuses the sender",
        "check MAIL_FROM; most servers want the account's own address",
    ),
    "mail_recipient": Words(
        "收件地址被拒绝", "在人员页核对此人的邮箱", "the recipient is refused", "check the person's address"
    ),
    "mail_refused": Words("发信服务器没有接受", "稍后自动再发", "the mail server refused it", "it is tried again"),
    "mail_tls": Words(
        "发信服务器不支持 STARTTLS",
        "改用 smtps:// 或核对端口",
        "the mail server offers no STARTTLS",
        "use smtps:// or check the port",
    ),
}
