"""`desk up` with real processes and a stand-in application: what starts, what comes back, what is left behind."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis
from runtime_rig import STOPPED_WITHIN, Up, answers, command_of, get
from scenario_processes import eventually

from service.config import Settings
from service.runtime.up import run

BACK_WITHIN = 2.0  # seconds, of the contract


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `up` in a folder of its own; afterwards nothing of it lives."""
    started: list[Up] = []

    def start_up(*arguments: str, folder: Path = tmp_path, **environment: str) -> Up:
        folder.mkdir(exist_ok=True)
        started.append(Up(folder, *arguments, **environment))
        return started[-1]

    yield start_up
    for up in started:
        up.end()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One that runs with everything, for tests that leave it running."""
    up = Up(tmp_path_factory.mktemp("demo"), "127.0.0.1:0", "--demo", WORKERS="2", WEB_WORKERS="2")
    try:
        up.wait_until_ready()
        yield up
    finally:
        up.end()


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Calls `up` where it cannot start; what it says."""

    def call(bind: str, *, demo: bool = False) -> str:
        settings = Settings.from_environment({"DATA_DIR": str(tmp_path / "var")})
        code = run(settings, bind=bind, demo=demo, environment={}, prepare=lambda places: pytest.fail("prepared"))
        assert code == 2
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return call


def test_everything_runs_and_is_announced_once_it_answers(demo: Up) -> None:
    url = demo.wait_until_ready()

    assert get(f"{url}/readyz") == "stub"
    counts = {word: len(demo.children(word)) for word in ("granian", "worker.py", "cron", "redis-server", "simulated")}
    assert counts == {"granian": 2, "worker.py": 4, "cron": 1, "redis-server": 1, "simulated": 1}
    eventually(lambda: "hello from the preparation" in demo.lines, within=5, what="what the preparation had to tell")
    assert [line for line in demo.lines if line.startswith("ready ")] == [f"ready {url}"]


def test_processes_are_told_the_addresses_that_were_chosen(demo: Up) -> None:
    url = demo.wait_until_ready()

    line = eventually(lambda: demo.line("simulated with --bind 127.0.0.1:"), within=5, what=demo)
    options = str(line).removeprefix("simulated with --bind ").split(maxsplit=1)
    assert options[1] == "--config stub.json"
    assert get(f"{url}/environment/PUBLIC_URL") == url
    assert get(f"{url}/environment/WECHAT_API_BASE_URL") == f"http://{options[0]}"


def test_embedded_redis_answers_on_its_socket_and_on_no_port(demo: Up) -> None:
    with redis.Redis(unix_socket_path=str(demo.data_dir / "redis.sock")) as client:
        assert client.ping()
    (server,) = demo.children("redis-server")
    assert server.net_connections(kind="inet") == []


def test_a_named_redis_is_used_instead_of_an_embedded_one(start: Callable[..., Up]) -> None:
    up = start(REDIS_URL="redis://127.0.0.1:6379/15")
    up.wait_until_ready()

    assert up.children("redis-server") == []


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("worker.py", "worker"),
        ("cron", "cron"),
        ("redis-server", "redis"),
        ("granian", "web"),
        ("simulated", "simulator"),
    ],
)
def test_a_killed_child_is_back_within_two_seconds_and_a_line_says_so(demo: Up, word: str, name: str) -> None:
    demo.wait_until_ready()
    victim = next(child for child in demo.children(word) if name != "worker" or "default" in command_of(child))

    victim.kill()

    def announcement() -> str:
        return next((line for line in demo.lines if line.endswith(f": pid {victim.pid} was killed by signal 9")), "")

    line = str(eventually(announcement, within=BACK_WITHIN, what=f"{name} restarted"))
    assert line.startswith(f"restarted {name} (pid ")
    successor = psutil.Process(int(line.split("(pid ")[1].split(")")[0]))
    eventually(
        lambda: any(word in argument for argument in command_of(successor)),
        within=BACK_WITHIN,
        what="the successor runs the same command",
    )


def test_a_killed_web_process_behind_the_server_is_back_too(start: Callable[..., Up]) -> None:
    up = start(WEB_WORKERS="1")
    url = up.wait_until_ready()

    for round_number in (1, 2, 3):
        (server,) = up.children("granian")
        server.children()[0].kill()
        eventually(
            lambda expected=round_number: sum("restarted web" in line for line in up.lines) == expected,
            within=BACK_WITHIN,
            what=f"web restarted {round_number} times",
        )
        eventually(lambda: answers(url), within=BACK_WITHIN, what="the web answers again")


