"""A whole installation as real processes, seen from outside: `desk up`, the simulated platform, staff and followers."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
import redis
import requests

Found = TypeVar("Found")
Json = dict[str, Any]

CHECKOUT = Path(__file__).resolve().parents[2]
READY_SECONDS = 60.0
STOP_SECONDS = 10.0  # of the contract
NUMBER = re.compile(r"GD\d{8}-\d{4,}")
PASSWORD = "Correct-Horse-7"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
MODES = {"main": "safe", "plain": "plain", "compat": "compat", "unruly": "safe", "storm": "safe", "passive": "plain"}
PEOPLE = {  # username -> roles, department
    "intake.agent": ("agent", "QGB"),
    "kfb.agent": ("agent", "KFB"),
    "kfb.colleague": ("agent", "KFB"),
    "kfb.head": ("dept_head", "KFB"),
    "jsb.agent": ("agent", "JSB"),
    "dispatcher": ("dispatcher", "QGB"),
    "caller": ("follow_up_agent", "QGB"),
    "supervisor": ("supervisor", "QGB"),
    "root": ("admin", "QGB"),
    "auditor": ("auditor", "QGB"),
}
# each command is the real one; one process runs many, because most of a command's time is its imports
MANY_COMMANDS = "import json, sys; from service.cli import main; [main(list(row)) for row in json.loads(sys.argv[1])]"


def eventually(condition: Callable[[], Found], *, within: float = 10.0, what: str = "") -> Found:
    """The first true value of the condition; fails with `what` and the last value if none comes in time."""
    pause = threading.Event()
    deadline = time.monotonic() + within
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


class Http:
    """JSON over HTTP with one base address and the same headers each time."""

    def __init__(self, base: str, **headers: str) -> None:
        self.base, self.session = base, requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self.session.mount("http://", adapter)

    def get(self, path: str, /, **query: object) -> requests.Response:
        return self.session.get(self.base + path, params=query, timeout=70)  # type: ignore[arg-type]

    def post(self, path: str, body: object = None, /, **headers: str) -> requests.Response:
        return self.session.post(self.base + path, json={} if body is None else body, headers=headers, timeout=70)


class Api(Http):
    """The service's API as one member of staff."""

    def ticket(self, number: str) -> Json:
        return answered(self.get(f"/tickets/{number}"))

    def messages(self, number: str, direction: str = "") -> list[Json]:
        items = answered(self.get(f"/tickets/{number}/messages"))["items"]
        return [item for item in items if direction in ("", item["direction"])]

    def message(self, number: str, message_id: int) -> Json:
        return next(item for item in self.messages(number) if item["id"] == message_id)

    def state(self, number: str, message_id: int) -> str:
        """The delivery state of a reply."""
        state: str = self.message(number, message_id)["delivery"]["state"]
        return state

    def events(self, number: str) -> list[Json]:
        items: list[Json] = answered(self.get(f"/tickets/{number}/events"))["items"]
        return items

    def act(self, number: str, action: str, /, **body: object) -> Json:
        """Do it; what the service answers."""
        return answered(self.post(f"/tickets/{number}/{action}", body))

    def reply(self, number: str, text: str, kind: str = "interim", **body: object) -> Json:
        return self.act(number, "reply", text=text, kind=kind, **body)

    def attempt(self, number: str, action: str, /, **body: object) -> tuple[int, str]:
        """Status and, where it is a problem, its code."""
        answer = self.post(f"/tickets/{number}/{action}", body)
        return answer.status_code, "" if answer.ok else answer.json()["code"]


def answered(answer: requests.Response) -> Json:
    """The JSON of an answer that must be good."""
    assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    found: Json = answer.json()
    return found


