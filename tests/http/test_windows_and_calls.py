"""What pages show of the reply window, and the list of whom to call first."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask

from service.channels.wechat import accounts, windows
from service.database import transaction
from service.people import User
from service.tickets.models import Ticket
from service.web import formats
from tests.factories import Desk
from tests.fakes import FakeChannel
from tests.integration.delivery_rig import SPENT, follower_of, shut_window
from tests.integration.window_rig import TEMPLATE, account_has, notify, warn
from tests.page_rig import Visitor, visitor, words_of


@pytest.fixture
def page(app: Flask, desk: Desk, agent: User, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """The agent at a browser whose clock is the desk's."""
    monkeypatch.setattr(formats, "utcnow", lambda: desk.now)
    return visitor(app, agent)


def before_the_end(desk: Desk, ticket: Ticket, hours: float) -> None:
    desk.now = follower_of(ticket).window_closes_at - timedelta(hours=hours)


@pytest.mark.parametrize(("hours", "level"), [(20, "open"), (12, "low"), (4, "soon"), (1, "critical"), (0, "closed")])
def test_the_window_takes_colour_while_the_ticket_waits_for_us(desk: Desk, page: Visitor, hours: float, level: str):
    ticket = desk.ticket()

    before_the_end(desk, ticket, hours)

    assert f"window-{level}" in page.get("/queue/rows").text
    assert f"window-{level}" in page.get(f"/tickets/{ticket.number}").text


def test_the_window_of_an_answered_ticket_warns_of_nothing(desk: Desk, page: Visitor, agent: User):
    ticket = desk.answer(desk.ticket(), agent)

    before_the_end(desk, ticket, 0.5)

    assert "window-critical" not in page.get(f"/tickets/{ticket.number}").text


def test_an_hour_before_the_end_a_draft_is_offered_and_one_click_sends_it(
    desk: Desk, page: Visitor, channel: FakeChannel
):
    ticket = desk.ticket()
    before_the_end(desk, ticket, 2)
    early = words_of(page.get(f"/tickets/{ticket.number}"))
    before_the_end(desk, ticket, 0.9)
    late = page.get(f"/tickets/{ticket.number}")
    text = f"您的问题（{ticket.number}）仍在处理中"
    assert (text in early, text in words_of(late), channel.sent) == (False, True, [])
    # the click carries what the offer's form holds
    offered = {"kind": "interim", "via": "wechat", "seen": "", "text": f"{text}。"}

    page.post(f"/tickets/{ticket.number}/reply", offered)

    assert desk.messages(ticket)[-1].text == f"{text}。"


def test_the_platforms_refusal_is_shown_with_its_time_above_our_count(
    desk: Desk, page: Visitor, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    channel.failures = [SPENT]
    desk.reply(ticket, agent)
    desk.deliver()

    shown = words_of(page.get(f"/tickets/{ticket.number}"))

    assert "拒绝发送（45047），以平台为准" in shown
    assert "平台更正（45047）" in shown


def test_the_last_message_is_announced_beforehand(desk: Desk, page: Visitor, agent: User):
    ticket = desk.ticket()
    for _ in range(4):
        desk.reply(ticket, agent, "请稍等", "interim")
    desk.deliver()

    assert "只剩 1 条：留给最终答复" in words_of(page.get(f"/tickets/{ticket.number}"))


def test_what_waits_can_be_joined_with_what_is_written_now(
    desk: Desk, page: Visitor, channel: FakeChannel, agent: User
):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent, "第一句", "interim")
    assert "1 条回复待送达" in words_of(page.get(f"/tickets/{ticket.number}"))

    fields = {"kind": "final", "via": "wechat", "text": "答复完毕", "join": "y"}
    page.post(f"/tickets/{ticket.number}/reply", fields)

    replies = [(m.text, m.delivery) for m in desk.messages(ticket) if m.direction == "outbound"]
    assert replies == [("第一句", "cancelled"), ("第一句\n答复完毕", "waiting_for_window")]


def test_a_notice_is_shown_as_an_event_and_not_as_a_part_of_the_reply(
    desk: Desk, page: Visitor, channel: FakeChannel, agent: User
):
    account_has(channel, notices={"template": TEMPLATE})
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    notify(desk)
    desk.deliver()

    shown = words_of(page.get(f"/tickets/{ticket.number}"))
    (reply,) = desk.client(agent).get(f"/tickets/{ticket.number}/messages").json["items"][1:]

    assert "模板消息已被平台接收" in shown
    assert "分 2 条发送" not in shown
    assert (reply["delivery"]["state"], "parts" in reply["delivery"]) == ("waiting_for_window", False)


# Whom to call


def on_the_list(page: Visitor) -> list[str]:
    """Numbers in the order of the page."""
    return [part.split('"')[0] for part in page.get("/calls/rows").text.split('data-call="')[1:]]


