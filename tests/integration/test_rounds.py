"""The clocks that begin anew: from the follower's oldest message without an answer, and from our own last word."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import inspect

from service.channels import intake as channel_intake
from service.database import transaction
from service.messaging import inbox
from service.messaging.ports import Contact, Inbound
from service.people import User
from service.tickets import closing, cooperation, handling
from service.tickets.models import ClockRow, Message, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import LOST, SHUT, shut_window

INTERIM = "正在核实，请稍候"


@pytest.fixture
def ticket(desk: Desk, agent: User) -> Ticket:
    """A matter to which we have said a first word, ten minutes ago."""
    made = desk.ticket()
    says(desk, made, agent)
    desk.later(minutes=10)
    return made


def says(desk: Desk, ticket: Ticket, by: User, kind: str = "interim") -> None:
    """A word of ours that the platform takes at once."""
    desk.reply(ticket, by, INTERIM, kind)
    desk.deliver()


def round_of(desk: Desk, ticket: Ticket, kind: str = "next_reply") -> tuple[object, ...] | None:
    """State, start and end of a clock that begins anew."""
    row = desk.clock(ticket, kind)
    return None if row is None else (row.state, row.started_at, row.met_at)


# ---- the next reply


def test_what_is_written_before_the_first_reply_is_answered_by_it(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.later(minutes=1)
    desk.says("在吗，很急")

    says(desk, ticket, agent)

    assert desk.clock(ticket, "next_reply") is None
    assert desk.clock(ticket, "first_reply").state == "met"


def test_the_oldest_message_without_an_answer_counts_and_later_ones_move_nothing(desk: Desk, ticket: Ticket):
    asked_at = desk.now
    desk.says("那几点下班")
    due_at = desk.clock(ticket, "next_reply").due_at
    for _ in range(3):
        desk.later(minutes=5)
        desk.says("请回复我")

    assert round_of(desk, ticket) == ("running", asked_at, None)
    assert due_at == asked_at + timedelta(minutes=30)
    assert desk.clock(ticket, "next_reply").due_at == due_at


def test_an_older_message_that_arrives_later_is_the_oldest(desk: Desk, ticket: Ticket):
    written_at = desk.now
    desk.later(seconds=20)
    desk.says("第二句")
    desk.now = written_at

    desk.says("第一句")

    assert round_of(desk, ticket) == ("running", written_at, None)


def test_a_round_ends_with_the_reply_at_the_time_it_was_sent_once_the_platform_took_it(
    desk: Desk, ticket: Ticket, agent: User
):
    desk.says("那几点下班")
    asked_at, sent_at = desk.now, desk.later(minutes=5)
    desk.reply(ticket, agent, "六点", "interim")
    assert round_of(desk, ticket) == ("running", asked_at, None)

    desk.later(minutes=50)
    desk.deliver()

    assert round_of(desk, ticket) == ("met", asked_at, sent_at)


def test_a_reply_that_perhaps_arrived_ends_no_round(desk: Desk, ticket: Ticket, agent: User, channel: FakeChannel):
    desk.says("那几点下班")
    channel.failures = [LOST]

    says(desk, ticket, agent)

    assert desk.clock(ticket, "next_reply").state == "running"


def test_what_is_written_between_sending_and_acceptance_is_a_new_round_from_its_oldest(
    desk: Desk, ticket: Ticket, agent: User
):
    desk.says("那几点下班")
    desk.later(minutes=1)
    desk.reply(ticket, agent, "六点", "interim")
    new_at = desk.later(seconds=2)
    desk.says("周末呢")
    desk.later(seconds=2)
    desk.says("节假日呢")

    desk.later(seconds=2)
    desk.deliver()

    assert round_of(desk, ticket) == ("running", new_at, None)


def test_the_same_holds_while_the_first_reply_is_on_its_way(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, INTERIM, "interim")
    new_at = desk.later(seconds=2)
    desk.says("还有，停车收费吗")
    assert desk.clock(ticket, "next_reply") is None

    desk.later(seconds=2)
    desk.deliver()

    assert round_of(desk, ticket) == ("running", new_at, None)


@pytest.mark.parametrize("words", ["谢谢", "好的", "进度", "[微笑]"])
def test_thanks_and_keywords_start_nothing_whenever_they_come(desk: Desk, ticket: Ticket, agent: User, words: str):
    desk.says(words)
    assert desk.clock(ticket, "next_reply") is None

    desk.says("那几点下班")
    desk.later(minutes=1)
    desk.reply(ticket, agent, "六点", "interim")
    sent_at, _ = desk.now, desk.later(seconds=2)
    desk.says(words)
    desk.deliver()

    assert round_of(desk, ticket) == ("met", sent_at - timedelta(minutes=1), sent_at)


def test_a_nod_is_an_answer_where_we_asked_and_then_the_next_word_is_ours(desk: Desk, ticket: Ticket, agent: User):
    says(desk, ticket, agent, "ask")
    answered_at = desk.later(minutes=3)

    desk.says("好的")

    assert round_of(desk, ticket) == ("running", answered_at, None)


def test_a_round_stands_still_while_its_reply_waits_for_the_window(
    desk: Desk, ticket: Ticket, agent: User, channel: FakeChannel
):
    desk.says("那几点下班")
    due_at = desk.clock(ticket, "next_reply").due_at
    desk.later(minutes=10)
    channel.failures = [SHUT]
    says(desk, ticket, agent)
    assert desk.clock(ticket, "next_reply").state == "paused"
    desk.later(hours=1)
    desk.sweep()
    assert not desk.reread(ticket).overdue

    fetched_at = desk.now
    desk.says("收到你们的通知了，请问怎么说")
    assert desk.clock(ticket, "next_reply").due_at == due_at + timedelta(hours=1)
    desk.deliver()

    # what was written to fetch an interim word has still to be answered
    assert round_of(desk, ticket) == ("running", fetched_at, None)


def test_who_fetches_the_final_answer_has_asked_nothing_that_it_leaves_open(desk: Desk):
    agent, ticket = desk.person(), desk.ticket(COMPLAINT)
    shut_window(desk, ticket)
    desk.reply(ticket, agent)

    desk.says("请问我的投诉处理得怎么样了")
    desk.deliver()

    assert desk.reread(ticket).status is Status.ANSWERED
    assert desk.clock(ticket, "next_reply") is None


def test_a_question_beside_a_final_answer_that_is_on_its_way_is_not_forgotten(desk: Desk, ticket: Ticket, agent: User):
    desk.reply(ticket, agent)
    asked_at = desk.later(seconds=1)
    desk.says("对了，停车收费吗")
    desk.deliver()
    assert desk.reread(ticket).status is Status.ANSWERED
    assert round_of(desk, ticket) == ("running", asked_at, None)

    sent_at = desk.later(minutes=3)
    says(desk, ticket, agent)

    assert round_of(desk, ticket) == ("met", asked_at, sent_at)


def test_a_word_that_is_taken_late_answers_nothing_that_came_after_a_later_one(
    desk: Desk, ticket: Ticket, agent: User, channel: FakeChannel
):
    channel.failures = [LOST]
    first = desk.reply(ticket, agent, "第一句", "interim")
    desk.deliver()
    desk.later(minutes=1)
    desk.says("几点下班")
    later_at = desk.later(minutes=1)
    says(desk, ticket, agent)
    desk.later(minutes=1)

    with desk.doing(ticket, agent) as d:
        handling.send_again(d.session, d.ticket, first.id, d.deed)
    desk.deliver()

    assert desk.clock(ticket, "next_reply").met_at == later_at
    assert round_of(desk, ticket, "update") == ("running", later_at, None)


def test_a_call_answers_at_once(desk: Desk, ticket: Ticket, agent: User):
    desk.says("那几点下班")
    asked_at, called_at = desk.now, desk.later(minutes=5)

    desk.reply(ticket, agent, "与李女士通话，已说明下班时间", "interim", via="phone")

    assert round_of(desk, ticket) == ("met", asked_at, called_at)


def test_a_round_ends_with_its_ticket(desk: Desk, ticket: Ticket, agent: User):
    desk.says("那几点下班")

    with desk.doing(ticket, agent) as d:
        closing.close(d.session, d.ticket, d.deed, reason="重复")

    assert desk.clock(ticket, "next_reply") is None
    assert desk.clock(ticket, "update") is None


def test_a_question_goes_with_the_ticket_that_is_merged(desk: Desk, boss: User, ticket: Ticket):
    with desk.doing(ticket, boss) as d:
        closing.close(d.session, d.ticket, d.deed, reason="电话中已说明")
    asked_at = desk.later(minutes=1)
    second = desk.ticket("请问停车费怎么交")
    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="还有问题")

    with desk.doing(second, boss) as d:
        into = d.session.get_one(Ticket, ticket.id)
        cooperation.merge(d.session, d.ticket, into, d.deed)

    assert round_of(desk, ticket) == ("running", asked_at, None)


# ---- the update


def test_the_next_word_is_due_from_our_last_one(desk: Desk, ticket: Ticket, agent: User):
    said_at = desk.now - timedelta(minutes=10)
    assert round_of(desk, ticket, "update") == ("running", said_at, None)
    again_at = desk.later(hours=2)

    says(desk, ticket, agent)

    assert round_of(desk, ticket, "update") == ("running", again_at, None)
    assert desk.clock(ticket, "update").due_at == desk.rules.calendar.end_of_working_day(again_at, 1)


def test_no_word_is_due_before_the_first(desk: Desk):
    ticket = desk.ticket()
    desk.accept(ticket, desk.person("li", "agent", "QGB"))

    assert desk.clock(ticket, "update") is None


def test_no_word_is_due_while_we_wait_for_the_customer(desk: Desk, ticket: Ticket, agent: User):
    asked_at = desk.now
    says(desk, ticket, agent, "ask")
    assert round_of(desk, ticket, "update") == ("paused", asked_at, None)
    due_at = desk.clock(ticket, "update").due_at

    desk.later(days=1)
    desk.says("合同号是 12345")

    clock = desk.clock(ticket, "update")
    assert clock.state == "running"
    assert clock.due_at == desk.rules.calendar.add(due_at, desk.rules.calendar.working_time(asked_at, desk.now))


def test_no_word_is_due_while_the_ticket_is_suspended(desk: Desk, ticket: Ticket, agent: User):
    with desk.doing(ticket, agent) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now + timedelta(days=3))
    assert desk.clock(ticket, "update").state == "paused"

    desk.later(days=3)
    desk.sweep()

    assert desk.clock(ticket, "update").state == "running"
    assert not desk.reread(ticket).overdue


def test_with_the_final_answer_no_further_word_is_due(desk: Desk, ticket: Ticket, agent: User):
    says(desk, ticket, agent, "final")

    assert desk.reread(ticket).status is Status.ANSWERED
    assert desk.clock(ticket, "update") is None


@pytest.mark.parametrize("how", ["writes", "reopens"])
def test_whoever_opens_it_again_is_owed_a_word(desk: Desk, ticket: Ticket, agent: User, how: str):
    says(desk, ticket, agent, "final")
    again_at = desk.later(hours=1)

    if how == "writes":
        desk.says("还是不行")
    else:
        with desk.doing(ticket, agent) as d:
            closing.reopen(d.session, d.ticket, d.deed, reason="客户来电")

    assert round_of(desk, ticket, "update") == ("running", again_at, None)
    assert (desk.clock(ticket, "next_reply") is not None) is (how == "writes")


# ---- another category


def test_what_was_done_under_other_targets_counts(desk: Desk, boss: User):
    ticket = desk.ticket("表扬一下你们的小王，服务很好")
    assert (ticket.category, ticket.clocks) == ("praise", [])
    said_at = desk.later(minutes=5)
    says(desk, ticket, boss)
    changed_at = desk.later(hours=3)

    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="complaint", reason="其实是投诉")

    met = {row.kind: (row.state, row.met_at) for row in desk.reread(ticket).clocks}
    assert met["accept"] == met["first_reply"] == ("met", said_at)
    assert met["resolve"] == ("running", None)
    assert round_of(desk, ticket, "update") == ("running", changed_at, None)


# ---- the quick way in


Deliver = Callable[[Desk, Inbound], object]


def at_once(desk: Desk, message: Inbound) -> object:
    """As the webhook does: on PostgreSQL in one statement where that is possible."""
    return channel_intake.handle(message, now=desk.now)


def in_steps(desk: Desk, message: Inbound) -> object:
    """As a worker does with what the webhook could only keep."""
    with transaction() as session:
        item_id = inbox.keep(session, message, now=desk.now, handled_at=None)
    assert item_id is not None
    return channel_intake.handle_kept(item_id, now=desk.now)


def columns(row: Ticket | ClockRow | Message) -> dict[str, object]:
    """What two rows of the same life have in common."""
    own = {"id", "ticket_id", "follower_id", "number", "query_code"}
    return {a.key: getattr(row, a.key) for a in inspect(type(row)).column_attrs if a.key not in own}


def life(desk: Desk, agent: User, follower: str, deliver: Deliver) -> tuple[list[object], ...]:
    """A matter with messages before, between and after our words; everything that is left of it."""
    count = iter(range(100))

    def writes(text: str) -> None:
        desk.later(seconds=10)
        key, now = f"m:{follower}:{next(count)}", desk.now
        deliver(desk, Inbound("wechat:main", key, follower, "text", text, now, "<xml/>", Contact.MESSAGE, True, ()))

    writes(INQUIRY)
    writes("我是三号楼的")
    desk.classify()
    ticket = desk.newest()
    desk.reply(ticket, agent, INTERIM, "interim")
    writes("还有停车费")
    desk.deliver()
    writes("请问怎么交")
    says(desk, ticket, agent)
    writes("周末可以交吗")
    found = desk.reread(ticket)
    rows: list[object] = [columns(row) for row in sorted(found.clocks, key=lambda row: row.kind)]
    return [columns(found)], rows, [columns(message) for message in desk.messages(ticket)]


def test_the_quick_way_in_and_the_slow_one_leave_the_same_behind(desk: Desk, agent: User):
    begin = desk.now
    quick = life(desk, agent, "oQuick", at_once)
    desk.now = begin

    slow = life(desk, agent, "oSlow", in_steps)

    assert quick == slow


def test_the_api_tells_of_rounds_beside_the_four_clocks(desk: Desk, agent: User):
    ticket = desk.ticket()
    desk.reply(ticket, agent, "请稍等", "interim")
    desk.deliver()
    caller = desk.client(agent)

    shown = caller.get(f"/tickets/{ticket.number}").json
    why = caller.get(f"/tickets/{ticket.number}/explain").json

    assert shown["clocks"].keys() == {"accept", "first_reply", "resolve", "follow_up"}
    assert (shown["rounds"]["update"]["state"], shown["rounds"]["next_reply"]["state"]) == ("running", "none")
    assert why["rounds"]["update"]["due_at"] == shown["rounds"]["update"]["due_at"]
    assert why["clocks"].keys() <= shown["clocks"].keys()
