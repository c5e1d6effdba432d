"""Makers for the tests of service/sla: the shipped rules, instants, targets, and clocks in each state."""

import json
import os
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from service.sla import clocks
from service.sla.calendar import Calendar, Interval, calendar_from
from service.sla.clocks import Clock, ClockKind
from service.sla.policy import PolicyTable, Target, Unit, policies_from

DEFAULTS = Path(__file__).parents[3] / "service" / "defaults"
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
OFFICE: tuple[Interval, ...] = ((time(9), time(12)), (time(13, 30), time(18)))


@cache
def shipped_calendar() -> Calendar:
    """The calendar as shipped."""
    return calendar_from(json.loads((DEFAULTS / "calendar_cn.json").read_text("utf-8")))


def checked(examples: int) -> settings:
    """How a property is tried: the same examples each time, however loaded the machine is.

    With EXAMPLES=40 in the environment 40 times as many, at random.
    """
    factor = int(os.environ.get("EXAMPLES", "0"))
    return settings(
        max_examples=examples * max(1, factor),
        derandomize=not factor,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )


def shipped_policies() -> PolicyTable:
    """The policies as shipped."""
    return policies_from(json.loads((DEFAULTS / "sla_policies.json").read_text("utf-8")))


def local(text: str) -> datetime:
    """An instant from local time in Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def shown(at: datetime | None) -> str:
    """An instant as local time in Shanghai."""
    return "" if at is None else f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def working_minutes(amount: int) -> Target:
    return Target(amount, Unit.WORKING_MINUTES)


def working_days(amount: int) -> Target:
    return Target(amount, Unit.WORKING_DAYS)


def natural_minutes(amount: int) -> Target:
    return Target(amount, Unit.NATURAL_MINUTES)


NINE = local("2026-03-04 09:00")  # a Wednesday


def running(target: Target | None = None, at: datetime = NINE, kind: ClockKind = ClockKind.RESOLVE) -> Clock:
    return clocks.start(kind, target or working_minutes(120), at, shipped_calendar())


def paused(at: str = "2026-03-04 10:00", target: Target | None = None) -> Clock:
    return clocks.pause(running(target), local(at), "waiting_customer")


def breached(target: Target | None = None) -> Clock:
    return clocks.breach(running(target), local("2026-03-20 09:00"))


def met(at: str = "2026-03-04 10:00", target: Target | None = None) -> Clock:
    return clocks.meet(running(target), local(at))


def without_clock() -> Clock:
    return clocks.start(ClockKind.RESOLVE, None, NINE, shipped_calendar())


instants = st.integers(0, 45 * 1440).map(lambda minutes: local("2026-02-20 00:00") + minutes * MINUTE)
"""Minutes from 20 February 2026 on, over a month and a half."""
