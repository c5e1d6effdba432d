"""Access tokens: two isolated kinds per account and their lifetimes. No lock of its own."""

import re
import secrets
from dataclasses import dataclass, field

from simulator.knobs import Knobs

DAY = 86400.0
LAST_MINUTES = 300.0
WELL_FORMED = re.compile(r"SIM_[A-Za-z0-9_-]{100,600}")


class RefusedError(Exception):
    """The platform answers with an errcode instead."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        """`detail` goes into errmsg where the errcode's own text has room for it."""
        super().__init__(errcode, detail)
        self.errcode = errcode
        self.detail = detail


@dataclass(slots=True)
class Token:
    """One token; `dead` after somebody forced a newer one."""

    value: str
    app_id: str
    kind: str
    expires_at: float
    dead: bool = False
    calls: int = 0


@dataclass(slots=True)
class Tokens:
    """Every token that was issued, and which one of a kind is current."""

    knobs: Knobs
    issued: dict[str, Token] = field(default_factory=dict)
    current: dict[tuple[str, str], Token] = field(default_factory=dict)
    forced: dict[str, list[float]] = field(default_factory=dict)

    def stable(self, app_id: str, now: float) -> Token:
        """The same token until its last five minutes, then a new one; the old one lives on to its end."""
        token = self.current.get((app_id, "stable"))
        if token is not None and not token.dead and token.expires_at - now > LAST_MINUTES:
            return token
        return self._issue(app_id, "stable", now)

    def force(self, app_id: str, now: float) -> Token:
        """A new stable token; the one before is dead at once. Raises RefusedError beyond the limits of forcing."""
        times = [at for at in self.forced.get(app_id, []) if now - at < DAY]
        if times and now - times[-1] < self.knobs.base.forced_refresh_spacing:
            raise RefusedError(45011)
        if len(times) >= self.knobs.base.forced_refreshes_a_day:
            raise RefusedError(45009)
        self.forced[app_id] = [*times, now]
        self.kill(app_id, "stable")
        return self._issue(app_id, "stable", now)

    def ordinary(self, app_id: str, now: float) -> Token:
        """A new token of the old kind at every call; the one before lives on for the overlap."""
        before = self.current.get((app_id, "ordinary"))
        if before is not None:
            before.expires_at = min(before.expires_at, now + self.knobs.base.token_overlap)
        return self._issue(app_id, "ordinary", now)

    def check(self, value: str, now: float) -> str:
        """The appid that the token stands for; raises RefusedError with the errcode that fits."""
        if not value:
            raise RefusedError(41001)
        if not WELL_FORMED.fullmatch(value):
            raise RefusedError(40014)
        token = self.issued.get(value)
        if token is None or token.dead:
            raise RefusedError(40001)
        if now >= token.expires_at:
            # the one before the current is no longer the latest; the current one has simply run out
            latest = self.current.get((token.app_id, token.kind)) is token
            raise RefusedError(42001 if latest else 40001)
        return token.app_id

    def use(self, value: str, dies_after: int) -> None:
        """Count a call with a good token; after `dies_after` of them (0: never) it is stale."""
        token = self.issued[value]
        token.calls += 1
        token.dead = token.dead or 0 < dies_after <= token.calls

    def kill(self, app_id: str, kind: str | None = None) -> int:
        """Make current tokens dead, as a refresh by somebody else does; returns how many."""
        doomed = [t for t in self.issued.values() if t.app_id == app_id and kind in (None, t.kind) and not t.dead]
        for token in doomed:
            token.dead = True
        return len(doomed)

    def expire(self, app_id: str, now: float) -> int:
        """End the life of the account's tokens now; returns how many."""
        ending = [t for t in self.issued.values() if t.app_id == app_id and t.expires_at > now]
        for token in ending:
            token.expires_at = now
        return len(ending)

    def _issue(self, app_id: str, kind: str, now: float) -> Token:
        value = "SIM_" + secrets.token_urlsafe(99)
        token = Token(value, app_id, kind, now + self.knobs.base.token_lifetime)
        self.issued[value] = self.current[app_id, kind] = token
        return token
