"""Putting the simulator together: platform API, control API and phone over one state."""

import random
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from simulator import control, control_knobs, current, h5, phone, platform_api
from simulator.config import Config
from simulator.media import MEGABYTE
from simulator.pushes import Pusher
from simulator.state import State

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: http: https:; media-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(
    config: Config | None = None,
    *,
    clock: Callable[[], float] = time.time,
    chance: Callable[[], float] = random.random,
) -> Flask:
    """The simulator as a WSGI application; its state lives in this process, so serve it with one."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 16 * MEGABYTE
    app.extensions[current.NAME] = Pusher(State(config or Config(), clock, chance))
    app.before_request(_refuse_foreign_pages)
    app.after_request(_harden)
    for blueprint in (
        platform_api.blueprint,
        control.blueprint,
        control_knobs.blueprint,
        h5.blueprint,
        phone.blueprint,
    ):
        app.register_blueprint(blueprint)
    return app


def _refuse_foreign_pages() -> None:
    """A page of another site that is open in the developer's browser must not steer the simulator."""
    origin = request.headers.get("Origin")
    if origin and request.method not in ("GET", "HEAD") and urlsplit(origin).netloc != request.host:
        abort(403)


def _harden(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
