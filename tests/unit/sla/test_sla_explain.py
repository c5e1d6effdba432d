"""Explanations: the words of the common cases, and that steps add up whatever happened to a clock."""

from dataclasses import replace
from datetime import date

import pytest
from sla_makers import (
    OFFICE,
    local,
    natural_minutes,
    shipped_calendar,
    shown,
    working_days,
    working_minutes,
)

from service.sla import clocks
from service.sla.calendar import AROUND_THE_CLOCK, SHANGHAI, Calendar, DayException
from service.sla.clocks import Clock, ClockKind
from service.sla.explain import Step, explain
from service.sla.policy import Target

CALENDAR = shipped_calendar()


def running(target: Target | None, at: str) -> Clock:
    return clocks.start(ClockKind.RESOLVE, target, local(at), CALENDAR)


def told(steps: list[Step]) -> list[tuple[str, int, str]]:
    """Steps as (start, minutes, why)."""
    return [(shown(step.start)[5:], step.minutes, step.why) for step in steps]


def test_minutes_over_a_holiday() -> None:
    assert told(explain(running(working_minutes(30), "2026-09-30 17:50"), CALENDAR)) == [
        ("09-30 17:50", 10, "工作时间"),
        ("09-30 18:00", 0, "非工作时间"),
        ("10-01 00:00", 0, "节假日（国庆节）"),
        ("10-08 00:00", 0, "非工作时间"),
        ("10-08 09:00", 20, "工作时间"),
    ]


def test_each_counted_working_day_is_a_step() -> None:
    assert told(explain(running(working_days(3), "2026-02-13 17:00"), CALENDAR)) == [
        ("02-13 17:00", 0, "收到当天不计"),
        ("02-14 00:00", 0, "非工作时间"),
        ("02-14 09:00", 450, "第 1 个工作日（2月14日 周六，春节调休上班）"),
        ("02-14 18:00", 0, "非工作时间"),
        ("02-15 00:00", 0, "节假日（春节）"),
        ("02-24 00:00", 0, "非工作时间"),
        ("02-24 09:00", 450, "第 2 个工作日（2月24日 周二）"),
        ("02-24 18:00", 0, "非工作时间"),
        ("02-25 09:00", 450, "第 3 个工作日（2月25日 周三）"),
    ]


def test_working_days_that_touch_at_midnight_are_told_one_by_one() -> None:
    always = Calendar(SHANGHAI, AROUND_THE_CLOCK, confirmed_years=frozenset({2026}))
    clock = clocks.start(ClockKind.RESOLVE, working_days(2), local("2026-03-04 10:00"), always)

    assert told(explain(clock, always)) == [
        ("03-04 10:00", 0, "收到当天不计"),
        ("03-05 00:00", 1440, "第 1 个工作日（3月5日 周四）"),
        ("03-06 00:00", 1440, "第 2 个工作日（3月6日 周五）"),
    ]


def test_a_pause_is_a_step_with_its_reason_and_later_time_makes_good() -> None:
    clock = clocks.pause(running(working_days(2), "2026-03-04 10:00"), local("2026-03-05 10:00"), "waiting_customer")

    assert told(explain(clocks.resume(clock, local("2026-03-05 11:30"), CALENDAR), CALENDAR))[2:] == [
        ("03-05 09:00", 60, "第 1 个工作日（3月5日 周四）"),
        ("03-05 10:00", 0, "暂停：等待客户补充"),
        ("03-05 11:30", 300, "第 1 个工作日（3月5日 周四）"),
        ("03-05 18:00", 0, "非工作时间"),
        ("03-06 09:00", 450, "第 2 个工作日（3月6日 周五）"),
        ("03-06 18:00", 0, "非工作时间"),
        ("03-07 00:00", 0, "周末"),
        ("03-09 00:00", 0, "非工作时间"),
        ("03-09 09:00", 90, "顺延，补足暂停占用的时间（3月9日 周一）"),
    ]


def test_a_pause_on_the_day_of_arrival_is_made_good_without_counting() -> None:
    clock = clocks.pause(running(working_days(1), "2026-03-04 10:00"), local("2026-03-04 17:00"), "等财务回话")

    steps = explain(clocks.resume(clock, local("2026-03-04 18:00"), CALENDAR), CALENDAR)

    assert ("03-04 17:00", 0, "暂停：等财务回话") in told(steps)
    assert told(steps)[-1] == ("03-06 09:00", 0, "顺延，补足暂停占用的时间（3月6日 周五）")
    assert shown(steps[-1].end) == "2026-03-06 10:00"
    assert sum(step.minutes for step in steps) == 450


