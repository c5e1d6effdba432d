"""The platform's API: rights, limits, faults and answers around one function an endpoint, which live by theme."""

import json
import re
import secrets
import socket
import time
from dataclasses import dataclass

from flask import Blueprint, Response, request

from simulator import basics, current, custom_send, media_api, oauth, people, qrcodes, quotas, tags, templates
from simulator.config import Account
from simulator.endpoints import Endpoint, is_allowed
from simulator.errcodes import MESSAGES
from simulator.faults import Fault
from simulator.state import Call, State
from simulator.tokens import RefusedError
from simulator.values import Values

blueprint = Blueprint("platform", __name__)
HTML_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
JSON_TYPE = "application/json; encoding=utf-8"
# an odd number of backslashes before the u; an even one is a backslash that somebody typed
ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
THEMES = (basics, custom_send, media_api, people, tags, qrcodes, templates, oauth)
ENDPOINTS: dict[str, Endpoint] = {name: endpoint for theme in THEMES for name, endpoint in theme.ENDPOINTS.items()}
ENDPOINTS |= quotas.endpoints(frozenset(ENDPOINTS))


@dataclass(slots=True)
class Exchange:
    """What is learnt about a call while it is answered, for the log."""

    account: str = ""
    openid: str = ""


@blueprint.route("/cgi-bin/<path:name>", methods=["GET", "POST"])
def call(name: str) -> Response:
    """Answer one API call, spoiled by a fault where one strikes, and log it."""
    state, started, exchange = current.state(), time.monotonic(), Exchange()
    _read_body()
    exchange.openid = _openid()
    with state.lock:
        exchange.account = _caller(state)
        fault = state.faults.take(name, exchange.account)
    response = _spoiled(state, name, fault, exchange)
    body = response.get_json(silent=True) if response.is_json else None
    errcode = body.get("errcode") if isinstance(body, dict) else None
    elapsed = int((time.monotonic() - started) * 1000)
    kind = fault.kind if fault else ""
    state.log_call(
        Call(state.now(), name, exchange.account, exchange.openid, response.status_code, errcode, kind, elapsed)
    )
    return response


@blueprint.route("/<any(sns, wxaapi):family>/<path:name>", methods=["GET", "POST"])
def call_elsewhere(family: str, name: str) -> Response:
    """The same for the functions that are not below /cgi-bin; their names begin with the family."""
    return call(f"{family}/{name}")


def _read_body() -> None:
    """Take the whole body in before any lock, so that a slow caller holds up nobody."""
    if request.mimetype == "multipart/form-data":
        request.files.keys()
    else:
        request.get_data(cache=True)


def _caller(state: State) -> str:
    """Slug of the account whose token or appid came with the call, without judging it; empty if neither tells."""
    token = state.tokens.issued.get(request.args.get("access_token", ""))
    body = request.get_json(force=True, silent=True) if request.method == "POST" and not request.files else None
    named = body.get("appid") if isinstance(body, dict) else request.args.get("appid")
    account = state.account_by_app_id(token.app_id if token else str(named or ""))
    return account.slug if account else ""


def _spoiled(state: State, name: str, fault: Fault | None, exchange: Exchange) -> Response:
    if fault is None:
        return _answer(state, name, exchange)
    value = state.config.hold_seconds if fault.value is None else fault.value
    if fault.kind == "latency":
        state.stopping.wait(value)
        return _answer(state, name, exchange)
    if fault.kind == "drop_after_accept":
        _answer(state, name, exchange)
    if fault.kind in ("timeout", "drop_after_accept"):
        state.stopping.wait(value)
        return _hang_up()
    if fault.kind == "errcode":
        return _refusal(RefusedError(int(value), request.remote_addr or ""))
    return Response(HTML_PAGE, status=int(value) if fault.kind == "http" else 200, mimetype="text/html")


def _hang_up() -> Response:
    """Close the connection without an answer; a server that hides its socket answers an empty 504."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)
    return Response("", status=504)


def _answer(state: State, name: str, exchange: Exchange) -> Response:
    try:
        endpoint = ENDPOINTS.get(name)
        if endpoint is None:
            raise RefusedError(40066)
        if request.method != endpoint.method:
            raise RefusedError(43002 if endpoint.method == "POST" else 43001)
        with state.lock:
            account = _applicant(state, endpoint) if endpoint.grant_type else _bearer(state)
            exchange.account = account.slug
            _check_rights(state, account, endpoint, name)
            answer = endpoint.run(state, account, _values(state, account, endpoint))
    except RefusedError as refused:
        return _refusal(refused)
    return answer if isinstance(answer, Response) else _json(answer)


def _check_rights(state: State, account: Account, endpoint: Endpoint, name: str) -> None:
    # a web page's exchange of a code needs no listed address
    if account.ip_list and request.remote_addr not in account.ip_list and endpoint.grant_type != "authorization_code":
        raise RefusedError(40164, request.remote_addr or "")
    if not is_allowed(endpoint, account):
        raise RefusedError(48001)
    if not endpoint.grant_type:
        quotas.count(state, account, name)


def _openid() -> str:
    body = request.get_json(force=True, silent=True) if request.method == "POST" and not request.files else None
    named = body.get("touser") if isinstance(body, dict) else request.args.get("openid")
    return named if isinstance(named, str) else ""


def _bearer(state: State) -> Account:
    """The account whose access token came with the call."""
    token = request.args.get("access_token", "")
    account = state.account_by_app_id(state.tokens.check(token, state.now()))
    if account is None:
        raise RefusedError(40001)
    state.tokens.use(token, state.settings(account.slug).token_dies_after)
    return account


def _values(state: State, account: Account, endpoint: Endpoint) -> Values:
    if endpoint.method == "POST" and not endpoint.is_upload:
        return _body(state.settings(account.slug).unicode_escapes)
    return dict(request.args)


def _applicant(state: State, endpoint: Endpoint) -> Account:
    """The account that proves itself with its secret."""
    values = _body("accept") if request.method == "POST" else dict(request.args)
    if values.get("grant_type") != endpoint.grant_type:
        raise RefusedError(40002)
    if not values.get("appid"):
        raise RefusedError(41002)
    if not values.get("secret"):
        raise RefusedError(41004)
    account = state.account_by_app_id(str(values["appid"]))
    if account is None:
        raise RefusedError(40013)
    if not secrets.compare_digest(str(values["secret"]).encode(), account.app_secret.encode()):
        raise RefusedError(40125)
    return account


def _body(unicode_escapes: str) -> dict[str, object]:
    """The JSON object of the request, whatever its Content-Type; raises RefusedError."""
    raw = request.get_data()
    if not raw:
        raise RefusedError(44002)
    if unicode_escapes == "refuse" and ESCAPE.search(raw):
        raise RefusedError(40033)
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise RefusedError(47001) from error
    if not isinstance(body, dict):
        raise RefusedError(47001)
    return body


def _refusal(refused: RefusedError) -> Response:
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    message = MESSAGES.get(refused.errcode, "error").format(detail=refused.detail)
    return _json({"errcode": refused.errcode, "errmsg": f"{message} rid: {rid}"})


def _json(body: dict[str, object]) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), content_type=JSON_TYPE)
