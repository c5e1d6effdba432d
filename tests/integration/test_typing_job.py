"""Typing reaches the follower through a worker, and only while they can be written to."""

from pathlib import Path

import pytest
from flask import Flask

from service import jobs
from service.clock import utcnow
from service.database import transaction
from service.doorbell import Doorbell
from service.messaging.followers import Follower
from service.tickets.models import Ticket
from tests.factories import Desk
from tests.fakes import FakeBell, FakeChannel
from tests.wechat_fakes import running_redis


@pytest.fixture
def ticket(desk: Desk) -> Ticket:
    desk.now = utcnow()
    return desk.ticket()


def test_the_last_of_several_notes_about_a_follower_counts(
    desk: Desk, bell: FakeBell, channel: FakeChannel, ticket: Ticket
):
    other = desk.ticket(follower="oFollower0002")
    for note in (f"{ticket.follower_id}:on", f"{other.follower_id}:on", f"{ticket.follower_id}:off"):
        bell.leave("show_typing", note)

    jobs.show_typing()
    jobs.show_typing()

    assert sorted(channel.typing) == [("oFollower0001", False), ("oFollower0002", True)]


@pytest.mark.parametrize(
    "changes", [{"window_closes_at": None}, {"messages_left": 0}, {"following": False}, {"unreachable": "已取消关注"}]
)
def test_whoever_cannot_be_written_to_is_shown_nothing(
    bell: FakeBell, channel: FakeChannel, ticket: Ticket, changes: dict[str, object]
):
    with transaction() as session:
        follower = session.get_one(Follower, ticket.follower_id)
        for name, value in changes.items():
            setattr(follower, name, value)
    bell.leave("show_typing", f"{ticket.follower_id}:on")

    jobs.show_typing()

    assert channel.typing == []


def test_a_channel_that_is_gone_meanwhile_troubles_nobody(app: Flask, bell: FakeBell, ticket: Ticket):
    del app.extensions["channels"]["wechat:main"]
    bell.leave("show_typing", f"{ticket.follower_id}:on")

    jobs.show_typing()


def test_notes_are_taken_once_and_in_order(tmp_path: Path):
    with running_redis(tmp_path):
        bell = Doorbell(f"unix://{tmp_path}/r.sock", {"show_typing": "delivery"})
        for note in ("1:on", "2:on", "1:off"):
            bell.leave("show_typing", note)

        taken = [bell.notes("show_typing") for _ in range(2)]
        bell.redis.close()

    assert taken == [["1:on", "2:on", "1:off"], []]


def test_without_redis_a_note_is_lost_and_nothing_else():
    bell = Doorbell("redis://127.0.0.1:1", {"show_typing": "delivery"})

    bell.leave("show_typing", "1:on")

    assert bell.notes("show_typing") == []
