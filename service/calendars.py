"""What administrators do with the calendar: import a year, change a day, hours, duty. Each leaves one event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, rulebook
from service.doorbell import ring
from service.errors import InvalidInput
from service.rulebook import RulebookRow
from service.sla.hours import MIDNIGHT
from service.sla.importing import Diff, Notice, OfficialDay, differences
from service.sla.layers import COMPANY, DAY, calendars_from, key_of, split
from service.sla.rows import Row
from service.sla.shifts import Shift, key_of_day
from service.sla.statutory import statutory_days

SECTION = "calendar"
AFTER_THE_SHIPPED = 10_000  # position of rows that we add


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changes the calendar, when, and why."""

    actor: str
    now: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do: the differences for a person, and the rows to write; none: nothing to do."""

    notice: Notice
    diff: Diff
    rows: Mapping[str, Row]


def rows_of(session: Session) -> dict[str, RulebookRow]:
    """The calendar's rows by key."""
    query = select(RulebookRow).where(RulebookRow.section == SECTION).execution_options(populate_existing=True)
    return {row.key: row for row in session.scalars(query)}


def plan(session: Session, notice: Notice) -> Plan:
    """What this notice would change now. Where a later year's notice has decided a day, that stands."""
    rows = {key: row.value for key, row in rows_of(session).items()}
    announced = {date.fromisoformat(key): row for key, row in rows.items() if DAY.fullmatch(key)}
    later = {day for day, row in announced.items() if notice_of(day, row) > notice.year}
    standing = Notice(notice.year, tuple(each for each in notice.days if each.day not in later))
    named = {each.day for each in standing.days}
    replaced = {
        day: row
        for day, row in announced.items()
        if day in named or (day not in later and notice.year in (day.year, notice_of(day, row)))
    }
    changes: dict[str, Row] = {}
    for day in sorted(named | replaced.keys()):
        wanted = row_for(day, next((each for each in standing.days if each.day == day), None), notice.year)
        if day not in replaced or not is_same(day, replaced[day], wanted):
            changes[day.isoformat()] = wanted
    is_confirmed = rows.get(str(notice.year), {}).get("confirmed") is True
    if not is_confirmed:
        changes[str(notice.year)] = {"key": str(notice.year), "confirmed": True, "papers": list(notice.papers)}
    current = {day: known for day, row in replaced.items() if (known := official(day, row)) is not None}
    if not is_confirmed:  # what stood in for the announcement so far
        expected = {day: OfficialDay(day, "holiday", name) for day, name in statutory_days(notice.year).items()}
        current = expected | current
    return Plan(notice, differences(standing, current), changes)


def notice_of(day: date, row: Row) -> int:
    """Of which year the notice is that decided this day."""
    year = row.get("notice")
    return year if isinstance(year, int) else day.year


def row_for(day: date, known: OfficialDay | None, year: int) -> Row:
    """The row of a day; a day that is no longer special keeps one, as an upgrade would bring a missing row back."""
    if known is None:
        return {"key": day.isoformat(), "kind": "normal", "notice": year}
    return {"key": day.isoformat(), "name": known.name, "kind": known.kind, "notice": year}


def is_same(day: date, row: Row, wanted: Row) -> bool:
    return {**row, "notice": notice_of(day, row)} == dict(wanted)


def official(day: date, row: Row) -> OfficialDay | None:
    """The day as announced; None for an ordinary one."""
    kind = row.get("kind")
    if kind not in ("holiday", "makeup_workday"):
        return None
    return OfficialDay(day, "holiday" if kind == "holiday" else "makeup_workday", str(row.get("name")))


def import_year(session: Session, notice: Notice, edit: Edit) -> Plan:
    """Apply a notice and confirm its year; returns what changed, which the second time is nothing."""
    rulebook.lock(session)
    planned = plan(session, notice)
    if planned.rows:
        write(session, planned.rows, edit, action="calendar_imported", about=str(notice.year))
    return planned


def change_day(session: Session, edit: Edit, *, scope: str, day: date, value: Mapping[str, object] | None) -> None:
    """A day of the company's or a department's own; None: as announced again."""
    key = key_of(scope or COMPANY, day.isoformat())
    write(session, {key: value and {**value, "key": key}}, edit, action="calendar_day_changed", about=key)


