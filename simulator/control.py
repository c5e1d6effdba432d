"""The control API under /_control: what tests and demonstrations may see and do."""

import secrets
import time
from dataclasses import asdict

import requests
from flask import Blueprint, Response, jsonify, request

from simulator import acting, current, wire
from simulator.asking import body_of_request, guard, number, patience
from simulator.config import Account, ConfigError, account_from
from simulator.faults import Fault
from simulator.inbound import ActError
from simulator.pushes import Push
from simulator.state import State

blueprint = Blueprint("control", __name__, url_prefix="/_control")
guard(blueprint)
Answer = Response | tuple[Response, int]


def _account_json(state: State, account: Account) -> dict[str, object]:
    fields = {name: value for name, value in asdict(account).items() if name not in ("app_secret", "token", "aes_key")}
    followers = [follower.as_json(state.now()) for follower in state.followers_of(account.slug)]
    return fields | {"followers": followers}


@blueprint.get("/accounts")
def list_accounts() -> Answer:
    """Every account with its followers, without secrets."""
    state = current.state()
    with state.lock:
        return jsonify(accounts=[_account_json(state, account) for account in state.accounts.values()])


@blueprint.post("/accounts")
def register_account() -> Answer:
    """Add an account, or change the one with this slug."""
    state, account = current.state(), account_from(body_of_request())
    try:
        state.register(account)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    return jsonify(_account_json(state, account)), 201


