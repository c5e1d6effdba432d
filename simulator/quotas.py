"""How often an account may call: counters by day and minute, openapi/quota/get and clear_quota. Raises RefusedError."""

from simulator.config import Account
from simulator.endpoints import OK, Endpoint
from simulator.state import State
from simulator.tokens import RefusedError
from simulator.values import Values, text

DAY, MINUTE = 86_400, 60
CLEARINGS_A_MONTH = 10
LIMITS = {
    "message/custom/send": 500_000,
    "message/template/send": 100_000,
    "user/info": 5_000_000,
    "user/get": 500,
    "media/upload": 100_000,
    "media/get": 200_000,
    "menu/create": 1000,
    "menu/delete": 1000,
    "menu/get": 10_000,
    "qrcode/create": 100_000,
}
OTHERS = 100_000
FREE = ("openapi/quota/get", "clear_quota")


def limit_of(state: State, account: Account, name: str) -> int:
    """Calls of the endpoint that the account has in a day."""
    return int(state.settings(account.slug).daily_limits.get(name, LIMITS.get(name, OTHERS)))


def count(state: State, account: Account, name: str) -> None:
    """Count a call that is about to be answered. Raises RefusedError beyond a limit, and counts nothing then."""
    if name in FREE:
        return
    book, now = state.book(account), state.now()
    today, this_minute = (name, int(now // DAY)), (name, int(now // MINUTE))
    if book.calls[today] >= limit_of(state, account, name):
        raise RefusedError(45009)
    limit = state.settings(account.slug).minute_limit
    if limit and book.calls_in_minute[this_minute] >= limit:
        raise RefusedError(45011)
    book.calls[today] += 1
    if limit:
        book.calls_in_minute[this_minute] += 1


def quota(state: State, account: Account, values: Values, known: frozenset[str]) -> dict[str, object]:
    """What is left of today's calls of the endpoint `cgi_path`."""
    name = text(values, "cgi_path").removeprefix("/").removeprefix("cgi-bin/")
    if name not in known:
        raise RefusedError(76021)
    limit = limit_of(state, account, name)
    used = state.book(account).calls[name, int(state.now() // DAY)]
    rate = {"call_count": state.settings(account.slug).minute_limit or limit, "refresh_second": MINUTE}
    return OK | {"quota": {"daily_limit": limit, "used": used, "remain": limit - used}, "rate_limit": rate}


def clear(state: State, account: Account, values: Values) -> dict[str, object]:
    """Begin today's counts anew, ten times a month at most."""
    if text(values, "appid") != account.app_id:
        raise RefusedError(40013)
    book, month = state.book(account), int(state.now() // (30 * DAY))
    if book.clearings[month] >= CLEARINGS_A_MONTH:
        raise RefusedError(48006)
    book.clearings[month] += 1
    book.calls.clear()
    book.calls_in_minute.clear()
    return OK


def endpoints(known: frozenset[str]) -> dict[str, Endpoint]:
    """The quota's own endpoints, for a platform that knows these."""
    return {
        "clear_quota": Endpoint("POST", clear, access="any"),
        "openapi/quota/get": Endpoint("POST", lambda s, a, v: quota(s, a, v, known), access="any"),
    }
