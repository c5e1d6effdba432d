"""Promises about ratings: the first vote counts, only its follower's, and a bad one is called back."""

import pytest

from service.database import reading
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.tickets import closing, followup, ratings
from service.tickets.models import Rating, Ticket
from service.tickets.ratings import Vote
from service.tickets.states import Action, Status
from tests.factories import COMPLAINT, MORNING, Desk
from tests.fakes import FakeBell


def rate(desk: Desk, ticket: Ticket, vote: Vote, follower_id: int | None = None) -> bool:
    with desk.doing(ticket, None) as d:
        whose = follower_id or ticket.follower_id
        return ratings.rate(d.session, d.ticket, whose, vote, via="page", now=desk.now, rules=desk.rules)


def comment(desk: Desk, ticket: Ticket, text: str, follower_id: int | None = None) -> bool:
    with desk.doing(ticket, None) as d:
        whose = follower_id or ticket.follower_id
        return ratings.add_comment(d.session, d.ticket, whose, text, now=desk.now, rules=desk.rules)


def tap(desk: Desk, ticket: Ticket, menu_id: str, follower_id: int | None = None) -> str:
    with desk.doing(ticket, None) as d:
        return ratings.tapped(d.session, follower_id or ticket.follower_id, menu_id, now=desk.now, rules=desk.rules)


def rating_of(desk: Desk, ticket: Ticket) -> Rating | None:
    with desk.doing(ticket, None) as d:
        found = ratings.find(d.session, d.ticket)
        if found is not None:
            d.session.expunge(found)
    return found


def answered(desk: Desk, text: str = "请问几点上班") -> Ticket:
    """An answered ticket that no follow-up was drawn for."""
    ticket = desk.answer(desk.ticket(text), desk.person("li"))
    with desk.doing(ticket, None) as d:
        d.ticket.follow_up_open = False
    return desk.reread(ticket)


def test_the_first_vote_counts(desk: Desk):
    ticket = answered(desk)

    kept = [rate(desk, ticket, Vote(5, True, ("slow",), "很好")), rate(desk, ticket, Vote(1))]

    rating = rating_of(desk, ticket)
    assert kept == [True, False]
    assert rating
    assert (rating.score, rating.solved, rating.tags, rating.comment, rating.via) == (5, True, ["slow"], "很好", "page")
    assert [e.action for e in desk.events(ticket)].count(Action.RATE) == 1


def test_the_history_says_who_rated_and_how(desk: Desk):
    ticket = answered(desk)

    rate(desk, ticket, Vote(4, comment="还可以"))

    event = desk.events(ticket)[-1]
    assert (event.actor, event.action, event.because) == ("follower", "rate", "还可以")
    assert event.after["satisfaction"] == 4


def test_another_followers_vote_is_refused(desk: Desk):
    ticket = answered(desk)
    foreign = desk.ticket(follower="oFollower0002")

    with pytest.raises(Forbidden):
        rate(desk, ticket, Vote(1), foreign.follower_id)
    with pytest.raises(Forbidden):
        comment(desk, ticket, "冒充", foreign.follower_id)
    assert rating_of(desk, ticket) is None


def test_there_is_nothing_to_rate_before_the_answer(desk: Desk):
    with pytest.raises(IllegalTransition):
        rate(desk, desk.ticket(), Vote(5))


@pytest.mark.parametrize("vote", [Vote(0), Vote(6), Vote(5, tags=("other",)), Vote(5, comment="长" * 201)])
def test_a_vote_that_makes_no_sense_is_refused(desk: Desk, vote: Vote):
    ticket = answered(desk)

    with pytest.raises(InvalidInput):
        rate(desk, ticket, vote)


@pytest.mark.parametrize("vote", [Vote(1), Vote(2), Vote(3, solved=False)])
def test_a_bad_rating_is_called_back_within_a_working_day(desk: Desk, bell: FakeBell, vote: Vote):
    ticket = answered(desk)
    bell.announced.clear()

    rate(desk, ticket, vote)

    after, clock = desk.reread(ticket), desk.clock(ticket, "follow_up")
    assert after.follow_up_open
    assert after.wake_at is None
    assert clock
    assert clock.due_at == desk.rules.calendar.end_of_working_day(desk.now, 1)
    assert f"ticket:{ticket.number}" in bell.announced


def test_a_good_rating_changes_nothing_else(desk: Desk):
    ticket = answered(desk)

    rate(desk, ticket, Vote(3))

    after = desk.reread(ticket)
    assert (after.follow_up_open, after.wake_at, after.status) == (False, ticket.wake_at, Status.ANSWERED)


def test_a_follow_up_that_is_due_already_keeps_its_time(desk: Desk):
    ticket = desk.answer(desk.ticket(COMPLAINT), desk.person("li"))
    before = desk.clock(ticket, "follow_up")
    desk.later(hours=3)

    rate(desk, ticket, Vote(1))

    now = desk.clock(ticket, "follow_up")
    assert before
    assert now
    assert now.due_at == before.due_at


