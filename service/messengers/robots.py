"""The group robots of WeCom, DingTalk and Feishu: where they may be, how a text is signed, what their answers mean."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

from service.messengers.outcome import Fate, SendError

WECOM, DINGTALK, FEISHU = "wecom", "dingtalk", "feishu"
HOSTS: Mapping[str, tuple[str, ...]] = {
    WECOM: ("qyapi.weixin.qq.com",),
    DINGTALK: ("oapi.dingtalk.com",),
    FEISHU: ("open.feishu.cn", "open.larksuite.com"),
}
SIGNING = (DINGTALK, FEISHU)  # WeCom has its key in the address and no secret beside it
TIMEOUT = 5.0  # seconds to connect, and for each piece of the answer
PATIENCE = 10.0  # seconds for the whole answer
LARGEST_ANSWER = 16 * 1024
LONGEST_TEXT = 2000  # bytes: WeCom takes 2048, the others 20 KB
PAUSE = timedelta(minutes=1)  # the shortest after which a limit of so many a minute is over

# errcode or code of the answer -> problem. WeCom 93000 invalid key, 93004 robot removed, 93008 not in the group,
# 45009 too often; DingTalk 300001 300005 400101 no such token, 400013 group dissolved, 400102 stopped, 400106 no such
# robot, 130101 410100 too often; Feishu 19001 no such hook, 19021 signature or time, 19022 IP, 19024 keyword,
# 11232 too often
CODES: Mapping[int, str] = {
    **dict.fromkeys((93000, 93004, 93008, 300001, 300005, 400013, 400101, 400102, 400106, 19001), "gone"),
    **dict.fromkeys((45009, 45033, 130101, 410100, 11232, 11233), "often"),
    -1: "busy",
    310000: "security",
    19021: "signature",
    19022: "ip",
    19024: "keyword",
}
# DingTalk says with one code which of its three safeguards it was
SAFEGUARDS = (("keyword", "keyword"), ("sign", "signature"), ("timestamp", "signature"), ("whitelist", "ip"))
NEVER_CONNECTED = (NewConnectionError, NameResolutionError, ConnectTimeoutError)

# its lines show whole addresses, and a robot's address is its password
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Address:
    """A robot as it is called; both of the last are secrets."""

    kind: str
    url: str
    secret: str | None

    def __repr__(self) -> str:
        return f"Address({self.kind})"


def is_allowed(kind: str, url: str, more_hosts: Collection[str] = ()) -> bool:
    """Whether we may call this address: https and a host of the vendor, or one of `more_hosts` (as in ROBOT_HOSTS)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    if parts.username or parts.password or parts.fragment or not parts.hostname or not url.isascii():
        return False
    if any(sign <= " " or sign == "\\" for sign in url):
        return False
    if parts.scheme == "https" and port in (None, 443) and parts.hostname in HOSTS.get(kind, ()):
        return True
    place = parts.hostname if port is None else f"{parts.hostname}:{port}"
    return f"{parts.scheme}://{place}" in more_hosts


def send(address: Address, text: str, *, now: datetime, more_hosts: Collection[str] = ()) -> None:
    """Let the robot say it. Raises SendError."""
    if not is_allowed(address.kind, address.url, more_hosts):
        raise SendError("address", fate=Fate.NOT_SENT, pause=PAUSE)
    url, body = signed(address, body_of(address.kind, text), now)
    try:
        with requests.post(
            url,
            data=json.dumps(body, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=(TIMEOUT, TIMEOUT),
            allow_redirects=False,  # would lead where nobody allowed it
            stream=True,
        ) as answer:
            status, content = answer.status_code, content_of(answer)
    except requests.RequestException as error:
        raise lost(error) from error
    judge(address.kind, status, content)


def body_of(kind: str, text: str) -> dict[str, object]:
    if kind == FEISHU:
        return {"msg_type": "text", "content": {"text": text}}
    return {"msgtype": "text", "text": {"content": text}}


def signed(address: Address, body: dict[str, object], now: datetime) -> tuple[str, dict[str, object]]:
    """Address and body with the signature that the vendor wants; as they are where there is no secret."""
    if not address.secret or address.kind not in SIGNING:
        return address.url, body
    if address.kind == DINGTALK:
        stamp = str(round(now.timestamp() * 1000))
        sign = signature(key=address.secret, message=f"{stamp}\n{address.secret}")
        joint = "&" if urlsplit(address.url).query else "?"
        return f"{address.url}{joint}{urlencode({'timestamp': stamp, 'sign': sign})}", body
    stamp = str(round(now.timestamp()))
    return address.url, {"timestamp": stamp, "sign": signature(key=f"{stamp}\n{address.secret}", message=""), **body}


def signature(*, key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def content_of(answer: requests.Response) -> bytes:
    """The answer, as far as one of ours would be long. Raises SendError for one that is longer or does not end."""
    content, until = b"", time.monotonic() + PATIENCE
    for piece in answer.iter_content(2048):
        content += piece
        if len(content) > LARGEST_ANSWER or time.monotonic() > until:
            raise SendError("unreadable", fate=Fate.UNKNOWN, told=f"HTTP {answer.status_code}")
    return content


def judge(kind: str, status: int, content: bytes) -> None:
    """Raise SendError unless the robot has said it."""
    if 300 <= status < 400:
        raise SendError("redirect", fate=Fate.NOT_SENT, told=f"HTTP {status}", pause=PAUSE)
    code, message = words_in(kind, status, content)
    if code == 0 and status < 300:
        return
    if code == 0:
        raise without_words(status)
    problem = CODES.get(code, "robot")
    if problem == "security":
        problem = next((name for word, name in SAFEGUARDS if word in message.lower()), problem)
    raise SendError(problem, fate=Fate.NOT_SENT, told=f"{code} {message}".strip(), pause=PAUSE)


def words_in(kind: str, status: int, content: bytes) -> tuple[int, str]:
    """The robot's code and what it says. Raises SendError where the answer is not its own."""
    try:
        found = json.loads(content.decode("utf-8", "replace"))
        name = "errcode" if kind != FEISHU else "code" if "code" in found else "StatusCode"
        return int(found[name]), one_line(found.get("msg") or found.get("errmsg"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise without_words(status) from None


def without_words(status: int) -> SendError:
    """An answer that is not the robot's own: a page of some gateway."""
    if status == 429:
        return SendError("often", fate=Fate.NOT_SENT, told="HTTP 429", pause=PAUSE)
    if 400 <= status < 500:
        return SendError("http", fate=Fate.NOT_SENT, told=f"HTTP {status}", pause=PAUSE)
    return SendError("unreadable", fate=Fate.UNKNOWN, told=f"HTTP {status}")


def lost(error: requests.RequestException) -> SendError:
    """No answer: whether a word of ours had gone out by then."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if "CERTIFICATE_VERIFY_FAILED" in str(reason):
        return SendError("certificate", fate=Fate.NOT_SENT, pause=PAUSE)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NEVER_CONNECTED):
        return SendError("unreachable", fate=Fate.NOT_SENT, pause=PAUSE)
    return SendError("broken", fate=Fate.UNKNOWN, told=type(error).__name__)


def one_line(message: object) -> str:
    """What a robot says, fit for a log."""
    return " ".join(str(message or "").split())[:160]