class Phone:
    """One follower's phone, through the simulator's control API."""

    def __init__(self, control: Http, openid: str) -> None:
        self.control, self.openid = control, openid

    def does(self, kind: str, /, **values: object) -> Json:
        """Do something on the phone and wait for the end of its push, which must arrive: the push."""
        push = self.tries(kind, **values)
        assert push["state"] in ("handled", "shown"), push
        return push

    def tries(self, kind: str, /, **values: object) -> Json:
        """The same where it may fail."""
        return answered(self.control.post(f"/followers/{self.openid}/say", {"type": kind, "wait": True, **values}))

    def says(self, text: str, **values: object) -> Json:
        return self.does("text", text=text, **values)

    def opens(self, text: str, **values: object) -> str:
        """Write about a new matter; the number in the receipt."""
        self.says(text, **values)
        return self.number()

    def number(self) -> str:
        """The ticket's number in the newest receipt."""
        receipts = self.lines("receipt")
        found = NUMBER.findall(receipts[-1]) if receipts else []
        assert len(found) == 1, f"one number in the receipt expected: {receipts}"
        return str(found[0])

    def lines(self, kind: str) -> list[str]:
        """Texts on the phone, of kind mine, receipt, reply or failure."""
        answer = self.control.get(f"/followers/{self.openid}/transcript", kind=kind)
        return [entry["text"] for entry in answered(answer)["entries"]]

    def hears(self, count: int, *, within: float = 15.0) -> list[str]:
        """Wait until so many replies are on the phone; their texts."""
        query = {"kind": "reply", "count": count, "wait": "true", "timeout": within}
        entries = answered(self.control.get(f"/followers/{self.openid}/transcript", **query))["entries"]
        texts = [entry["text"] for entry in entries]
        assert len(texts) >= count, f"{count} replies expected within {within} s: {texts}"
        return texts

    def window(self, **values: object) -> None:
        """Set the platform's idea of the reply window: `remaining`, `seconds`."""
        answered(self.control.post(f"/followers/{self.openid}/window", values))


