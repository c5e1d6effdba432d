"""HTTP to the platform: one place for time-outs, for what was surely not sent, and for keeping tokens out of logs."""

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

CONNECT_TIMEOUT = 3.0  # seconds
READ_TIMEOUT = 5.0

# its lines show whole addresses, and the platform wants the token in the address
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

LONG_WORD = re.compile(r"[A-Za-z0-9_-]{24,}")
RID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}")  # by which the platform finds a request again

_local = threading.local()


class UnsentError(Exception):
    """The request surely never reached the platform. The text names no address."""


class UnclearError(Exception):
    """Perhaps it did: no answer, or one that is not the platform's own. The text names no address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform said. `code` is 0 for success."""

    code: int
    message: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)  # of a download

    def text(self, name: str) -> str:
        """A field as text; "" if it is missing."""
        value = self.fields.get(name)
        return "" if value is None else str(value)

    def seconds(self, name: str) -> int:
        """A field as a whole number; 0 if it is not one."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def post(url: str, body: Mapping[str, object], *, token: str | None = None) -> Answer:
    """Post JSON as the platform wants it: raw UTF-8, no escapes. Raises UnsentError, UnclearError."""
    data = json.dumps(body, ensure_ascii=False).encode("utf-8", "ignore")
    with translated():
        response = session().post(
            url,
            data=data,
            params={"access_token": token} if token is not None else None,
            headers={"Content-Type": "application/json; charset=utf-8"},
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,  # a redirect would carry the token to another host
        )
        return answer_in(response.content, response.status_code)


def get(url: str, params: Mapping[str, str] | None = None, *, token: str) -> Answer:
    """Ask for JSON. Raises UnsentError, UnclearError."""
    with translated():
        response = session().get(
            url,
            params={"access_token": token, **(params or {})},
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,
        )
        return answer_in(response.content, response.status_code)


def answer_in(content: bytes, status: int) -> Answer:
    """The platform's JSON. Raises UnclearError: a gateway's page, or anything else, says nothing about our request."""
    try:
        found = json.loads(content.decode("utf-8", "replace"), strict=False)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UnclearError(f"the answer is not the platform's own (HTTP {status})")
    try:
        code = int(found.get("errcode", 0))  # some endpoints give it as text
    except (TypeError, ValueError) as error:
        raise UnclearError(f"the answer has no readable errcode (HTTP {status})") from error
    if status >= 300 and code == 0:
        raise UnclearError(f"HTTP {status}")
    return Answer(code, _one_line(found.get("errmsg")), found)


def session() -> requests.Session:
    """This thread's own connections."""
    found: requests.Session | None = getattr(_local, "session", None)
    if found is None:
        found = _local.session = requests.Session()
    return found


@contextmanager
def translated() -> Iterator[None]:
    """Turn what `requests` raises into the two cases that matter."""
    try:
        yield
    except requests.ConnectTimeout as error:
        raise UnsentError("no connection in time") from error
    except requests.ConnectionError as error:
        if _never_connected(error):
            raise UnsentError("no connection") from error
        raise UnclearError("the connection broke") from error
    except requests.Timeout as error:
        raise UnclearError("no answer in time") from error
    except requests.RequestException as error:
        raise UnclearError(f"no readable answer ({type(error).__name__})") from error


def _never_connected(error: requests.ConnectionError) -> bool:
    """Whether it failed before a byte of ours went out: refused, unreachable, no such host, no such certificate."""
    cause = error.args[0] if error.args else None
    if not isinstance(cause, MaxRetryError):
        return False
    if isinstance(cause.reason, NewConnectionError | NameResolutionError | ConnectTimeoutError):
        return True
    return "CERTIFICATE_VERIFY_FAILED" in str(cause.reason)


def _one_line(message: object) -> str:
    """What the platform says, fit for a log: whatever is as long as an openid, a token or a secret is cut short."""
    line = " ".join(str(message or "").split())
    return LONG_WORD.sub(lambda word: word[0] if RID.fullmatch(word[0]) else f"{word[0][:4]}…", line)[:200]
