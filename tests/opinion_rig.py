"""A stand-in for a language model's API on loopback: remembers what it was asked, answers as laid."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.messenger_rig import serving

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """What goes back. `trickles`: a byte at a time, for ever; `silent`: nothing, until the stand-in ends."""

    status: int = 200
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    trickles: bool = False
    silent: bool = False


def completion(said: object, **more: object) -> Answer:
    """A chat completion whose words are these; anything but a text is written as JSON."""
    words = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
    body = {"choices": [{"message": {"role": "assistant", "content": words}}], "usage": {"total_tokens": 321}}
    return Answer(content=json.dumps(body | more).encode())


def opinion(category: str = "complaint", confidence: float = 0.9, reason: str = "表达不满并要求处理") -> Answer:
    return completion({"category": category, "confidence": confidence, "reason": reason})


@dataclass
class StandIn:
    """Answers from the front of `answers`, else with `usual`."""

    url: str = ""
    asked: list[dict[str, object]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    usual: Answer = field(default_factory=opinion)
    meanwhile: Callable[[], object] | None = None  # happens while the asker waits
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def bodies(self) -> str:
        return json.dumps(self.asked, ensure_ascii=False)

    @property
    def texts(self) -> list[str]:
        """What it was given to judge."""
        return [json.loads(body["messages"][-1]["content"])["message"] for body in self.asked]  # type: ignore[index]


@contextmanager
def running_model() -> Iterator[StandIn]:
    found, lock = StandIn(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                found.asked.append(json.loads(body))
                found.headers.append(dict(self.headers))
                found.paths.append(self.path)
                answer = found.answers.pop(0) if found.answers else found.usual
            if found.meanwhile is not None:
                found.meanwhile()
            self.close_connection = True
            if answer.silent:
                found.ended.wait()
                return
            self._say(answer)

        def do_GET(self) -> None:
            found.paths.append(self.path)
            self._say(Answer())

        def _say(self, answer: Answer) -> None:
            size = 10_000_000 if answer.trickles else len(answer.content)
            self.send_response(answer.status)
            for name, value in ({"Content-Type": JSON, "Content-Length": str(size)} | dict(answer.headers)).items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(answer.content)
                while answer.trickles and not found.ended.wait(0.01):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            except OSError:  # the asker has gone
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/v1"
    with serving(server):
        try:
            yield found
        finally:
            found.ended.set()