def test_the_list_names_answers_that_wait_and_windows_that_shut_before_the_desk_opens(
    desk: Desk, page: Visitor, agent: User
):
    # Wednesday 09:30: the first one's window shuts on Friday 09:30
    shut, waits = desk.ticket(), desk.ticket(follower="oFollower0002")
    desk.later(days=1)
    shutting = desk.ticket(follower="oFollower0003")  # shuts on Saturday
    desk.later(hours=25)
    fresh = desk.ticket(follower="oFollower0004")  # shuts on Sunday
    desk.answer(desk.ticket(follower="oFollower0005"), agent)
    desk.reply(waits, agent)
    desk.deliver()
    warn(desk)

    listed = on_the_list(page)
    text = words_of(page.get("/calls"))

    # overdue since Wednesday, Saturday, Sunday, and the call-back on Monday evening
    assert listed == [t.number for t in (shut, shutting, fresh, waits)]
    assert page.get("/calls/badge").text == "4"
    assert "告诉客户 已经处理完毕，谢谢您" in text
    assert "窗口将在上班前关闭" in text


def test_a_window_that_outlasts_the_next_opening_is_not_on_the_list(desk: Desk, page: Visitor):
    desk.ticket()

    assert on_the_list(page) == []
    assert page.get("/calls/badge").text == ""


def test_a_follower_who_has_written_again_is_off_the_list(desk: Desk, page: Visitor):
    ticket = desk.ticket()
    desk.later(days=5)  # Monday: what opens now outlasts the night
    warn(desk)
    assert on_the_list(page) == [ticket.number]

    desk.says("还在吗")

    assert on_the_list(page) == []


def test_a_call_is_recorded_as_a_reply_by_phone(desk: Desk, page: Visitor, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)

    answer = page.post(f"/calls/{ticket.number}", {"text": "已电话告知客户：已经处理完毕", "kind": "final"})

    assert answer.location == "/calls"
    assert (desk.messages(ticket)[-1].via, desk.reread(ticket).status.value) == ("phone", "answered")
    assert on_the_list(page) == []


def test_a_call_without_words_is_sent_back_with_what_is_missing(desk: Desk, page: Visitor, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)

    answer = page.post(f"/calls/{ticket.number}", {"text": "", "kind": "final"})

    assert answer.status_code == 422
    assert "请填写此项" in words_of(answer)


def test_nobody_is_called_about_tickets_of_others(app: Flask, desk: Desk, page: Visitor, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)

    other = visitor(app, desk.person("li", "agent", "KFB"))

    assert on_the_list(other) == []
    assert on_the_list(page) == [ticket.number]


def test_the_supervisors_board_counts_them_apart(app: Flask, desk: Desk, page: Visitor, agent: User):
    ticket = desk.ticket()
    shut_window(desk, ticket)
    desk.reply(ticket, agent)
    boss = visitor(app, desk.person("boss", "supervisor", "KFB"))

    assert "1 答复待送达 0 窗口已关，等我方 0 窗口将在上班前关闭" in words_of(boss.get("/overdue"))


# What an account has of its own


@pytest.fixture
def admin(app: Flask, desk: Desk) -> Visitor:
    with transaction() as session:
        accounts.add(
            session,
            slug="main",
            name="示例公众号",
            original_id="gh_0123456789ab",
            app_id="wx0123456789abcdef",
            app_secret="secret",
            token="token123",
            aes_key="a" * 43,
        )
    return visitor(app, desk.person("root", "admin", "QGB"))


FORM = {
    "model": "cumulative",
    "messages": "20",
    "hours": "48",
    "tap": "window",
    "invite": "",
    "template_id": "TPL_1",
    "template_fields": "keyword1 = number\nkeyword2 = time",
    "template_url": "y",
}


def test_window_rules_and_notices_are_set_on_a_form_and_shown_again(app: Flask, admin: Visitor):
    answer = admin.post("/admin/accounts/main/notices", dict(FORM))
    account = accounts.account_for("main")
    shown = admin.get("/admin/accounts/main/notices").text

    assert answer.location == "/admin/accounts/main"
    assert account is not None
    limits = windows.limits_of(replace(account, certified=True), 2048, on=date(2026, 3, 4))
    assert {contact.value: grant for contact, grant in limits.windows.items()}["message"] == (20, timedelta(hours=48))
    assert (limits.refreshes, limits.notices["invite"]) == (False, False)
    assert account.notices["template"] == {
        "id": "TPL_1",
        "fields": {"keyword1": "number", "keyword2": "time"},
        "url": True,
    }
    assert "keyword1 = number" in shown


def test_a_field_that_names_no_variable_is_sent_back(admin: Visitor):
    answer = admin.post("/admin/accounts/main/notices", {**FORM, "template_fields": "keyword1 = nmber"})

    assert answer.status_code == 422
    assert "这一行不对：keyword1 = nmber" in words_of(answer)


def test_half_a_rule_is_sent_back(admin: Visitor):
    answer = admin.post("/admin/accounts/main/notices", {**FORM, "hours": ""})

    assert answer.status_code == 422
    assert "条数和小时数请一起填写" in words_of(answer)