@dataclass
class Rig:
    """The running installation."""

    folder: Path
    database_url: str
    redis_url: str  # "" for the embedded one
    tokens: dict[str, str] = field(default_factory=dict)
    followers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.output = self.folder / "output.txt"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = inherited | {
            "DATABASE_URL": self.database_url,
            "DATA_DIR": str(self.folder / "var"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(CHECKOUT),  # this very checkout, wherever the environment was made
        }
        if self.redis_url:
            self.environment["REDIS_URL"] = self.redis_url
        self.apis: dict[str, Api] = {}

    @contextmanager
    def running(self) -> Iterator["Rig"]:
        """Everything installed and started; nothing of it is left afterwards."""
        simulator = Process(
            (sys.executable, "-m", "simulator", "--bind", "127.0.0.1:0", "--config", str(self.simulator_config())),
            self.environment,
            self.output,
        )
        try:
            platform = simulator.start().split()[1]
            self.environment["WECHAT_API_BASE_URL"] = platform
            self.control = Http(platform + "/_control")
            self.install()
            bind = f"127.0.0.1:{self.port}"
            self.up = Process((desk_program(), "up", "--bind", bind), self.environment, self.output)
            try:
                self.up.start()
                yield self
            finally:
                if self.up.popen is not None:
                    self.up.stop()
        finally:
            if simulator.popen is not None:
                simulator.stop()

    def install(self) -> None:
        """Database, accounts, people and their tokens, by the commands."""
        self.run("init")
        commands = [["account", "add", slug, *account_options(slug)] for slug in MODES]
        for username, (role, department) in PEOPLE.items():
            place = ["--name", username, "--role", role, "--department", department, "--password-stdin"]
            commands += [["user", "add", username, *place], ["token", "add", username]]
        passwords = f"{PASSWORD}\n" * len(PEOPLE)
        command = (sys.executable, "-c", MANY_COMMANDS, json.dumps(commands))
        said = self.finish(command, typed=passwords).stdout.splitlines()
        made = [line for line in said if line.startswith("gd_")]
        self.tokens = dict(zip(PEOPLE, made, strict=True))

    def simulator_config(self) -> Path:
        """Accounts as the platform knows them; it tries failed pushes again a little sooner than the real one."""
        rows = [
            {"webhook_url": f"{self.url}/wechat/{slug}", "slug": slug, **account_fields(slug)} for slug in MODES
        ]
        file = self.folder / "simulator.json"
        file.write_text(json.dumps({"accounts": rows, "push_spacing": 2.0, "hold_seconds": 8.0}))
        return file

    def finish(self, command: Sequence[str], *, typed: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a program of this installation to its end, which must be good."""
        ended = self.attempt(command, typed=typed)
        assert ended.returncode == 0, f"{command}: {ended.returncode} {ended.stdout} {ended.stderr}"
        return ended

    def attempt(self, command: Sequence[str], *, typed: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, input=typed, capture_output=True, text=True, timeout=60
        )

    def run(self, *arguments: str, typed: str = "") -> str:
        """What a `desk` command that must succeed says on standard output."""
        return self.finish((desk_program(), *arguments), typed=typed).stdout

    def api(self, username: str) -> Api:
        if username not in self.apis:
            self.apis[username] = self.api_with(self.tokens[username])
        return self.apis[username]

    def api_with(self, token: str) -> Api:
        return Api(self.url + "/api/v1", Authorization=f"Bearer {token}")

    def phone(self, account: str = "main") -> Phone:
        return self.phones(1, account)[0]

    def phones(self, count: int, account: str = "main") -> list[Phone]:
        """Followers that nobody has met."""
        with self.lock:
            first, self.followers = self.followers, self.followers + count
        rows = [{"account": account, "name": f"follower {first + place}"} for place in range(count)]
        made = answered(self.control.post("/followers", {"followers": rows}))["followers"]
        return [Phone(self.control, row["openid"]) for row in made]

    @contextmanager
    def fault(self, endpoint: str, kind: str, *, account: str = "unruly", **values: object) -> Iterator[None]:
        """A fault of the platform while the block runs."""
        row = {"endpoint": endpoint, "kind": kind, "account": account, **values}
        answered(self.control.post("/faults", row))
        try:
            yield
        finally:
            self.control.session.delete(self.control.base + "/faults", timeout=10)

    def programs(self, word: str) -> list[psutil.Process]:
        """The processes of `desk up` with this word in an argument; the scheduler is `cron` and no worker."""
        found = [(process, command_of(process)) for process in self.up.family()]
        return [
            process
            for process, command in found
            if any(word in argument for argument in command) and (word == "cron" or command[-1] != "cron")
        ]

    def redis(self) -> redis.Redis:
        """The Redis of this installation."""
        if self.redis_url:
            return redis.Redis.from_url(self.redis_url)
        return redis.Redis(unix_socket_path=str(self.folder / "var" / "redis.sock"))


def desk_program() -> str:
    return str(Path(sys.executable).with_name("desk"))


def account_fields(slug: str) -> Json:
    """An official account, as both sides know it."""
    number = list(MODES).index(slug)
    return {
        "app_id": f"wx{number:016}",
        "app_secret": f"secret-of-{slug}",
        "token": f"tokenof{slug}",
        "aes_key": AES_KEY,
        "mode": MODES[slug],
        "original_id": f"gh_{number:012}",
        "kind": "subscription" if slug == "passive" else "service",
        "certified": slug != "passive",
    }


def account_options(slug: str) -> list[str]:
    fields = account_fields(slug)
    certified = fields.pop("certified")
    options = ["--name", f"Account {slug}"]
    for name, value in fields.items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    return options if certified else [*options, "--uncertified"]


def empty_redis_number(url: str) -> str:
    """A number of this server that holds nothing, now marked as ours."""
    for number in range(1, 16):
        candidate = url.rstrip("/").rpartition("/")[0] if url.count("/") > 2 else url
        with redis.Redis.from_url(f"{candidate}/{number}") as client:
            if client.dbsize() == 0 and client.set("gongdan:test", os.getpid(), nx=True):
                return f"{candidate}/{number}"
    raise RuntimeError(f"no empty number from 1 to 15 on {url}")
