"""`desk up` as an operator meets it: processes that die come back, a stop is clean, a start goes on where it was."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psutil
import pytest
from scenario_clients import Phone
from scenario_processes import STOP_SECONDS, command_of, eventually
from scenario_rig import Rig

BACK_WITHIN = 2.0  # seconds, of the contract
WRITERS = 30
WEB_PROCESSES = 2  # by default


LAST_ARGUMENT = {"worker": "default", "courier": "delivery", "cron": "cron"}


def of_kind(rig: Rig, kind: str) -> list[psutil.Process]:
    """The processes of this name."""
    if kind == "web":
        return rig.programs("granian")
    return [process for process in rig.programs("worker.py") if command_of(process)[-1:] == [LAST_ARGUMENT[kind]]]


@pytest.mark.parametrize("kind", ["worker", "courier", "cron", "web"])
def test_a_process_that_is_killed_is_back_and_a_line_says_so(rig: Rig, kind: str) -> None:
    with killed_and_back(rig, kind):
        pass


def test_with_one_web_process_killed_the_next_message_is_still_taken(rig: Rig) -> None:
    with killed_and_back(rig, "web"):
        done = [phone.says("请问几点开门？") for phone in rig.phones(5)]

        assert {push["state"] for push in done} == {"shown"}


@contextmanager
def killed_and_back(rig: Rig, kind: str) -> Iterator[None]:
    """One process of this kind is killed; afterwards nothing of it is left and another has taken its place."""
    position = rig.output.stat().st_size
    before = {process.pid for process in of_kind(rig, kind)}
    victim = of_kind(rig, kind)[0]
    # a web server's own child ends with it
    mine = {victim.pid, *(child.pid for child in victim.children(recursive=True))}
    victim.kill()

    yield

    eventually(
        lambda: {p.pid for p in of_kind(rig, kind)} - before and not mine & {p.pid for p in of_kind(rig, kind)},
        within=BACK_WITHIN,
        what=f"another {kind}",
    )
    line = f"restarted {kind} (pid ".encode()
    eventually(lambda: line in rig.output.read_bytes()[position:], within=BACK_WITHIN, what="the line that says so")
    eventually(lambda: len(listening(rig)) == WEB_PROCESSES, within=BACK_WITHIN, what="all of them listen again")
    eventually(lambda: rig.answers("/readyz"), what="the web server answers")


def listening(rig: Rig) -> list[psutil.Process]:
    """The web processes that take connections; the port is shared."""
    return [process for process in of_kind(rig, "web") if listens(process)]


def listens(process: psutil.Process) -> bool:
    try:
        return any(connection.status == psutil.CONN_LISTEN for connection in process.net_connections())
    except psutil.NoSuchProcess:
        return False


def test_a_stop_in_the_middle_of_traffic_is_clean_and_a_start_goes_on_where_it_was(rig: Rig) -> None:
    api, phone = rig.api("intake.agent"), rig.phone()
    number = phone.opens("请问怎么退订？")
    eventually(lambda: api.ticket(number)["classification"], within=20, what="classified")
    phone.window(remaining=0)
    waiting = api.reply(number, "这条在重启之后才能送达")
    eventually(lambda: api.state(number, waiting["id"]) == "waiting_for_window")
    before = api.ticket(number)

    with ThreadPoolExecutor(WRITERS) as threads:
        writers = rig.phones(WRITERS)
        pushes = [threads.submit(writer.tries, "text", text="停机前后的消息") for writer in writers]
        rig.up.family()
        started = time.monotonic()
        code = rig.up.stop()
        seconds, left = time.monotonic() - started, rig.up.left_over()
        rig.up.start()
        outcomes = [push.result()["state"] for push in pushes]

    assert (code, left) == (0, [])
    assert seconds < STOP_SECONDS
    assert api.ticket(number) == before
    phone.says("我还在等回复，怎么退订？")
    assert phone.hears(1) == ["这条在重启之后才能送达"]
    acknowledged = [writer for writer, outcome in zip(writers, outcomes, strict=True) if outcome != "failed"]
    assert acknowledged
    assert [kept(rig, writer) for writer in acknowledged] == [["停机前后的消息"]] * len(acknowledged)
    eventually(lambda: rig.command("check").code == 0, within=20, what="the self-check is content")


def kept(rig: Rig, phone: Phone) -> list[str]:
    """What is stored of this follower's words."""
    return [message["text"] for message in rig.api("supervisor").messages(phone.number(), "inbound")]
