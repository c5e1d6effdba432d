"""Circus as a library: starts programs, brings back those that die, stops them all and leaves no orphan."""

import asyncio
import ctypes
import functools
import logging
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil
from circus.arbiter import Arbiter
from circus.exc import ConflictError
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

from service.runtime import leash
from service.runtime.programs import Program

CHECK_SECONDS = 0.1  # a dead process is noticed after this; costs 1 % of a core
GRACE_SECONDS = 6.0  # then a process that does not stop is killed
LAST_GRACE_SECONDS = 2.0  # the same for those that stop last
PR_SET_CHILD_SUBREAPER = 36

log = logging.getLogger("service.runtime")

Say = Callable[[str], None]


class Supervisor:
    """The processes of one installation. Use inside a running event loop."""

    def __init__(self, programs: Iterable[Program], *, environment: Mapping[str, str], say: Say) -> None:
        logging.getLogger("circus").setLevel(logging.ERROR)
        _adopt_orphans()
        self._say = say
        self._programs = list(programs)
        self._spawned: Counter[str] = Counter()
        self._endings: dict[str, list[str]] = {program.name: [] for program in self._programs}
        self._watchers = {program.name: self._watcher(program, environment) for program in self._programs}
        # inproc: nobody else can give orders, and no port is opened. A negative delay: `watch` asks for the checks,
        # because circus' own timer logs an error for each check that meets a start or a stop
        self._arbiter = Arbiter(
            list(self._watchers.values()), "inproc://orders", "inproc://news", check_delay=-1, loop=IOLoop.current()
        )
        # circus takes the signals of the terminal; they belong to whoever uses this class
        self._arbiter.ctrl.sys_hdl.stop()

    async def start(self) -> None:
        """Start everything, in the order of the list."""
        await self._arbiter.start()

    async def watch(self) -> None:
        """Bring back what dies, until cancelled."""
        while True:
            try:
                await self._arbiter.manage_watchers()
                for watcher in self._watchers.values():
                    # circus gives up on a program that could not be started at all; we do not
                    if watcher.is_stopped():
                        await watcher.start()
            except ConflictError:
                pass  # a start or a stop is under way; the next check comes soon
            except Exception:
                log.exception("a check of the processes failed; the next one comes soon")
            await asyncio.sleep(CHECK_SECONDS)

    async def stop(self) -> None:
        """Stop everything, kill what does not stop, and end whatever the processes left behind."""
        last = [self._watchers[program.name] for program in self._programs if program.stops_last]
        rest = [watcher for watcher in self._watchers.values() if watcher not in last]
        for watchers in (rest, last):
            await self._stop_watchers(watchers)
        await self._arbiter.stop()
        await asyncio.sleep(0)  # circus closes its sockets in the next turn of the loop
        _kill(psutil.Process().children(recursive=True))

    async def _stop_watchers(self, watchers: list[Watcher]) -> None:
        while True:
            try:
                await self._arbiter.stop_watchers(watcher_iter_func=lambda reverse: watchers)
            except ConflictError:
                await asyncio.sleep(0.05)
            else:
                return

    def _watcher(self, program: Program, environment: Mapping[str, str]) -> Watcher:
        leashed = [str(Path(leash.__file__)), str(psutil.Process().pid), *program.command]
        return Watcher(
            program.name,
            shlex.quote(sys.executable),
            args=["-I", "-S", *leashed],
            numprocesses=program.count,
            env=dict(environment),
            close_child_stdout=program.is_mute,
            graceful_timeout=LAST_GRACE_SECONDS if program.stops_last else GRACE_SECONDS,
            hooks={
                "after_spawn": (functools.partial(self._after_spawn, program), True),
                "after_reap": (functools.partial(self._after_reap, program), True),
            },
        )

    def _after_spawn(self, program: Program, *, pid: int, **_: object) -> bool:
        self._spawned[program.name] += 1
        if self._spawned[program.name] > program.count:
            self._end_orphans()
            endings = self._endings[program.name]
            reason = f": {endings.pop(0)}" if endings else ""
            self._say(f"restarted {program.name} (pid {pid}){reason}")
        return True

    def _after_reap(self, program: Program, *, process_pid: int, exit_code: int, **_: object) -> bool:
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        self._endings[program.name].append(f"pid {process_pid} {how}")
        return True

    def _end_orphans(self) -> None:
        """Kill what a dead process left behind: its successor must not meet it."""
        ours = {pid for watcher in self._watchers.values() for pid in watcher.processes}
        _kill(child for child in psutil.Process().children() if child.pid not in ours)


def _adopt_orphans() -> None:
    """Processes whose parent dies become our children, so that we see them and can end them."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
            process.wait(timeout=1)
        except (psutil.NoSuchProcess, psutil.TimeoutExpired):
            continue
