"""What followers are answered at once: keywords, menu taps, the welcome and the default, and what follows from each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from service import TicketIntake, publishing, rulebook
from service.channels import intake as channel_intake
from service.channels import registry
from service.database import db, reading, transaction
from service.messaging.followers import Follower
from service.messaging.ports import Contact, Inbound
from service.rulebook import RulebookCache
from service.tickets import hits
from service.tickets.hits import AutoreplyHit
from service.tickets.models import Message, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeChannel

CHANNEL = "wechat:main"
Publish = Callable[..., None]


def rule(word: str, answer: str = "", how: str = "exact", **more: object) -> dict[str, object]:
    answers = [answer] if answer else []
    keywords = [{"how": how, "words": [word]}]
    return {"id": word, "name": word, "keywords": keywords, "answers": answers, "action": "text", **more}


@pytest.fixture
def publish(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Publish:
    """`publish(rule, …)` puts auto-replies in force, `publish(kind="menu", content=…)` another document."""

    def put(*rules: dict[str, object], kind: str = "autoreplies", content: dict[str, object] | None = None) -> None:
        now = datetime(2026, 3, 1, tzinfo=UTC)
        with transaction() as session:
            document = content or {"rules": list(rules)}
            draft = publishing.write(session, kind, CHANNEL, document, author="lin", now=now)
            publishing.submit(session, draft, by="lin", now=now)
            publishing.publish(session, draft, by="wang", now=now)
            rulebook.bump(session)
        settings = app.config["SETTINGS"]
        monkeypatch.setitem(app.extensions, "rulebook", RulebookCache(settings.time_zone, "https://desk.example.com"))
        monkeypatch.setitem(app.extensions, "intake", TicketIntake(app))

    return put


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def taps(desk: Desk, key: str, follower: str = "oFollower0001") -> str:
    desk.later(seconds=1)
    moment = {"key": f"e:{follower}:{desk.now}:{key}", "follower": follower, "kind": "click", "sent_at": desk.now}
    extra = {"EventKey": key}
    message = Inbound(
        CHANNEL, text=f"[菜单] {key}", raw="<xml/>", contact=Contact.MENU, matter=False, extra=extra, **moment
    )
    return channel_intake.handle(message, now=desk.now)


def arrives(desk: Desk, kind: str, **extra: str) -> str:
    """An event of the platform."""
    desk.later(seconds=1)
    contact = {"subscribe": Contact.FOLLOW, "SCAN": Contact.SCAN}.get(kind, Contact.NONE)
    moment = {"key": f"e:{desk.now}:{kind}", "follower": "oFollower0001", "kind": kind.lower(), "sent_at": desk.now}
    message = Inbound(CHANNEL, text=f"[{kind}]", raw="<xml/>", contact=contact, matter=False, extra=extra, **moment)
    return channel_intake.handle(message, now=desk.now)


def the_follower() -> Follower:
    with reading() as session:
        found = session.scalars(select(Follower)).one()
        session.expunge(found)
    return found


def change_follower(**values: object) -> None:
    with transaction() as session:
        session.execute(update(Follower).values(**values))


# --- rules


def test_a_bare_keyword_that_only_replies_opens_nothing_and_stands_in_the_conversation(desk: Desk, publish: Publish):
    publish(rule("营业时间", "每天九点到六点", only_reply=True))

    assert desk.says("营业时间？") == "每天九点到六点"

    assert (count(Ticket), count(Message)) == (0, 1)


@pytest.mark.parametrize("how", ["contains", "exact", "pattern"])
def test_the_answer_stands_before_the_receipt_of_the_ticket_that_the_message_opens(
    desk: Desk, publish: Publish, how: str
):
    publish(rule("营业时间", "每天九点到六点", how))

    reply = desk.says("营业时间")

    assert reply.startswith("每天九点到六点\n\n已收到您的留言")
    assert desk.newest().number in reply


def test_words_around_a_keyword_are_a_matter_whatever_the_rule_says(desk: Desk, publish: Publish):
    publish(rule("营业时间", "每天九点到六点", "contains", only_reply=True))

    reply = desk.says("营业时间太短")

    assert desk.newest().number in reply


def test_on_an_open_ticket_the_message_joins_and_the_answer_is_given_alone(desk: Desk, publish: Publish):
    publish(rule("发票", "发票在我的订单里开", "contains"))
    ticket = desk.ticket()

    assert desk.says("还有发票怎么开") == "发票在我的订单里开"

    assert [m.text for m in desk.messages(ticket)][-1] == "还有发票怎么开"
    assert count(Ticket) == 1


def test_a_keyword_beside_an_answered_ticket_does_not_reopen_it(desk: Desk, publish: Publish):
    publish(rule("营业时间", "每天九点到六点", only_reply=True))
    ticket = desk.answer(desk.ticket(COMPLAINT), desk.person())

    desk.says("营业时间")

    assert desk.reread(ticket).status is Status.ANSWERED
    assert desk.messages(ticket)[-1].text == "营业时间"


def test_a_rule_out_of_its_window_leaves_the_message_a_matter(desk: Desk, publish: Publish):
    publish(rule("营业时间", "现在休息", window={"hours": "outside"}, only_reply=True))

    assert "现在休息" not in desk.says("营业时间")
    assert count(Ticket) == 1


def test_a_repeat_of_the_push_gets_the_same_of_several_answers(desk: Desk, publish: Publish):
    publish(rule("你好", pick="random", answers=[str(n) for n in range(10)], only_reply=True))
    message = Inbound(CHANNEL, "m:1", "oFollower0001", "text", "你好", desk.now, "<xml/>", Contact.MESSAGE)

    assert len({channel_intake.handle(message, now=desk.now) for _ in range(5)}) == 1


def test_every_answer_is_counted_by_rule_and_day(desk: Desk, publish: Publish):
    publish(rule("营业时间", "每天九点到六点", only_reply=True))
    for follower in ("oA", "oB"):
        desk.says("营业时间", follower=follower)
    desk.later(days=29)
    desk.says("营业时间")

    with reading() as session:
        assert hits.lately(session, CHANNEL, now=desk.now, zone=desk.rules.zone) == {"营业时间": 3}
        later = desk.now + timedelta(days=1)
        assert hits.lately(session, CHANNEL, now=later, zone=desk.rules.zone) == {"营业时间": 1}
    assert count(AutoreplyHit) == 2


def test_what_is_published_and_unusable_does_not_keep_messages_from_being_taken(desk: Desk, publish: Publish):
    publish({"id": "x"})

    reply = desk.says("请问物业费怎么交")

    assert desk.newest().number in reply


@pytest.mark.parametrize("length", [600, 10])
def test_a_reply_is_never_too_long_and_the_receipt_is_whole(desk: Desk, publish: Publish, length: int):
    desk.now = desk.now.replace(month=2, day=14, hour=12)  # the longest receipt: before nine days of holidays
    publish(rule("发票", "长" * length, "contains", answers=["长" * length] * 3))

    reply = desk.says("发票怎么开")

    assert len(reply.encode()) <= 2047
    assert "再发一条任意消息" in reply
    assert ("…\n\n已收到" in reply) is (length == 600)


def test_an_answer_is_not_cut_inside_a_link(desk: Desk, publish: Publish):
    link = '<a href="https://example.com/' + "x" * 200 + '">这里</a>'
    publish(rule("发票", "", "contains", answers=["长" * 500, link]))

    reply = desk.says("发票怎么开")

    assert reply.count("<a ") == reply.count("</a>")


def test_words_that_a_colleague_wrote_are_whole_beside_a_receipt_or_wait(desk: Desk):
    registry.register(FakeChannel(CHANNEL, can_send=False))
    ticket = desk.ticket(COMPLAINT)
    desk.reply(ticket, desk.person(), "答" * 680, "final")
    with desk.doing(ticket, None) as d:
        d.session.execute(update(Follower).values(open_ticket_id=None))

    first, second = desk.says("另外请问停车费怎么交"), desk.says("收到了")

    assert "工单号" in first
    assert "答" not in first
    assert second == "答" * 680


# --- progress, human and the other actions


def test_progress_tells_number_state_promise_and_where_to_look(desk: Desk, publish: Publish):
    publish(rule("进度", action="progress"))
    ticket = desk.ticket()

    reply = desk.says("进度")

    assert ticket.number in reply
    assert ticket.query_code in reply
    assert "等待受理，今天 10:00前" in reply
    assert "https://desk.example.com/progress" in reply


def test_progress_says_what_is_late_and_what_has_ended_lately(desk: Desk):
    agent = desk.person(department="QGB")
    ticket = desk.answer(desk.ticket(), agent)
    assert "已答复" in desk.says("进度")
    desk.later(days=8)
    desk.sweep()
    assert desk.reread(ticket).status is Status.CLOSED
    assert "已办结" in desk.says("进度")
    desk.later(days=8)

    assert "没有正在办理" in desk.says("进度")


def test_progress_is_an_urge_on_the_open_ticket_at_most_once_in_ten_minutes(desk: Desk):
    ticket = desk.ticket()

    for minutes in (0, 9, 2):
        desk.later(minutes=minutes)
        desk.says("进度")

    urges = [event for event in desk.events(ticket) if event.action == "customer_urge"]
    assert [(event.actor, event.because) for event in urges] == [("follower", "客户查询进度")] * 2
    assert desk.reread(ticket).status is Status.PENDING_ACCEPTANCE


def test_asking_for_progress_does_not_answer_our_question(desk: Desk):
    ticket = desk.ticket()
    desk.reply(ticket, desk.person(department="QGB"), "请问房号是多少", "ask")
    desk.deliver()

    reply = desk.says("进度")

    assert "等您补充情况" in reply
    assert desk.reread(ticket).status is Status.WAITING_CUSTOMER


def test_whoever_asks_for_a_person_gets_a_ticket_and_hears_when_somebody_comes(desk: Desk):
    reply = desk.says("人工")

    ticket = desk.newest()
    assert ticket.number in reply
    assert "今天 10:00前会有工作人员联系您" in reply

    again = desk.says("人工")
    assert f"已转告工作人员（工单号 {ticket.number}），今天 10:00前会有人联系您" in again
    assert [event.because for event in desk.events(ticket) if event.action == "customer_urge"] == ["客户要求人工"]


@pytest.mark.parametrize("word", ["帮助", "隐私", "评价", "礼包", "help"])
def test_a_word_to_the_service_itself_is_answered_and_opens_nothing(desk: Desk, word: str):
    assert desk.says(word)
    assert count(Ticket) == 0


def test_rating_leads_to_the_newest_answer_that_has_none(desk: Desk, publish: Publish):
    publish(rule("评价", action="rate"))
    assert "没有可以评价" in desk.says("评价")
    ticket = desk.answer(desk.ticket(), desk.person(department="QGB"))

    assert f"https://desk.example.com/my/main/{ticket.number}" in desk.says("评价")


# --- the menu


def test_a_tap_on_complain_asks_what_it_is_about_and_the_next_message_is_a_complaint_at_once(desk: Desk):
    asked = taps(desk, "COMPLAIN")
    assert "投诉" in asked
    assert count(Ticket) == 0

    reply = desk.says("三号窗口昨天关了半天")

    ticket = desk.newest()
    assert ticket.number in reply
    assert (ticket.category, ticket.priority, ticket.department.code) == ("complaint", "high", "KFB")
    assert (ticket.class_source, ticket.class_because) == ("keyword", ["菜单：我要投诉"])
    assert the_follower().intent is None


def test_the_receipt_after_a_tap_promises_what_the_chosen_category_has(desk: Desk):
    taps(desk, "COMPLAIN")

    reply = desk.says("三号窗口昨天关了半天")

    due = desk.clock(desk.newest(), "accept").due_at.astimezone(desk.rules.zone)  # type: ignore[union-attr]
    assert f"今天 {due:%H:%M}前" in reply


def test_a_choice_stands_against_the_model_unless_the_matter_is_clearly_urgent(desk: Desk):
    taps(desk, "SUGGEST")
    calm = desk.ticket("请问你们几点上班")
    assert (calm.category, calm.proposal and calm.proposal["category"]) == ("suggestion", "inquiry")

    taps(desk, "SUGGEST", follower="oB")
    urgent = desk.ticket("电梯里困了人，快来救命，有人晕倒了", follower="oB")
    assert urgent.priority == "urgent"


def test_a_choice_is_for_half_an_hour(desk: Desk):
    taps(desk, "COMPLAIN")
    desk.later(minutes=31)

    desk.says("请问你们几点上班")

    assert desk.newest().category is None
    assert the_follower().intent is None


def test_a_choice_on_an_open_ticket_is_its_category_too_or_a_proposal_to_who_has_it(desk: Desk):
    ticket = desk.ticket()
    taps(desk, "COMPLAIN")
    desk.says("三号窗口昨天关了半天")
    assert desk.reread(ticket).category == "complaint"

    agent = desk.person(department="QGB")
    other = desk.accept(desk.ticket(follower="oB"), agent)
    taps(desk, "COMPLAIN", follower="oB")
    desk.says("三号窗口昨天关了半天", follower="oB")
    assert desk.reread(other).category == "inquiry"
    assert desk.reread(other).proposal["category"] == "complaint"  # type: ignore[index]


@pytest.mark.parametrize("key", ["ASK", "SUGGEST", "PROGRESS", "TICKETS", "HUMAN", "RATE", "PRIVACY", "HELP"])
def test_the_keys_that_every_installation_knows_answer_and_open_nothing(desk: Desk, key: str):
    assert taps(desk, key)
    assert (count(Ticket), count(Message)) == (0, 1)


def test_a_published_menu_says_what_its_keys_do(desk: Desk, publish: Publish):
    publish(kind="menu", content={"buttons": [], "actions": {"HOURS": {"action": "text", "text": "九点到六点"}}})

    assert taps(desk, "HOURS") == "九点到六点"


def test_a_tap_on_human_notes_it_on_the_open_ticket_and_asks_beside_an_answered_one(desk: Desk):
    ticket = desk.ticket()

    assert ticket.number in taps(desk, "HUMAN")
    assert [event.action for event in desk.events(ticket)][-1] == "customer_urge"

    desk.answer(ticket, desk.person(department="QGB"))
    assert "请把要办的事情发给我们" in taps(desk, "HUMAN")
    assert desk.reread(ticket).status is Status.ANSWERED


# --- welcome, default answers, sources


def test_a_new_follower_is_welcomed_with_the_gift_also_by_a_scan(desk: Desk, publish: Publish):
    publish(content={"welcome": {"paragraphs": ["欢迎。", "请留言。"], "gift": "凭此消息领礼品"}})

    assert arrives(desk, "subscribe", scene="store_12") == "欢迎。\n请留言。\n凭此消息领礼品"


def test_the_gift_can_be_asked_for_again(desk: Desk, publish: Publish):
    shipped = dict(rulebook.shipped("autoreplies.json")[0])
    publish(content=shipped | {"welcome": {"paragraphs": ["欢迎"], "gift": "凭此消息领礼品"}})

    assert desk.says("礼包") == "凭此消息领礼品"


def test_sources_are_the_first_and_the_last_and_the_ticket_has_the_last(desk: Desk):
    arrives(desk, "subscribe", scene="store_12")
    arrives(desk, "subscribe", scene="fair_3")
    arrives(desk, "SCAN", scene="desk_7")

    follower = the_follower()
    assert (follower.first_source, follower.last_source, follower.following) == ("store_12", "desk_7", True)
    assert desk.ticket().source == "desk_7"


def test_what_needs_no_answer_gets_the_default_once_in_ten_minutes(desk: Desk):
    first = desk.says("你好")
    desk.later(minutes=9)
    second = desk.says("在吗")
    desk.later(minutes=2)
    third = desk.says("[捂脸]")

    assert ("我们在" in first, second, third) == (True, "", first)


def test_the_default_answer_knows_working_hours_and_whoever_has_a_ticket_gets_none(desk: Desk):
    desk.now = desk.now.replace(hour=14)  # 22:00 in Shanghai
    assert "明天 09:00 起" in desk.says("你好")

    desk.ticket(follower="oB")
    assert desk.says("在吗", follower="oB") == ""


# --- the block list


def test_a_blocked_followers_words_are_kept_and_nothing_comes_of_them(desk: Desk):
    desk.says("你好")
    change_follower(blocked_at=desk.now)
    desk.later(minutes=20)

    answers = [desk.says(text) for text in (COMPLAINT, "进度", "人工", "你好")]
    answers += [taps(desk, "COMPLAIN"), arrives(desk, "unsubscribe"), arrives(desk, "subscribe")]

    assert set(answers) == {""}
    assert count(Ticket) == 0
    assert count(Message) == 8  # following and leaving are lines too
    assert the_follower().intent is None


def test_a_blocked_followers_words_do_not_join_the_open_ticket(desk: Desk):
    ticket = desk.ticket()
    change_follower(blocked_at=desk.now)

    assert desk.says(COMPLAINT) == ""
    assert [m.text for m in desk.messages(ticket)] == ["请问你们几点上班"]


# --- the hot path


def test_an_ordinary_message_is_one_statement_beside_rules_that_it_does_not_hit(
    desk: Desk, publish: Publish, counted: Callable[[], AbstractContextManager[list[str]]]
):
    publish(
        rule("发票", "在我的订单里开", "contains"),
        rule("退.{0,4}款", "请写明订单号", "pattern"),
        rule("营业时间", "九点"),
    )
    desk.says("请问你们几点上班", follower="oWarm")  # the rules have been read
    if db.engine.dialect.name != "postgresql":
        pytest.skip("PostgreSQL only")

    with counted() as statements:
        desk.says("请问物业费怎么交")
        desk.says("可以微信交吗")

    assert [statement.split()[0] for statement in statements] == ["WITH", "WITH"]
    with counted() as statements:
        assert desk.says("发票怎么开") == "在我的订单里开"
    assert not any(statement.startswith("WITH") for statement in statements)


def test_what_was_chosen_or_blocked_is_left_by_the_one_statement_to_the_steps(desk: Desk):
    taps(desk, "COMPLAIN")
    desk.says("三号窗口昨天关了半天，一直没有人")
    assert desk.newest().category == "complaint"

    change_follower(blocked_at=desk.now)
    assert desk.says("请问物业费怎么交") == ""
    assert count(Ticket) == 1
