"""The platform's rules on sending, cases 33 to 38: pushed and answered over HTTP, sent by the real channel."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select, update

from service import alerts, jobs
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging import outbox
from service.messaging.followers import Follower
from service.messaging.outbox import MAX_ATTEMPTS, OutboxItem, Part
from service.people import User
from tests.factories import Caller, Desk
from tests.webhook_rig import Platform
from tests.wechat_fakes import (
    AES_KEY,
    APP_ID,
    ORIGINAL_ID,
    TOKEN,
    FakePlatform,
    as_json,
    document,
    running_platform,
    running_redis,
)

SEND, TEMPLATE = "/cgi-bin/message/custom/send", "/cgi-bin/message/template/send"
SILENCE = (0, b"", "")
OK = as_json(errcode=0, errmsg="ok")


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


@pytest.fixture
def platform(app: Flask, own_redis: Redis) -> Iterator[FakePlatform]:
    """The platform that the application's own channel talks to, with one account at it."""
    own_redis.flushall()
    settings = app.config["SETTINGS"]
    app.extensions["doorbell"].redis = own_redis
    del app.extensions["channels"]["wechat:main"]
    names = {"slug": "main", "name": "物业服务号", "original_id": ORIGINAL_ID, "mode": "safe"}
    with running_platform() as running:
        app.config["SETTINGS"] = replace(settings, wechat_api_base_url=running.base_url)
        with transaction() as session:
            accounts.add(session, **names, app_id=APP_ID, app_secret="s", token=TOKEN, aes_key=AES_KEY)
        yield running
    app.config["SETTINGS"] = settings
    app.extensions.pop("wechat_tokens", None)


class Line:
    """A follower at the platform and an agent at the API, with a worker between them."""

    def __init__(self, app: Flask, platform: FakePlatform, agent: Caller) -> None:
        self.platform, self.agent, self._pushes = platform, agent, 0
        self._push = Platform(app)
        self._app = app

    def says(self, text: str) -> None:
        """The follower writes."""
        self._pushes += 1
        with self._app.app_context():
            pushed = self._push.push(document(Content=text, MsgId=str(self._pushes)), mode="main")
            assert pushed.status_code == 200

    @property
    def number(self) -> str:
        found: str = self.agent.get("/tickets").get_json()["items"][0]["number"]
        return found

    def ticket(self) -> dict:
        found: dict = self.agent.get(f"/tickets/{self.number}").get_json()
        return found

    def replies(self, text: str, kind: str = "final", **more: object) -> dict:
        made = self.agent.post(f"/tickets/{self.number}/reply", {"text": text, "kind": kind, **more})
        assert made.status_code == 201, made.text
        found: dict = made.get_json()
        return found

    def message(self, message: dict) -> dict:
        """The message as the API shows it now."""
        listed = self.agent.get(f"/tickets/{self.number}/messages").get_json()["items"]
        found: dict = next(m for m in listed if m["id"] == message["id"])
        return found

    def delivery(self, message: dict) -> dict:
        found: dict = self.message(message)["delivery"]
        return found

    def work(self) -> None:
        """A worker sends what is due; pauses before another attempt are over."""
        with transaction() as session:
            session.execute(update(OutboxItem).values(due_at=utcnow() - timedelta(seconds=1)))
        jobs.deliver()

    def received(self) -> list[str]:
        """Texts that the platform was handed, whatever it answered."""
        return [json.loads(body)["text"]["content"] for _, body in self.platform.asked(SEND)]


@pytest.fixture
def agent(desk: Desk) -> User:
    return desk.person("zhang", "dispatcher", "QGB")


@pytest.fixture
def line(app: Flask, desk: Desk, platform: FakePlatform, agent: User) -> Line:
    made = Line(app, platform, desk.client(agent))
    made.says("请问你们几点上班")
    return made


def test_case_33_five_of_six_parts_are_sent_and_the_sixth_waits_for_the_followers_next_message(line: Line):
    text = "字" * (682 * 6)

    reply = line.replies(text)
    line.work()
    half = line.delivery(reply)
    line.work()
    sent_before = len(line.received())
    line.says("还有呢？")
    line.work()

    assert half["state"] == "waiting_for_window"
    assert [part["state"] for part in half["parts"]] == ["sent"] * 5 + ["waiting_for_window"]
    assert sent_before == 5
    assert "".join(line.received()) == text
    assert line.delivery(reply)["state"] == "sent"


def test_case_34_a_closed_window_is_shown_and_what_was_written_waits_for_the_next_contact(line: Line):
    line.platform.lay(SEND, as_json(errcode=45015, errmsg="response out of time limit"), OK)

    reply = line.replies("已经处理完毕")
    line.work()
    line.work()

    assert line.delivery(reply)["state"] == "waiting_for_window"
    assert line.delivery(reply)["errcode"] == 45015
    assert line.ticket()["reply_window"] is None
    assert len(line.received()) == 1
    line.says("在吗")
    line.work()
    assert line.delivery(reply)["state"] == "sent"
    assert len(line.received()) == 2


