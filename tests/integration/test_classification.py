"""What a burst of messages is about: judged once the follower is quiet, never against a person's word."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.people import User
from service.routing.classifier import Verdict
from service.tickets import classification, closing, cooperation
from service.tickets.access import visible_to
from service.tickets.models import Ticket
from service.tickets.register import Notification
from service.tickets.states import Status
from tests.factories import COMPLAINT, INQUIRY, Desk

URGENT = "快来人，三号楼着火了，有人被困在里面"


@pytest.fixture
def boss(desk: Desk) -> User:
    return desk.person("boss", "admin", "QGB")


def sees(desk: Desk, user: User, ticket: Ticket) -> bool:
    with transaction() as session:
        person = session.get_one(User, user.id)
        return session.scalar(select(Ticket.id).where(Ticket.id == ticket.id, visible_to(person))) is not None


@pytest.mark.parametrize(
    ("text", "category", "department"), [(INQUIRY, "inquiry", "QGB"), (COMPLAINT, "complaint", "KFB")]
)
def test_a_matter_goes_to_its_department(desk: Desk, text: str, category: str, department: str):
    ticket = desk.ticket(text)

    event = desk.events(ticket)[-1]
    assert (ticket.category, ticket.department.code, ticket.status) == (
        category,
        department,
        Status.PENDING_ACCEPTANCE,
    )
    assert (ticket.class_source, ticket.classify_at) == ("keyword", None)
    assert 0 < ticket.class_confidence <= 1
    assert ticket.class_because
    assert (event.actor, event.action, event.before["category"]) == ("system", "classify", None)
    assert event.because == "、".join(ticket.class_because)


def test_an_unsure_guess_that_it_is_no_matter_keeps_its_clocks():
    ranked = (("other", 0.4), ("invalid", 0.3), ("inquiry", 0.2))
    verdict = Verdict("other", "low", 0.4, triage=True, because=("闲聊",), ranked=ranked)

    assert classification.category_of(verdict) == "inquiry"
    assert classification.category_of(replace(verdict, triage=False)) == "invalid"


def test_what_the_intake_department_passed_on_stays_readable_to_it(desk: Desk):
    intake, owner, other = (desk.person(f"in{code}", "agent", code) for code in ("QGB", "KFB", "CWB"))

    ticket = desk.ticket(COMPLAINT)

    assert [sees(desk, user, ticket) for user in (intake, owner, other)] == [True, True, False]


def test_targets_follow_the_category_from_the_first_message_on(desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    target = desk.rules.policies.policy_for("complaint", ticket.priority).resolve
    clock = desk.clock(ticket, "resolve")
    assert (clock.started_at, clock.target_amount) == (ticket.received_at, target.amount)
    assert clock.due_at == desk.rules.calendar.end_of_working_day(ticket.received_at, target.amount)


def classify_now(desk: Desk) -> int:
    with transaction() as session:
        return classification.classify_due(session, now=desk.now, rules=desk.rules)


def test_a_follower_who_is_still_writing_is_not_interrupted(desk: Desk):
    desk.says("你好，我想问一下")
    desk.later(seconds=2)
    desk.says("算了，我要投诉你们的服务态度")
    desk.later(seconds=2)
    assert classify_now(desk) == 0

    desk.later(seconds=1)

    assert classify_now(desk) == 1
    assert desk.newest().category == "complaint"  # the whole burst, not its first message
    assert classify_now(desk) == 0


def test_more_words_are_judged_again_while_nobody_has_it(desk: Desk):
    ticket = desk.ticket()
    desk.later(minutes=1)
    desk.says(COMPLAINT)
    desk.classify()

    again = desk.reread(ticket)
    assert (again.category, again.department.code) == ("complaint", "KFB")


def test_more_words_that_only_make_it_sure_take_it_out_of_triage(desk: Desk):
    ticket = desk.ticket("上班")
    assert (ticket.category, ticket.triage) == ("inquiry", True)

    desk.says(INQUIRY)
    desk.later(minutes=1)
    desk.classify()

    assert (desk.reread(ticket).category, desk.reread(ticket).triage) == ("inquiry", False)


def test_the_same_verdict_is_no_news(desk: Desk):
    ticket = desk.ticket()
    desk.says("请问周末上班吗")
    desk.classify()

    assert [e.action for e in desk.events(ticket)] == ["open", "classify"]


def test_talk_that_slipped_through_is_kept_as_invalid(desk: Desk):
    ticket = desk.ticket("[图片]", classified=False)
    with desk.doing(ticket, None) as d:
        verdict = desk.rules.classifier.classify("谢谢")
        classification.judge(d.session, d.ticket, verdict, d.deed)

    kept = desk.reread(ticket)
    assert (verdict.category, kept.category, kept.status) == ("other", "invalid", Status.PENDING_ACCEPTANCE)


# A person's word


def takes(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.accept(ticket, boss)


def replies(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.reply(ticket, boss, "您好，正在核实", "interim")


def corrects(desk: Desk, ticket: Ticket, boss: User) -> None:
    with desk.doing(ticket, boss) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category="inquiry", reason="只是问问")


def corrects_and_hands_on(desk: Desk, ticket: Ticket, boss: User) -> None:
    corrects(desk, ticket, boss)
    with desk.doing(ticket, boss) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")


def asks(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.reply(ticket, boss, "请问房号是多少", "ask")


def takes_and_hands_on(desk: Desk, ticket: Ticket, boss: User) -> None:
    takes(desk, ticket, boss)
    with desk.doing(ticket, boss) as d:
        cooperation.transfer(d.session, d.ticket, d.deed, department="CWB", reason="发票问题")


HANDS = [takes, replies, corrects, corrects_and_hands_on, asks, takes_and_hands_on]


@pytest.mark.parametrize("in_hand", HANDS)
def test_on_a_ticket_in_hand_the_classifier_only_proposes(desk: Desk, boss: User, in_hand):
    ticket = desk.ticket()
    in_hand(desk, ticket, boss)
    before = desk.reread(ticket)

    desk.says(COMPLAINT)
    desk.classify()

    after, event = desk.reread(ticket), desk.events(ticket)[-1]
    assert (after.category, after.priority, after.department_id) == ("inquiry", before.priority, before.department_id)
    assert (after.proposal["category"], after.proposal["priority"]) == ("complaint", "high")
    assert (event.actor, event.action, event.after["category"]) == ("system", "propose", "complaint")
    assert event.because


def test_an_urgent_finding_reaches_whoever_has_it(desk: Desk, bell, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.says(URGENT)
    bell.announced.clear()

    desk.classify()

    after = desk.reread(ticket)
    assert (after.priority, after.proposal["priority"], after.proposal["urgent"]) == ("normal", "urgent", True)
    assert f"ticket:{ticket.number}" in bell.announced
    assert desk.events(ticket)[-1].action == "propose"


def test_an_urgent_finding_tells_whoever_has_it_once_however_much_more_is_written(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)

    for words in ("家里煤气泄漏了", "煤气味越来越大", "快来人啊煤气"):
        desk.says(words)
        desk.classify()

    with reading() as session:
        query = select(Notification.user_id, Notification.kind, Notification.ticket_id, Notification.urgent)
        told = session.execute(query).all()
    assert [tuple(row) for row in told] == [(boss.id, "urgent", ticket.id, True)]
    assert [e.action for e in desk.events(ticket)].count("propose") == 1


def test_talk_that_speaks_of_danger_is_a_matter_for_a_person(desk: Desk):
    ticket = desk.ticket("哈哈 有人跳楼了")

    assert (ticket.category != "invalid", ticket.priority, ticket.triage) == (True, "urgent", True)
    assert desk.clock(ticket, "accept") is not None


def test_an_urgent_matter_is_urgent_from_the_start(desk: Desk):
    assert desk.ticket(URGENT).priority == "urgent"


def test_the_same_proposal_is_made_once(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    for _ in range(2):
        desk.says(COMPLAINT)
        desk.classify()

    assert [e.action for e in desk.events(ticket)].count("propose") == 1


def test_a_correction_settles_the_proposal(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.says(COMPLAINT)
    desk.classify()

    corrects(desk, ticket, boss)

    assert desk.reread(ticket).proposal is None


@pytest.mark.parametrize("ends", ["closed", "answered"])
def test_what_is_done_is_not_judged(desk: Desk, boss: User, ends: str):
    ticket = desk.ticket()
    desk.answer(ticket, boss)
    if ends == "closed":
        with desk.doing(ticket, boss) as d:
            closing.close(d.session, d.ticket, d.deed)
    with transaction() as session:
        session.get_one(Ticket, ticket.id).classify_at = desk.now
    version = desk.reread(ticket).version

    assert classify_now(desk) == 1

    after = desk.reread(ticket)
    assert (after.classify_at, after.version, after.proposal) == (None, version, None)


def test_a_batch_is_bounded_and_reads_few_statements(desk: Desk, counted):
    for number in range(20):
        desk.says(COMPLAINT, follower=f"oFollower{number:04}")
    desk.later(seconds=5)

    with counted() as statements:
        assert classify_now(desk) == 20

    reads = [s for s in statements if s.lstrip().upper().startswith("SELECT")]
    assert len(reads) <= 6
