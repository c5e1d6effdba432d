"""The calendar's page: a year of twelve months, what each day is, and what was changed by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _p

from service.sla.calendar import Calendar
from service.sla.hours import Week
from service.sla.words import WEEKDAYS
from service.sla.written import hours_text
from service.sla.yearbook import Day, DayState, YearState, days_of, year_state
from service.web.languages import language
from service.web.replies_words import DAYS as WEEKDAY_NAMES

__all__ = ["WEEKDAY_NAMES", "hours_text"]  # for templates

LETTERS: Mapping[DayState, LazyString] = {
    DayState.HOLIDAY: _p("day", "休"),
    DayState.MAKEUP: _p("day", "班"),
    DayState.SHORT: _p("day", "半"),
}
ON_DUTY = _p("day", "值")
KINDS: Mapping[str, LazyString] = {"holiday": _p("day", "休"), "makeup_workday": _p("day", "班")}
STATES: Mapping[DayState, LazyString] = {
    DayState.WORKING: _l("工作日"),
    DayState.REST: _l("周末或休息日"),
    DayState.HOLIDAY: _l("放假"),
    DayState.MAKEUP: _l("调休上班"),
    DayState.SHORT: _l("半天"),
}
WORKED = (DayState.WORKING, DayState.MAKEUP, DayState.SHORT)
SENTENCES: Mapping[YearState, LazyString] = {
    YearState.CONFIRMED: _l("节假日安排已确认。"),
    YearState.PROVISIONAL: _l(
        "节假日安排尚未公布：暂按法定节假日计算，不猜调休上班日；涉及这一年的时限都标为暂定，公布后只会不变或更晚。"
    ),
    YearState.MISSING: _l("没有这一年的资料：只按固定日期的法定节假日计算，涉及这一年的时限都标为暂定。"),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A day in its month; `is_own`: changed by hand here."""

    day: Day
    is_own: bool
    is_today: bool

    @property
    def letter(self) -> LazyString | str:
        return LETTERS.get(self.day.state, ON_DUTY if self.day.duty else "")


@dataclass(frozen=True, slots=True)
class Month:
    number: int
    skipped: range  # empty places before its first day, the week beginning on Monday
    cells: Sequence[Cell]

    @property
    def worked(self) -> int:
        """Its working days."""
        return sum(cell.day.state in WORKED for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Board:
    year: int
    state: YearState
    months: Sequence[Month]
    duty_runs: bool  # there is a roster

    @property
    def sentence(self) -> LazyString:
        return SENTENCES[self.state]

    @property
    def cells(self) -> list[Cell]:
        return [cell for month in self.months for cell in month.cells]

    def count(self, *states: DayState) -> int:
        """Days of the year in one of these states."""
        return sum(cell.day.state in states for cell in self.cells)

    @property
    def worked(self) -> int:
        return self.count(*WORKED)

    @property
    def own(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.is_own]


def board_of(calendar: Calendar, year: int, own: set[date], today: date) -> Board:
    """A year of a calendar; `own` are the days that were changed by hand here."""
    months: list[list[Cell]] = [[] for _ in range(12)]
    for day in days_of(calendar, year):
        months[day.day.month - 1].append(Cell(day, day.day in own, day.day == today))
    return Board(
        year=year,
        state=year_state(year, calendar.confirmed_years),
        months=[Month(n, range(cells[0].day.day.weekday()), cells) for n, cells in enumerate(months, 1)],
        duty_runs=calendar.duty is not None,
    )


def weekday_letters() -> list[str]:
    """The heads of a month's columns."""
    return WEEKDAYS["en" if language() == "en" else "zh"].split()


def week_words(week: Week) -> str:
    """The weekly hours in a line: 周一–周五 09:00-12:00, 13:30-18:00."""
    runs: list[tuple[int, int, str]] = []  # first and last weekday with the same hours
    for number in range(7):
        hours = hours_text(week.get(number, ()))
        if runs and runs[-1][2] == hours:
            runs[-1] = (runs[-1][0], number, hours)
        else:
            runs.append((number, number, hours))
    shown = ((first, last, hours) for first, last, hours in runs if hours)
    return _("；").join(
        f"{WEEKDAY_NAMES[first]}{f'–{WEEKDAY_NAMES[last]}' if last > first else ''} {hours}"
        for first, last, hours in shown
    )
