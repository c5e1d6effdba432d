"""The ladder: at which instant a clock reaches each share of its time, and each lateness after it was due."""

import json
from collections.abc import Collection
from dataclasses import replace

import pytest
from sla_makers import (
    DEFAULTS,
    local,
    met,
    natural_minutes,
    paused,
    running,
    shipped_calendar,
    shown,
    without_clock,
    working_days,
    working_minutes,
)

from service.sla import clocks, ladder
from service.sla.calendar import AROUND_THE_CLOCK, SHANGHAI, Calendar
from service.sla.clocks import Clock, ClockKind
from service.sla.ladder import Ladder, Rung, ladder_from
from service.sla.policy import Target

CALENDAR = shipped_calendar()
STAFFED = replace(CALENDAR, duty=Calendar(SHANGHAI, AROUND_THE_CLOCK, holidays_apply=False))
SHIPPED = json.loads((DEFAULTS / "escalation.json").read_text("utf-8"))
LADDER = ladder_from(SHIPPED)
SHARES = (50, 75, 90, 100)


def exactly(clock: Clock, share: int, calendar: Calendar = CALENDAR) -> str:
    at = ladder.used_at(clock, share, calendar).astimezone(SHANGHAI)
    return f"{at:%m-%d %H:%M}" + (f":{at:%S}" if at.second else "")


def all_shares(clock: Clock, calendar: Calendar = CALENDAR) -> list[str]:
    return [exactly(clock, share, calendar) for share in SHARES]


def climbed(clock: Clock, done: Collection[str] = ()) -> list[tuple[str, str]]:
    """Every rung that lies ahead with its instant, as if each were taken when it is reached."""
    behind, seen = list(done), []
    while (reached := LADDER.next(clock, behind, CALENDAR)) is not None:
        behind.append(reached.rung.key)
        seen.append((reached.rung.key, shown(reached.at)))
    return seen


@pytest.mark.parametrize(
    ("target", "at", "shares", "why"),
    [
        (
            working_minutes(120),
            "2026-03-04 09:00",
            ["03-04 10:00", "03-04 10:30", "03-04 10:48", "03-04 11:00"],
            "within one morning",
        ),
        (
            working_minutes(30),
            "2026-02-13 17:45",
            ["02-13 18:00", "02-14 09:07:30", "02-14 09:12", "02-14 09:15"],
            "over a night, to a make-up Saturday; a half is full at closing, not at the next opening",
        ),
        (
            working_minutes(30),
            "2026-05-09 11:45",
            ["05-09 12:00", "05-09 13:37:30", "05-09 13:42", "05-09 13:45"],
            "over lunch",
        ),
        (
            working_minutes(30),
            "2026-09-30 17:50",
            ["10-08 09:05", "10-08 09:12:30", "10-08 09:17", "10-08 09:20"],
            "over the national holiday",
        ),
        (
            working_minutes(30),
            "2026-02-15 10:00",
            ["02-24 09:15", "02-24 09:22:30", "02-24 09:27", "02-24 09:30"],
            "from within the spring festival",
        ),
        (
            working_days(1),
            "2026-03-04 09:00",
            ["03-05 14:15", "03-05 16:07:30", "03-05 17:15", "03-05 18:00"],
            "the day of arrival counts nothing: half of Thursday's 7.5 hours is 3.75",
        ),
        (
            working_days(1),
            "2026-03-07 10:00",
            ["03-09 14:15", "03-09 16:07:30", "03-09 17:15", "03-09 18:00"],
            "arrived on a Saturday",
        ),
        (
            working_days(2),
            "2026-02-12 10:00",
            ["02-13 18:00", "02-14 14:15", "02-14 16:30", "02-14 18:00"],
            "Friday and the make-up Saturday",
        ),
        (
            working_days(5),
            "2026-02-13 17:00",
            ["02-25 14:15", "02-26 16:07:30", "02-27 14:15", "02-27 18:00"],
            "the 14th, then the 24th to the 27th: 1125, 1687.5 and 2025 of 2250 minutes",
        ),
        (
            natural_minutes(120),
            "2026-03-06 17:00",
            ["03-06 18:00", "03-09 09:30", "03-09 09:48", "03-09 10:00"],
            "nobody is on duty at the weekend",
        ),
    ],
)
def test_shares_of_a_target_are_instants_of_its_counted_time(
    target: Target, at: str, shares: list[str], why: str
) -> None:
    assert all_shares(running(target, local(at))) == shares, why


