"""The register of breaches as its pages show it: rows, what may be done with each, the chart, and the file."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.people import Department, Permission, User
from service.sla.policy import ClockKind
from service.tickets import access, appeals, breaches
from service.tickets.breaches import Filter
from service.tickets.models import Ticket
from service.tickets.register import Breach
from service.web import formats, forms, labels
from service.web.breaches_schemas import BreachesIn, filter_from, late_by
from service.web.naming import actor_name, department_name, people_names

IN_FILE = 5_000  # lines of one download
MONTHS = 13  # that can be chosen
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # with these a spreadsheet begins a formula
HEADS = (
    _l("工单号"),
    _l("部门"),
    _l("责任人"),
    _l("时限类型"),
    _l("应完成时间"),
    _l("实际完成时间"),
    _l("超时（工作分钟）"),
    _l("状态"),
    _l("认定人"),
    _l("认定时间"),
    _l("认定说明"),
    _l("申诉人"),
    _l("申诉理由"),
    _l("申诉结果"),
)


class BreachPageIn(BreachesIn):
    """The address of the page; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE


@dataclass(frozen=True, slots=True)
class BreachView:
    """An entry with what this person may do about it. `names`: people by username."""

    breach: Breach
    late: timedelta  # working time
    passed: timedelta  # by the clock on the wall
    day: timedelta  # a working day, to tell it in
    sees_ticket: bool
    may_judge: bool
    may_appeal: bool
    may_answer: bool
    appeal_until: datetime | None
    names: Mapping[str, str]

    @property
    def clock(self) -> ClockKind:
        return ClockKind(self.breach.clock)

    @property
    def state(self) -> str:
        """One of labels.BREACH_STATES: its own, or what became of the appeal."""
        made = self.breach.appeal
        if self.breach.state != breaches.CONFIRMED or made is None:
            return self.breach.state
        return "rejected" if made.decided_at else "appealed"

    def who(self, username: str | None) -> str:
        return actor_name(username, self.names)


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the chart."""

    name: str
    value: str  # of the address that narrows the list to it
    number: int


@dataclass(frozen=True, slots=True)
class BreachBoard:
    """A page of the register; `asked` is its address as values."""

    asked: Mapping[str, object]
    rows: Sequence[BreachView]
    next_cursor: str | None
    counts: Mapping[str, int]
    by_department: Sequence[Bar]
    by_clock: Sequence[Bar]
    departments: Sequence[tuple[str, str]]
    people: Sequence[tuple[str, str]]
    months: Sequence[str]
    sees_all: bool
    file_days: int  # working days in which to appeal

    @property
    def tab(self) -> str:
        return str(self.asked["state"])

    @property
    def filtered(self) -> bool:
        return any(self.asked[name] for name in ("department", "person", "clock", "month"))

    @property
    def largest(self) -> int:
        shown = (*self.by_department, *self.by_clock) if self.sees_all else self.by_clock
        return max((bar.number for bar in shown), default=0)

    def address(self, **changed: object) -> str:
        """The query string of this page with some values changed; empty values are left out."""
        return address_of({**self.asked, "cursor": None, **changed})


def address_of(asked: Mapping[str, object]) -> str:
    """The query string of a page; the usual limit and empty values are left out."""
    return urlencode({name: value for name, value in asked.items() if value and name != "limit"})


def asked_from(arguments: MultiDict[str, str]) -> dict[str, object]:
    """The address as values. Raises ValidationError for a value that no page of ours makes."""
    asked: dict[str, object] = BreachPageIn().load({name: value for name, value in arguments.items() if value})
    return asked


def board_of(session: Session, user: User, arguments: MultiDict[str, str]) -> BreachBoard:
    """The entries that the address asks for. Those who judge begin with the drafts, others with what is confirmed."""
    asked = asked_from(arguments)
    judges = user.may(Permission.SUPERVISE)
    asked["state"] = asked["state"] or ("draft" if judges else "confirmed")
    wanted = filter_from(asked, g.rules)
    page = breaches.listing(session, user, wanted)
    by_department, by_clock = bars_of(session, user, wanted)
    several = judges or breaches.heads(user, user.department_id)
    return BreachBoard(
        asked=asked,
        rows=views_of(session, user, page.items),
        next_cursor=page.next_cursor,
        counts=breaches.tab_counts(session, user, wanted),
        by_department=by_department,
        by_clock=by_clock,
        departments=[(d.code, department_name(d)) for d in forms.departments(session)] if judges else [],
        people=staff(session, user) if several else [],
        months=months_until(formats.local(formats.now())),
        sees_all=judges,
        file_days=g.rules.allowances.appeal.file_within_days,
    )


def staff(session: Session, user: User) -> list[tuple[str, str]]:
    """Whom the list can be narrowed to: everybody, or the person's own department."""
    query = select(User.username, User.name).where(User.active).order_by(User.name, User.id).limit(forms.PEOPLE_OFFERED)
    if not user.may(Permission.SUPERVISE):
        query = query.where(User.department_id == user.department_id)
    return [(row.username, row.name) for row in session.execute(query)]


