"""A trial of other targets on a small history that was reckoned by hand."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sla_makers import shipped_calendar

from service import rulebook
from service.sla import clocks as sla
from service.sla.clocks import Clock
from service.sla.policy import ClockKind, PolicyTable, policies_from
from service.sla.target_words import target_in
from service.sla.trial import Case, Outcome, verdicts_on

SHIPPED = policies_from(rulebook.shipped("sla_policies.json"))
CALENDAR = shipped_calendar()
A, F, N, R = ClockKind.ACCEPT, ClockKind.FIRST_REPLY, ClockKind.NEXT_REPLY, ClockKind.RESOLVE


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    """An instant of March 2026 by the clocks of Shanghai; the 4th is a Wednesday."""
    return datetime(2026, 3, day, hour - 8, minute, tzinfo=UTC)


TEN, FIVE = at(10), at(17)


def clock(kind: ClockKind, text: str, start: datetime = TEN, met: datetime | None = None) -> Clock:
    running = sla.start(kind, target_in(text), start, CALENDAR)
    return sla.meet(running, met, CALENDAR) if met else running


def case(*clocks: Clock, **changes: object) -> Case:
    made = Case("GD1", "inquiry", "normal", (), at(10), CALENDAR, clocks, {})
    return replace(made, **changes)  # type: ignore[arg-type]


def draft(name: str = "inquiry/normal", **cells: str) -> PolicyTable:
    category, priority, *tag = name.split("/")
    policies = list(SHIPPED.policies)
    place = next(i for i, p in enumerate(policies) if p.name == f"{category}/{priority}")
    made = replace(policies[place], **{column: target_in(text) for column, text in cells.items()})
    if tag:
        policies.append(replace(made, tag=tag[0]))
    else:
        policies[place] = made
    return PolicyTable(tuple(policies))


def found(one: Case, table: PolicyTable, now: datetime = FIVE) -> list[tuple[ClockKind, object, object, object]]:
    return [(v.kind, v.was, v.present, v.draft) for v in verdicts_on(one, SHIPPED, table, now)]


@pytest.mark.parametrize(
    ("one", "table", "expected", "why"),
    [
        (
            case(clock(A, "30 分钟", met=at(10, 20))),
            draft(accept="15 分钟"),
            [(A, False, False, True)],
            "accepted after 20 minutes: 30 are kept, 15 are not",
        ),
        (
            case(clock(A, "30 分钟", met=at(10, 15))),
            draft(accept="15 分钟"),
            [(A, False, False, False)],
            "met exactly when due is not late",
        ),
        (
            case(clock(A, "30 分钟", met=at(11))),
            draft(accept="1 小时"),
            [(A, True, True, False)],
            "a longer target would have been kept",
        ),
        (
            case(clock(A, "30 分钟", met=at(11))),
            draft(accept="—"),
            [(A, True, True, None)],
            "a draft without this clock breaches nothing",
        ),
        (
            case(clock(A, "10 分钟", met=at(10, 20))),
            draft(accept="25 分钟"),
            [(A, True, False, False)],
            "it ran under an older version with 10 minutes: late then, not under the present table",
        ),
        (
            case(clock(R, "1 工作日")),
            draft(resolve="4 小时"),
            [(R, False, False, True)],
            "still open at 17:00: 10:00 plus 4 working hours is 15:30",
        ),
        (
            case(clock(R, "1 工作日"), extended_days=1),
            draft(resolve="4 小时"),
            [(R, False, False, False)],
            "the day that was granted counts under the draft too",
        ),
        (
            case(sla.pause(clock(R, "1 工作日"), at(15), "waiting_customer")),
            draft(resolve="4 小时"),
            [(R, False, False, False)],
            "time has stood still since 15:00, before 15:30",
        ),
        (
            case(sla.resume(sla.pause(clock(R, "1 工作日"), at(14), "suspended"), at(16), CALENDAR)),
            draft(resolve="4 小时"),
            [(R, False, False, False)],
            "two hours of pause move 15:30 to 17:30",
        ),
        (
            case(clock(R, "2 小时", at(14), met=at(17)), received_at=at(10)),
            draft(resolve="10 分钟"),
            [(R, True, True, True)],
            "begun again at 14:00 on a remainder: as it was in all three",
        ),
        (
            case(clock(N, "30 分钟", at(14), met=at(14, 20))),
            draft(next_reply="10 分钟"),
            [(N, False, False, True)],
            "the last round of a next reply runs from its own start",
        ),
        (
            case(category="suggestion", priority="low", unclocked={F: at(11)}),
            draft("suggestion/any", first_reply="30 分钟"),
            [(F, None, False, True)],
            "a clock that it never had runs from the first message to when it was done",
        ),
        (
            case(category="praise", unclocked={A: at(11)}),
            draft(accept="5 分钟"),
            [],
            "neither table has a clock for it",
        ),
        (
            case(clock(A, "30 分钟", met=at(10, 20)), category=None),
            draft(accept="15 分钟"),
            [(A, False, False, True)],
            "unclassified counts as an ordinary inquiry",
        ),
        (
            case(clock(A, "30 分钟", met=at(10, 20)), tags=("VIP",)),
            draft("inquiry/normal/VIP", accept="15 分钟"),
            [(A, False, False, True)],
            "a row for the follower's tag",
        ),
        (
            case(clock(A, "30 分钟", met=at(10, 20))),
            draft("inquiry/normal/VIP", accept="15 分钟"),
            [(A, False, False, False)],
            "and for nobody else",
        ),
    ],
)
def test_one_clock_under_three_tables(
    one: Case, table: PolicyTable, expected: list[tuple[ClockKind, object, object, object]], why: str
) -> None:
    assert found(one, table) == expected


def test_an_outcome_counts_by_category_priority_and_clock() -> None:
    table, outcome = draft(accept="15 分钟"), Outcome(most_examples=1)
    for number, minutes in enumerate((10, 20, 25, 40)):
        one = case(clock(A, "30 分钟", met=at(10, minutes)), number=f"GD{number}")
        outcome.add(one, verdicts_on(one, SHIPPED, table, at(17)))
    outcome.add(other := case(category="complaint"), verdicts_on(other, SHIPPED, table, at(17)))

    tally = outcome.tallies["inquiry", "normal", A]
    assert (outcome.tickets, tally.clocks, tally.was, tally.present, tally.draft) == (5, 4, 1, 1, 3)
    assert (tally.difference, outcome.total().difference) == (2, 2)
    assert (outcome.changed["worse"], outcome.changed["better"]) == (2, 0)
    assert [example.case.number for example in outcome.examples] == ["GD1"]
