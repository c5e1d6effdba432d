"""While the database is away the platform is told to come again, and nothing is lost."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
import requests
from scenario_clients import Json, Phone, answered
from scenario_processes import eventually
from scenario_pushes import account, document, push
from scenario_rig import Rig
from scenario_storm import cut_connections
from sqlalchemy.engine import make_url

PROMPT = 5.0  # seconds that the platform waits


@contextmanager
def away(rig: Rig) -> Iterator[None]:
    """Nobody can connect to our database, and who was connected no longer is."""
    url = make_url(rig.database_url)
    other = url.set(database="postgres").render_as_string(hide_password=False)

    def allow(answer: str) -> None:
        with psycopg.connect(other, autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS {answer}')  # type: ignore[call-overload]

    with psycopg.connect(rig.database_url, autocommit=True) as last:
        allow("false")
        cut_connections(last)
    try:
        yield
    finally:
        allow("true")


def attempts_of(phone: Phone) -> list[Json]:
    """The attempts of the follower's newest push."""
    pushes = answered(phone.control.get(f"/followers/{phone.openid}/pushes"))["pushes"]
    return list(pushes[0]["attempts"]) if pushes else []


def test_an_outage_of_the_database_is_answered_503_and_what_came_meanwhile_is_pushed_again(rig: Rig) -> None:
    if not rig.database_url.startswith("postgresql"):
        pytest.skip("SQLite has no server that could be away")
    position, phone, sender = rig.output.stat().st_size, rig.phone(), account("plain")
    span = b"pushes turned away"

    with ThreadPoolExecutor(1) as threads:
        with away(rig):
            started = time.monotonic()
            refused = push(rig, sender, document("plain", rig.phone("plain").openid, "数据库不在时的消息"))
            seconds = time.monotonic() - started
            pages = {path: requests.get(rig.url + path, timeout=10) for path in ("/healthz", "/readyz")}
            problem = rig.api("root").get("/tickets")
            pushed = threads.submit(phone.tries, "text", text="稍后会再送来的消息")
            eventually(lambda: attempts_of(phone), what="the platform has tried once")
        done = pushed.result()

    assert (refused.status_code, seconds < PROMPT) == (503, True)
    assert (pages["/healthz"].status_code, pages["/readyz"].status_code) == (200, 503)
    assert "database" in pages["/readyz"].text
    assert (problem.status_code, problem.json()["code"]) == (503, "database_away")
    assert done["attempts"][0]["status"] == 503
    assert done["state"] == "shown"
    number = phone.number()
    assert [m["text"] for m in rig.api("root").messages(number, "inbound")] == ["稍后会再送来的消息"]
    # each web process tells of its own pushes, when the next one comes to it
    eventually(
        lambda: rig.phone().says("谢谢") and span in rig.output.read_bytes()[position:], what="the time span told"
    )
    eventually(lambda: requests.get(rig.url + "/readyz", timeout=10).status_code == 200, what="ready again")
