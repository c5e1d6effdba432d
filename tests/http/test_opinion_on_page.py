"""Whoever opens a ticket sees what a language model took it for, beside our own guess, and what became of it."""

import pytest
from flask import Flask

from service import alerts
from service.database import transaction
from service.tickets import opinions
from service.tickets.models import Ticket
from service.tickets.opinions import Opinion
from tests.factories import Desk
from tests.page_rig import visitor


def heard(desk: Desk, **more: object) -> Ticket:
    """A ticket about which a second opinion came."""
    ticket = desk.ticket()
    values = {"category": "help_request", "confidence": 0.6, "reason": "<b>要人上门</b>", "detail": "shown"} | more
    with transaction() as session:
        session.add(
            Opinion(ticket_id=ticket.id, at=desk.now, state="done", guess="inquiry", guess_confidence=0.45, **values)
        )
    return ticket


@pytest.mark.parametrize("category", ["help_request", "other"])
@pytest.mark.parametrize("detail", ["agreed", "moved", "shown", "proposed", "overtaken"])
def test_the_page_shows_both_opinions(app: Flask, desk: Desk, category: str, detail: str):
    boss = desk.person("boss", "admin", "QGB")
    ticket = heard(desk, category=category, detail=detail)

    page = visitor(app, boss).get(f"/tickets/{ticket.number}").text

    assert "第二意见（语言模型）" in page
    assert "系统原判断：咨询" in page
    assert "<b>要人" not in page
    assert ("&lt;b&gt;要人上门" in page) == (detail not in ("agreed", "moved")), "its reason stands above otherwise"


def test_a_ticket_without_one_says_nothing_of_it(app: Flask, desk: Desk):
    boss = desk.person("boss", "admin", "QGB")
    ticket = desk.ticket()

    assert "第二意见" not in visitor(app, boss).get(f"/tickets/{ticket.number}").text


def test_the_operator_sees_that_the_model_fails(app: Flask, desk: Desk):
    boss = desk.person("boss", "admin", "QGB")
    with transaction() as session:
        alerts.raised(session, scope="", kind="opinion", detail="不接受密钥：核对 OPINION_KEY", now=desk.now)

    page = visitor(app, boss).get("/").text

    assert "第二意见" in page
    assert "核对 OPINION_KEY" in page


def test_who_is_forgotten_leaves_no_reason_behind(desk: Desk):
    ticket = heard(desk)

    with transaction() as session:
        opinions.forget(session, ticket.follower_id)

    with transaction() as session:
        kept = opinions.newest(session, session.get_one(Ticket, ticket.id))
        assert kept is not None
        assert (kept.category, kept.reason) == ("help_request", None)
