"""Pages and pictures of the platform that a follower's browser opens: authorize and showqrcode."""

from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from simulator import current, oauth, qrcodes
from simulator.config import Account
from simulator.state import Follower, State

blueprint = Blueprint("h5", __name__)


def cookie_of(slug: str) -> str:
    """The cookie that holds who the browser's phone belongs to, at this account."""
    return f"phone_{slug}"


def remember(response: ResponseReturnValue, follower: Follower) -> ResponseReturnValue:
    """From now on this browser is the follower's phone."""
    if isinstance(response, Response):
        response.set_cookie(cookie_of(follower.account), follower.openid, httponly=True, samesite="Lax")
    return response


@blueprint.get("/connect/oauth2/authorize")
def authorize() -> ResponseReturnValue:
    """Send the visitor back with a code if it is known who they are, else ask them."""
    state = current.state()
    with state.lock:
        try:
            wanted = oauth.checked(state, list(request.args.keys()), request.args)
        except oauth.AuthorizeError as error:
            return render_template("authorize.html", problem=str(error), account=None, people=[]), 400
        account = wanted.account
        follower = _visitor(state, account)
        if follower is not None:
            back = redirect(oauth.address(wanted, oauth.issue(state, account, follower, wanted.scope)))
            return remember(back, follower)
        people = [(f.name, _address_as(f)) for f in state.followers_of(account.slug)]
    return render_template("authorize.html", problem="", account=account, people=people)


def _visitor(state: State, account: Account) -> Follower | None:
    named = request.args.get("openid") or request.cookies.get(cookie_of(account.slug), "")
    follower = state.followers.get(named)
    return follower if follower is not None and follower.account == account.slug else None


def _address_as(follower: Follower) -> str:
    return f"{request.path}?{urlencode([*request.args.items(), ('openid', follower.openid)])}"


@blueprint.get("/cgi-bin/showqrcode")
def show_code() -> ResponseReturnValue:
    """The picture of a code; 404 if the ticket is unknown or has run out."""
    state = current.state()
    with state.lock:
        code = qrcodes.find(state, request.args.get("ticket", ""))
    if code is None:
        abort(404)
    return Response(qrcodes.picture(code), content_type="image/png")
