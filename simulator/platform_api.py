"""The platform's API under /cgi-bin: tokens, permissions, faults and answers around one function an endpoint."""

import json
import re
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response, request

from simulator import current, custom_send
from simulator.config import Account
from simulator.errcodes import MESSAGES
from simulator.faults import Fault
from simulator.state import Call, State
from simulator.tokens import RefusedError, Token

blueprint = Blueprint("platform", __name__, url_prefix="/cgi-bin")
HTML_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
JSON_TYPE = "application/json; encoding=utf-8"
# an odd number of backslashes before the u; an even one is a backslash that somebody typed
ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[0-7])[0-9a-fA-F]{4}")
Answer = dict[str, object] | Response


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API function; `authorised` ones need a token, and all of these but a few a certified account."""

    method: str
    run: Callable[[State, Account], Answer]
    authorised: bool = True
    certified: bool = True


@dataclass(slots=True)
class Exchange:
    """What is learnt about a call while it is answered, for the log."""

    account: str = ""
    openid: str = ""


@blueprint.route("/<path:name>", methods=["GET", "POST"])
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
        return _refusal(RefusedError(int(value)))
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
            account = _account(state, endpoint)
            exchange.account = account.slug
            if account.ip_list and request.remote_addr not in account.ip_list:
                raise RefusedError(40164, request.remote_addr or "")
            if endpoint.certified and not account.certified:
                raise RefusedError(48001)
            answer = endpoint.run(state, account)
    except RefusedError as refused:
        return _refusal(refused)
    return answer if isinstance(answer, Response) else _json(answer)


def _openid() -> str:
    body = request.get_json(force=True, silent=True) if request.method == "POST" and not request.files else None
    named = body.get("touser") if isinstance(body, dict) else request.args.get("openid")
    return named if isinstance(named, str) else ""


def _account(state: State, endpoint: Endpoint) -> Account:
    if not endpoint.authorised:
        return _applicant(state)
    app_id = state.tokens.check(request.args.get("access_token", ""), state.now())
    account = state.account_by_app_id(app_id)
    if account is None:
        raise RefusedError(40001)
    return account


def _applicant(state: State) -> Account:
    """The account that asks for a token with its secret."""
    values = body_of_request(state) if request.method == "POST" else dict(request.args)
    if values.get("grant_type") != "client_credential":
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


def body_of_request(state: State) -> dict[str, object]:
    """The JSON object of the request, whatever its Content-Type; raises RefusedError."""
    raw = request.get_data()
    if not raw:
        raise RefusedError(44002)
    if state.config.unicode_escapes == "refuse" and ESCAPE.search(raw):
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


def _token_answer(state: State, token: Token) -> Answer:
    return {"access_token": token.value, "expires_in": max(1, int(token.expires_at - state.now()))}


def _stable_token(state: State, account: Account) -> Answer:
    is_forced = body_of_request(state).get("force_refresh") is True
    issue = state.tokens.force if is_forced else state.tokens.stable
    return _token_answer(state, issue(account.app_id, state.now()))


def _token(state: State, account: Account) -> Answer:
    return _token_answer(state, state.tokens.ordinary(account.app_id, state.now()))


def _upload(state: State, account: Account) -> Answer:
    part = request.files.get("media")
    if part is None:
        raise RefusedError(41005)
    kind = request.args.get("type") or request.form.get("type", "")
    item = state.store(account.slug, kind, part.read())
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: item.id, "created_at": int(item.created_at)}


def _get_media(state: State, account: Account) -> Answer:
    media_id = request.args.get("media_id", "")
    if not media_id:
        raise RefusedError(41006)
    item = state.find_media(account, media_id)
    if item.type == "video":
        return {"video_url": f"{request.host_url}media/{item.id}"}
    response = Response(item.data, content_type=item.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{item.filename}"'
    return response


def _user(state: State, account: Account) -> Answer:
    follower = state.recipient(account, request.args.get("openid", ""))
    if not follower.following:
        return {"subscribe": 0, "openid": follower.openid, "tagid_list": []}
    empty = {"nickname": "", "sex": 0, "language": "", "city": "", "province": "", "country": "", "headimgurl": ""}
    return empty | {
        "subscribe": 1,
        "openid": follower.openid,
        "subscribe_time": int(follower.subscribed_at),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0,
        "qr_scene_str": "",
    }


ENDPOINTS = {
    "stable_token": Endpoint("POST", _stable_token, authorised=False, certified=False),
    "token": Endpoint("GET", _token, authorised=False, certified=False),
    "getcallbackip": Endpoint("GET", lambda state, account: {"ip_list": ["127.0.0.1"]}, certified=False),
    "message/custom/send": Endpoint("POST", lambda s, a: custom_send.send(s, a, body_of_request(s))),
    "message/custom/typing": Endpoint("POST", lambda s, a: custom_send.typing(s, a, body_of_request(s))),
    "media/upload": Endpoint("POST", _upload),
    "media/get": Endpoint("GET", _get_media),
    "user/info": Endpoint("GET", _user),
}