def test_a_bad_rating_of_a_closed_ticket_is_written_down_and_leaves_it_closed(desk: Desk, bell: FakeBell):
    ticket = desk.answer(desk.ticket(COMPLAINT), desk.person("li"))
    caller = desk.person("hui", "follow_up_agent", "QGB")
    with desk.doing(ticket, caller) as d:
        followup.follow_up(d.session, d.ticket, d.deed, result="solved")
    bell.announced.clear()

    rate(desk, ticket, Vote(1, comment="又坏了"))

    after = desk.reread(ticket)
    assert (after.status, after.follow_up_open, after.closed_at) == (Status.CLOSED, False, desk.now)
    assert desk.events(ticket)[-1].because == "又坏了"
    assert f"ticket:{ticket.number}" in bell.announced


def test_there_is_one_more_thing_to_say(desk: Desk):
    ticket = answered(desk)
    too_early = comment(desk, ticket, "还没评价")
    rate(desk, ticket, Vote(5))

    said = [comment(desk, ticket, "后来的话"), comment(desk, ticket, "再后来的话")]

    rating = rating_of(desk, ticket)
    assert rating
    assert (too_early, said, rating.added, rating.score) == (False, [True, False], "后来的话", 5)


def test_a_tap_votes_for_the_ticket_that_it_names(desk: Desk):
    ticket = answered(desk)

    words = tap(desk, ticket, f"{ticket.id}5")

    rating = rating_of(desk, ticket)
    assert rating
    assert (rating.score, rating.via) == (5, "msgmenu")
    assert ticket.number in words


def test_who_taps_that_they_are_not_content_is_asked_why(desk: Desk):
    ticket = answered(desk)

    assert "1 个工作日内联系您" in tap(desk, ticket, f"{ticket.id}1")


def test_nobody_is_promised_a_call_about_a_closed_ticket(desk: Desk):
    ticket = answered(desk)
    with desk.doing(ticket, None) as d:
        closing.close(d.session, d.ticket, d.deed)

    words = tap(desk, ticket, f"{ticket.id}1")

    assert "联系您" not in words
    assert "请直接回复" in words


def test_a_second_tap_changes_nothing(desk: Desk):
    ticket = answered(desk)
    tap(desk, ticket, f"{ticket.id}5")

    words = tap(desk, ticket, f"{ticket.id}1")

    rating = rating_of(desk, ticket)
    assert rating
    assert rating.score == 5
    assert "已评价过" in words


@pytest.mark.parametrize("menu_id", ["", "5", "abc", "-15", "999999995", "1" * 30, "１５", "{id}0", "{id}6", "{id}9"])
def test_a_tap_that_names_nothing_is_no_vote(desk: Desk, menu_id: str):
    ticket = answered(desk)

    assert tap(desk, ticket, menu_id.format(id=ticket.id)) == ""
    assert rating_of(desk, ticket) is None


def test_a_tap_of_another_follower_is_no_vote(desk: Desk):
    ticket = answered(desk)
    foreign = desk.ticket(follower="oFollower0002")

    assert tap(desk, ticket, f"{ticket.id}5", foreign.follower_id) == ""
    assert rating_of(desk, ticket) is None


def test_a_tap_on_a_ticket_that_is_open_again_is_no_vote(desk: Desk):
    ticket = answered(desk)
    desk.says("还是不行")

    assert tap(desk, ticket, f"{ticket.id}5") == ""
    assert rating_of(desk, ticket) is None


def test_the_summary_counts_what_one_may_see_and_lists_the_bad_ones(desk: Desk):
    votes = [(5, None), (4, True), (2, None), (5, False)]
    tickets = []
    for number in range(len(votes)):
        desk.says(f"第 {number} 件事", follower=f"oFollower100{number}")
        tickets.append(desk.newest())
    person, stranger = desk.person("boss", "supervisor"), desk.person("mei", "agent", "CWB")
    for ticket, (score, solved) in zip(tickets, votes, strict=True):
        desk.answer(ticket, person)
        rate(desk, ticket, Vote(score, solved))
        desk.later(minutes=1)

    with reading() as session:
        seen = ratings.summary(session, person, MORNING)
        nothing = ratings.summary(session, stranger, MORNING)
        later = ratings.summary(session, person, desk.now)

    assert dict(seen.counts) == {5: 2, 4: 1, 3: 0, 2: 1, 1: 0}
    assert (seen.average, seen.solved, seen.unsolved) == (4.0, 1, 1)
    assert [ticket.number for _, ticket in seen.bad] == [tickets[3].number, tickets[2].number]
    assert (nothing.whole, nothing.average) == (0, None)
    assert later.whole == 0