def test_case_35_the_platforms_count_corrects_ours(line: Line):
    line.platform.lay(SEND, as_json(errcode=45047, errmsg="out of response count limit"), OK)
    assert line.ticket()["reply_window"]["messages_left"] == 5

    reply = line.replies("正在核实", "interim")
    line.work()
    line.work()

    assert line.ticket()["reply_window"]["messages_left"] == 0
    assert (line.delivery(reply)["state"], line.delivery(reply)["errcode"]) == ("waiting_for_window", 45047)
    assert len(line.received()) == 1
    line.says("好的，请尽快处理一下")
    line.work()
    assert line.delivery(reply)["state"] == "sent"
    assert line.ticket()["reply_window"]["messages_left"] == 4


def test_case_36_a_busy_platform_is_asked_again_a_bounded_number_of_times(line: Line):
    line.platform.lay(SEND, as_json(errcode=-1, errmsg="system error"))

    reply = line.replies("已经处理完毕")
    for _ in range(MAX_ATTEMPTS + 3):
        line.work()

    assert (line.delivery(reply)["state"], line.delivery(reply)["errcode"]) == ("failed", -1)
    assert len(line.received()) == MAX_ATTEMPTS


def test_case_36_after_silence_the_outcome_is_unknown_and_nothing_is_sent_twice(line: Line):
    line.platform.lay(SEND, SILENCE, OK)

    reply = line.replies("已经处理完毕")
    for _ in range(3):
        line.work()

    assert line.delivery(reply)["state"] == "unknown"
    assert len(line.received()) == 1


def test_case_36_after_silence_a_template_is_sent_again_with_the_same_client_id(line: Line):
    line.platform.lay(TEMPLATE, SILENCE, as_json(errcode=0, errmsg="ok", msgid=77))
    reply = line.replies("已经处理完毕")
    content = {"template_id": "T1", "data": {"thing1": "已答复"}, "client_id": f"m{reply['id']}"}
    with transaction() as session:
        follower = session.scalars(select(Follower)).one()
        notice = Part("已答复", "template", content)
        outbox.put(session, follower, [notice], reference_id=reply["id"], now=utcnow())

    for _ in range(3):
        line.work()

    with reading() as session:
        item = session.scalars(select(OutboxItem).where(OutboxItem.kind == "template")).one()
        assert (item.state, item.vendor_id) == ("sent", "77")
    bodies = [json.loads(body) for _, body in line.platform.asked(TEMPLATE)]
    assert [body["client_msg_id"] for body in bodies] == [f"m{reply['id']}"] * 2
    assert line.delivery(reply)["state"] == "sent"


EXACT = '“您好”😀👨‍👩‍👧 <a href="https://example.org/?a=1&b=2">查看</a> {x} %s \\ ]]>'


def test_case_37_a_text_arrives_exactly_as_raw_utf_8(line: Line):
    line.replies(EXACT)
    line.work()

    [(_, body)] = line.platform.asked(SEND)
    assert EXACT.replace("\\", "\\\\").replace('"', '\\"').encode() in body
    assert b"\\u" not in body
    assert line.received() == [EXACT]


def test_case_37_a_long_text_is_split_by_bytes_and_through_no_character(line: Line):
    text = ("您好，关于这件事我们已经核实👨‍👩‍👧。" * 200)[:3000]

    line.replies(text)
    line.work()

    assert "".join(line.received()) == text
    assert len(line.received()) == -(-len(text.encode()) // 2048)
    assert all(len(part.encode()) <= 2048 for part in line.received())
    assert not [part for part in line.received() if part.startswith("\u200d") or part.endswith("\u200d")]


@pytest.mark.parametrize("code", [43004, 50005, 48002, 50002, 43019, 70000])
def test_case_38_a_follower_out_of_reach_is_marked_and_costs_no_further_call(line: Line, code: int):
    line.platform.lay(SEND, as_json(errcode=code, errmsg="no"), OK)

    replies = [line.replies(text, "interim", force=True) for text in ("一", "二", "三")]
    for _ in range(3):
        line.work()

    with reading() as session:
        assert session.scalars(select(Follower)).one().unreachable
    assert [line.delivery(reply)["state"] for reply in replies] == ["failed"] * 3
    assert {line.delivery(reply)["errcode"] for reply in replies} == {code}
    assert len(line.received()) == 1

    line.says("我又关注了，请继续")
    with reading() as session:
        assert session.scalars(select(Follower)).one().unreachable is None
    again = line.agent.post(f"/tickets/{line.number}/messages/{replies[0]['id']}/send-again")
    line.work()
    assert again.status_code == 200
    assert line.delivery(replies[0])["state"] == "sent"


@pytest.mark.parametrize("code", [40164, 48001])
def test_what_only_the_operator_can_mend_halts_the_account_with_an_alert(line: Line, code: int):
    line.platform.lay(SEND, as_json(errcode=code, errmsg="invalid ip 203.0.113.7"))

    first, second = line.replies("一", "interim"), line.replies("二", "interim")
    for _ in range(3):
        line.work()

    assert {line.delivery(reply)["state"] for reply in (first, second)} == {"queued"}
    assert len(line.received()) == 1
    with reading() as session:
        assert "203.0.113.7" in str(accounts.get_row(session, "main").halted_reason)
        assert [(alert.scope, alert.resolved_at) for alert in alerts.open_alerts(session)] == [("wechat:main", None)]
