"""A whole installation as real processes, seen from outside: `desk up`, the simulated platform, staff and followers."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
import requests
from scenario_clients import Api, Http, Json, Phone, answered
from scenario_processes import CHECKOUT, Process, command_of, free_port

PASSWORD = "Correct-Horse-7"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
MODES = {
    "main": "safe",
    "plain": "plain",
    "compat": "compat",
    "unruly": "safe",  # whose platform makes mistakes
    "storm": "safe",
    "passive": "plain",  # uncertified
    "lists": "safe",
    "own": "safe",  # whose operator chose windows and notices
}
PEOPLE = {  # username -> roles, department
    "intake.agent": ("agent", "QGB"),
    "kfb.agent": ("agent", "KFB"),
    "kfb.colleague": ("agent", "KFB"),
    "kfb.head": ("dept_head", "KFB"),
    "jsb.agent": ("agent", "JSB"),
    "dispatcher": ("dispatcher", "QGB"),
    "caller": ("follow_up_agent", "YWB"),
    "supervisor": ("supervisor", "QGB"),
    "root": ("admin", "QGB"),
    "auditor": ("auditor", "QGB"),
}


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Rig:
    """The running installation."""

    folder: Path
    database_url: str
    redis_url: str  # "" for the embedded one
    tokens: dict[str, str] = field(default_factory=dict)
    followers: int = 0
    kept: dict[str, str] = field(default_factory=dict)  # what tests share
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
        command = (sys.executable, "-m", "simulator", "--bind", "127.0.0.1:0", "--config", str(self.simulator_config()))
        bind = f"127.0.0.1:{self.port}"
        with Process(command, self.environment, self.output) as simulator:
            platform = simulator.start().split()[1]
            self.environment["WECHAT_API_BASE_URL"] = platform
            self.control = Http(platform + "/_control")
            self.run("init")
            with self.commanding():
                self.install()
                with Process((desk_program(), "up", "--bind", bind), self.environment, self.output) as self.up:
                    self.up.start()
                    yield self

    def install(self) -> None:
        """Accounts, people and their tokens, by the commands."""
        for slug in MODES:
            self.must("account", "add", slug, *account_options(slug))
        for username, (role, department) in PEOPLE.items():
            self.must("user", "add", username, *place(role, department), typed=PASSWORD)
            self.tokens[username] = self.must("token", "add", username).strip()

    def must(self, *arguments: str, typed: str = "") -> str:
        """What a command that must succeed says on standard output."""
        said = self.command(*arguments, typed=typed)
        assert said.code == 0, (arguments, said)
        return said.out

    def command(self, *arguments: str, typed: str = "") -> Said:
        """How a `desk` command ends."""
        with self.lock:
            assert self.shell.stdin is not None
            assert self.shell.stdout is not None
            self.shell.stdin.write(json.dumps([arguments, typed]) + "\n")
            self.shell.stdin.flush()
            line = self.shell.stdout.readline()
        return Said(**json.loads(line))

    @contextmanager
    def commanding(self) -> Iterator[None]:
        """A process that runs commands."""
        script = str(Path(__file__).with_name("many_commands.py"))
        with self.output.open("a") as out:
            self.shell = subprocess.Popen(
                (sys.executable, script),
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
            )
        with self.shell:  # closes its standard input, and waits for the end
            yield

    def simulator_config(self) -> Path:
        """Accounts as the platform knows them; it tries failed pushes again a little sooner than the real one."""
        rows = [{"webhook_url": f"{self.url}/wechat/{slug}", "slug": slug, **account_fields(slug)} for slug in MODES]
        file = self.folder / "simulator.json"
        file.write_text(json.dumps({"accounts": rows, "push_spacing": 2.0, "hold_seconds": 8.0}))
        return file

    def attempt(
        self, command: Sequence[str], *, typed: str = "", environment: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end, whatever that is."""
        chosen = self.environment if environment is None else environment
        return subprocess.run(
            command, env=chosen, cwd=self.folder, input=typed, capture_output=True, text=True, timeout=60
        )

    def run(self, *arguments: str, typed: str = "") -> str:
        """What `desk` says as a process of its own, where it must succeed."""
        ended = self.attempt((desk_program(), *arguments), typed=typed)
        assert ended.returncode == 0, f"{arguments}: {ended.returncode} {ended.stdout} {ended.stderr}"
        return ended.stdout

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

    def open_many(self, texts: Sequence[str], account: str = "main", **values: object) -> list[tuple[Phone, str]]:
        """A new follower for each text, writing at once: phones and the numbers of their tickets."""
        phones = self.phones(len(texts), account)
        with ThreadPoolExecutor(8) as threads:
            numbers = threads.map(lambda pair: pair[0].opens(pair[1], **values), zip(phones, texts, strict=True))
            return list(zip(phones, numbers, strict=True))

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
        """The processes of `desk up` with this word in an argument."""
        return [process for process in self.up.family() if any(word in part for part in command_of(process))]

    def answers(self, path: str) -> bool:
        """Whether the web server says 200 there."""
        try:
            return requests.get(self.url + path, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def redis(self) -> redis.Redis:
        """The Redis of this installation."""
        if self.redis_url:
            return redis.Redis.from_url(self.redis_url)
        return redis.Redis(unix_socket_path=str(self.folder / "var" / "redis.sock"))


def desk_program() -> str:
    return str(Path(sys.executable).with_name("desk"))


def place(role: str, department: str) -> tuple[str, ...]:
    """Options of `desk user add`."""
    return ("--name", "Somebody", "--role", role, "--department", department, "--password-stdin")


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
