"""The life of a ticket, as a person would tell it: what may follow what, and why."""

import pytest

from service.errors import IllegalTransition
from service.tickets.states import LIVE, TRANSITIONS, WORKABLE, Action, Status, after, allows

ENDED = ("closed", "declined", "withdrawn", "merged", "invalid")
POSSIBLE = [
    ("pending_acceptance", "accept", "in_progress", "somebody takes it"),
    ("pending_acceptance", "reply", "in_progress", "a reply accepts it"),
    ("pending_acceptance", "ask", "waiting_customer", "so does a question"),
    ("pending_acceptance", "answer", "answered", "an answer by phone to a ticket that nobody took"),
    ("pending_acceptance", "decline", "declined", "not ours"),
    ("pending_acceptance", "invalid", "invalid", "no matter at all"),
    ("pending_acceptance", "classify", "pending_acceptance", "nobody has taken it by naming it"),
    ("in_progress", "transfer", "pending_acceptance", "nobody there has taken it yet"),
    ("in_progress", "suspend", "suspended", "something else has to happen first"),
    ("in_progress", "close", "closed", "with a reason"),
    ("waiting_customer", "customer_writes", "in_progress", "what we asked for has come"),
    ("waiting_customer", "resume", "in_progress", "the question did not arrive, or we know by now"),
    ("suspended", "customer_writes", "in_progress", "the follower does not know of our suspension"),
    ("suspended", "resume", "in_progress", "its date has come"),
    ("answered", "customer_writes", "in_progress", "it was not settled"),
    ("answered", "reply", "answered", "a word afterwards opens nothing"),
    ("answered", "follow_up", "answered", "nobody picked up the telephone"),
    ("answered", "follow_up_solved", "closed", "the follower is content"),
    ("answered", "follow_up_unsolved", "in_progress", "once more"),
    ("answered", "close", "closed", "after seven quiet days"),
    ("closed", "reopen", "in_progress", "a person thinks again"),
    ("declined", "reopen", "in_progress", "it was ours after all"),
]
IMPOSSIBLE = [
    ("in_progress", "accept", "somebody has taken it"),
    ("answered", "accept", "it is answered"),
    ("pending_acceptance", "suspend", "take it first"),
    ("pending_acceptance", "close", "nobody has looked at it: decline it, or call it invalid"),
    ("pending_acceptance", "follow_up", "there is no answer to ask about"),
    ("in_progress", "follow_up_solved", "likewise"),
    ("in_progress", "resume", "it is not standing"),
    ("answered", "suspend", "nothing is owed"),
    ("answered", "transfer", "open it again first"),
    ("answered", "decline", "it was answered"),
    ("closed", "reply", "open it again first"),
    ("closed", "close", "it is closed"),
    ("closed", "customer_writes", "a message after the close opens a linked ticket"),
    ("merged", "reopen", "its messages are elsewhere"),
    ("merged", "reply", "write on the other ticket"),
    ("pending_acceptance", "open", "it is opened once"),
]


@pytest.mark.parametrize(("status", "action", "then", "why"), POSSIBLE)
def test_what_may_happen(status: str, action: str, then: str, why: str):
    assert after(Status(status), Action(action)) == then, why


@pytest.mark.parametrize(("status", "action", "why"), IMPOSSIBLE)
def test_what_may_not_happen(status: str, action: str, why: str):
    assert not allows(Status(status), Action(action)), why
    with pytest.raises(IllegalTransition) as refused:
        after(Status(status), Action(action))
    assert refused.value.data["ticket_status"] == status


@pytest.mark.parametrize("status", ENDED)
def test_an_end_is_an_end_but_for_reopening(status: str):
    assert {action for state, action in TRANSITIONS if state == status} <= {Action.REOPEN}


def test_every_status_can_be_reached():
    reached = {Status.PENDING_ACCEPTANCE}
    while more := {then for (state, _), then in TRANSITIONS.items() if state in reached} - reached:
        reached |= more

    assert reached == set(Status)


def test_what_is_open_takes_the_followers_next_message():
    joins = {state for state, action in TRANSITIONS if action is Action.CUSTOMER_WRITES}

    assert joins == set(LIVE)
    assert set(LIVE) - {Status.ANSWERED} == set(WORKABLE)
    assert set(Status) - set(LIVE) == {Status(name) for name in ENDED}


def test_everybody_who_works_on_a_ticket_can_end_it():
    for status in WORKABLE:
        assert allows(status, Action.WITHDRAW), status
        assert allows(status, Action.INVALIDATE), status
        assert allows(status, Action.MERGE), status
