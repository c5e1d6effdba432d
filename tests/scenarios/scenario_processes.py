"""Programs as processes with their output in a file, waiting for what must happen, and servers to borrow."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

import psutil
import redis

Found = TypeVar("Found")

CHECKOUT = Path(__file__).resolve().parents[2]
SHARED = 4.0  # how much longer everything may take beside the other tests
READY_SECONDS = 15.0
STOP_SECONDS = 10.0 * SHARED  # of the contract


def eventually(condition: Callable[[], Found], *, within: float = 10.0, what: object = "") -> Found:
    """The first true value of the condition; fails with `what` and the last value if none comes in time.

    `within` are the seconds of a machine that does nothing else. Here others share it: what is promised is that it
    happens, and the benchmarks say when.
    """
    pause = threading.Event()
    deadline = time.monotonic() + within * SHARED
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {what or condition}; last seen: {found!r}"
        pause.wait(0.05)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


@dataclass
class Process:
    """A program with its output in a file."""

    command: Sequence[str]
    environment: dict[str, str]
    output: Path
    popen: subprocess.Popen[bytes] | None = None
    seen: set[psutil.Process] = field(default_factory=set)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.popen is not None:
            self.stop()

    def start(self) -> str:
        """Start and wait for the line that begins with `ready `; that line."""
        before = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("a") as out:
            self.popen = subprocess.Popen(
                self.command, env=self.environment, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

        def ready() -> str:
            assert self.popen is not None
            assert self.popen.poll() is None, f"{self.command} ended: {self.output.read_text()[-4000:]}"
            new = self.output.read_bytes()[before:].decode("utf-8", "replace")
            return next((line for line in new.splitlines() if line.startswith("ready ")), "")

        return eventually(ready, within=READY_SECONDS, what=f"{self.command} ready")

    def family(self) -> list[psutil.Process]:
        """Every process below this one; all that were ever seen are remembered."""
        assert self.popen is not None
        found = psutil.Process(self.popen.pid).children(recursive=True)
        self.seen.update(found)
        return found

    def stop(self) -> int:
        """Ask it to end; the exit code. Whoever does not end in time is killed, with all below."""
        assert self.popen is not None
        if self.popen.poll() is None:
            self.family()
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(STOP_SECONDS)
        finally:
            self.popen.kill()
            self.popen.wait()
            for process in self.left_over():
                process.kill()

    def left_over(self) -> list[psutil.Process]:
        """Processes of the family that still run."""
        return [process for process in self.seen if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def empty_redis_number(url: str) -> str:
    """A number of this server that holds nothing, now marked as ours."""
    for number in range(1, 16):
        candidate = url.rstrip("/").rpartition("/")[0] if url.count("/") > 2 else url
        with redis.Redis.from_url(f"{candidate}/{number}") as client:
            if client.dbsize() == 0 and client.set("gongdan:test", os.getpid(), nx=True):
                return f"{candidate}/{number}"
    raise RuntimeError(f"no empty number from 1 to 15 on {url}")
