"""A follower learns that an answer waits: a subscription notice, else a template message, else a call; once a wait."""

import json

import pytest

from service.channels import intake, registry
from service.database import reading, transaction
from service.messaging import grants
from service.messaging.outbox import OutboxItem
from service.messaging.ports import Contact, DeliveryError, Failure, Inbound, Outbound
from service.people import User
from service.tickets import notices
from service.tickets.models import Ticket
from service.tickets.states import Status
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import follower_of, items, shut_window
from tests.integration.window_rig import SUBSCRIPTION, TEMPLATE, account_has, notify, said

REFUSED = DeliveryError("user refuse to accept the msg", kind=Failure.PERMANENT, code=43101)


@pytest.fixture
def waiting(desk: Desk, agent: User) -> Ticket:
    """A final answer waits for the follower."""
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    return ticket


def has(channel: FakeChannel, **own: object) -> None:
    account_has(channel, notices=own)


def agreed(desk: Desk, ticket: Ticket, times: int = 1) -> None:
    with transaction() as session:
        for _ in range(times):
            grants.add(session, ticket.follower_id, "SUB1", now=desk.now)


def left(ticket: Ticket) -> int:
    with reading() as session:
        found = grants.find(session, ticket.follower_id, "SUB1")
        return found.left if found else -1


def told(desk: Desk) -> None:
    """The sweep and the senders, until nothing is left to do."""
    for _ in range(3):
        notify(desk)
        desk.deliver()


def kinds(channel: FakeChannel) -> list[str]:
    return [message.kind for message in channel.sent]


def hears(desk: Desk, kind: str, **extra: str) -> None:
    """An event of the platform about notices."""
    desk.later(seconds=1)
    message = Inbound(
        "wechat:main",
        f"e:{kind}:{desk.now}",
        "oFollower0001",
        kind,
        "",
        desk.now,
        "<xml/>",
        Contact.NONE,
        False,
        (),
        extra,
    )
    intake.handle(message, now=desk.now)


def test_nothing_is_sent_where_the_account_has_no_notices(desk: Desk, channel: FakeChannel, waiting: Ticket):
    told(desk)

    assert channel.sent == []
    assert said(desk, waiting, "notice") == ["没有其他方式通知客户，请电话联系"]
    assert desk.reread(waiting).callback_due_at is not None


def test_a_template_message_tells_the_follower_once_a_wait(
    desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket
):
    has(channel, template=TEMPLATE)

    told(desk)
    desk.reply(waiting, agent, "另外补充", "interim")
    told(desk)

    (notice,) = channel.sent
    assert notice.kind == "template"
    assert notice.content["template_id"] == "TPL1"
    assert notice.content["data"]["keyword1"] == {"value": waiting.number}
    assert str(notice.content["url"]).endswith(f"/my/main/{waiting.number}")
    assert notice.content["client_id"]
    assert said(desk, waiting, "notice") == ["模板消息已提交，请客户来信收取答复", "模板消息已被平台接收"]


def standing(desk: Desk, ticket: Ticket) -> tuple[object, ...]:
    found = desk.reread(ticket)
    clocks = {c.kind: (c.state, c.due_at, c.met_at) for c in found.clocks}
    return found.status, desk.messages(ticket)[-1].delivery, follower_of(ticket).waiting_items, clocks


def test_a_notice_is_no_answer_and_changes_no_clock(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)
    before = standing(desk, waiting)

    told(desk)

    assert standing(desk, waiting) == before
    assert before[:3] == (Status.IN_PROGRESS, "waiting_for_window", 1)
    assert desk.reread(waiting).callback_due_at is not None


def test_what_waited_goes_out_and_a_later_wait_is_told_again(
    desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket
):
    has(channel, template=TEMPLATE)
    told(desk)
    desk.says("在吗")
    desk.deliver()
    shut_window(desk, waiting)
    desk.reply(waiting, agent, "再补充一点", "interim")

    told(desk)

    assert kinds(channel) == ["template", "text", "template"]


def test_who_agreed_to_a_notice_gets_that_and_the_agreement_is_used(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)
    agreed(desk, waiting, 2)

    told(desk)

    assert (kinds(channel), left(waiting)) == (["subscription"], 1)


def test_without_an_agreement_the_template_is_next(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)

    told(desk)

    assert kinds(channel) == ["template"]


def test_a_refused_notice_makes_way_for_the_next_rung(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)
    agreed(desk, waiting, 3)
    channel.failures = [REFUSED]

    told(desk)

    assert (kinds(channel), left(waiting)) == (["template"], 0)
    assert desk.messages(waiting)[-1].delivery == "waiting_for_window"


def test_where_every_rung_fails_somebody_calls(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)
    agreed(desk, waiting)
    channel.failures = [REFUSED, REFUSED]

    told(desk)

    assert channel.sent == []
    assert said(desk, waiting, "notice")[-1] == "没有其他方式通知客户，请电话联系"
    assert desk.reread(waiting).notices_tried == ["subscription", "template", "call"]


def test_a_call_made_meanwhile_ends_the_search(desk: Desk, channel: FakeChannel, agent: User, waiting: Ticket):
    has(channel, template=TEMPLATE)
    desk.reply(waiting, agent, "与李女士通话，已说明处理结果", "final", via="phone")

    told(desk)

    assert channel.sent == []


