"""The page of shifts: who is on duty on which days, for everybody or for one department."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import g, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import DateField, Field, SelectMultipleField, TextAreaField
from wtforms.validators import ValidationError

from service import calendars
from service.errors import NotFound
from service.people import User
from service.sla.hours import intervals_from
from service.sla.shifts import Shift
from service.sla.written import hours_in, hours_text
from service.web import forms
from service.web.admin import carried_out
from service.web.admin_calendar import MANAGE, edit, scope_asked, today
from service.web.admin_forms import NothingForm
from service.web.auth import needs
from service.web.calendar_forms import WHY, HoursField
from service.web.forms import REQUIRED, options
from service.web.pages import Answer, admin, go, looking
from service.web.portal_forms import stripped
from service.web.replies_words import DAYS as WEEKDAY_NAMES

LONGEST = timedelta(days=366)  # what one entry may cover
SHOWN_DAYS = 92
PEOPLE = 1000


class ShiftForm(FlaskForm):  # type: ignore[misc]
    first = DateField(_l("从"), validators=[REQUIRED])
    last = DateField(_l("到"), validators=[REQUIRED])
    weekdays = SelectMultipleField(
        _l("星期（不选就是每一天）"), choices=options([(str(n), name) for n, name in enumerate(WEEKDAY_NAMES)])
    )
    hours = HoursField(_l("时间"), description=_l("例如 18:00-22:00；跨零点写成两段：22:00-24:00, 00:00-06:00"))
    people = SelectMultipleField(_l("值班人"), validators=[REQUIRED])
    reason = TextAreaField(_l("备注（记入审计）"), filters=[stripped], validators=WHY)

    def validate_last(self, field: Field) -> None:
        """Not before the first day, and not years after it."""
        if self.first.data and field.data and not timedelta(0) <= field.data - self.first.data <= LONGEST:
            raise ValidationError(_("请选第一天之后一年以内的日期"))

    def validate_hours(self, field: Field) -> None:
        """There are some."""
        if not field.errors and not hours_in(field.data or ""):
            raise ValidationError(_("请填写时间"))

    def offer_people(self, people: Sequence[User]) -> None:
        self.people.choices = options((user.username, f"{user.name}（{user.username}）") for user in people)

    @property
    def days(self) -> list[date]:
        """The days that are meant, in order."""
        span = (self.last.data - self.first.data).days + 1
        days = (self.first.data + timedelta(days=offset) for offset in range(span))
        chosen = {int(number) for number in self.weekdays.data}
        return [day for day in days if not chosen or day.weekday() in chosen]


@dataclass(frozen=True, slots=True)
class DutyDay:
    """A day of the list. Each shift: its place among the day's shifts, its hours, and the people's names."""

    day: date
    weekday: str
    is_today: bool
    shifts: Sequence[tuple[int, str, Sequence[str]]]


@admin.route("/calendar/shifts", methods=["GET", "POST"])
@needs(MANAGE)
def shifts() -> Answer:
    form = ShiftForm()
    with looking() as session:
        scope, people = scope_asked(), active_people(session)
    form.offer_people(people)
    if form.validate_on_submit() and carried_out(form, lambda session: add(session, scope, form)):
        message = _("已保存。未结工单的时限正在按新日历重算，已承诺的不会提前。")
        return go(url_for("admin.shifts", department=scope or None), message)
    with looking() as session:
        page = render_template(
            "admin/shifts.html",
            form=form,
            drop=NothingForm(),
            scope=scope,
            departments=forms.departments(session),
            days=list(duty_days(scope, {user.username: user.name for user in people})),
            shown=SHOWN_DAYS,
        )
    return page, 422 if form.errors else 200


@admin.post("/calendar/shifts/<day>/<int:number>/drop")
@needs(MANAGE)
def drop_shift(day: str, number: int) -> Answer:
    form = NothingForm()
    with looking():
        scope = scope_asked()
    address = url_for("admin.shifts", department=scope or None)
    if form.validate_on_submit() and carried_out(form, lambda session: drop(session, scope, day, number)):
        return go(address, _("已删除。未结工单的时限正在按新日历重算，已承诺的不会提前。"))
    return go(address, _("这一班已经被删除，页面已更新。"))


def active_people(session: Session) -> Sequence[User]:
    query = select(User).where(User.active.is_(True)).order_by(User.department_id, User.username)
    return session.scalars(query.limit(PEOPLE)).all()


def add(session: Session, scope: str, form: ShiftForm) -> None:
    for pair in intervals_from(hours_in(form.hours.data)):
        shift = Shift(pair, tuple(form.people.data))
        calendars.add_shift(session, edit(form.reason.data), scope=scope, days=form.days, shift=shift)
        session.flush()


def drop(session: Session, scope: str, day: str, number: int) -> None:
    try:
        on = date.fromisoformat(day)
    except ValueError:
        raise NotFound(f"no day {day}") from None
    calendars.drop_shift(session, edit(""), scope=scope, day=on, number=number)


def duty_days(scope: str, names: Mapping[str, str]) -> Iterator[DutyDay]:
    """The coming days on which somebody of this scope is on duty."""
    first = today()
    for day, of_day in sorted(g.rules.shifts.get(scope, {}).items()):
        if first <= day < first + timedelta(days=SHOWN_DAYS):
            rows = [
                (number, hours_text([shift.hours]), [names.get(username, username) for username in shift.people])
                for number, shift in enumerate(of_day)
            ]
            yield DutyDay(day, str(WEEKDAY_NAMES[day.weekday()]), day == first, rows)
