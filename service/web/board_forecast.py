"""The forecast as a supervisor reads it: of each department what is due, what can be done, and the sum in words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service.rulebook import Rulebook
from service.sla import forecast as sla
from service.sla.calendar import Calendar
from service.sla.forecast import Forecast, Pace, Stretch
from service.tickets import load
from service.tickets.load import Ahead, Due
from service.web import formats


@dataclass(frozen=True, slots=True)
class Outlook:
    """A department's next two working hours."""

    department_id: int
    forecast: Forecast

    @property
    def words(self) -> str:
        return sentence(self.forecast)

    def words_of(self, stretch: Stretch) -> str:
        return stretch_words(stretch, is_known=self.forecast.is_known)

    def end_of(self, stretch: Stretch) -> str:
        return f"{formats.local(stretch.end):%H:%M}"


def ahead_of(rules: Rulebook, now: datetime) -> list[Ahead]:
    """Departments by the hours they keep, with the half hours ahead of them."""
    return [Ahead(frozenset(ids), sla.bounds(calendar, now)) for calendar, ids in by_calendar(rules)]


def by_calendar(rules: Rulebook) -> list[tuple[Calendar, list[int]]]:
    """Departments that share a calendar, together."""
    groups: dict[int, tuple[Calendar, list[int]]] = {}
    for department_id in rules.department_codes:
        calendar = rules.calendar_for(department_id)
        groups.setdefault(id(calendar), (calendar, []))[1].append(department_id)
    return list(groups.values())


def outlooks(
    session: Session, rules: Rulebook, dues: Sequence[Due], only: Iterable[int], now: datetime
) -> list[Outlook]:
    """The forecast of these departments, where anything is due."""
    wanted = {due.place.department_id for due in dues if due.stretch} & set(only)
    if not wanted:
        return []
    staff = staff_of(session)
    found = []
    for calendar, ids in by_calendar(rules):
        there = wanted & set(ids)
        if there:
            since, ends = sla.lately(calendar, now), sla.bounds(calendar, now)
            deeds, worked = load.done_since(session, since, there), calendar.working_time(since, now)
            for department_id in there:
                people = staff[department_id]
                present = [on_duty(rules, calendar, department_id, people, at) for at in ends[:-1]]
                pace = Pace(deeds[department_id], len(people), worked)
                ahead = sla.forecast(ends, per_stretch(dues, department_id), present, pace)
                found.append(Outlook(department_id, ahead))
    return sorted(found, key=lambda each: (-each.forecast.late, -each.forecast.due, each.department_id))


def per_stretch(dues: Iterable[Due], department_id: int) -> list[int]:
    """How much is due in each half hour; what is due and not yet marked as late is late."""
    numbers = [0] * sla.STRETCHES
    for due in dues:
        if due.place.department_id == department_id and due.stretch:
            numbers[due.stretch - 1] += due.number
    return numbers


def staff_of(session: Session) -> defaultdict[int, set[str]]:
    """Usernames of those who work on tickets, by department."""
    staff: defaultdict[int, set[str]] = defaultdict(set)
    for user in load.workers(session):
        staff[user.department_id].add(user.username)
    return staff


def on_duty(rules: Rulebook, calendar: Calendar, department_id: int, staff: set[str], at: datetime) -> int:
    """How many work in the stretch that begins then: whom a roster names, else everybody of the department."""
    named = set(rules.on_duty(department_id, calendar.next_opening(at))) & staff
    return len(named or staff)


def sentence(ahead: Forecast) -> str:
    """The sum in words: "12 due; 3 people × 1.8/h × 2 h = 10.8 done; 2 late"."""
    values = {"due": ahead.due, "late": ahead.late, "deeds": number(ahead.deeds), "pace": number(ahead.per_hour or 0)}
    if not ahead.due:
        return _("两小时内没有到期的工单")
    if not ahead.person_hours:
        return _("%(due)d 件到期，无人在岗，预计超时 %(late)d 件", **values)
    if not ahead.is_known:
        return _("%(due)d 件到期；最近 10 个工作日的受理和答复太少，无法预测", **values)
    counts = {stretch.people for stretch in ahead.stretches}
    if len(counts) == 1:
        values["people"] = counts.pop()
        told = _("%(due)d 件到期，%(people)d 人 × 每小时 %(pace)s 件 × 2 小时 = 能办 %(deeds)s 件", **values)
    else:
        values["hours"] = number(ahead.person_hours)
        told = _("%(due)d 件到期，%(hours)s 人时 × 每小时 %(pace)s 件 = 能办 %(deeds)s 件", **values)
    if not ahead.late:
        return _("%(sum)s，都来得及", sum=told)
    if ahead.is_crowded:
        return _("%(sum)s，但到期集中，预计超时 %(late)d 件", sum=told, late=ahead.late)
    return _("%(sum)s，预计超时 %(late)d 件", sum=told, late=ahead.late)


def stretch_words(stretch: Stretch, *, is_known: bool) -> str:
    """09:30–10:00：到期 5 件，能办 2.7 件，超时 3 件."""
    values = {"due": stretch.due, "room": number(stretch.room), "late": stretch.late, "span": span(stretch)}
    if not is_known:
        return _("%(span)s：到期 %(due)d 件", **values)
    return _("%(span)s：到期 %(due)d 件，能办 %(room)s 件，超时 %(late)d 件", **values)


def span(stretch: Stretch) -> str:
    return f"{formats.local(stretch.start):%H:%M}–{formats.local(stretch.end):%H:%M}"


def number(value: float) -> str:
    """10.8, 12: a tenth where there is one."""
    return f"{value:.1f}".removesuffix(".0")
