"""Servers of the tests' own on loopback: a robot's vendor that speaks HTTP, and one that takes mail by SMTP."""

import base64
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, bytes]
HANG_UP = (0, b"")


def as_json(status: int = 200, **fields: object) -> Answer:
    return status, json.dumps(fields).encode()


@dataclass
class FakeVendor:
    """Remembers what robots were told; answers as laid, else that all is well."""

    base_url: str = ""
    said: list[dict[str, object]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)  # used up from the front
    meanwhile: Callable[[], object] | None = None  # happens while the sender waits for the answer

    @property
    def origin(self) -> str:
        return self.base_url

    def url(self, path: str = "/robot/send?access_token=t0ken") -> str:
        return self.base_url + path

    @property
    def texts(self) -> list[str]:
        return [str(body.get("text") or body.get("content")) for body in self.said]


@contextmanager
def running_vendor() -> Iterator[FakeVendor]:
    vendor, lock = FakeVendor(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            with lock:
                vendor.said.append(json.loads(body))
                vendor.queries.append(query)
                laid = (
                    vendor.answers.pop(0) if vendor.answers else as_json(errcode=0, errmsg="ok", code=0, msg="success")
                )
            if vendor.meanwhile is not None:
                vendor.meanwhile()
            if laid == HANG_UP:
                self.close_connection = True
                return
            status, content = laid
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", vendor.url("/elsewhere"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor.base_url = f"http://127.0.0.1:{server.server_port}"
    with serving(server):
        yield vendor


USUAL = {"EHLO": "250-loopback\r\n250 AUTH PLAIN", "AUTH": "235 yes"}


@dataclass
class FakeMailServer:
    """Remembers the letters it took; says to a command what is laid for it, else yes."""

    url: str = ""
    letters: list[tuple[str, EmailMessage]] = field(default_factory=list)  # recipient, what they got
    replies: dict[str, str] = field(default_factory=dict)  # "RCPT" -> "550 no such user"
    logins: list[str] = field(default_factory=list)
    hangs_up_after_data: bool = False
    meanwhile: Callable[[], object] | None = None  # happens while the sender waits for the answer

    @property
    def texts(self) -> list[str]:
        return [letter.get_content() for _, letter in self.letters]


class MailHandler(socketserver.StreamRequestHandler):
    """One session with the fake mail server, which is the server's `found`."""

    def setup(self) -> None:
        super().setup()
        self.found: FakeMailServer = self.server.found  # type: ignore[attr-defined]
        self.to = ""

    def handle(self) -> None:
        self._say("220 loopback")
        while line := self.rfile.readline():
            command = line[:4].upper().decode()
            if command == "DATA" and command not in self.found.replies:
                if not self._takes_letter():
                    return
                continue
            self._note(command, line.decode())
            self._say(self.found.replies.get(command, USUAL.get(command, "250 yes")))
            if command == "QUIT":
                return

    def _note(self, command: str, line: str) -> None:
        if command == "RCPT":
            self.to = line.partition("<")[2].partition(">")[0]
        if command == "AUTH":
            self.found.logins.append(base64.b64decode(line.split()[-1]).decode())

    def _takes_letter(self) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line[1:] if line.startswith(b"..") else line)
        if self.found.meanwhile is not None:
            self.found.meanwhile()
        if self.found.hangs_up_after_data:
            return False
        reply = self.found.replies.get("END", "250 taken")
        if reply.startswith("2"):
            letter = message_from_bytes(b"".join(lines), policy=policy.default)
            assert isinstance(letter, EmailMessage)
            self.found.letters.append((self.to, letter))
        self._say(reply)
        return True

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def running_mail_server() -> Iterator[FakeMailServer]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler)
    server.daemon_threads = True
    found = FakeMailServer(f"smtp://127.0.0.1:{server.server_address[1]}")
    server.found = found  # type: ignore[attr-defined]
    with serving(server):
        yield found


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
