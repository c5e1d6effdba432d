"""A stand-in for the application: ready at once, or after a file appears."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def app(environ: dict[str, object], start_response: StartResponse) -> Iterable[bytes]:
    """`/hang` never answers, `/environment/NAME` shows a variable, the rest says whether it is ready."""
    path = str(environ["PATH_INFO"])
    if path == "/hang":
        time.sleep(600)
    if path.startswith("/environment/"):
        return _answer(start_response, "200 OK", os.environ.get(path.rpartition("/")[2], ""))
    gate = os.environ.get("STUB_READY_WHEN")
    ready = not gate or Path(gate).exists()
    return _answer(start_response, "200 OK" if ready else "503 Service Unavailable", "stub")


def _answer(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain")])
    return [text.encode()]
