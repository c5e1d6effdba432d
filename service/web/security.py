"""What every answer and every form carries: CSRF, a strict content policy, safe headers, limits."""

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect
from werkzeug.routing import IntegerConverter, Map, UnicodeConverter, ValidationError

csrf = CSRFProtect()
CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
API_LIMIT = "6000 per minute"  # for each token


class RowId(IntegerConverter):
    """The id of a row in an address; a number that no row can have is not found."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**63 - 1)


class Word(UnicodeConverter):
    """A word in an address; one that no database can hold is not found."""

    def to_python(self, value: str) -> str:
        if "\0" in value:
            raise ValidationError
        return value


def caller() -> str:
    """What a limit counts: the token of a program at the API, the address of anybody elsewhere.

    Beyond the API the header proves nothing: an invented one would escape the limit of the sign-in page.
    """
    token = request.headers.get("Authorization") if request.path.startswith("/api/") else None
    return token or get_remote_address() or "nobody"


limiter = Limiter(caller, headers_enabled=True, swallow_errors=True, in_memory_fallback_enabled=True)


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"]
    app.config.setdefault("RATELIMIT_STORAGE_URI", storage_uri(settings.redis_url))
    app.config.setdefault("RATELIMIT_KEY_PREFIX", "gongdan")
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # as long as the session: a page stays open all day
    app.url_map.converters |= {"int": RowId, "default": Word}
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(add_headers)


def storage_uri(redis_url: str) -> str:
    return redis_url.replace("unix://", "redis+unix://", 1)


def add_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.endpoint != "static" and not request.path.startswith("/wechat/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