def change_week(session: Session, edit: Edit, *, scope: str, name: str, value: Mapping[str, object] | None) -> None:
    """The weekly "hours" or the "duty" of everybody or of a department; None: a department's like everybody's."""
    key = key_of(scope, name)
    if value is None and not scope:
        raise InvalidInput(hours="must not be empty")
    write(session, {key: value and {**value, "key": key}}, edit, action=f"calendar_{name}_changed", about=key)


def add_shift(session: Session, edit: Edit, *, scope: str, days: Sequence[date], shift: Shift) -> None:
    """The people are on duty on all these days. Raises InvalidInput where a day has too many shifts."""
    rulebook.lock(session)
    rows, row = rows_of(session), row_of_shift(shift)
    changes: dict[str, Row] = {}
    for day in days:
        key = key_of(scope, key_of_day(day))
        present = rows[key].value["shifts"] if key in rows else []
        assert isinstance(present, list)  # noqa: S101 - checked when it was written
        changes[key] = {"key": key, "shifts": sorted([*(s for s in present if s != row), row], key=hours_of)}
    write(session, changes, edit, action="calendar_shifts_changed", about=key_of(scope, "duty"))


def drop_shift(session: Session, edit: Edit, *, scope: str, day: date, number: int) -> None:
    """One shift of a day is no more. Raises InvalidInput where it is gone already."""
    rulebook.lock(session)
    key = key_of(scope, key_of_day(day))
    row = rows_of(session).get(key)
    present = row.value["shifts"] if row else []
    assert isinstance(present, list)  # noqa: S101 - checked when it was written
    if not 0 <= number < len(present):
        raise InvalidInput(shift="is gone already")
    left = [*present[:number], *present[number + 1 :]]
    changes = {key: {"key": key, "shifts": left} if left else None}
    write(session, changes, edit, action="calendar_shifts_changed", about=key)


def row_of_shift(shift: Shift) -> dict[str, object]:
    opens, ends = shift.hours
    return {"hours": [f"{opens:%H:%M}", "24:00" if ends == MIDNIGHT else f"{ends:%H:%M}"], "people": list(shift.people)}


def hours_of(shift: Mapping[str, object]) -> str:
    return str(shift["hours"])


def write(session: Session, changes: Mapping[str, Row | None], edit: Edit, *, action: str, about: str) -> None:
    """Change rows (None: drop one); nothing happens where they are so. Raises InvalidInput on what cannot be."""
    rulebook.lock(session)
    rows = rows_of(session)
    before = {key: rows[key].value for key in changes if key in rows}
    after = {key: dict(row) for key, row in changes.items() if row is not None}
    if before == after:
        return
    refuse_impossible([*({k: r.value for k, r in rows.items() if k not in changes} | after).values()])
    for key in changes:
        if key not in after:
            session.delete(rows[key])
            continue
        kept = rows.get(key) or RulebookRow(section=SECTION, key=key, position=AFTER_THE_SHIPPED)
        kept.value, kept.edited, kept.changed_at = after[key], True, edit.now
        session.add(kept)
    rulebook.bump(session, calendar=True)
    told = {"about": about, **after}
    audit.record(session, at=edit.now, actor=edit.actor, action=action, before=before, after=told, because=edit.reason)
    ring(session, "recompute")


def refuse_impossible(rows: Sequence[Row]) -> None:
    """Raise InvalidInput unless every department and the company work at some time, and the rows make sense."""
    try:
        common, own = calendars_from(rows)
        for calendar in (common, *own.values()):
            if not (calendar.normal_day and calendar.natural.normal_day):
                raise ValueError("the calendar has no working time")
    except ValueError as error:
        raise InvalidInput(hours=str(error)) from None


def own_rows(session: Session, scope: str) -> dict[str, Row]:
    """What a department, or the company, has of its own, by name: "hours", "2026-02-14"."""
    rows = ((split(key), row.value) for key, row in rows_of(session).items())
    return {name: value for (whose, name), value in rows if whose == scope}
