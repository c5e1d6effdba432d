"""A person at a browser without scripts: fills in forms, carries cookies and the token against forgery."""

import re
from html import unescape

from flask import Flask
from werkzeug.test import TestResponse

from service.people import User
from tests.factories import PASSWORD

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


class Visitor:
    """Somebody whose browser holds a session, or none yet."""

    def __init__(self, app: Flask) -> None:
        self._app, self._client = app, app.test_client()

    def get(self, path: str, *, htmx: bool = False, **query: object) -> TestResponse:
        headers = {"HX-Request": "true"} if htmx else {}
        with self._app.app_context():  # a context of its own, as on a server: nothing is left from the page before
            return self._client.get(path, query_string=query or None, headers=headers, buffered=True)

    def post(self, path: str, fields: dict[str, object] | None = None, *, htmx: bool = False) -> TestResponse:
        """Send a form of ours."""
        headers = {"HX-Request": "true"} if htmx else {}
        with self._app.app_context():
            return self._client.post(path, data={"csrf_token": self._token(), **(fields or {})}, headers=headers)

    def post_bare(self, path: str, fields: dict[str, object]) -> TestResponse:
        """Send a form that another site made up."""
        with self._app.app_context():
            return self._client.post(path, data=fields)

    def sign_in(self, username: str, password: str = PASSWORD, **query: str) -> TestResponse:
        path = "/sign-in" + "".join(f"?{name}={value}" for name, value in query.items())
        return self.post(path, {"username": username, "password": password})

    def _token(self) -> str:
        with self._app.app_context():
            found = TOKEN.search(self._client.get("/no-such-page").text)
        assert found
        return found.group(1)


def visitor(app: Flask, user: User) -> Visitor:
    """A person who has signed in."""
    made = Visitor(app)
    with made._client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = user.get_id(), True
    return made


def words_of(page: TestResponse) -> str:
    """What a person reads on the page, without the tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
