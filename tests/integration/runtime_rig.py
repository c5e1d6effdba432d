"""A real `up` of its own for a test: its output, its processes by name, and the certainty that nothing of it stays."""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
from scenario_processes import SHARED, eventually

CHECKOUT = Path(__file__).resolve().parents[2]
STUB = CHECKOUT / "tests" / "integration" / "runtime_stub"
STOPPED_WITHIN = 10.0  # seconds, of the contract


class Up:
    """A running `up`, its output, and its processes by name."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.data_dir = folder / "var"
        self._output = folder / "output.txt"
        paths = os.pathsep.join([str(CHECKOUT), str(STUB)])
        own = {"DATA_DIR": str(self.data_dir), "STUB_PREPARED": str(folder / "prepared"), "PYTHONPATH": paths}
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self._output.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(STUB / "start.py"), *(arguments or ("127.0.0.1:0",))],
                env=inherited | own | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
        self.seen: set[psutil.Process] = set()

    def __str__(self) -> str:
        return f"a ready line of {self.process}, which says {self.lines}"

    @property
    def lines(self) -> list[str]:
        return self._output.read_text(encoding="utf-8").splitlines()

    def line(self, beginning: str) -> str:
        return next((line for line in self.lines if line.startswith(beginning)), "")

    def wait_until_ready(self) -> str:
        """The address that the ready line shows."""
        ready = eventually(lambda: self.line("ready "), within=15, what=self)
        self.family()
        return str(ready).split()[1]

    def family(self) -> list[psutil.Process]:
        """Every process below `up`; all that were ever seen are remembered."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        self.seen.update(found)
        return found

    def children(self, word: str) -> list[psutil.Process]:
        """The direct children that have the word in an argument."""
        direct = psutil.Process(self.process.pid).children()
        return [child for child in direct if any(word in argument for argument in command_of(child))]

    def tell(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.family()
        self.process.send_signal(number)
        return self.process.wait(timeout=STOPPED_WITHIN * SHARED)

    def left_over(self) -> list[psutil.Process]:
        return [process for process in self.seen if is_alive(process)]

    def end(self) -> None:
        """Nothing of it lives afterwards, whatever the test did."""
        if self.process.poll() is None:
            self.family()
            self.process.kill()
            self.process.wait()
        for process in self.left_over():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        return answer.read().decode()


def answers(url: str) -> bool:
    try:
        return get(f"{url}/readyz") == "stub"
    except OSError:
        return False
