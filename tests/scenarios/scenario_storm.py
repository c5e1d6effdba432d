"""A storm: followers write and staff answer while workers are killed, Redis is emptied and connections are cut."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import psutil
import psycopg
import requests
from scenario_clients import Api, Json, Phone, answered
from scenario_rig import Rig

SEED = 20_261_121
SENTENCES = 5  # of each follower
ANSWERED_AFTER = (1, 3)  # sentences after which somebody replies
CUTS = 3
TALKERS = 6
LONGEST_PAUSE = 0.6  # seconds between two deeds of a follower
WORKING_AGAIN = 2.5  # seconds
KILL_PAUSE = 0.8
SEND = "message/custom/send"
SEND_SECONDS = 0.4  # the platform is slow, so that workers die in the middle of sending


@dataclass(frozen=True)
class Force:
    """How much of each there is in a storm."""

    followers: int
    kills: int
    flushes: int


FULL, BRIEF = Force(100, 50, 10), Force(30, 10, 3)


@dataclass
class Storm:
    """What happened: a ticket and its replies for each phone."""

    force: Force
    phones: list[Phone]
    numbers: dict[str, str] = field(default_factory=dict)  # openid -> ticket
    replies: dict[str, list[Json]] = field(default_factory=dict)  # openid -> replies as they were written
    killed: int = 0
    flushed: int = 0


def rage(rig: Rig, force: Force) -> Storm:
    """Let it all happen; ends when everything was said and the last worker was killed."""
    storm = Storm(force, rig.phones(force.followers, "storm"))
    slow = rig.fault(SEND, "latency", value=SEND_SECONDS, account="storm")
    with slow, ThreadPoolExecutor(TALKERS + 1) as threads:
        wrecking = threads.submit(wreck, rig, storm)
        talking = [threads.submit(live, rig, storm, place) for place in range(force.followers)]
        for task in (*talking, wrecking):
            task.result()
    return storm


def sentence(place: int, n: int) -> str:
    return f"第{place}位的第{n}句：楼道里的灯还是不亮"


def live(rig: Rig, storm: Storm, place: int) -> None:
    """A follower's conversation with a supervisor."""
    phone, chance, pause = storm.phones[place], random.Random(SEED + place), threading.Event()
    written = storm.replies[phone.openid] = []
    for n in range(SENTENCES):
        phone.says(sentence(place, n))
        if n == 0:
            storm.numbers[phone.openid] = phone.number()
        if n in ANSWERED_AFTER:
            text = f"给第{place}位的第{n}次答复"
            written.append(reply_once(rig.api("supervisor"), storm.numbers[phone.openid], text))
        pause.wait(chance.uniform(0, LONGEST_PAUSE))


def reply_once(api: Api, number: str, text: str) -> Json:
    """Write a reply as a careful program does: after an error it looks whether the reply is there."""
    for _ in range(20):
        try:
            answer = api.post(f"/tickets/{number}/reply", {"text": text, "kind": "interim"})
            if answer.ok:
                return dict(answer.json())
            assert answer.status_code == 503, answer.text
            found = [message for message in api.messages(number, "outbound") if message["text"] == text]
        except (requests.ConnectionError, AssertionError):
            found = []
        if found:
            return found[0]
        threading.Event().wait(0.3)
    raise AssertionError(f"the reply {text} could not be written")


def wreck(rig: Rig, storm: Storm) -> None:
    """Kill all workers at random moments, and now and then empty Redis or cut the database's connections."""
    chance, pause = random.Random(SEED), threading.Event()
    kills = storm.force.kills
    flushes = set(chance.sample(range(kills), storm.force.flushes))
    cuts = set(chance.sample(range(kills), CUTS))
    while storm.killed < kills:
        await_sending(rig)
        pause.wait(chance.uniform(0, KILL_PAUSE))
        for victim in rig.programs("worker.py"):
            if storm.killed == kills or not kill(victim):
                continue
            if storm.killed in flushes:
                with rig.redis() as client:
                    client.flushdb()
                storm.flushed += 1
            if storm.killed in cuts and rig.database_url.startswith("postgresql"):
                with psycopg.connect(rig.database_url, autocommit=True) as connection:
                    cut_connections(connection)
            storm.killed += 1


def await_sending(rig: Rig) -> None:
    """Until a worker is at work again and has sent something, but not for ever."""
    before, deadline = sent(rig), time.monotonic() + WORKING_AGAIN
    while sent(rig) == before and time.monotonic() < deadline:
        threading.Event().wait(0.05)


def sent(rig: Rig) -> int:
    """How many messages the platform has been asked to send."""
    counts: dict[str, int] = answered(rig.control.get("/calls", limit=0))["counts"]
    return counts.get(SEND, 0)


def kill(process: psutil.Process) -> bool:
    """Whether it was alive until now."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return False
    return True


def cut_connections(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Do to all others of this database what a restart of the server does."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
    connection.execute(others, (connection.info.backend_pid,))
