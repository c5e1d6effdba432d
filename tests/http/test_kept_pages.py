"""Promises of the page of messages that opened no ticket, and of what a ticket's page says of tickets like it."""

import pytest
from flask import Flask
from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.tickets import closing, cooperation, likenesses
from service.tickets.models import Message, Ticket
from service.tickets.states import Status
from service.web import formats
from tests.factories import Desk
from tests.page_rig import Visitor, visitor, words_of

ADVERT = "低息贷款当天放款，黑户可做，加微 dk8888"


@pytest.fixture(autouse=True)
def at_desk_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "now", lambda: desk.now)


@pytest.fixture
def supervisor(app: Flask, boss: User) -> Visitor:
    return visitor(app, boss)


def newest_message() -> Message:
    with reading() as session:
        found = session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        session.expunge_all()
    return found


def compared(desk: Desk) -> None:
    with transaction() as session:
        likenesses.compare_due(session, now=desk.now, rules=desk.rules)


def closed(desk: Desk, text: str, follower: str, by: User) -> Ticket:
    ticket = desk.answer(desk.accept(desk.ticket(text, follower=follower), by), by)
    compared(desk)
    with desk.doing(ticket, by) as d:
        closing.close(d.session, d.ticket, d.deed, reason="已解决")
    return desk.reread(ticket)


def test_whoever_looks_after_followers_finds_what_opened_no_ticket(desk: Desk, supervisor: Visitor):
    desk.says(ADVERT)
    desk.says("谢谢")

    doubtful, talk = supervisor.get("/kept"), supervisor.get("/kept", reason="talk")
    assert ADVERT in doubtful.text
    assert "<mark>加微</mark>" in doubtful.text, "it says by which words"
    assert "谢谢" in words_of(talk)
    assert ADVERT not in talk.text
    assert supervisor.get("/kept", reason="' OR 1=1").status_code == 200


def test_an_agent_does_not_see_the_list(app: Flask, desk: Desk, agent: User):
    desk.says(ADVERT)

    assert visitor(app, agent).get("/kept").status_code == 403
    assert visitor(app, agent).post(f"/kept/{newest_message().id}/ticket").status_code == 403


def test_one_click_makes_a_ticket_of_it(desk: Desk, supervisor: Visitor):
    desk.says(ADVERT)
    written = newest_message()

    assert supervisor.post_bare(f"/kept/{written.id}/ticket", {}).status_code == 400
    went = supervisor.post(f"/kept/{written.id}/ticket")
    ticket = desk.newest()
    assert went.headers["Location"].endswith(ticket.number)
    assert ticket.received_at == written.at
    assert ADVERT not in supervisor.get("/kept").text
    assert supervisor.post(f"/kept/{written.id}/ticket").status_code == 409


def test_a_message_that_is_not_there_is_not_found(supervisor: Visitor):
    assert supervisor.post("/kept/999999/ticket").status_code == 404


def test_the_page_shows_the_earlier_answer_to_quote(desk: Desk, boss: User, supervisor: Visitor):
    first = closed(desk, "门禁卡丢了怎么补办", "oFollower0001", boss)
    desk.later(days=20)
    again = desk.ticket("你好，门禁卡丢了，想补办")
    compared(desk)

    page = supervisor.get(f"/tickets/{again.number}")
    assert "可能重复" in page.text
    assert first.number in page.text
    assert 'data-fill-with="已经处理完毕，谢谢您"' in page.text


def test_of_a_ticket_that_one_may_not_see_nothing_is_shown(app: Flask, desk: Desk, boss: User):
    first = closed(desk, "门禁卡丢了怎么补办", "oFollower0001", boss)
    with desk.doing(first, None) as d:
        d.ticket.restricted = True
        d.ticket.department_id = desk.rules.departments["KFB"]
    desk.later(days=20)
    again = desk.ticket("你好，门禁卡丢了，想补办")
    compared(desk)

    page = visitor(app, desk.person("li", "agent", "QGB")).get(f"/tickets/{again.number}")
    assert page.status_code == 200
    assert "可能重复" not in page.text
    assert "已经处理完毕" not in page.text


def test_two_open_tickets_of_one_follower_are_merged_from_the_panel(desk: Desk, boss: User, supervisor: Visitor):
    first = closed(desk, "门禁卡丢了怎么补办", "oFollower0001", boss)
    desk.later(days=20)
    second = desk.ticket("你好，门禁卡丢了，想补办")
    with desk.doing(first, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="还没办好")
    compared(desk)

    page = supervisor.get(f"/tickets/{second.number}")
    assert f'name="into" value="{first.number}"' in page.text
    supervisor.post(f"/tickets/{second.number}/do/merge", {"into": first.number})
    assert desk.reread(second).status is Status.MERGED


def test_many_alike_on_one_day_are_counted_on_the_page(desk: Desk, supervisor: Visitor):
    for n in range(7):
        desk.later(seconds=30)
        ticket = desk.ticket(f"{n}栋停水了没人管", follower=f"oNeighbour{n:04}")
        compared(desk)

    assert "今日同类 7 件" in supervisor.get(f"/tickets/{ticket.number}").text
    assert "今日同类 7 件" in supervisor.get(f"/tickets/{_first().number}").text


def _first() -> Ticket:
    with reading() as session:
        found = session.scalars(select(Ticket).order_by(Ticket.id).limit(1)).one()
        session.expunge_all()
    return found


def test_the_notice_of_many_is_read_in_both_languages(app: Flask, desk: Desk, boss: User):
    for n in range(5):
        desk.later(seconds=30)
        ticket = desk.ticket(f"{n}栋停水了没人管", follower=f"oNeighbour{n:04}")
        with desk.doing(ticket, boss) as d:
            if d.ticket.category != "complaint":
                cooperation.classify(d.session, d.ticket, d.deed, category="complaint", reason="停水")
        compared(desk)

    words = words_of(visitor(app, boss).get("/notifications"))
    assert "5 位客户反映同一件事" in words
