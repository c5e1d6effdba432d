"""What the simulator's tests drive it with: a webhook of their own and a client, both over real HTTP on loopback."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask

from simulator.config import Account

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PATIENCE = 40
CREDENTIALS = {"grant_type": "client_credential", "appid": "wx0000000000000001", "secret": "secret-of-main"}


@dataclass(frozen=True)
class Received:
    """One push as the webhook saw it."""

    query: dict[str, str]
    body: str
    headers: dict[str, str]


Answerer = Callable[[Received], tuple[int, bytes]]


@dataclass
class Webhook:
    """Records pushes and answers each with the next of `answers`, then with `success`; a callable decides itself."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[bytes | int | Answerer] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, received: Received) -> tuple[int, bytes]:
        """Status and body for this push."""
        with self.lock:
            self.received.append(received)
            chosen = self.answers.pop(0) if self.answers else b"success"
        if isinstance(chosen, int):
            return chosen, b""
        return (200, chosen) if isinstance(chosen, bytes) else chosen(received)


def handler_for(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        wbufsize = -1  # headers and body in one packet

        def _reply(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                return  # the platform gave up waiting

        def _query(self) -> dict[str, str]:
            return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}

        def do_GET(self) -> None:
            self._reply(200, self._query().get("echostr", "").encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply(*webhook.answer(Received(self._query(), body, dict(self.headers))))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


def make_account(**changes: object) -> Account:
    """A certified service account in safe mode."""
    values: dict[str, object] = {
        "slug": "main",
        "app_id": "wx0000000000000001",
        "app_secret": "secret-of-main",
        "token": "tokenOfMain",
        "aes_key": AES_KEY,
        "original_id": "gh_5f2c91ab77de",
        "name": "测试服务号",
    }
    return Account(**(values | changes))  # type: ignore[arg-type]


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_795_100_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Simulator:
    """A served simulator with the few calls that tests make again and again."""

    base: str
    app: Flask
    clock: Clock
    app_id: str = "wx0000000000000001"
    secret: str = "secret-of-main"

    def get(self, path: str, **query: object) -> requests.Response:
        """GET below the base address."""
        return requests.get(self.base + path, params=query, timeout=PATIENCE)

    def post(self, path: str, body: object = None, **options: object) -> requests.Response:
        """POST JSON in the platform's manner: raw UTF-8 and no Content-Type."""
        data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return requests.post(self.base + path, data=data, timeout=PATIENCE, **options)  # type: ignore[arg-type]

    def control(self, path: str, body: object = None) -> dict:
        """POST to the control API and return the answer."""
        answer = self.post("/_control" + path, body or {})
        assert answer.ok, answer.text
        return answer.json()

    def openid(self, index: int = 0, account: int = 0) -> str:
        """Openid of a seeded follower."""
        return self.get("/_control/accounts").json()["accounts"][account]["followers"][index]["openid"]

    def say(self, openid: str, **values: object) -> dict:
        """Let the follower do something and wait for the end of its push."""
        return self.control(f"/followers/{openid}/say", {"wait": True, **values})

    def transcript(self, openid: str, **query: object) -> list[dict]:
        """The follower's lines."""
        return self.get(f"/_control/followers/{openid}/transcript", **query).json()["entries"]

    def lines(self, openid: str) -> list[tuple[str, str]]:
        """The follower's lines as (kind, text)."""
        return [(entry["kind"], entry["text"]) for entry in self.transcript(openid)]

    def stable_token(self, **changes: object) -> dict:
        """What /cgi-bin/stable_token answers."""
        body = {"grant_type": "client_credential", "appid": self.app_id, "secret": self.secret}
        return self.post("/cgi-bin/stable_token", body | changes).json()

    def api(self, name: str, body: object = None, **query: object) -> dict:
        """What an endpoint answers to the account's program: a POST of the body, or a GET without one."""
        query["access_token"] = self.stable_token()["access_token"]
        if body is None:
            return self.get(f"/cgi-bin/{name}", **query).json()
        return self.post(f"/cgi-bin/{name}", body, params=query).json()

    def wait_until_quiet(self) -> None:
        """Wait until nothing is to be pushed any more, receipts included."""
        assert self.get("/_control/pushes", wait=True, timeout=PATIENCE).json()["quiet"]

    def send(self, openid: str, token: str | None = None, **message: object) -> dict:
        """What custom/send answers; a text unless told otherwise."""
        token = self.stable_token()["access_token"] if token is None else token
        body = {"touser": openid, "msgtype": "text", "text": {"content": "您好"}} | message
        return self.post(f"/cgi-bin/message/custom/send?access_token={token}", body).json()


Start = Callable[..., Simulator]


def info(simulator: Simulator, token: str) -> dict:
    """What user/info answers about the first follower."""
    return simulator.get("/cgi-bin/user/info", access_token=token, openid=simulator.openid()).json()