def test_natural_minutes_pass_at_night_where_nights_are_staffed() -> None:
    clock = clocks.start(ClockKind.RESOLVE, natural_minutes(720), local("2026-12-31 18:00"), STAFFED)

    assert all_shares(clock, STAFFED) == ["01-01 00:00", "01-01 03:00", "01-01 04:48", "01-01 06:00"]


def after_pauses(target: Target, *pauses: tuple[str, str]) -> Clock:
    """A clock from Wednesday 09:00 that stood still meanwhile."""
    clock = running(target)
    for begins, ends in pauses:
        clock = clocks.pause(clock, local(f"2026-{begins}"), "waiting_customer")
        clock = clocks.resume(clock, local(f"2026-{ends}"), CALENDAR)
    return clock


@pytest.mark.parametrize(
    ("target", "pauses", "shares", "why"),
    [
        (
            working_minutes(120),
            [("03-04 10:10", "03-04 10:40")],
            ["03-04 10:00", "03-04 11:00", "03-04 11:18", "03-04 11:30"],
            "the half lies before the pause",
        ),
        (
            working_minutes(120),
            [("03-04 10:00", "03-04 10:30")],
            ["03-04 10:30", "03-04 11:00", "03-04 11:18", "03-04 11:30"],
            "what is reached as the pause begins is reached after it",
        ),
        (
            working_minutes(120),
            [("03-04 09:30", "03-04 10:00"), ("03-04 11:00", "03-04 11:10")],
            ["03-04 10:30", "03-04 11:10", "03-04 11:28", "03-04 11:40"],
            "two of them; the second begins as three quarters are full",
        ),
        (
            working_minutes(120),
            [("03-04 10:15", "03-04 14:00")],
            ["03-04 10:00", "03-04 14:15", "03-04 14:33", "03-04 14:45"],
            "105 minutes before lunch and 30 after it count as paused",
        ),
        (
            working_minutes(120),
            [("03-04 10:15", "03-05 09:15")],
            ["03-04 10:00", "03-05 09:30", "03-05 09:48", "03-05 10:00"],
            "over night",
        ),
        (
            working_days(1),
            [("03-05 10:00", "03-05 11:00")],
            ["03-05 15:15", "03-05 17:07:30", "03-06 09:15", "03-06 10:00"],
            "an hour of the counted day",
        ),
        (
            working_days(1),
            [("03-04 10:00", "03-04 11:00")],
            ["03-05 15:15", "03-05 17:07:30", "03-06 09:15", "03-06 10:00"],
            "an hour of the day of arrival moves the due time as much",
        ),
    ],
)
def test_a_pause_moves_what_lies_behind_it(
    target: Target, pauses: list[tuple[str, str]], shares: list[str], why: str
) -> None:
    clock = after_pauses(target, *pauses)

    assert all_shares(clock) == shares, why
    assert exactly(clock, 100) == shown(clock.due_at)[5:]


LATE = [("supervision/resolve", "2026-03-04 16:15"), ("yellow", "2026-03-05 18:00"), ("red", "2026-03-09 18:00")]
AHEAD = [("warning", "2026-03-04 10:30"), ("soon", "2026-03-04 10:48"), ("overdue", "2026-03-04 11:00")]


def test_a_clock_climbs_all_its_rungs_one_after_the_other() -> None:
    assert climbed(running()) == AHEAD + LATE


