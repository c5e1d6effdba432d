"""The platform's conformance cases 28, 29 and 32: tokens, and what is never logged. 30 and 31 are in test_halting."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import create_engine

from service import jobs
from service.channels.wechat import api
from service.channels.wechat.token_shelf import AccessToken, DatabaseShelf
from service.channels.wechat.tokens import TokenProvider
from service.messaging.ports import DeliveryError
from tests.conftest import own_database, server_url
from tests.factories import Desk
from tests.integration.platform_rig import GOOD_TOKEN, NOT_LISTED, SECRET, SEND, STABLE, some_time_passes, wired
from tests.wechat_fakes import (
    AES_KEY,
    OPENID,
    TOKEN,
    FakePlatform,
    as_json,
    document,
    encrypt,
    envelope_of,
    make_account,
    query_for,
    running_platform,
    running_redis,
)

PROCESSES = 8
SCRIPT = Path(__file__).with_name("token_process.py")
ROOT = Path(__file__).parents[2]


class Issuer:
    """Gives out one token at a time and refuses every other: what the platform does after somebody forced a new one."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform, self.number = platform, 1
        self._answer = platform.answer
        platform.answer = self.answer  # type: ignore[method-assign]

    def answer(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes, str]:
        good = f"token-{self.number}"
        self.platform.lay(STABLE, as_json(access_token=good, expires_in=7200))
        is_good = query.get("access_token") == good
        self.platform.lay(SEND, as_json(errcode=0) if is_good else as_json(errcode=40001, errmsg="invalid credential"))
        return self._answer(path, query, body)


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with running_platform() as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    with own_database(tmp_path) as url:
        url = url.replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(url)
        AccessToken.__table__.create(engine)
        yield url
        engine.dispose()


# by Redis where the database is SQLite, by the database where it is PostgreSQL: each is slow, and as real as the other
@pytest.fixture(params=["database" if server_url() else "redis"])
def socket(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where Redis is, or where nobody is: then the database keeps the processes apart."""
    if request.param == "database":
        yield str(tmp_path / "nobody.sock")
        return
    with running_redis(tmp_path):
        yield str(tmp_path / "r.sock")


def all_send(base_url: str, socket: str, database: str, processes: int = PROCESSES) -> list[object]:
    """What processes are answered that send at the same moment."""
    command = (sys.executable, str(SCRIPT), base_url, socket, database, str(processes))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_case_28_eight_processes_that_start_cold_make_one_token_call(
    platform: FakePlatform, socket: str, database: str
):
    Issuer(platform)

    assert all_send(platform.base_url, socket, database) == [0] * PROCESSES

    assert (len(platform.asked(STABLE)), len(platform.asked(SEND))) == (1, PROCESSES)


def test_case_29_eight_processes_that_meet_a_dead_token_make_one_token_call_and_all_send(
    platform: FakePlatform, socket: str, database: str
):
    issuer = Issuer(platform)
    assert all_send(platform.base_url, socket, database, processes=1) == [0]
    issuer.number += 1

    assert all_send(platform.base_url, socket, database) == [0] * PROCESSES

    assert len(platform.asked(STABLE)) == 2
    assert len(platform.asked(SEND)) <= 1 + PROCESSES * 2


def test_case_29_a_token_that_another_has_renewed_meanwhile_costs_no_call(platform: FakePlatform, tmp_path: Path):
    issuer = Issuer(platform)
    engine = create_engine(f"sqlite:///{tmp_path}/t.sqlite3")
    AccessToken.__table__.create(engine)
    with running_redis(tmp_path) as redis:
        ours = TokenProvider(redis, platform.base_url, shelf=DatabaseShelf(engine, "s"))
        other = TokenProvider(redis, platform.base_url, shelf=DatabaseShelf(engine, "s"))
        asked = iter([40001, 0])

        def ask(token: str) -> api.Answer:
            code = next(asked)
            if code:
                issuer.number += 1
                other.renewed(make_account(), dead=token)
            return api.Answer(code)

        assert ours.call(make_account(), ask).code == 0
    engine.dispose()
    assert len(platform.asked(STABLE)) == 2


# Case 32


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


MARKED = "MarkedAccessTokenOfThePlatform"


def pushed(desk: Desk, text: str, **changes: str) -> int:
    """The status that a push of this text is answered with."""
    sealed = encrypt(document(**({"Content": text, "MsgId": str(time.monotonic_ns())} | changes)).encode())
    query = query_for(time.time(), sealed) | {"openid": OPENID}
    return desk.app.test_client().post("/wechat/main", query_string=query, data=envelope_of(sealed)).status_code


def test_case_32_no_token_secret_or_openid_is_ever_logged(
    desk: Desk, redis_server: Redis, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    agent = desk.person(role="supervisor")
    with wired(desk, redis_server) as platform:
        platform.lay(STABLE, as_json(access_token=MARKED, expires_in=7200))
        answers = [
            as_json(errcode=0),
            as_json(errcode=40003, errmsg=f"invalid openid {OPENID}"),
            as_json(errcode=123456, errmsg=f"strange {OPENID} {MARKED}"),
            as_json(errcode=40001, errmsg=f"invalid credential {MARKED}"),
            (502, b"<html>", "text/html"),
            (0, b"", ""),
        ]
        assert pushed(desk, "电梯坏了") == 200
        assert pushed(desk, "图", MsgType="image", MediaId="m1", PicUrl="http://example.org/x") == 200
        assert pushed(desk, "x", ToUserName="gh_other") == 200
        sealed = encrypt(b"<xml/>")
        wrong = query_for(time.time(), sealed, token="wrong") | {"openid": OPENID, "msg_signature": "0"}
        assert (
            desk.app.test_client().post("/wechat/main", query_string=wrong, data=envelope_of(sealed)).status_code == 403
        )
        for number, answer in enumerate(answers):
            platform.lay(SEND, answer)
            follower = f"oMarked-00000000000000000{number}ab"
            assert pushed(desk, "电梯坏了", FromUserName=follower) == 200
            desk.reply(desk.newest(), agent, kind="interim", force=True)
            jobs.deliver()
        jobs.fetch_media()
        for refusal in (NOT_LISTED, as_json(errcode=40125, errmsg=f"invalid appsecret {SECRET}"), GOOD_TOKEN):
            platform.lay(STABLE, refusal)
            some_time_passes()
            jobs.probe()
        with pytest.raises(DeliveryError):
            TokenProvider(redis_server, "http://127.0.0.1:1").token_for(make_account(app_id="wxelsewhere"))

    printed = capfd.readouterr()
    logged = caplog.text + str([record.__dict__ for record in caplog.records]) + printed.out + printed.err
    assert {"push refused: wrong signature", "access token fetched", "not delivered"} <= set(caplog.messages)
    marks = (MARKED, SECRET, TOKEN, AES_KEY, OPENID, "oMarked-00000000000000000")
    assert [mark for mark in marks if mark in logged] == []
