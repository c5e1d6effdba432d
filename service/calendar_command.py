"""`desk calendar`: import the announced holidays of a year, and show what is known of one."""

from collections.abc import Iterable
from pathlib import Path

import click

from service import calendars
from service.audit import SYSTEM
from service.calendars import Edit, Plan
from service.clock import utcnow
from service.command import Mistake, at_work, session, speaks_plainly
from service.database import reading
from service.rulebook import Rulebook
from service.sla.import_words import mistake_words
from service.sla.importing import LARGEST_BYTES, YEARS, Notice, OfficialDay, UnusableNotice, read_notice
from service.sla.words import name_words
from service.sla.written import hours_text
from service.sla.yearbook import Day, DayState, days_of, year_state

WORDS = {"holiday": "day off", "makeup_workday": "make-up workday"}
STATES = {DayState.HOLIDAY: "day off", DayState.MAKEUP: "make-up workday", DayState.SHORT: "short day"}
WORKED = (DayState.WORKING, DayState.MAKEUP, DayState.SHORT)


@click.group()
def calendar() -> None:
    """The working calendar."""


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="say what would change, and change nothing")
@speaks_plainly
def calendar_import(file: Path, dry_run: bool) -> None:
    """Import a year's holidays: holiday-cn JSON, or CSV with the columns date,type,name."""
    notice = notice_in(file)
    with session() as opened:
        if dry_run:
            planned = calendars.plan(opened, notice)
        else:
            edit = Edit(SYSTEM, utcnow(), f"desk calendar import {file.name}")
            planned = calendars.import_year(opened, notice, edit)
    say(planned, dry_run=dry_run)


def notice_in(file: Path) -> Notice:
    """The notice of a file. Raises Mistake with one sentence for each thing that is wrong with it."""
    with file.open("rb") as opened:
        data = opened.read(LARGEST_BYTES + 1)
    try:
        return read_notice(data)
    except UnusableNotice as unusable:
        raise Mistake(f"{file.name}: " + " ".join(mistake_words(m, "en") for m in unusable.mistakes)) from None


def say(planned: Plan, *, dry_run: bool) -> None:
    """The differences, a line each, and what was done."""
    year, diff = planned.notice.year, planned.diff
    for sign, changes in (("+", diff.added), ("-", diff.removed), ("~", diff.changed)):
        for each in changes:
            click.echo(f"{sign} {each.day.isoformat()} {' -> '.join(known(k) for k in (each.before, each.after) if k)}")
    if not planned.rows:
        click.echo(f"{year}: nothing to change, the calendar is the same")
        return
    counts = f"{len(diff.added)} added, {len(diff.removed)} removed, {len(diff.changed)} changed"
    done = "would be confirmed; nothing was changed" if dry_run else "is confirmed; open tickets are recomputed"
    click.echo(f"{year} {done} ({counts})")


def known(day: OfficialDay) -> str:
    return f"{WORDS[day.kind]} ({name_words(day.name, 'en')})"


@calendar.command("show")
@click.argument("year", type=click.IntRange(YEARS[0], YEARS[-1]))
@click.option("--department", help="code of a department whose own days and hours to show")
@speaks_plainly
def calendar_show(year: int, department: str | None) -> None:
    """Print what is known of a year, its counts, and each day that differs from the week."""
    with at_work() as made, reading() as opened:
        rules: Rulebook = made.extensions["rulebook"].current(opened)
        if department is not None and department not in rules.departments:
            raise Mistake(f"--department {department}: one of {', '.join(rules.departments)}")
        of = rules.calendar_for(rules.departments[department]) if department else rules.calendar
        days = list(days_of(of, year))
    worked, off = count(days, WORKED), count(days, (DayState.HOLIDAY,))
    makeup = count(days, (DayState.MAKEUP,))
    state = year_state(year, of.confirmed_years).value
    click.echo(f"{year} {state}: {worked} working days, {off} days off by holiday, {makeup} make-up workdays")
    for day in days:
        if day.state in STATES:
            hours = f" {hours_text(day.hours)}" if day.hours else ""
            click.echo(f"{day.day:%Y-%m-%d %a} {STATES[day.state]} ({name_words(day.name, 'en')}){hours}")


def count(days: Iterable[Day], states: tuple[DayState, ...]) -> int:
    return sum(day.state in states for day in days)
