"""Who takes a ticket, and why: by load or in turn, by skill, the follower's last handler first."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.routing.assignment import (
    Absence,
    AssignmentRules,
    Candidate,
    Mode,
    Wanted,
    assignment_from,
    choose,
    distribute,
    hindrance,
    row_of,
)

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
BY_LOAD, IN_TURN = AssignmentRules(Mode.LOAD), AssignmentRules(Mode.ROUND_ROBIN)
ANY = Wanted()
INVOICE = Wanted({"invoice": "发票", "inquiry": "咨询"}, text="我的发票什么时候寄")
LI, WANG, ZHAO = (Candidate(name, name.title(), n, 20) for name, n in (("li", 1), ("wang", 3), ("zhao", 2)))


def test_the_least_loaded_takes_it() -> None:
    choice = choose([WANG, LI, ZHAO], ANY, BY_LOAD)

    assert (choice.username, choice.because) == ("li", "在岗 3 人；在手最少（1 件）：Li")


def test_between_equals_whoever_waited_longest_takes_it_whatever_the_order() -> None:
    early, late = replace(LI, last_assigned_at=NOW), replace(WANG, open_tickets=1, last_assigned_at=NOW - timedelta(1))

    assert choose([early, late], ANY, BY_LOAD).username == choose([late, early], ANY, BY_LOAD).username == "wang"


def test_in_turn_whoever_waited_longest_takes_it_whatever_they_have() -> None:
    people = [replace(LI, last_assigned_at=NOW), WANG, replace(ZHAO, last_assigned_at=NOW - timedelta(minutes=1))]

    choices = list(distribute(people, [ANY] * 4, IN_TURN, now=NOW + timedelta(minutes=1)))

    assert [c.username for c in choices] == ["wang", "zhao", "li", "wang"]
    assert choices[0].because == "在岗 3 人；轮到：Wang"


def test_nobody_over_the_limit_is_chosen() -> None:
    assert choose([replace(LI, open_tickets=5, limit=5), replace(WANG, limit=8)], ANY, BY_LOAD).username == "wang"
    assert choose([replace(LI, open_tickets=5, limit=5)], ANY, BY_LOAD).username is None
    assert choose([replace(LI, open_tickets=0, limit=0)], ANY, BY_LOAD).username is None


def test_whoever_last_handled_the_follower_goes_before_the_skilled_and_the_idle() -> None:
    people = [LI, replace(WANG, skills=("发票",)), ZHAO]

    choice = choose(people, replace(INVOICE, last_handler="zhao"), BY_LOAD)

    assert choice.username == "zhao"
    assert choice.because == "在岗 3 人；有技能『发票』1 人；最近处理过此关注者：Zhao"


def test_a_last_handler_who_is_full_or_away_is_no_reason_to_wait() -> None:
    wanted = replace(ANY, last_handler="zhao")

    assert choose([LI, replace(ZHAO, limit=2)], wanted, BY_LOAD).username == "li"
    assert choose([LI, replace(ZHAO, absence=Absence.AWAY)], wanted, BY_LOAD).username == "li"


def test_the_last_handler_is_one_of_many_where_the_department_wants_it_so() -> None:
    rules = replace(BY_LOAD, prefer_last_handler=False)

    assert choose([LI, ZHAO], replace(ANY, last_handler="zhao"), rules).username == "li"


@pytest.mark.parametrize("skill", ["invoice", "发票", "INVOICE", "咨询", "什么时候寄"])
def test_a_skill_is_a_category_a_subcategory_by_code_or_name_or_a_word_of_the_matter(skill: str) -> None:
    assert choose([LI, replace(WANG, skills=(skill,))], INVOICE, BY_LOAD).username == "wang"


def test_whoever_has_other_skills_only_does_not_get_it() -> None:
    choice = choose([replace(LI, skills=("漏水",)), WANG], INVOICE, BY_LOAD)

    assert (choice.username, choice.because) == ("wang", "在岗 2 人；可接单 1 人；在手最少（3 件）：Wang")


def test_a_restricted_ticket_goes_only_to_those_who_may_see_it() -> None:
    keeper = Candidate("zhou", "周", 9, 20, takes_plain=False, takes_restricted=True)

    assert choose([LI, keeper], replace(ANY, restricted=True), BY_LOAD).username == "zhou"
    assert choose([LI, keeper], ANY, BY_LOAD).username == "li"


def test_nobody_gets_a_complaint_about_themselves_nor_what_they_have_just_given_back() -> None:
    wanted = Wanted(recused=frozenset({"li"}), passed_over="zhao")

    assert choose([LI, WANG, ZHAO], wanted, BY_LOAD).username == "wang"


def test_where_nobody_can_each_is_named_with_the_reason() -> None:
    people = [
        replace(LI, absence=Absence.AWAY),
        replace(WANG, absence=Absence.OFF_DUTY),
        replace(ZHAO, limit=2),
        Candidate("qian", "Qian", skills=("漏水",)),
        Candidate("sun", "Sun"),
        Candidate("zhou", "Zhou", absence=Absence.OFF_DUTY),
    ]

    choice = choose(people, replace(INVOICE, recused=frozenset({"sun"})), BY_LOAD)

    assert choice.username is None
    assert choice.because == (
        "暂时无人可派。回避：Sun；暂离：Li；不在班：Wang、Zhou；技能不符：Qian；已满：Zhao（2/2）"
    )


def test_a_department_without_people_says_so() -> None:
    assert choose([], ANY, BY_LOAD).because == "部门里没有办理工单的人"


def test_of_a_large_department_the_reason_names_some() -> None:
    people = [Candidate(f"p{n}", f"人{n}", absence=Absence.AWAY) for n in range(30)]

    assert choose(people, ANY, BY_LOAD).because.endswith("人7 等 30 人")


# ---- many tickets

skills = st.lists(st.sampled_from(["invoice", "leak", "咨询"]), max_size=2).map(tuple)
limits = st.one_of(st.none(), st.integers(0, 12))
absences = st.sampled_from([None, None, None, *Absence])
people = st.lists(
    st.builds(
        Candidate,
        username=st.integers(0, 10_000).map(str),
        name=st.just("某"),
        open_tickets=st.integers(0, 8),
        limit=limits,
        skills=skills,
        absence=absences,
        takes_restricted=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda c: c.username,
)
tickets = st.lists(
    st.builds(
        Wanted,
        matters=st.sampled_from([{}, {"invoice": "发票"}, {"leak": "漏水"}]),
        restricted=st.booleans(),
        last_handler=st.sampled_from([None, "1", "2"]),
        recused=st.frozensets(st.sampled_from(["1", "2", "3"]), max_size=2),
    ),
    max_size=40,
)


@given(people, tickets, st.sampled_from([BY_LOAD, IN_TURN]))
def test_nobody_who_cannot_is_chosen_and_nobody_waits_while_somebody_can(
    candidates: list[Candidate], wanted: list[Wanted], rules: AssignmentRules
) -> None:
    in_hand = {c.username: c for c in candidates}

    for ticket, choice in zip(wanted, distribute(candidates, wanted, rules, now=NOW), strict=True):
        able = {c.username for c in in_hand.values() if hindrance(c, ticket) is None}
        assert choice.because
        assert (choice.username is None) == (not able)
        if choice.username is not None:
            assert choice.username in able
            chosen = in_hand[choice.username]
            in_hand[choice.username] = replace(chosen, open_tickets=chosen.open_tickets + 1)

    for before, after in ((c, in_hand[c.username]) for c in candidates):
        assert after.open_tickets == before.open_tickets or (after.limit is None or after.open_tickets <= after.limit)


@given(st.lists(limits, min_size=1, max_size=10), st.integers(0, 120))
def test_loads_differ_by_one_at_most_but_for_those_whose_limit_is_lower(given: list[int | None], number: int) -> None:
    candidates = [Candidate(f"p{n:02}", "某", limit=limit) for n, limit in enumerate(given)]

    chosen = Counter(c.username for c in distribute(candidates, [ANY] * number, BY_LOAD, now=NOW))

    most = max(chosen[c.username] for c in candidates)
    for candidate in candidates:
        load = chosen[candidate.username]
        assert load >= most - 1 or load == candidate.limit


# ---- 10,000 tickets over 20 agents with different shifts and limits

SHIFTS = {"always": range(24), "early": range(7, 15), "late": range(14, 22), "night": (*range(22, 24), *range(8))}
ROSTER = {  # of 20: shift, limit on tickets in hand, of which each is done after some hours
    f"agent{n:02}": (shift, limit)
    for n, (shift, limit) in enumerate(
        [("always", 400)] * 4
        + [("always", 12), ("always", 25), ("always", 60)]
        + [("early", 400)] * 4
        + [("early", 15)]
        + [("late", 400)] * 4
        + [("late", 20)]
        + [("night", 400)] * 2
        + [("night", 8)]
    )
}
HOURS, HOURLY = 200, 50  # 10,000 tickets


def run_of_hours(open_hours: int) -> tuple[Counter[str], dict[str, list[int]], int]:
    """Who got how many; what each had in hand at the end of every hour; how many broke a rule.

    Each ticket is done `open_hours` after it was given, so that loads settle as they do where people work.
    """
    people = {name: Candidate(name, name, limit=limit) for name, (_, limit) in ROSTER.items()}
    got, in_hand, wrong = Counter[str](), {name: list[int]() for name in people}, 0
    done_at: dict[int, Counter[str]] = {}
    for hour in range(HOURS):
        for name, number in done_at.pop(hour, Counter()).items():
            people[name] = replace(people[name], open_tickets=people[name].open_tickets - number)
        there = [c for name, c in people.items() if hour % 24 in SHIFTS[ROSTER[name][0]]]
        absent = [replace(c, absence=Absence.OFF_DUTY) for name, c in people.items() if c not in there]
        choices = list(distribute([*there, *absent], [ANY] * HOURLY, BY_LOAD, now=NOW + timedelta(hours=hour)))
        given_now = Counter(c.username for c in choices if c.username is not None)
        got += given_now
        done_at[hour + open_hours] = given_now
        for name, number in given_now.items():
            people[name] = replace(people[name], open_tickets=people[name].open_tickets + number)
            wrong += hour % 24 not in SHIFTS[ROSTER[name][0]]
        for name, person in people.items():
            assert person.limit is not None
            wrong += person.open_tickets > person.limit
            in_hand[name].append(person.open_tickets)
    return got, in_hand, wrong


def test_ten_thousand_tickets_over_twenty_agents_none_over_the_limit_none_off_duty_loads_within_a_tenth() -> None:
    got, in_hand, wrong = run_of_hours(open_hours=24)

    assert (wrong, got.total()) == (0, HOURS * HOURLY)  # nobody over, nobody off duty, and nothing left lying
    uncapped = [name for name, (_, limit) in ROSTER.items() if limit == 400]
    always = [name for name in uncapped if ROSTER[name][0] == "always"]
    for hour in range(24, HOURS):  # who is there at the same time and has room has as much, at every hour
        for shift in SHIFTS:
            same = [in_hand[name][hour] for name in uncapped if ROSTER[name][0] == shift]
            assert max(same) - min(same) <= max(1, 0.1 * max(same)), (hour, shift, same)
    at_the_end = [in_hand[name][-1] for name in uncapped]
    assert max(at_the_end) <= 1.1 * min(at_the_end)  # across the shifts too: who came later caught up
    for group in (always, *([n for n in uncapped if ROSTER[n][0] == shift] for shift in SHIFTS)):
        totals = [got[name] for name in group]
        assert max(totals) <= 1.1 * min(totals), totals  # and has been given as many over all
    for name, (_, limit) in ROSTER.items():  # a limit holds back those whose limit is low, and nobody else
        assert max(in_hand[name]) == limit or name in uncapped


# ---- the rules


def test_a_department_is_as_everybody_unless_it_has_a_row_of_its_own() -> None:
    own = AssignmentRules(Mode.ROUND_ROBIN, False, 5, 0)

    found = assignment_from([row_of("default", AssignmentRules()), row_of("KFB", BY_LOAD), row_of("KFB", own)])

    assert found == {"default": AssignmentRules(), "KFB": own}


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "fair"},
        {"prefer_last_handler": 1},
        {"limit": 0},
        {"limit": "9"},
        {"return_minutes": -1},
        {"limit": 501},
    ],
)
def test_a_row_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        assignment_from([row_of("default", AssignmentRules()) | wrong])