def test_a_child_that_dies_again_and_again_is_started_without_limit(start: Callable[..., Up]) -> None:
    up = start(STUB_WORKER="crash", WORKERS="1")
    up.wait_until_ready()

    def restarts() -> int:
        return sum("restarted worker" in line for line in up.lines)

    eventually(lambda: restarts() > 8, within=10, what="more restarts than circus' five tries")
    assert any("ended with exit code 3" in line for line in up.lines)


def test_what_a_killed_process_leaves_behind_is_ended(start: Callable[..., Up]) -> None:
    up = start(STUB_WORKER="parent", WORKERS="1")
    up.wait_until_ready()
    worker = next(child for child in up.children("worker.py") if "default" in command_of(child))
    (grandchild,) = eventually(worker.children, within=5, what="a grandchild")

    worker.kill()

    eventually(lambda: not psutil.pid_exists(grandchild.pid), within=BACK_WITHIN, what="the orphan is gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_in_time(start: Callable[..., Up], number: signal.Signals) -> None:
    up = start("127.0.0.1:0", "--demo")
    up.wait_until_ready()

    assert up.tell(number) == 0

    assert up.left_over() == []
    assert up.lines[-1] == "stopped"


def test_processes_that_refuse_to_stop_are_killed_in_time(start: Callable[..., Up]) -> None:
    up = start(STUB_WORKER="deaf")
    url = up.wait_until_ready()
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as client:
        client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")

        assert up.tell(signal.SIGTERM) == 0

    assert up.left_over() == []


def test_children_do_not_outlive_a_killed_up(start: Callable[..., Up]) -> None:
    up = start("127.0.0.1:0", "--demo")
    up.wait_until_ready()

    up.tell(signal.SIGKILL)

    eventually(lambda: up.left_over() == [], within=STOPPED_WITHIN, what=f"no process of {up.seen}")


def test_ready_is_not_said_before_the_service_is_ready(start: Callable[..., Up], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    up = start(STUB_READY_WHEN=str(gate), WEB_WORKERS="1")
    eventually(lambda: up.process.poll() is None and up.children("granian"), within=10, what="a web process")
    (server,) = up.children("granian")
    eventually(server.children, within=10, what="a listening web process")
    assert up.line("ready ") == ""

    gate.touch()

    assert up.wait_until_ready()


def test_a_taken_port_is_refused_with_a_sentence(refused: Callable[..., str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        said = refused(f"127.0.0.1:{port}")

    assert said == f"Port {port} of 127.0.0.1 is taken: stop what listens there, or choose another port.\n"


def port_behind_a_free_one() -> socket.socket:
    """A taken port whose predecessor is free."""
    for port in range(21_000, 29_000):  # below those that the system gives out by itself
        with suppress(OSError):
            socket.create_server(("127.0.0.1", port - 1)).close()
            return socket.create_server(("127.0.0.1", port))
    raise RuntimeError("no two free ports")


def test_the_simulator_moves_on_when_the_next_port_is_taken(start: Callable[..., Up]) -> None:
    with port_behind_a_free_one() as other:
        port = other.getsockname()[1]
        up = start(f"127.0.0.1:{port - 1}", "--demo")
        up.wait_until_ready()

        line = eventually(lambda: up.line("simulated with --bind 127.0.0.1:"), within=5, what=up)
        assert int(str(line).split()[3].rpartition(":")[2]) > port


@pytest.mark.parametrize("bind", ["8000", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:", "192.0.2.1:8000"])
def test_a_bind_that_makes_no_sense_is_refused_with_a_sentence(refused: Callable[..., str], bind: str) -> None:
    assert refused(bind).count("\n") == 1


def test_the_demo_stays_on_this_machine(refused: Callable[..., str]) -> None:
    said = refused("0.0.0.0:0", demo=True)

    assert said == "The demo is for this machine only: listen on 127.0.0.1 instead of 0.0.0.0.\n"


def test_a_second_up_on_the_same_data_is_refused(demo: Up, start: Callable[..., Up]) -> None:
    demo.wait_until_ready()

    second = start(DATA_DIR=str(demo.data_dir))

    assert second.process.wait(timeout=60) == 2
    assert second.lines == [f"Another `desk up` runs on {demo.data_dir}: stop it, or name another DATA_DIR."]


def test_a_deep_data_folder_gets_its_socket_elsewhere(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start(folder=tmp_path / ("deep" * 25))

    up.wait_until_ready()

    (server,) = up.children("redis-server")
    title = " ".join(command_of(server))
    place = Path(title.partition("unixsocket:")[2].split()[0])
    assert place.is_socket()
    assert place.parent.stat().st_mode & 0o077 == 0
    assert up.tell(signal.SIGTERM) == 0
    (place.parent).rmdir()