def months_until(today: datetime) -> list[str]:
    """This month and those before it: 2026-11."""
    first = today.replace(day=1)
    found = []
    for _month in range(MONTHS):
        found.append(f"{first:%Y-%m}")
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def bars_of(session: Session, user: User, wanted: Filter) -> tuple[list[Bar], list[Bar]]:
    """Numbers by department and by clock, the largest first."""
    departments: dict[int, int] = {}
    clocks: dict[str, int] = {}
    for department_id, clock, number in breaches.tally(session, user, wanted):
        departments[department_id] = departments.get(department_id, 0) + number
        clocks[clock] = clocks.get(clock, 0) + number
    rows = session.scalars(select(Department).where(Department.id.in_(departments)))
    by_department = [Bar(department_name(d), d.code, departments[d.id]) for d in rows]
    by_clock = [Bar(str(labels.CLOCKS[ClockKind(name)]), name, number) for name, number in clocks.items()]
    return sorted(by_department, key=_by_size), sorted(by_clock, key=_by_size)


def _by_size(bar: Bar) -> tuple[int, str]:
    return -bar.number, bar.value


def views_of(session: Session, user: User, found: Sequence[Breach]) -> list[BreachView]:
    """The entries with what the person may do about each."""
    seen = select(Ticket.id).where(Ticket.id.in_({b.ticket_id for b in found}), access.visible_to(user))
    tickets = set(session.scalars(seen))
    mentioned = {b.judged_by for b in found}
    mentioned |= {name for b in found if b.appeal for name in (b.appeal.by, b.appeal.decided_by)}
    names = people_names(session, mentioned)
    return [_view(session, user, b, sees_ticket=b.ticket_id in tickets, names=names) for b in found]


def _view(session: Session, user: User, breach: Breach, *, sees_ticket: bool, names: Mapping[str, str]) -> BreachView:
    now, rules = formats.now(), g.rules
    is_draft = breach.state == breaches.DRAFT
    return BreachView(
        breach=breach,
        late=late_by(breach, rules, now),
        passed=(breach.met_at or breach.ticket.closed_at or now) - breach.due_at,
        day=rules.calendar_for(breach.department_id).normal_day,
        sees_ticket=sees_ticket,
        may_judge=is_draft and appeals.may_judge(session, breach, user),
        may_appeal=appeals.may_appeal(breach, user, rules, now),
        may_answer=appeals.may_answer(session, breach, user),
        appeal_until=appeals.file_by(breach, rules),
        names=names,
    )


def of_ticket(session: Session, user: User, ticket: Ticket) -> list[BreachView]:
    """What the register has about a ticket, for its page; its clocks are loaded, and say where there is nothing."""
    return views_of(session, user, breaches.of_ticket(session, user, ticket))


# ---- the file


def file_of(session: Session, user: User, arguments: MultiDict[str, str]) -> str:
    """The filtered list as CSV, up to IN_FILE lines, in the language of the page."""
    asked = asked_from(arguments)
    asked["limit"], asked["cursor"] = 1, None
    wanted = filter_from(asked, g.rules)
    page = breaches.listing(session, user, _whole(wanted))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([str(head) for head in HEADS])
    writer.writerows(map(line_of, views_of(session, user, page.items)))
    return "\ufeff" + out.getvalue()  # a spreadsheet takes it for UTF-8 by that


def _whole(wanted: Filter) -> Filter:
    return Filter(
        wanted.state, wanted.department_id, wanted.username, wanted.clock, wanted.since, wanted.until, IN_FILE
    )


def line_of(view: BreachView) -> list[str]:
    breach, made = view.breach, view.breach.appeal
    cells: Iterable[str] = (
        breach.ticket.number,
        department_name(breach.department),
        breach.user.name if breach.user else "",
        str(labels.CLOCKS[view.clock]),
        _stamp(breach.due_at),
        _stamp(breach.met_at),
        str(view.late // timedelta(minutes=1)),
        str(labels.BREACH_STATES[view.state]),
        view.who(breach.judged_by) if breach.judged_by else "",
        _stamp(breach.judged_at),
        breach.note or "",
        view.who(made.by) if made else "",
        made.text if made else "",
        (_("支持") if made.upheld else _("不支持")) if made and made.decided_at else "",
    )
    return [harmless(cell) for cell in cells]


def harmless(cell: str) -> str:
    """The text as a spreadsheet shows it and never reckons with it."""
    return "'" + cell if cell.startswith(RISKY) else cell


def _stamp(at: datetime | None) -> str:
    return f"{formats.local(at):%Y-%m-%d %H:%M:%S}" if at else ""
