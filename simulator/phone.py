"""The phone page: one chats as one of several followers; its own small JSON endpoints feed it once a second."""

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from simulator import acting, current, h5, menus, qrcodes, recordings
from simulator.config import Account, ConfigError
from simulator.inbound import ActError
from simulator.pushes import Push
from simulator.state import Follower, State, UnknownError
from simulator.tokens import RefusedError

blueprint = Blueprint("phone", __name__)
PUSHES_SHOWN = 6
# what a visitor may do by hand; raw documents and faults are for the control API
ALLOWED = (
    "text",
    "voice",
    "video",
    "location",
    "link",
    "sticker",
    "image",
    "subscribe",
    "unsubscribe",
    "click",
    "menu",
    "scan",
    "subscribe_popup",
    "subscribe_change",
)
FIELDS = ("type", "text", "menu_id", "key", "name", "at", "ticket", "scene", "answers")
CODES_SHOWN = 12
MESSAGES = {40005: "不支持这种文件", 40009: "图片不能超过 10 MB", 44001: "文件是空的"}


@blueprint.get("/")
def page() -> ResponseReturnValue:
    """The chat page; everything on it comes from `/phone/state`."""
    return render_template("phone.html")


@blueprint.get("/favicon.ico")
def icon() -> ResponseReturnValue:
    """Where browsers look for the icon of what is no page."""
    return redirect(url_for("static", filename="icon.svg"))


@blueprint.get("/phone/state")
def show_state() -> Response:
    """Accounts, the account's followers, and the chosen follower's lines after the entry `after`."""
    state, after = current.state(), request.args.get("after", 0, int)
    with state.lock:
        account = state.accounts.get(request.args.get("account", "")) or next(iter(state.accounts.values()), None)
        followers = state.followers_of(account.slug) if account else []
        wanted = request.args.get("openid", "")
        chosen = next((f for f in followers if f.openid == wanted), followers[0] if followers else None)
        # a page that asks for another follower than it gets must not skip lines
        seen = after if chosen and chosen.openid == wanted else 0
        answer = jsonify(
            now=state.now(),
            epoch=state.epoch,
            accounts=[{"slug": a.slug, "name": a.name or a.slug, "mode": a.mode} for a in state.accounts.values()],
            account=account.slug if account else None,
            menu=menus.as_json(state.book(account).menu) if account else [],
            codes=_codes(state, account) if account else [],
            notifications=_notifications(state, account) if account else [],
            followers=[_row(state, follower) for follower in followers],
            follower=chosen.as_json(state.now()) if chosen else None,
            entries=[entry.as_json() for entry in chosen.transcript if entry.id > seen] if chosen else [],
            pushes=[_push(push) for push in current.pusher().latest(chosen.openid, PUSHES_SHOWN)] if chosen else [],
        )
    # a link that is opened from here is opened on this follower's phone
    if chosen and chosen.openid == wanted != request.cookies.get(h5.cookie_of(chosen.account)):
        h5.remember(answer, chosen)
    return answer


def _codes(state: State, account: Account) -> list[dict[str, str]]:
    """The newest codes that still work."""
    found = [code for code in state.book(account).qr_codes.values() if qrcodes.find(state, code.ticket)]
    return [{"ticket": code.ticket, "scene": code.scene} for code in found[-CODES_SHOWN:]]


def _notifications(state: State, account: Account) -> list[dict[str, str]]:
    return [{"id": template.id, "title": template.title} for template in state.book(account).notifications.values()]


def _row(state: State, follower: Follower) -> dict[str, object]:
    last = follower.transcript[-1] if follower.transcript else None
    heard = [entry.id for entry in follower.transcript if entry.kind != "mine"]
    return {
        "openid": follower.openid,
        "name": follower.name,
        "following": follower.following,
        "last": {"type": last.content.type, "text": last.content.text[:40], "at": last.at} if last else None,
        "heard": heard[-99:],
    }


def _push(push: Push) -> dict[str, object]:
    tries = [{"status": a.status, "why": a.verdict.why, "ms": int(a.duration * 1000)} for a in push.attempts]
    return {"id": push.id, "state": push.state, "attempts": tries}


@blueprint.post("/phone/<openid>/act")
def do(openid: str) -> ResponseReturnValue:
    """The follower does something by hand."""
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict) or body.get("type") not in ALLOWED:
        abort(400)
    values = {name: body[name] for name in FIELDS if name in body}
    return _act(openid, values)


@blueprint.post("/phone/<openid>/picture")
def send_picture(openid: str) -> ResponseReturnValue:
    """The follower sends a picture of the visitor's own."""
    part = request.files.get("picture")
    if part is None:
        abort(400)
    return _act(openid, {"type": "image", "file": part.read()})


def _act(openid: str, values: dict[str, object]) -> ResponseReturnValue:
    try:
        pushes = acting.act(current.state(), current.pusher(), openid, values)
    except UnknownError:
        return jsonify(error="没有这个粉丝"), 404
    except acting.NotFollowingError:
        return jsonify(error="请先关注公众号"), 409
    except RefusedError as refused:
        return jsonify(error=MESSAGES.get(refused.errcode, f"平台拒绝（{refused.errcode}）")), 422
    except (ActError, ConfigError, menus.TapError) as error:
        return jsonify(error=str(error)), 422
    return jsonify(push=pushes[0].id), 202


@blueprint.get("/media/<media_id>")
def show_media(media_id: str) -> Response:
    """A file as the phone shows it, and where `PicUrl` and `video_url` lead."""
    item = current.state().media.get(media_id)
    if item is None:
        abort(404)
    answer = Response(item.data, content_type=item.content_type, headers={"Cache-Control": "private, max-age=3600"})
    # players of films ask for parts
    answer.make_conditional(request, accept_ranges=True, complete_length=len(item.data))
    return answer


@blueprint.get("/media/<media_id>/sound")
def play(media_id: str) -> Response:
    """A voice as browsers play it; 404 if it is unknown or no sound."""
    item = current.state().media.get(media_id)
    if item is None:
        abort(404)
    try:
        sound = recordings.as_wav(item.data)
    except recordings.UnplayableError:
        abort(404)
    return Response(sound, content_type="audio/wav", headers={"Cache-Control": "private, max-age=3600"})
