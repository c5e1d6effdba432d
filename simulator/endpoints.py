"""What one function of the platform's API is: who may call it, and what it is called with."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from simulator.config import Account
from simulator.state import State
from simulator.values import Values

Answer = dict[str, object] | Response
Run = Callable[[State, Account, Values], Answer]
OK: dict[str, object] = {"errcode": 0, "errmsg": "ok"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API function. `run` gets the JSON body of a POST, or the query of a GET and of an upload.

    `access` says whose account may call it: `any`, `certified`, or `service` (a certified service account). Where
    `grant_type` is given, the caller proves itself with appid and secret, else with an access token.
    """

    method: str
    run: Run
    access: str = "certified"
    grant_type: str = ""
    is_upload: bool = False


def is_allowed(endpoint: Endpoint, account: Account) -> bool:
    """Whether the account's kind and certification give the right to this function."""
    if endpoint.access == "any":
        return True
    return account.certified and (endpoint.access == "certified" or account.kind == "service")
