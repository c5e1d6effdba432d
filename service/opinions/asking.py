"""One request to an OpenAI-compatible API: no redirect followed, so much read and no more, in so much time."""

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

import requests
from urllib3.exceptions import HTTPError, MaxRetryError, ReadTimeoutError

from service.opinions.instruction import messages_for
from service.opinions.outcome import LONGEST_PAUSE, Opinion, OpinionError
from service.opinions.reading import opinion_in

LARGEST_ANSWER = 64 * 1024
MOST_TOKENS = 400  # of the answer, which needs sixty
A_PIECE = 8 * 1024

# status -> problem; what is not here by its hundred
STATUSES: Mapping[int, str] = {401: "key", 403: "key", 402: "funds", 404: "missing", 405: "missing", 429: "often"}
HUNDREDS: Mapping[int, str] = {3: "redirect", 4: "refused", 5: "trouble"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to ask; the key is a secret."""

    url: str  # base: https://HOST/v1
    model: str
    key: str | None
    timeout: float  # seconds for all of it

    def __repr__(self) -> str:
        return f"Endpoint({self.url}, {self.model})"


class _Bearer(requests.auth.AuthBase):
    """Said this way, a .netrc of this computer's user has no say."""

    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def ask(endpoint: Endpoint, text: str, categories: Collection[str]) -> Opinion:
    """What the model takes this text for, which must be masked already. Raises OpinionError."""
    until = time.monotonic() + endpoint.timeout
    try:
        with requests.post(
            f"{endpoint.url}/chat/completions",
            data=json.dumps(body_of(endpoint, text, categories), ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"},
            auth=_Bearer(endpoint.key),
            timeout=endpoint.timeout,
            allow_redirects=False,  # would take followers' words where nobody allowed it
            stream=True,
        ) as answer:
            _check(answer)
            content = _content_of(answer, until)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise lost(error) from None  # its words hold the address and the headers
    return opinion_in(content, categories)


def body_of(endpoint: Endpoint, text: str, categories: Collection[str]) -> dict[str, object]:
    return {
        "model": endpoint.model,
        "messages": messages_for(text, categories),
        "response_format": {"type": "json_object"},
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
        "stream": False,
    }


def _check(answer: requests.Response) -> None:
    """Raise OpinionError for a status other than 200; what else stands there is not read."""
    status = answer.status_code
    if status != 200:
        problem = STATUSES.get(status) or HUNDREDS.get(status // 100, "foreign")
        raise OpinionError(problem, f"HTTP {status}", _wait_in(answer.headers.get("Retry-After", "")))
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise OpinionError("foreign", "compressed")


def _wait_in(header: str) -> timedelta:
    """The pause that was asked for in seconds, up to the longest of ours."""
    if not (header.isascii() and header.isdigit() and len(header) < 10):
        return timedelta(0)
    return min(timedelta(seconds=int(header)), LONGEST_PAUSE)


def _content_of(answer: requests.Response, until: float) -> bytes:
    """The body, piece by piece as it comes: one that trickles in does not hold us longer."""
    content = b""
    while piece := answer.raw.read1(A_PIECE):
        content += piece
        if len(content) > LARGEST_ANSWER:
            raise OpinionError("large")
        if time.monotonic() > until:
            raise OpinionError("slow")
    return content


def lost(error: Exception) -> OpinionError:
    """No answer came, or only part of one."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    if "CERTIFICATE_VERIFY_FAILED" in str(reason):
        return OpinionError("certificate")
    if isinstance(error, requests.Timeout | ReadTimeoutError | TimeoutError) or isinstance(cause, ReadTimeoutError):
        return OpinionError("slow")
    if isinstance(error, requests.ConnectionError) and reason is not None:
        return OpinionError("unreachable")
    return OpinionError("broken", type(error).__name__)