@blueprint.post("/accounts/<slug>/verify")
def verify_webhook(slug: str) -> Answer:
    """Do what the operator's "save" does: ask the webhook to echo a text."""
    account = current.state().get_account(slug)
    stamp, nonce, echo = str(int(time.time())), secrets.token_hex(5), secrets.token_hex(10)
    query = {"signature": wire.signature(account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce}
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(account.webhook_url, params=query | {"echostr": echo}, timeout=5)
    except requests.RequestException as error:
        return jsonify(ok=False, status=None, why=type(error).__name__)
    return jsonify(ok=answer.ok and answer.content == echo.encode(), status=answer.status_code)


@blueprint.post("/followers")
def add_follower() -> Answer:
    """Add a follower `{account, name, openid?, following?}`, or several under `followers`."""
    state, body = current.state(), body_of_request()
    rows = body.get("followers", [body])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ActError("followers must be a list of objects")
    with state.lock:
        added = [
            state.add_follower(
                str(row.get("account", "")),
                str(row.get("name") or "粉丝"),
                openid=str(row.get("openid") or ""),
                following=row.get("following") is not False,
            ).as_json(state.now())
            for row in rows
        ]
    return jsonify(followers=added, **added[0] if len(added) == 1 else {}), 201


@blueprint.get("/followers/<openid>")
def show_follower(openid: str) -> Answer:
    """One follower with the window."""
    state = current.state()
    return jsonify(state.get_follower(openid).as_json(state.now()))


@blueprint.post("/followers/<openid>/say")
def say(openid: str) -> Answer:
    """Let the follower do something (`simulator.acting.act`); answers with the push, finished if `wait` is true."""
    body = body_of_request()
    pushes = acting.act(current.state(), current.pusher(), openid, body)
    _await(pushes, patience(body))
    return jsonify(pushes[0].as_json() | {"copies": [push.as_json() for push in pushes[1:]]}), 202


def _await(pushes: list[Push], seconds: float) -> None:
    if seconds:
        current.state().wait_for(lambda: all(push.is_finished for push in pushes), seconds)


@blueprint.get("/followers/<openid>/pushes")
def list_pushes_of(openid: str) -> Answer:
    """The follower's last `limit` pushes, newest first."""
    limit = int(number(request.args, "limit", 20) or 0)
    pushes = current.pusher().latest(current.state().get_follower(openid).openid, limit)
    return jsonify(pushes=[push.as_json() for push in pushes])


@blueprint.get("/pushes/<int:push_id>")
def show_push(push_id: int) -> Answer:
    """One push with its attempts; `wait=true&timeout=` answers when it is finished."""
    push = current.pusher().get(push_id)
    _await([push], patience(request.args))
    return jsonify(push.as_json())


@blueprint.get("/pushes")
def list_pushes() -> Answer:
    """How many pushes there are by state; `wait=true&timeout=` answers when none waits or runs."""
    pusher, state, seconds = current.pusher(), current.state(), patience(request.args)
    if seconds:
        state.wait_for(pusher.is_quiet, seconds)
    with state.lock:
        states = [push.state for push in pusher.pushes.values()]
        return jsonify(quiet=pusher.is_quiet(), total=len(states), states={name: states.count(name) for name in states})


@blueprint.get("/followers/<openid>/transcript")
def transcript(openid: str) -> Answer:
    """What the follower sees: `after` an entry's id, of a `kind`; `count` waits (`wait=true`) for so many."""
    state = current.state()
    follower = state.get_follower(openid)
    after, kind = int(number(request.args, "after", 0) or 0), request.args.get("kind", "")
    count = int(number(request.args, "count", 1) or 1)

    def entries() -> list[dict[str, object]]:
        found = [entry for entry in follower.transcript if entry.id > after]
        return [entry.as_json() for entry in found if kind in ("", entry.kind)]

    seconds = patience(request.args)
    if seconds:
        state.wait_for(lambda: len(entries()) >= count, seconds)
    with state.lock:
        return jsonify(follower=follower.as_json(state.now()), entries=entries())


@blueprint.post("/followers/<openid>/window")
def set_window(openid: str) -> Answer:
    """Set `remaining` and `deadline` (Unix seconds, or `seconds` from now) of the reply window."""
    state, body = current.state(), body_of_request()
    remaining, seconds = number(body, "remaining"), number(body, "seconds")
    deadline = number(body, "deadline") if seconds is None else state.now() + seconds
    follower = acting.set_window(
        state, openid, remaining=None if remaining is None else int(remaining), deadline=deadline
    )
    return jsonify(follower.as_json(state.now()))


@blueprint.get("/faults")
def list_faults() -> Answer:
    """The faults in force."""
    state = current.state()
    with state.lock:
        return jsonify(faults=[asdict(fault) for fault in state.faults.active])


@blueprint.post("/faults")
def add_fault() -> Answer:
    """Add `{endpoint, kind, value?, times?, probability?, account?}`; see `simulator.faults.Fault`."""
    state, body = current.state(), body_of_request()
    times = number(body, "times")
    with state.lock:
        fault = Fault(
            id=state.next_fault_id(),
            endpoint=str(body.get("endpoint", "*")),
            kind=str(body.get("kind", "")),
            value=number(body, "value"),
            times=None if times is None else int(times),
            probability=number(body, "probability", 1.0) or 0.0,
            account=str(body.get("account") or ""),
        )
        state.faults.active.append(fault)
        return jsonify(asdict(fault)), 201


@blueprint.delete("/faults")
def clear_faults() -> Answer:
    """Remove every fault, or those of `endpoint`."""
    state, endpoint = current.state(), request.args.get("endpoint")
    with state.lock:
        kept = [fault for fault in state.faults.active if endpoint not in (None, fault.endpoint)]
        removed = len(state.faults.active) - len(kept)
        state.faults.active[:] = kept
        return jsonify(removed=removed)


@blueprint.post("/accounts/<slug>/tokens/<any(kill, expire):what>")
def end_tokens(slug: str, what: str) -> Answer:
    """Kill the account's tokens (40001 from now on) or let them run out (42001)."""
    state = current.state()
    with state.lock:
        app_id = state.get_account(slug).app_id
        ended = state.tokens.kill(app_id) if what == "kill" else state.tokens.expire(app_id, state.now())
        return jsonify(ended=ended)


@blueprint.get("/calls")
def list_calls() -> Answer:
    """Counts by endpoint and the last `limit` calls, newest first, of `endpoint` and `account` where given."""
    state, wanted = (
        current.state(),
        {n: request.args[n] for n in ("endpoint", "account", "openid") if n in request.args},
    )
    limit = int(number(request.args, "limit", 100) or 0)
    with state.lock:
        rows = [asdict(call) for call in reversed(state.calls)]
        fitting = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
        return jsonify(counts=dict(state.call_counts), calls=fitting[:limit])


@blueprint.post("/clock")
def advance_clock() -> Answer:
    """Advance the platform's time by `advance_seconds`: windows, tokens and media age; pushes keep the wall clock."""
    state, body = current.state(), body_of_request()
    with state.lock:
        state.clock_ahead += number(body, "advance_seconds", 0.0) or 0.0
        return jsonify(now=state.now(), ahead=state.clock_ahead)


@blueprint.post("/reset")
def reset() -> Answer:
    """Forget everything but the configured accounts."""
    current.pusher().clear()
    current.state().reset()
    return jsonify(ok=True)
