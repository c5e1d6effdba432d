"""What a program asks the platform about itself: tokens, tickets, addresses, auto-replies. Raises RefusedError."""

import secrets

from simulator import menus
from simulator.config import Account
from simulator.endpoints import OK, Answer, Endpoint
from simulator.state import State
from simulator.tokens import LAST_MINUTES, RefusedError, Token
from simulator.values import Values, text

TICKET_SECONDS = 7200.0
TICKET_TYPES = ("jsapi", "wx_card")


def _token_answer(state: State, token: Token) -> Answer:
    return {"access_token": token.value, "expires_in": max(1, int(token.expires_at - state.now()))}


def stable_token(state: State, account: Account, values: Values) -> Answer:
    """The account's stable token; a new one where that is forced."""
    issue = state.tokens.force if values.get("force_refresh") is True else state.tokens.stable
    return _token_answer(state, issue(account.app_id, state.now()))


def token(state: State, account: Account, values: Values) -> Answer:
    """A new token of the old kind."""
    return _token_answer(state, state.tokens.ordinary(account.app_id, state.now()))


def js_ticket(state: State, account: Account, values: Values) -> Answer:
    """The ticket with which pages sign; the same until its last minutes."""
    kind = text(values, "type")
    if kind not in TICKET_TYPES:
        raise RefusedError(40097)
    tickets, now = state.book(account).js_tickets, state.now()
    value, ends_at = tickets.get(kind, ("", 0.0))
    if ends_at - now <= LAST_MINUTES:
        value, ends_at = "SIMTICKET_" + secrets.token_urlsafe(60), now + TICKET_SECONDS
        tickets[kind] = (value, ends_at)
    return OK | {"ticket": value, "expires_in": int(ends_at - now)}


def autoreply(state: State, account: Account, values: Values) -> Answer:
    """The rules that the operator made in the console, as the account's `autoreply` has them."""
    return {"is_add_friend_reply_open": 0, "is_autoreply_open": 0} | dict(state.book(account).autoreply)


def _addresses(state: State, account: Account, values: Values) -> Answer:
    return {"ip_list": ["127.0.0.1"]}


ENDPOINTS = {
    "stable_token": Endpoint("POST", stable_token, access="any", grant_type="client_credential"),
    "token": Endpoint("GET", token, access="any", grant_type="client_credential"),
    "getcallbackip": Endpoint("GET", _addresses, access="any"),
    "get_api_domain_ip": Endpoint("GET", _addresses, access="any"),
    "ticket/getticket": Endpoint("GET", js_ticket),
    "get_current_autoreply_info": Endpoint("GET", autoreply, access="any"),
    "get_current_selfmenu_info": Endpoint("GET", lambda s, a, v: menus.current(s.book(a)), access="any"),
    "menu/create": Endpoint("POST", lambda s, a, v: menus.create(s.book(a), a, v)),
    "menu/get": Endpoint("GET", lambda s, a, v: menus.get(s.book(a))),
    "menu/delete": Endpoint("GET", lambda s, a, v: menus.delete(s.book(a))),
}
