"""The platform's rules on the life of a matter, case 40: pushed to the whole application, looked at by HTTP."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from service import jobs
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging.followers import Follower as FollowerRow
from service.messaging.inbox import InboxItem
from service.messaging.outbox import Delivery, OutboxItem
from service.tickets.models import Message
from tests.factories import Caller, Desk
from tests.portal_rig import OPENID, add_account, desk_of_today
from tests.webhook_rig import Platform
from tests.wechat_fakes import decrypt, document, nodes_of

FOREIGN = "oFollower0002"


class Follower(Platform):
    """A follower of the account `main`, whose words the platform pushes in safe mode."""

    def __init__(self, app: Flask, openid: str = OPENID) -> None:
        super().__init__(app)
        self.openid, self.ids = openid, count(1)

    def post(self, slug: str, query: dict[str, str], body: bytes) -> TestResponse:
        with self.app.app_context():
            return super().post("main", query, body)

    def says(self, text: str, **nodes: str) -> str:
        """Returns the passive reply, "" for none."""
        message_id = f"{self.openid[-4:]}{next(self.ids)}"
        pushed = self.push(document(FromUserName=self.openid, Content=text, MsgId=message_id, **nodes))
        assert pushed.status_code == 200
        if pushed.data == b"success":
            return ""
        return nodes_of(decrypt(nodes_of(pushed.data)["Encrypt"])[0])["Content"]

    def taps(self, menu_id: str, words: str = "满意") -> str:
        return self.says(words, bizmsgmenuid=menu_id)

    def reports(self, **nodes: str) -> None:
        """The platform reports on something that it was given to send to this follower."""
        assert self.push(document(FromUserName=self.openid, MsgType="event", **nodes)).status_code == 200


@pytest.fixture
def desk(app: Flask) -> Desk:
    add_account()
    return desk_of_today(app)


@pytest.fixture
def staff(desk: Desk) -> Caller:
    return desk.client(desk.person("zhou", "supervisor", "LDS"))


@pytest.fixture
def follower(app: Flask, desk: Desk) -> Follower:
    return Follower(app)


def ask_and_answer(desk: Desk, follower: Follower, staff: Caller) -> tuple[str, int]:
    """Number and id of an answered ticket."""
    follower.says("请问几点上班")
    ticket = desk.newest()
    assert staff.post(f"/tickets/{ticket.number}/reply", {"text": "早上九点开门", "kind": "final"}).status_code == 201
    desk.now = utcnow()
    desk.deliver()
    return ticket.number, ticket.id


def rating_of(staff: Caller, number: str) -> dict[str, object] | None:
    found: dict[str, object] | None = staff.get(f"/tickets/{number}").json["rating"]
    return found


def test_case_40_a_tap_rates_the_right_ticket_and_is_thanked_at_once(desk: Desk, follower: Follower, staff: Caller):
    number, ticket_id = ask_and_answer(desk, follower, staff)
    with transaction() as session:  # so that a second matter is open beside it
        session.execute(update(FollowerRow).values(open_ticket_id=None))
    follower.says("还有一件事，电梯坏了")
    second = desk.newest().number

    thanks = follower.taps(f"{ticket_id}5")

    assert rating_of(staff, number) == {"score": 5, "solved": None, "comment": ""}
    assert rating_of(staff, second) is None
    assert number in thanks


def test_case_40_a_second_tap_changes_nothing(desk: Desk, follower: Follower, staff: Caller):
    number, ticket_id = ask_and_answer(desk, follower, staff)
    follower.taps(f"{ticket_id}5")
    version = staff.get(f"/tickets/{number}").json["version"]

    follower.taps(f"{ticket_id}1", "不满意")

    after = staff.get(f"/tickets/{number}").json
    assert (after["rating"]["score"], after["version"], after["status"]) == (5, version, "answered")


def test_case_40_a_tap_of_a_foreign_openid_is_no_rating(app: Flask, desk: Desk, follower: Follower, staff: Caller):
    number, ticket_id = ask_and_answer(desk, follower, staff)

    answer = Follower(app, FOREIGN).taps(f"{ticket_id}1", "不满意")

    assert (rating_of(staff, number), answer) == (None, "")


@pytest.mark.parametrize("text", ["满意", "5", "{id}5"])
def test_case_40_typed_text_is_no_rating(desk: Desk, follower: Follower, staff: Caller, text: str):
    number, ticket_id = ask_and_answer(desk, follower, staff)

    follower.says(text.format(id=ticket_id))

    assert rating_of(staff, number) is None


def test_case_40_thanks_that_are_late_are_not_sent_at_all(
    app: Flask, desk: Desk, follower: Follower, staff: Caller, monkeypatch: pytest.MonkeyPatch
):
    number, ticket_id = ask_and_answer(desk, follower, staff)
    intake = app.extensions["intake"]
    with monkeypatch.context() as patched:
        patched.setattr(intake, "handle", broken)
        assert follower.taps(f"{ticket_id}5") == ""
    with reading() as session:
        sent_before = session.scalars(select(OutboxItem.id)).all()

    jobs.process_inbox()

    with reading() as session:
        tap = session.scalars(select(InboxItem).order_by(InboxItem.id.desc()).limit(1)).one()
        sent_after = session.scalars(select(OutboxItem.id)).all()
    assert tap.handled_at is not None
    assert rating_of(staff, number) == {"score": 5, "solved": None, "comment": ""}
    assert sent_after == sent_before


def test_case_40_a_notice_that_the_follower_blocks_is_known_to_have_failed(
    desk: Desk, follower: Follower, staff: Caller
):
    follower.says("请问几点上班")
    ticket = desk.newest()
    desk.later(hours=49)
    waiting = desk.reply(ticket, desk.person("li"))
    assert waiting.delivery == Delivery.WAITING
    notice = template_sent(waiting, "20260177", at=utcnow() - timedelta(minutes=1))

    nodes = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": "20260177", "Status": "failed:user block"}
    follower.reports(**nodes)

    with reading() as session:
        assert session.get_one(OutboxItem, notice).state == Delivery.FAILED
    history = staff.get(f"/tickets/{ticket.number}/events").json["items"]
    assert any("failed:user block" in event["because"] for event in history)
    (answer,) = [m for m in staff.get(f"/tickets/{ticket.number}/messages").json["items"] if m["id"] == waiting.id]
    assert answer["delivery"]["state"] == "waiting_for_window"  # the answer itself is not lost by it


def template_sent(answer: Message, vendor_id: str, *, at: datetime) -> int:
    """A template message about a waiting answer that the platform has taken."""
    with transaction() as session:
        item = OutboxItem(
            channel="wechat:main", follower_id=answer.follower_id, reference_id=answer.id, text="有新的答复"
        )
        item.kind, item.content, item.vendor_id = "template", {"template_id": "T1"}, vendor_id
        item.state, item.due_at, item.settled_at = Delivery.SENT.value, at, at
        session.add(item)
        session.flush()
        return item.id


def broken(*_: object, **__: object) -> str:
    raise RuntimeError("this process is in trouble")
