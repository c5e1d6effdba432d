"""Faults that tests and demonstrations ask for: what to do wrong, at which endpoint, how often. No lock of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field

KINDS = ("latency", "errcode", "http", "html", "timeout", "drop_after_accept")
PUSH = "push"
API = "api"
TOKEN_ENDPOINTS = ("token", "stable_token")
PUSH_KINDS = ("latency", "timeout", "drop_after_accept")


class FaultError(ValueError):
    """A fault that the simulator does not know; the message says what it knows."""


@dataclass(slots=True)
class Fault:
    """One thing to do wrong; `times` None means until it is removed, `account` empty means any.

    `value` is seconds for latency, timeout and drop_after_accept (0 hangs up at once; None: the configured hold), a
    status for http, an errcode for errcode. `endpoint` is a path below /cgi-bin/ (or with `sns/` in front), `*`, `api`
    (all but the token endpoints: a storm of 40001), or `push` for the webhook.
    """

    id: int
    endpoint: str
    kind: str
    value: float | None = None
    times: int | None = None
    probability: float = 1.0
    account: str = ""
    used: int = 0

    def __post_init__(self) -> None:
        """Refuse a kind that could never happen at this endpoint."""
        kinds = PUSH_KINDS if self.endpoint == PUSH else KINDS
        if self.kind not in kinds:
            raise FaultError(
                f"kind {self.kind!r} is not known for {self.endpoint}; it must be one of {' '.join(kinds)}"
            )
        if self.kind in ("errcode", "http", "latency") and self.value is None:
            raise FaultError(f"kind {self.kind} needs a value")


@dataclass(slots=True)
class Faults:
    """The faults in force, oldest first."""

    chance: Callable[[], float]
    active: list[Fault] = field(default_factory=list)

    def take(self, endpoint: str, account: str) -> Fault | None:
        """The fault that strikes this call, counted; None if all goes well."""
        for fault in self.active:
            if not _strikes(fault.endpoint, endpoint):
                continue
            if fault.account not in ("", account) or self.chance() >= fault.probability:
                continue
            fault.used += 1
            if fault.times is not None and fault.used >= fault.times:
                self.active.remove(fault)
            return fault
        return None


def _strikes(wanted: str, endpoint: str) -> bool:
    if wanted == endpoint or endpoint == PUSH:
        return wanted == endpoint
    return wanted == "*" or (wanted == API and endpoint not in TOKEN_ENDPOINTS)
