"""The control API's settings: knobs, what accounts and followers are like, and what an operator made in the console."""

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from simulator import current, menus, oauth, templates
from simulator.asking import body_of_request, guard, number
from simulator.config import ConfigError, MenuItem
from simulator.figures import figures_of
from simulator.knobs import ACCOUNT_FIELDS, ACCOUNT_NAMES, NAMES, changed_account
from simulator.state import State
from simulator.values import rows, text

blueprint = Blueprint("control_knobs", __name__, url_prefix="/_control")
guard(blueprint)
Answer = Response | tuple[Response, int]
TRAITS = {
    "muted": "is_muted",
    "blacklisted": "is_blacklisted",
    "refusing": "is_refusing",
    "following": "following",
    "unionid": "unionid",
    "remark": "remark",
    "name": "name",
    "scene": "scene",
    "subscribe_scene": "subscribe_scene",
}


def _shown(state: State, slug: str = "") -> dict[str, object]:
    settings = state.settings(slug)
    return {name: getattr(settings, name) for name in sorted(ACCOUNT_NAMES if slug else NAMES)}


@blueprint.get("/knobs")
def show_knobs() -> Answer:
    """The knobs of everybody, and what differs for single accounts."""
    state = current.state()
    with state.lock:
        own = {slug: dict(state.knobs.own(slug)) for slug in state.accounts}
        return jsonify(knobs=_shown(state), accounts=own)


@blueprint.post("/knobs")
def turn_knobs() -> Answer:
    """Turn knobs for everybody: `{name: value}`."""
    state, values = current.state(), body_of_request()
    with state.lock:
        state.knobs.turn(values)
        return jsonify(knobs=_shown(state))


@blueprint.post("/accounts/<slug>/knobs")
def turn_knobs_of_account(slug: str) -> Answer:
    """Turn knobs for one account (null: as everybody), or change its own fields such as kind, certified, ip_list."""
    state, values = current.state(), body_of_request()
    with state.lock:
        account = state.get_account(slug)
        fields = {name: value for name, value in values.items() if name in ACCOUNT_FIELDS}
        if fields:
            account = changed_account(account, fields)
        state.knobs.turn_for(slug, {name: value for name, value in values.items() if name not in fields})
        if fields:
            state.register(account)
        return jsonify(knobs=_shown(state, slug), kind=account.kind, certified=account.certified)


@blueprint.route("/accounts/<slug>/menu", methods=["GET", "POST"])
def console_menu(slug: str) -> Answer:
    """The menu as followers see it; a POST of `{button: […]}` is what somebody made in the console instead."""
    state, values = current.state(), body_of_request()
    with state.lock:
        account = state.get_account(slug)
        book = state.book(account)
        if "button" in values:
            menus.create(book, account, values)
            book.menu = menus.made_in_console(book.menu)
        elif "menu" in values:
            items = [MenuItem(text(row, "name"), text(row, "key"), text(row, "url")) for row in rows(values, "menu")]
            book.menu = menus.from_console(items)
        return jsonify(button=menus.as_json(book.menu), by_api=book.menu.by_api)


@blueprint.route("/accounts/<slug>/autoreply", methods=["GET", "POST"])
def console_autoreply(slug: str) -> Answer:
    """The console's auto-replies, as get_current_autoreply_info answers them; a POST replaces them."""
    state, values = current.state(), body_of_request()
    with state.lock:
        book = state.book(state.get_account(slug))
        if values:
            book.autoreply = values
        return jsonify(dict(book.autoreply))


@blueprint.post("/accounts/<slug>/<any(templates, notifications):kind>")
def set_templates(slug: str, kind: str) -> Answer:
    """Replace the account's templates: `{templates: [{id, title, content, is_long_term?}]}`."""
    state, values = current.state(), body_of_request()
    with state.lock:
        found = templates.templates_from(rows(values, kind))
        setattr(state.book(state.get_account(slug)), kind, found)
        return jsonify({kind: [{"id": t.id, "title": t.title, "content": t.content} for t in found.values()]})


@blueprint.get("/accounts/<slug>/qrcodes")
def list_codes(slug: str) -> Answer:
    """Every code that was created, in order."""
    state = current.state()
    with state.lock:
        codes = state.book(state.get_account(slug)).qr_codes.values()
        return jsonify(qrcodes=[{"ticket": c.ticket, "scene": c.scene, "expires_at": c.expires_at} for c in codes])


@blueprint.post("/followers/<openid>/traits")
def set_traits(openid: str) -> Answer:
    """What the follower is like: muted, blacklisted, refusing, following, unionid, remark, scene, `grants`."""
    state, values = current.state(), dict(body_of_request())
    with state.lock:
        follower = state.get_follower(openid)
        grants = values.pop("grants", None)
        if grants is not None and not isinstance(grants, Mapping):
            raise ConfigError("grants must be an object of template: messages")
        for name, value in values.items():
            if name not in TRAITS or type(value) is not type(getattr(follower, TRAITS[name])):
                raise ConfigError(f"no trait {name} of this type; known are {' '.join(TRAITS)}")
        for name, value in values.items():
            setattr(follower, TRAITS[name], value)
        if grants is not None:
            follower.grants = {str(name): int(str(count)) for name, count in grants.items()}
        return jsonify(follower.as_json(state.now()))


@blueprint.post("/followers/<openid>/code")
def issue_code(openid: str) -> Answer:
    """A code as authorize gives it, for a test without a browser: `{scope?}`."""
    state, values = current.state(), body_of_request()
    with state.lock:
        follower = state.get_follower(openid)
        scope = text(values, "scope") or "snsapi_base"
        return jsonify(code=oauth.issue(state, state.get_account(follower.account), follower, scope)), 201


@blueprint.get("/figures")
def show_figures() -> Answer:
    """What became of the pushes `after` one: outcomes, attempts, times of the webhook's answers in milliseconds."""
    pusher, after = current.pusher(), int(number(request.args, "after", 0) or 0)
    with pusher.state.lock:
        return jsonify(figures_of(pusher, after))
