"""Conformance cases 22 to 27, timing and repeats, and 39, a follower's comings and goings: over HTTP, all behind it."""

import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from service.channels import registry
from service.channels.wechat import accounts
from service.database import db, reading, transaction
from service.messaging.followers import Follower
from service.messaging.inbox import InboxItem
from service.routing.classifier import Classifier
from service.tickets.models import Message, Ticket
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.webhook_rig import Platform, is_acknowledged
from tests.wechat_fakes import AES_KEY, APP_ID, OPENID, ORIGINAL_ID, TOKEN, document, nodes_of

OTHER = "oOther0000000000000000000000"


@pytest.fixture
def outbound(app: Flask) -> FakeChannel:
    """An account in plain mode, and what is sent by it."""
    names = {"slug": "plain", "name": "示例", "original_id": ORIGINAL_ID, "app_id": APP_ID, "mode": "plain"}
    with transaction() as session:
        accounts.add(session, **names, app_secret="s", token=TOKEN, aes_key=AES_KEY)
    made = FakeChannel("wechat:plain")
    registry.register(made)
    return made


@pytest.fixture
def platform(app: Flask, outbound: FakeChannel) -> Platform:
    return Platform(app)


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def tap(key: str, at: int) -> str:
    return document(MsgType="event", Event="CLICK", EventKey=key, CreateTime=str(at))


def test_case_22_what_takes_long_is_done_after_the_acknowledgement(
    platform: Platform, desk: Desk, outbound: FakeChannel, monkeypatch: pytest.MonkeyPatch
):
    classify, allowed = Classifier.classify, threading.Event()

    def slowly(self: Classifier, text: str):  # type: ignore[no-untyped-def]
        assert allowed.wait(20), "the webhook waits for the classifier"
        return classify(self, text)

    monkeypatch.setattr(Classifier, "classify", slowly)
    began = time.perf_counter()
    answer = platform.push(document(Content="请问物业费怎么交", MsgId="2201"), mode="plain")
    lasted = time.perf_counter() - began
    allowed.set()
    desk.now = desk.newest().received_at
    desk.classify()
    desk.reply(desk.newest(), desk.person(department="QGB"), "每月 5 日前交")
    desk.deliver()

    assert lasted < 1
    assert desk.newest().number in nodes_of(answer.data)["Content"]
    assert (count(Ticket), outbound.texts) == (1, ["每月 5 日前交"])


def test_case_23_a_message_three_times_and_at_once_is_one_with_one_reply(platform: Platform):
    text = document(Content="请问物业费怎么交", MsgId="2301")
    answers: list[bytes] = []
    gate = threading.Barrier(2)

    def push() -> None:
        gate.wait(5)
        answers.append(platform.push(text, mode="plain").data)

    both = [threading.Thread(target=push) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    answers += [platform.push(text, mode="plain").data for _ in range(2)]

    assert (count(Message), count(Ticket)) == (1, 1)
    assert len({nodes_of(answer)["Content"] for answer in answers}) == 1


def test_case_24_one_id_of_two_followers_is_two_messages(platform: Platform):
    for openid in (OPENID, OTHER):
        platform.push(document(Content="漏水了", MsgId="2401", FromUserName=openid), mode="plain")

    assert (count(Message), count(Ticket)) == (2, 2)


def test_case_25_two_taps_of_one_second_are_two_and_a_tap_thrice_is_one(platform: Platform):
    now = int(time.time())
    first = [nodes_of(platform.push(tap("COMPLAIN", now), mode="plain").data)["Content"] for _ in range(3)]
    second = nodes_of(platform.push(tap("PRIVACY", now), mode="plain").data)["Content"]

    assert len(set(first)) == 1
    assert second not in first
    assert (count(InboxItem), count(Message), count(Ticket)) == (2, 2, 0)


@pytest.fixture
def outage(app: Flask) -> Iterator[list[bool]]:
    """The database is away while the list holds something."""
    away: list[bool] = []

    def refuse(*_: object) -> None:
        if away:
            raise OperationalError("", {}, ConnectionError("gone"), connection_invalidated=True)

    event.listen(db.engine, "before_cursor_execute", refuse)
    yield away
    event.remove(db.engine, "before_cursor_execute", refuse)


def test_case_26_without_the_database_nothing_is_acknowledged_and_afterwards_there_is_one(
    platform: Platform, outage: list[bool]
):
    text = document(Content="漏水了", MsgId="2601")
    platform.push(document(Content="谢谢", MsgId="2600"), mode="plain")  # the accounts and the rules have been read
    outage.append(True)
    refused = [platform.push(text, mode="plain") for _ in range(2)]
    outage.clear()
    taken = [platform.push(text, mode="plain") for _ in range(2)]

    assert {(answer.status_code, answer.data) for answer in refused} == {(503, b"")}
    assert {answer.status_code for answer in taken} == {200}
    assert count(Ticket) == 1


@pytest.mark.parametrize(
    "push",
    [
        document(Content="谢谢", MsgId="2701"),
        document(MsgType="hologram", MsgId="2702", FromUserName=OTHER),
        document(MsgType="event", Event="VIEW", EventKey="https://example.com"),
        document(MsgType="event", Event="unsubscribe"),
        document(MsgType="event", Event="LOCATION", Latitude="1", Longitude="2"),
        document(MsgType="event", Event="teleport"),
        "<xml/>",
        "no xml",
    ],
)
def test_case_27_an_acknowledgement_is_text_and_never_anything_else(platform: Platform, push: str):
    answer = platform.push(push, mode="plain")

    if answer.mimetype == "application/xml":
        assert nodes_of(answer.data)["MsgType"] == "text"
    else:
        assert is_acknowledged(answer)


def test_case_39_who_comes_back_is_the_same_contact_and_the_source_is_kept_once(platform: Platform, desk: Desk):
    def happens(name: str, key: str, seconds: int) -> bytes:
        at = str(int(time.time()) - 100 + seconds)
        push = document(MsgType="event", Event=name, EventKey=key, CreateTime=at)
        data: bytes = platform.push(push, mode="plain").data
        return data

    assert "欢迎" in nodes_of(happens("subscribe", "", 1))["Content"]
    happens("unsubscribe", "", 2)
    assert "欢迎" in nodes_of(happens("subscribe", "qrscene_src_x", 3))["Content"]
    happens("SCAN", "src_y", 4)
    happens("subscribe", "last_trade_no_1", 5)
    platform.push(document(Content="漏水了", MsgId="3901"), mode="plain")

    with reading() as session:
        [follower] = session.scalars(select(Follower))
        assert (follower.first_source, follower.last_source, follower.following) == ("src_x", "src_y", True)
    assert desk.newest().source == "src_y"
