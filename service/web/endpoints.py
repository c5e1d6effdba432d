"""What the API's endpoints share: parsing by schema, the locked ticket, and what OpenAPI is made of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from marshmallow import Schema
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput, StaleVersion
from service.people import Permission
from service.tickets import access
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.web import presenting
from service.web.auth import me, needs

View = Callable[..., ResponseReturnValue]
LONGEST_VERSION = 18  # digits


@dataclass(frozen=True, slots=True)
class Contract:
    """What an endpoint takes and gives, for OpenAPI."""

    summary: str
    body: Schema | None
    query: Schema | None
    returns: type[Schema] | None
    status: int


def endpoint(
    summary: str,
    permission: Permission | str,
    *,
    body: type[Schema] | None = None,
    query: type[Schema] | None = None,
    returns: type[Schema] | None = None,
    status: int = 200,
) -> Callable[[View], View]:
    """Parse body or query by its schema and hand the values over by name."""
    contract = Contract(summary, body() if body else None, query() if query else None, returns, status)

    def wrap(view: View) -> View:
        @wraps(view)
        def run(**kwargs: object) -> Response:
            if contract.body is not None:
                kwargs["body"] = contract.body.load(json_object())
            if contract.query is not None:
                kwargs["query"] = contract.query.load(flat(request.args, contract.query))
            made = current_app.make_response(view(**kwargs))
            if made.status_code == HTTPStatus.OK:
                made.status_code = status
            return made

        run.contract = contract  # type: ignore[attr-defined]
        return needs(permission)(run)

    return wrap


def json_object() -> dict[str, object]:
    """The request's JSON object; an empty body is an empty object."""
    if not request.get_data(cache=True):
        return {}
    value = request.get_json(force=True, silent=True)
    if not isinstance(value, dict):
        raise InvalidInput(body="send a JSON object")
    return value


def flat(arguments: MultiDict[str, str], schema: Schema) -> dict[str, object]:
    """Query arguments as the schema wants them: a list only where the field is one."""
    lists = {name for name, field in schema.fields.items() if type(field).__name__ == "List"}
    return {name: arguments.getlist(name) if name in lists else value for name, value in arguments.items()}


@contextmanager
def acting(number: str, permission: Permission) -> Iterator[tuple[Session, Ticket, Deed]]:
    """One transaction with the ticket locked, the right checked, and `If-Match` honoured."""
    with transaction() as session:
        rules = presenting.rules(session)
        ticket = access.ticket_for(session, me(), number, permission, lock=True)
        refuse_stale(ticket)
        yield session, ticket, Deed(by=me(), now=utcnow(), rules=rules)


def refuse_stale(ticket: Ticket) -> None:
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    value = wanted.strip().removeprefix("W/").strip('"')
    if not value.isdecimal() or len(value) > LONGEST_VERSION:
        raise InvalidInput(**{"If-Match": "the ticket's version, a whole number"})
    if int(value) != ticket.version:
        raise StaleVersion("the ticket has changed since you read it", version=ticket.version)
