"""One table from domain errors to HTTP: problem+json under /api, a page elsewhere."""

import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, current_app, json, render_template, request
from marshmallow import ValidationError
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException

from service.errors import (
    Forbidden,
    IllegalTransition,
    InvalidInput,
    LastMessage,
    NotFound,
    Recused,
    ServiceError,
    StaleReply,
    StaleVersion,
    TooSoon,
)
from service.web import schemas
from service.web.portal_words import problem

log = logging.getLogger(__name__)
HERE = Path(__file__).parent.parent
UNSTORABLE = "something in this request is nothing that a database can keep"

HTTP_STATUS: dict[type[ServiceError], int] = {
    ServiceError: 400,
    NotFound: 404,
    Forbidden: 403,
    Recused: 403,
    IllegalTransition: 409,
    StaleVersion: 409,
    TooSoon: 409,
    StaleReply: 409,
    LastMessage: 409,
    InvalidInput: 422,
}
CODES = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 429: "too_many_requests"}


def init_app(app: Flask) -> None:
    app.register_error_handler(ServiceError, service_error)
    app.register_error_handler(ValidationError, invalid)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(DBAPIError, database_error)
    app.register_error_handler(OverflowError, beyond_bounds)


def service_error(error: ServiceError) -> Response:
    return answer(HTTP_STATUS[type(error)], error.code, str(error), **presented(error.data))


def invalid(error: ValidationError) -> Response:
    return answer(422, "invalid", "the body or the query is not acceptable", errors=error.normalized_messages())


def http_error(error: HTTPException) -> Response:
    status = error.code or 500
    extra = {} if error.response is None else dict(error.response.headers)
    made = answer(
        status, CODES.get(status, "bad_request" if status < 500 else "error"), error.description or error.name
    )
    for name, value in {**dict(error.get_headers()), **extra}.items():
        if name.lower() in ("allow", "retry-after", "location"):
            made.headers[name] = value
    return made


def database_error(error: DBAPIError) -> Response:
    """The database is away or too busy: say so, and that trying again helps."""
    if isinstance(error, DataError):  # such as a NUL in a text
        return answer(422, "invalid", UNSTORABLE)
    log.error("database error: %s", type(error.orig).__name__)
    if not isinstance(error, OperationalError) and not error.connection_invalidated:
        return answer(500, "error", "something went wrong on our side; it has been logged")
    made = answer(503, "database_away", "the database does not answer; please try again in a few seconds")
    made.headers["Retry-After"] = "5"
    return made


def beyond_bounds(error: OverflowError) -> Response:
    """A number too large for SQLite, which PostgreSQL answers with a DataError."""
    log.warning("a value beyond all bounds: %s", error)
    return answer(422, "invalid", UNSTORABLE)


def presented(data: Mapping[str, object]) -> dict[str, object]:
    """An error's data as JSON: messages through their schema, the rest as it is."""
    data = {name: schemas.local(value) if isinstance(value, datetime) else value for name, value in data.items()}
    messages = data.get("messages")
    if messages is None:
        return data
    return {**data, "messages": [schemas.message_out(m) for m in messages]}  # type: ignore[attr-defined]


def answer(status: int, code: str, detail: str, /, **more: object) -> Response:
    """problem+json for programs, a page that says what to do next for people."""
    if request.path.startswith(("/api/", "/wechat/")):
        title = HTTPStatus(status).phrase
        body = more | {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
        return Response(json.dumps(body), status=status, content_type="application/problem+json")
    if request.path.startswith(("/my/", "/progress")):  # followers, who know nothing of the desk
        return current_app.make_response((render_template("portal/problem.html", words=problem(code)), status))
    fragment = request.headers.get("HX-Request") == "true"
    page = render_template(
        "desk/_problem.html" if fragment else "error.html", status=status, detail=detail, code=code, **more
    )
    made = current_app.make_response((page, status))
    if fragment:  # shown beside the form that caused it, whatever that form targets
        made.headers["HX-Retarget"], made.headers["HX-Reswap"] = "#toasts", "beforeend"
    return made
