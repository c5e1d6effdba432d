"""`desk up`: everything of an installation in the foreground, from the first check to the last process."""

import asyncio
import contextlib
import fcntl
import os
import signal
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TextIO

from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from service.config import Settings, embedded_socket
from service.runtime.addresses import Address
from service.runtime.programs import Parts, Places, Program, child_environment, programs, simulator_program
from service.runtime.refusal import RefusedError
from service.runtime.supervisor import Supervisor

READY_SECONDS = 30.0
ASK_SECONDS = 0.2  # between two looks at /readyz
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the preparation hands on: lines for the person who started us, and the simulator's own options."""

    lines: tuple[str, ...] = ()
    simulator_options: tuple[str, ...] = ()


Prepare = Callable[[Places], Prepared]


class _StoppedEarly(BaseException):
    """A signal to stop came before there was anything to stop."""


def run(
    settings: Settings,
    *,
    bind: str,
    demo: bool,
    environment: Mapping[str, str],
    prepare: Prepare,
    parts: Parts | None = None,
) -> int:
    """Run until told to stop; the exit code. `prepare` brings the database up to date and may raise RefusedError."""
    try:
        with _signals_end_preparation():
            return _run(settings, _places(bind, demo=demo), environment, prepare, parts or Parts())
    except RefusedError as refusal:
        _complain(str(refusal))
        return 2
    except _StoppedEarly:
        return 0


def _run(settings: Settings, places: Places, environment: Mapping[str, str], prepare: Prepare, parts: Parts) -> int:
    with _only_one(settings):
        chosen = programs(settings, places.web, parts)
        prepared = prepare(places)
        if places.simulator:
            chosen.append(simulator_program(places.simulator, parts, prepared.simulator_options))
        asyncio.run(_supervise(chosen, child_environment(environment, settings, places), places, prepared))
    return 0


async def _supervise(chosen: list[Program], environment: Mapping[str, str], places: Places, prepared: Prepared) -> None:
    supervisor = Supervisor(chosen, environment=environment, say=_say)
    told_to_stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    await supervisor.start()
    tasks = [asyncio.create_task(supervisor.watch()), asyncio.create_task(_announce(places, prepared))]
    await told_to_stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await supervisor.stop()
    _say("stopped")


async def _announce(places: Places, prepared: Prepared) -> None:
    """Say when the service answers, and what the preparation has to tell."""
    loop = asyncio.get_running_loop()
    patience_ends = loop.time() + READY_SECONDS
    missing: str | None = ""
    while missing is not None and loop.time() < patience_ends:
        await asyncio.sleep(ASK_SECONDS)
        missing = await _what_is_missing(places.web)
    _say(f"ready {places.web.url}" if missing is None else f"ready {places.web.url} but not complete: {missing}")
    for line in prepared.lines:
        _say(line)


async def _what_is_missing(web: Address) -> str | None:
    """None once /readyz answers 200; else what it says."""
    try:
        answer = await AsyncHTTPClient().fetch(f"{web.url}/readyz", raise_error=False, request_timeout=5)
    except (OSError, HTTPClientError) as error:
        return str(error)
    return None if answer.code == 200 else answer.body.decode("utf-8", "replace").strip()


def _places(bind: str, *, demo: bool) -> Places:
    web = Address.parse(bind)
    if demo and not web.is_loopback:
        raise RefusedError(f"The demo is for this machine only: listen on 127.0.0.1 instead of {web.host}.")
    if not web.is_free():
        raise RefusedError(f"Port {web.port} of {web.host} is taken: stop what listens there, or choose another port.")
    return Places(web=web, simulator=replace(web, port=web.port + 1).next_free() if demo else None)


@contextlib.contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Make the installation's folders and hold its lock. Raises RefusedError where another `up` holds it.

    Two of them may share a DATA_DIR only when Redis is elsewhere: each would start an embedded one on the same socket.
    """
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not settings.embedded_redis:
        yield
        return
    _make_socket_folder(settings.data_dir)
    with open(settings.data_dir / "up.lock", "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            where = settings.data_dir
            raise RefusedError(f"Another `desk up` runs on {where}: stop it, or name another DATA_DIR.") from error
        yield


def _make_socket_folder(data_dir: Path) -> None:
    """The folder of the Redis socket; outside DATA_DIR, others must not be able to put theirs there."""
    folder = embedded_socket(data_dir).parent
    if folder == data_dir:
        return
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise RefusedError(f"{folder} is open to other users: delete it, or choose a DATA_DIR with a shorter path.")


@contextlib.contextmanager
def _signals_end_preparation() -> Iterator[None]:
    """Until the supervisor takes them, signals to stop end the preparation, whose transaction is rolled back."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise _StoppedEarly

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    _write(sys.stdout, line)


def _complain(line: str) -> None:
    _write(sys.stderr, line)


def _write(stream: TextIO, line: str) -> None:
    # the terminal or the pipe may be gone; that is no reason to leave processes without their supervisor
    with contextlib.suppress(OSError):
        print(line, file=stream, flush=True)
