"""Web pages that ask who reads them: what authorize accepts, the codes, and their exchange for an openid."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from simulator.book import OAuthCode
from simulator.config import Account
from simulator.endpoints import Endpoint
from simulator.state import OPENID_LENGTH, Follower, State
from simulator.tokens import RefusedError
from simulator.values import Values, text

ORDER = ["appid", "redirect_uri", "response_type", "scope", "state"]
SCOPES = ("snsapi_base", "snsapi_userinfo")
STATE = re.compile(r"[A-Za-z0-9]{0,128}")
TOKEN_SECONDS = 7200
SNAPSHOT_OPENID = "oSnapshotUserNobodyInReality"[:OPENID_LENGTH]


class AuthorizeError(ValueError):
    """What the page says instead of sending the visitor back; the number is the platform's."""


@dataclass(frozen=True, slots=True)
class Request:
    """A visit to authorize that is in order."""

    account: Account
    redirect_uri: str
    scope: str
    state: str


def checked(state: State, names: Sequence[str], values: Mapping[str, str]) -> Request:
    """The request with these parameters in this order; raises AuthorizeError."""
    account = state.account_by_app_id(values.get("appid", ""))
    if account is None:
        raise AuthorizeError("AppID 参数错误（40013）")
    if [name for name in names if name in ORDER] != [name for name in ORDER if name in values]:
        raise AuthorizeError(f"参数顺序错误：应为 {' '.join(ORDER)}")
    if values.get("response_type") != "code":
        raise AuthorizeError("response_type 参数错误：应为 code")
    if values.get("scope") not in SCOPES or not account.certified or account.kind != "service":
        raise AuthorizeError("Scope 参数错误或没有 Scope 权限（10005）")
    parts = urlsplit(values.get("redirect_uri", ""))
    if parts.scheme not in ("http", "https") or account.oauth_domain not in ("", parts.netloc):
        raise AuthorizeError("redirect_uri 域名与后台配置不一致（10003）")
    if not STATE.fullmatch(values.get("state", "")):
        raise AuthorizeError("state 参数错误：只能是字母和数字，最多 128 个")
    return Request(account, values["redirect_uri"], values["scope"], values.get("state", ""))


def issue(state: State, account: Account, follower: Follower, scope: str) -> str:
    """A new code for the follower."""
    code = "0" + secrets.token_hex(15) + "w3"
    seconds = state.settings(account.slug).oauth_code_seconds
    state.book(account).oauth_codes[code] = OAuthCode(follower.openid, scope, state.now() + seconds)
    return code


def address(request: Request, code: str) -> str:
    """Where the visitor goes back to, with the code and the state."""
    parts = urlsplit(request.redirect_uri)
    added = urlencode({"code": code, "state": request.state})
    return parts._replace(query=f"{parts.query}&{added}" if parts.query else added).geturl()


def exchange(state: State, account: Account, values: Values) -> dict[str, object]:
    """The openid behind a code, once. Raises RefusedError."""
    code = text(values, "code")
    if not code:
        raise RefusedError(41008)
    found = state.book(account).oauth_codes.get(code)
    if found is None:
        raise RefusedError(40029)
    if found.used:
        raise RefusedError(40163)
    if state.now() >= found.expires_at:
        raise RefusedError(42003)
    found.used = True
    answer: dict[str, object] = {
        "access_token": "SIMWEB_" + secrets.token_urlsafe(60),
        "expires_in": TOKEN_SECONDS,
        "refresh_token": "SIMREF_" + secrets.token_urlsafe(60),
        "openid": found.openid,
        "scope": found.scope,
    }
    if state.settings(account.slug).snapshot_user:
        return answer | {"openid": SNAPSHOT_OPENID, "is_snapshotuser": 1}
    follower = state.followers.get(found.openid)
    return answer | ({"unionid": follower.unionid} if follower and follower.unionid else {})


ENDPOINTS = {
    "sns/oauth2/access_token": Endpoint("GET", exchange, access="service", grant_type="authorization_code"),
}