def test_a_breached_clock_takes_what_it_has_not_taken_in_order_and_nothing_twice() -> None:
    late = clocks.breach(running(), local("2026-03-20 09:00"))

    assert climbed(late) == AHEAD + LATE
    assert climbed(late, ["warning", "overdue"]) == [AHEAD[1], *LATE]
    assert climbed(late, [key for key, _ in AHEAD + LATE]) == []


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (ClockKind.ACCEPT, ["unclaimed", "soon", "overdue"]),
        (ClockKind.FIRST_REPLY, ["warning", "soon", "overdue", "supervision/reply", "yellow", "red"]),
        (ClockKind.NEXT_REPLY, ["warning", "soon", "overdue"]),
        (ClockKind.RESOLVE, ["warning", "soon", "overdue", "supervision/resolve", "yellow", "red"]),
        (ClockKind.FOLLOW_UP, ["warning/follow_up", "overdue/follow_up"]),
        (ClockKind.UPDATE, ["warning", "overdue"]),
    ],
)
def test_each_clock_has_the_rungs_that_name_it(kind: ClockKind, keys: list[str]) -> None:
    assert [key for key, _ in climbed(running(kind=kind))] == keys


@pytest.mark.parametrize(
    ("at", "kind", "late", "why"),
    [
        ("2026-03-04 09:00", ClockKind.FIRST_REPLY, ["03-04 12:00", "03-05 18:00", "03-09 18:00"], "on a Wednesday"),
        ("2026-02-13 17:15", ClockKind.RESOLVE, ["02-14 15:30", "02-24 18:00", "02-26 18:00"], "before the festival"),
        ("2026-12-31 09:00", ClockKind.RESOLVE, ["12-31 16:15", "01-04 18:00", "01-06 18:00"], "into next year"),
    ],
)
def test_lateness_counts_from_the_due_time(at: str, kind: ClockKind, late: list[str], why: str) -> None:
    assert [instant[5:] for _, instant in climbed(running(at=local(at), kind=kind))[3:]] == late, why


@pytest.mark.parametrize(
    "clock",
    [paused(), met(), without_clock(), clocks.meet(paused(), local("2026-03-04 10:05"))],
    ids=["standing still", "met", "without target", "met in a pause"],
)
def test_what_stands_still_or_is_over_reaches_nothing(clock: Clock) -> None:
    assert climbed(clock) == []


def test_a_late_clock_grows_no_later_while_it_stands_still() -> None:
    late = clocks.breach(running(), local("2026-03-04 14:00"))
    standing = clocks.pause(late, local("2026-03-04 14:00"), "waiting_customer")
    assert standing.state is clocks.ClockState.BREACHED
    assert climbed(standing) == []

    # 240 minutes of Wednesday afternoon and 60 of Thursday did not count
    again = clocks.resume(standing, local("2026-03-05 10:00"), CALENDAR)

    assert [instant for _, instant in climbed(again)[3:]] == [
        "2026-03-05 13:45",
        "2026-03-06 15:30",
        "2026-03-10 15:30",
    ]


def test_a_pause_that_moved_the_due_time_is_not_counted_once_more() -> None:
    clock = after_pauses(working_minutes(120), ("03-04 10:00", "03-04 11:00"))

    assert [instant for _, instant in climbed(clock)[2:4]] == ["2026-03-04 12:00", "2026-03-04 17:15"]


def test_a_shorter_target_repeats_nothing_and_takes_what_has_passed() -> None:
    shorter = clocks.retarget(running(), working_minutes(60), CALENDAR, local("2026-03-04 10:35"))

    assert climbed(shorter, ["warning"])[:3] == [
        ("soon", "2026-03-04 09:54"),
        ("overdue", "2026-03-04 10:00"),
        ("supervision/resolve", "2026-03-04 15:15"),
    ]