def test_time_that_makes_good_never_counts_however_it_is_cut() -> None:
    clock = clocks.pause(running(working_days(1), "2026-03-04 10:00"), local("2026-03-04 10:00"), "suspended")
    clock = clocks.resume(clock, local("2026-03-04 18:00"), CALENDAR)
    clock = clocks.pause(clock, local("2026-03-06 10:00"), "suspended")

    steps = explain(clocks.resume(clock, local("2026-03-06 10:30"), CALENDAR), CALENDAR)

    assert [step.minutes for step in steps if "补足" in step.why] == [0, 0]
    assert shown(steps[-1].end) == "2026-03-06 17:30"


def test_a_pause_begun_on_the_due_instant_is_told() -> None:
    clock = clocks.pause(running(working_minutes(60), "2026-03-04 10:00"), local("2026-03-04 11:00"), "suspended")

    ended = clocks.resume(clock, local("2026-03-04 12:30"), CALENDAR)

    assert told(explain(clock, CALENDAR))[-1] == ("03-04 11:00", 0, "暂停中：挂起，恢复后时限顺延")
    assert told(explain(ended, CALENDAR))[-1] == ("03-04 11:00", 0, "暂停：挂起")
    assert explain(ended, CALENDAR)[-1].end == ended.due_at == local("2026-03-04 12:00")


def test_a_pause_that_lasts_is_told_without_moving_the_due_time() -> None:
    clock = clocks.pause(
        running(working_minutes(60), "2026-03-04 09:00"), local("2026-03-04 09:20"), "waiting_for_window"
    )

    assert told(explain(clock, CALENDAR)) == [
        ("03-04 09:00", 20, "工作时间"),
        ("03-04 09:20", 0, "暂停中：答复待客户来信后送达，恢复后时限顺延"),
        ("03-04 09:20", 40, "工作时间"),
    ]


def test_the_same_in_english() -> None:
    clock = clocks.pause(running(working_days(1), "2026-02-13 10:00"), local("2026-02-14 17:00"), "suspended")

    assert told(explain(clocks.resume(clock, local("2026-02-24 10:00"), CALENDAR), CALENDAR, "en")) == [
        ("02-13 10:00", 0, "the day of arrival does not count"),
        ("02-14 00:00", 0, "outside opening hours"),
        ("02-14 09:00", 390, "working day 1 (Sat 2026-02-14, make-up workday for Spring Festival)"),
        ("02-14 17:00", 0, "paused: suspended"),
        ("02-24 10:00", 60, "makes good the time of pauses (Tue 2026-02-24)"),
    ]


def test_days_of_an_unannounced_year_say_so() -> None:
    steps = explain(running(working_days(2), "2026-12-30 10:00"), CALENDAR)

    assert steps[-1].why == "第 2 个工作日（1月4日 周一），2027年日历未确认"


@pytest.mark.parametrize(
    ("duty", "steps"),
    [
        (None, [("03-06 17:50", 10, "工作时间"), ("03-06 18:00", 0, "非工作时间"), ("03-07 00:00", 0, "周末"),
                ("03-09 00:00", 0, "非工作时间"), ("03-09 09:00", 20, "工作时间")]),
        (AROUND_THE_CLOCK, [("03-06 17:50", 30, "值班时间")]),
        (dict.fromkeys(range(7), OFFICE), [("03-06 17:50", 10, "值班时间"), ("03-06 18:00", 0, "非值班时间"),
                                           ("03-07 09:00", 20, "值班时间")]),
    ],
)  # fmt: skip
def test_natural_time_is_told_in_duty_hours(duty: dict[int, object] | None, steps: list[tuple[str, int, str]]) -> None:
    roster = None if duty is None else Calendar(SHANGHAI, duty, holidays_apply=False)
    calendar = replace(CALENDAR, duty=roster)
    clock = clocks.start(ClockKind.RESOLVE, natural_minutes(30), local("2026-03-06 17:50"), calendar)

    assert told(explain(clock, calendar)) == steps


def test_without_a_target_there_is_nothing_to_explain() -> None:
    assert explain(running(None, "2026-03-04 09:00"), CALENDAR) == []


def test_a_due_time_of_an_older_calendar_is_told_as_such() -> None:
    clock = running(working_minutes(60), "2026-03-04 17:30")
    party = replace(CALENDAR, days={date(2026, 3, 5): DayException("年会", "holiday")})

    steps = explain(clock, party)

    assert steps[-1] == Step(clock.due_at, clock.due_at, 0, "时限按当时的日历算定，日历此后有变更")
    assert steps[-2].end == clock.due_at


def test_part_minutes_at_both_ends_still_add_up() -> None:
    clock = running(working_minutes(150), "2026-03-04 10:30:05")

    assert [step.minutes for step in explain(clock, CALENDAR)] == [90, 0, 60]


def test_half_a_minute_is_rounded_once() -> None:
    clock = running(working_minutes(30), "2026-03-04 11:45:30")

    assert [step.minutes for step in explain(clock, CALENDAR)] == [15, 0, 15]
