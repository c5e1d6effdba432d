"""A follower's message joins the open ticket or opens one."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from service.audit import Event
from service.database import reading
from service.messaging.followers import Follower
from service.messaging.ports import Contact, Media
from service.tickets import closing, handling
from service.tickets.handling import Draft
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeBell, FakeChannel


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_new_matter_opens_a_ticket_and_is_answered_with_its_number(desk: Desk):
    reply = desk.says("请问物业费怎么交")

    ticket = desk.newest()
    assert ticket.number == "GD20260304-0001"
    assert ticket.number in reply
    assert ticket.query_code in reply
    assert (ticket.status, ticket.category, ticket.department.code) == (Status.PENDING_ACCEPTANCE, None, "QGB")


def test_messages_join_the_open_ticket_and_get_no_second_receipt(desk: Desk):
    desk.says("请问物业费怎么交")
    desk.later(minutes=2)

    assert desk.says("可以微信交吗") == ""
    assert (count(Ticket), count(Message)) == (1, 2)


def test_clocks_start_at_the_first_message_and_have_the_targets_of_an_ordinary_inquiry(desk: Desk):
    ticket = desk.ticket(classified=False)

    dues = {row.kind: row.due_at for row in ticket.clocks}
    begun = ticket.received_at
    assert dues["accept"] == dues["first_reply"] == begun + timedelta(minutes=30)
    assert set(dues) == {"accept", "first_reply", "resolve"}
    assert ticket.due_at == dues["accept"]


@pytest.mark.parametrize(("text", "answered"), [("谢谢", False), ("你好", True), ("好的", False), ("[捂脸]", True)])
def test_talk_is_kept_and_opens_no_ticket(desk: Desk, text: str, answered: bool):
    assert bool(desk.says(text)) is answered
    assert (count(Ticket), count(Message)) == (0, 1)


def test_a_picture_opens_a_ticket_and_waits_to_be_fetched(desk: Desk, bell: FakeBell):
    desk.says("[图片]", kind="image", media=(Media("MEDIA1", "image"),))

    assert count(Attachment) == 1
    assert "fetch_media" in bell.rung


def test_a_follow_is_welcomed_and_a_farewell_shuts_the_window(desk: Desk):
    welcome = desk.says("", kind="subscribe", contact=Contact.FOLLOW, matter=False)
    desk.says("", kind="unsubscribe", contact=Contact.NONE, matter=False)

    with reading() as session:
        follower = session.scalars(select(Follower)).one()
        assert "欢迎" in welcome
        assert (follower.following, follower.window_closes_at, follower.messages_left) == (False, None, 0)
    assert count(Ticket) == 0


def test_a_message_grants_five_messages_for_48_hours(desk: Desk):
    ticket = desk.ticket()

    assert ticket.follower.messages_left == 5
    assert ticket.follower.window_closes_at == ticket.received_at + timedelta(hours=48)


def test_a_menu_tap_never_shortens_the_window(desk: Desk):
    desk.ticket()
    desk.later(minutes=1)
    desk.says("", kind="event:click", contact=Contact.MENU, matter=False)

    assert desk.newest().follower.messages_left == 5


def test_writing_on_an_answered_ticket_reopens_it_with_at_least_half_the_time(desk: Desk, channel: FakeChannel):
    agent = desk.person(department="KFB")
    ticket = desk.ticket(COMPLAINT)
    with desk.doing(ticket, agent) as d:
        handling.reply(d.session, d.ticket, Draft("已经处理完毕，谢谢您", "final"), d.deed, limits=channel.limits)
    desk.deliver()
    assert desk.reread(ticket).status is Status.ANSWERED
    desk.later(hours=1)

    desk.says("谢谢")
    assert desk.reread(ticket).status is Status.ANSWERED
    desk.says("可是又坏了")

    reopened = desk.reread(ticket)
    resolve = next(row for row in reopened.clocks if row.kind == "resolve")
    assert reopened.status is Status.IN_PROGRESS
    assert (resolve.state, resolve.met_at) == ("running", None)
    assert not reopened.follow_up_open


def test_a_message_soon_after_the_close_opens_a_linked_ticket(desk: Desk):
    head = desk.person("head", "admin")
    first = desk.ticket()
    with desk.doing(first, head) as d:
        handling.accept(d.session, d.ticket, d.deed)
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    desk.later(days=6)

    second = desk.ticket("请问上次说的事怎么样了")

    assert second.id != first.id
    assert second.repeat_of_id == first.id


def test_a_receipt_out_of_hours_says_when_work_begins(desk: Desk):
    desk.now = desk.now.replace(hour=14)  # 22:00 in Shanghai

    assert "明天 09:00" in desk.says("请问物业费怎么交")


def test_a_receipt_before_a_long_holiday_asks_for_a_word_afterwards(desk: Desk):
    desk.now = desk.now.replace(month=2, day=14, hour=12)  # the evening before nine days of Spring Festival

    reply = desk.says("请问物业费怎么交")

    assert "2月24日 09:00" in reply
    assert "再发一条" in reply


def test_opening_writes_one_event(desk: Desk):
    desk.says("请问物业费怎么交")

    with reading() as session:
        assert session.execute(select(Event.action, Event.actor)).all() == [("open", "follower")]


def test_a_nod_answers_a_question_of_ours(desk: Desk, channel: FakeChannel):
    agent = desk.person(department="QGB")
    ticket = desk.ticket()
    with desk.doing(ticket, agent) as d:
        handling.reply(d.session, d.ticket, Draft("明天上午来可以吗？", "ask"), d.deed, limits=channel.limits)
    desk.deliver()

    desk.says("好的")

    assert desk.reread(ticket).status is Status.IN_PROGRESS