def test_two_sweeps_send_one_notice(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)

    notify(desk)
    notify(desk)

    assert [item.kind for item in items(waiting)] == ["text", "template"]


# What the platform says afterwards


def received(ticket: Ticket, vendor_id: str) -> None:
    """The platform took the notice under this id."""
    with transaction() as session:
        item = session.get_one(OutboxItem, next(i.id for i in items(ticket) if i.kind != "text"))
        item.vendor_id = vendor_id


def test_a_receipt_says_that_the_notice_arrived(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)
    told(desk)
    received(waiting, "200228332")

    hears(desk, "event:templatesendjobfinish", MsgID="200228332", Status="success")

    assert said(desk, waiting, "notice")[-1] == "模板消息已送达客户"


def test_a_follower_who_mutes_templates_is_called(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)
    told(desk)
    received(waiting, "200228332")

    hears(desk, "event:templatesendjobfinish", MsgID="200228332", Status="failed:user block")
    told(desk)

    assert [i.state for i in items(waiting) if i.kind == "template"] == ["failed"]
    assert said(desk, waiting, "notice")[-2:] == [
        "模板消息没有送达：平台回执：failed:user block",
        "没有其他方式通知客户，请电话联系",
    ]


class Hasty(FakeChannel):
    """Its platform's receipt is here before its answer to the send."""

    desk: Desk

    def send(self, message: Outbound) -> str:
        hears(self.desk, "event:templatesendjobfinish", MsgID="200228332", Status="failed:user block")
        return "200228332"


def test_a_receipt_that_is_quicker_than_the_answer_is_not_lost(desk: Desk, waiting: Ticket):
    hasty = Hasty("wechat:main")
    hasty.desk = desk
    registry.register(hasty)
    has(hasty, template=TEMPLATE)

    told(desk)

    assert "模板消息没有送达：平台回执：failed:user block" in said(desk, waiting, "notice")
    assert said(desk, waiting, "notice")[-1] == "没有其他方式通知客户，请电话联系"


def test_a_receipt_of_another_programs_template_is_not_ours(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)
    notify(desk)
    hears(desk, "event:templatesendjobfinish", MsgID="1", Status="success")  # ours has not gone out yet
    desk.deliver()
    received(waiting, "200228332")
    before = said(desk, waiting, "notice")

    hears(desk, "event:templatesendjobfinish", MsgID="2", Status="success")

    assert said(desk, waiting, "notice") == before == ["模板消息已提交，请客户来信收取答复", "模板消息已被平台接收"]


def test_a_receipt_of_a_subscription_notice_that_failed_makes_way_for_the_template(
    desk: Desk, channel: FakeChannel, waiting: Ticket
):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)
    agreed(desk, waiting)
    told(desk)
    received(waiting, "777")
    rows = [{"TemplateId": "SUB1", "MsgID": "777", "ErrorCode": "43101", "ErrorStatus": "user refused"}]

    hears(desk, "event:subscribe_msg_sent_event", List=json.dumps(rows))
    told(desk)

    assert kinds(channel) == ["subscription", "template"]


def test_a_receipt_finds_a_notice_that_was_taken_without_an_id(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, subscription=SUBSCRIPTION, template=TEMPLATE)
    agreed(desk, waiting)
    told(desk)
    rows = [{"TemplateId": "SUB1", "MsgID": "777", "ErrorCode": "43101", "ErrorStatus": "user refused"}]

    hears(desk, "event:subscribe_msg_sent_event", List=json.dumps(rows))
    told(desk)

    assert kinds(channel) == ["subscription", "template"]


def test_a_receipt_of_another_account_or_of_nothing_changes_nothing(desk: Desk, channel: FakeChannel, waiting: Ticket):
    has(channel, template=TEMPLATE)
    told(desk)
    received(waiting, "200228332")
    before = said(desk, waiting, "notice")

    with transaction() as session:
        known = [
            notices.receipt(session, "wechat:other", "200228332", "failed", desk.now),
            notices.receipt(session, "wechat:main", "", "failed", desk.now),
        ]

    assert known == [False, False]
    assert said(desk, waiting, "notice") == before


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([{"TemplateId": "SUB1", "SubscribeStatusString": "accept"}] * 2, 2),
        ([{"TemplateId": "SUB1", "SubscribeStatusString": "reject"}], -1),
        ([{"SubscribeStatusString": "accept"}, {"TemplateId": "SUB1", "SubscribeStatusString": "accept"}], 1),
    ],
)
def test_what_a_follower_agreed_to_is_counted(desk: Desk, rows: list[dict[str, str]], wanted: int):
    ticket = desk.ticket()

    hears(desk, "event:subscribe_msg_popup_event", List=json.dumps(rows))

    assert left(ticket) == wanted


def test_a_withdrawn_agreement_is_gone(desk: Desk):
    ticket = desk.ticket()
    agreed(desk, ticket, 2)

    rows = [{"TemplateId": "SUB1", "SubscribeStatusString": "reject"}]
    hears(desk, "event:subscribe_msg_change_event", List=json.dumps(rows))

    assert left(ticket) == 0