def test_a_longer_target_warns_of_nothing_again() -> None:
    late = clocks.breach(running(), local("2026-03-04 14:00"))
    longer = clocks.retarget(late, working_days(1), CALENDAR, local("2026-03-04 14:00"))

    assert climbed(longer, ["warning", "soon", "overdue"])[0] == ("supervision/resolve", "2026-03-06 14:15")


def test_a_promise_that_is_kept_longer_than_its_target_is_late_when_it_is_due() -> None:
    kept = replace(running(), due_at=local("2026-03-05 10:00"))

    assert all_shares(kept) == ["03-04 10:00", "03-04 10:30", "03-04 10:48", "03-05 10:00"]


def test_no_share_is_reached_later_than_the_due_time() -> None:
    early = replace(running(), due_at=local("2026-03-04 10:40"))  # the calendar has changed and it is not yet renewed

    assert all_shares(early) == ["03-04 10:00", "03-04 10:30", "03-04 10:40", "03-04 10:40"]


def test_of_two_rungs_at_one_share_each_has_its_turn() -> None:
    two = Ladder((rung(key="a"), rung(key="b")))

    first = two.next(running(), [], CALENDAR)
    second = two.next(running(), ["a"], CALENDAR)

    assert first is not None
    assert second is not None
    assert (first.rung.key, second.rung.key) == ("a", "b")
    assert first.at == second.at


def rung(**changes: object) -> Rung:
    return ladder.rung_from(row(**changes))


def row(**changes: object) -> dict[str, object]:
    names = {"name_zh": "预警", "name_en": "Warning"}
    told = {"who": ["handler"], "how": ["in_app"]}
    return {
        "key": "warning",
        **names,
        "clocks": ["resolve"],
        "share": 75,
        "late": None,
        "level": None,
        **told,
        **changes,
    }


HOUR_LATE = {"amount": 60, "unit": "working_minutes"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(key="")], "'key' must be a text"),
        ([row(key="a b")], "key is one word"),
        ([row(name_en=None)], "'name_en' must be a text"),
        ([row(clocks=[])], "belongs to no clock"),
        ([row(clocks=["resolv"])], "'resolv' is not a valid ClockKind"),
        ([row(clocks="resolve")], "'clocks' must be a list"),
        ([row(share=None)], "either a share or a lateness"),
        ([row(late=HOUR_LATE)], "either a share or a lateness"),
        ([row(share=0)], "between 1 and 100, not 0"),
        ([row(share=101)], "between 1 and 100, not 101"),
        ([row(share=True)], "'share' must be a whole number"),
        ([row(share=7.5)], "'share' must be a whole number"),
        ([row(share=None, late="1 day")], "'late' must be an object or null"),
        ([row(share=None, late=HOUR_LATE | {"amount": 0})], "at least 1"),
        ([row(share=None, late=HOUR_LATE, level="purple")], "ordinary, yellow, red"),
        ([row(level="red")], "belongs to a lateness"),
        ([row(who=["boss"])], "'boss'.* is none of handler"),
        ([row(how=["pigeon"])], "'pigeon'.* is none of in_app"),
        ([row(how=[])], "tells somebody in some way"),
        ([row(who=[])], "tells somebody in some way"),
        ([row(who=[], how=[])], "tells somebody in some way"),
        ([row(), row()], "two rungs of the same key"),
    ],
)
def test_a_mistake_in_a_row_is_named(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ladder_from(rows)


def test_a_rung_may_raise_a_level_and_tell_nobody() -> None:
    assert rung(share=None, late=HOUR_LATE, level="yellow", who=[], how=[]).level == "yellow"


def test_what_is_shipped_climbs_from_a_warning_to_a_red_card() -> None:
    assert [found["key"] for found in SHIPPED] == [found.key for found in LADDER.rungs]
    assert [found.level for found in LADDER.rungs if found.level] == ["ordinary", "ordinary", "yellow", "red"]
