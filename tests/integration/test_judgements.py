"""What is kept of each verdict, when a person's word settles it, and what goes when a follower's data go."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from sqlalchemy import select

from service.database import reading, transaction
from service.messaging.followers import Follower
from service.people import User
from service.tickets import classification, judgements, profiles
from service.tickets.judgements import Judgement
from tests.factories import COMPLAINT, INQUIRY, Desk
from tests.learning_rig import correct, corrected, judgement

PHONE = "请问我的电话13812345678登记了吗"


def erase(desk: Desk, follower: str) -> None:
    with transaction() as session:
        found = session.scalars(select(Follower).where(Follower.address == follower)).one()
        profiles.erase(session, found, actor="boss", now=desk.now, because="本人要求")


def test_a_verdict_is_kept_with_its_reasons_and_its_model(desk: Desk):
    ticket = desk.ticket(COMPLAINT)

    kept = judgement(ticket)

    assert (kept.category, kept.priority, kept.kind) == ("complaint", ticket.priority, None)
    assert kept.because == ticket.class_because
    assert kept.model == desk.rules.model_version != ""
    assert kept.text is None  # nobody has said whether it is right


def test_more_words_replace_the_verdict_while_nobody_has_the_ticket(desk: Desk):
    ticket = desk.ticket(INQUIRY)
    desk.says(COMPLAINT)
    desk.classify()

    assert judgement(ticket).category == "complaint"


def test_whoever_accepts_a_ticket_as_it_stands_confirms_it(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(COMPLAINT), boss)

    kept = judgement(ticket)

    assert (kept.kind, kept.final_category, kept.settled_by_id) == ("confirmed", "complaint", boss.id)
    assert kept.text == COMPLAINT


def test_a_first_reply_confirms_as_accepting_does(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY)

    desk.reply(ticket, boss)

    assert judgement(ticket).kind == "confirmed"


def test_a_correction_is_kept_beside_the_verdict_also_after_it_was_confirmed(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(INQUIRY), boss)

    correct(desk, ticket, boss, to="fault", priority="urgent")

    kept = judgement(ticket)
    assert (kept.kind, kept.category, kept.final_category) == ("corrected", "inquiry", "fault")
    assert kept.final_priority == "urgent"


def test_a_ticket_that_is_corrected_before_it_was_judged_is_an_example_too(desk: Desk, boss: User):
    ticket = corrected_early(desk, boss)

    kept = judgement(ticket)

    assert (kept.kind, kept.category, kept.final_category) == ("corrected", "inquiry", "fault")
    assert kept.text == INQUIRY


def corrected_early(desk: Desk, boss: User):  # type: ignore[no-untyped-def]
    return correct(desk, desk.ticket(INQUIRY, classified=False), boss, to="fault")


def test_a_proposal_changes_nothing_about_what_was_judged(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(INQUIRY), boss)
    desk.says(COMPLAINT)
    desk.classify()

    assert judgement(ticket).category == "inquiry"


def test_no_number_of_a_follower_stands_among_the_examples(desk: Desk, boss: User):
    ticket = corrected(desk, boss, text=PHONE)

    assert "13812345678" not in judgement(ticket).text


def test_erasing_a_follower_takes_the_words_and_leaves_the_number(desk: Desk, boss: User):
    ticket = corrected(desk, boss, follower="oGone")
    other = corrected(desk, boss, follower="oStays")

    erase(desk, "oGone")

    kept = judgement(ticket)
    assert (kept.text, kept.because) == (None, [])
    assert (kept.kind, kept.final_category) == ("corrected", "fault")
    assert judgement(other).text == INQUIRY


def test_what_an_erased_follower_wrote_is_not_collected_again(desk: Desk, boss: User):
    ticket = desk.ticket(INQUIRY, follower="oGone")
    erase(desk, "oGone")

    correct(desk, ticket, boss, to="fault")

    assert judgement(ticket).text is None


def test_texts_fade_after_their_term(desk: Desk, boss: User):
    old = corrected(desk, boss, follower="oOld")
    desk.later(days=10)
    new = corrected(desk, boss, follower="oNew")

    with transaction() as session:
        judgements.fade(session, before=desk.now - timedelta(days=5))

    assert judgement(old).text is None
    assert judgement(new).text is not None


def test_a_batch_of_verdicts_is_kept_by_one_statement(
    desk: Desk, counted: Callable[[], AbstractContextManager[list[str]]]
):
    for number in range(5):
        desk.says(COMPLAINT, follower=f"oFollower{number}")
    desk.later(seconds=5)

    with counted() as statements, transaction() as session:
        classification.classify_due(session, now=desk.now, rules=desk.rules)

    with reading() as session:
        assert len(session.scalars(select(Judgement.ticket_id)).all()) == 5
    assert len([s for s in statements if "judgements" in s]) == 1
