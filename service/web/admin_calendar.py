"""Pages of the working calendar: a year at a glance, one day, the weekly hours and the duty roster."""

from datetime import date

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service import calendars
from service.calendars import Edit
from service.clock import utcnow
from service.database import reading
from service.errors import NotFound
from service.people import Permission
from service.sla.calendar import Calendar
from service.sla.importing import YEARS
from service.sla.layers import COMPANY, DAY
from service.sla.yearbook import DayState, Reminder, day_at, reminder
from service.web import calendar_board, formats, forms, naming, presenting
from service.web.admin import carried_out
from service.web.auth import me, needs
from service.web.calendar_forms import DayForm, DutyForm, WeekForm
from service.web.pages import Answer, admin, go, is_fragment, looking

MANAGE = Permission.MANAGE_RULES


def scope_asked() -> str:
    """Code of the department whose calendar is meant; "" for the company's. NotFound for one that is not there."""
    scope = request.args.get("department", "")
    if scope and scope not in g.rules.departments:
        raise NotFound(f"no department {scope}")
    return scope


def calendar_of(scope: str) -> Calendar:
    """The calendar as it is now."""
    rules = g.rules
    found: Calendar = rules.calendar_for(rules.departments[scope]) if scope else rules.calendar
    return found


def today() -> date:
    return formats.local(formats.now()).date()


def edit(reason: str) -> Edit:
    return Edit(me().username, utcnow(), reason)


def year_url(year: int, scope: str) -> str:
    return url_for("admin.calendar", year=year, department=scope or None)


@admin.get("/calendar")
@needs(MANAGE)
def calendar() -> Answer:
    year = request.args.get("year", today().year, type=int)
    if year not in YEARS:
        raise NotFound(f"no calendar of {year}")
    with looking() as session:
        scope = scope_asked()
        rows = calendars.own_rows(session, scope or COMPANY)
        own = {date.fromisoformat(name) for name in rows if DAY.fullmatch(name)}
        board = calendar_board.board_of(calendar_of(scope), year, own, today())
        return render_template(
            "admin/calendar.html",
            board=board,
            scope=scope,
            departments=forms.departments(session),
            calendar=calendar_of(scope),
            words=calendar_board,
            DayState=DayState,
            has_own_hours="hours" in rows,
        )


@admin.route("/calendar/days/<day>", methods=["GET", "POST"])
@needs(MANAGE)
def calendar_day(day: str) -> Answer:
    """One day, and what it is to be for the company or a department."""
    at, form = day_asked(day), DayForm()
    with looking() as session:
        scope = scope_asked()
        found = day_at(calendar_of(scope), at)
        is_own = day in calendars.own_rows(session, scope or COMPANY)
    if request.method == "GET":
        form.show(found)
    if form.validate_on_submit() and carried_out(form, lambda session: change_day(session, scope, at, form)):
        return go(year_url(at.year, scope), _("已保存。未结工单的时限正在按新日历重算，已承诺的不会提前。"))
    with looking() as session:
        name = naming.department_names(session)[scope] if scope else _("全公司")
        page = render_template(
            "admin/_calendar_day.html" if is_fragment() else "admin/calendar_day.html",
            form=form,
            day=found,
            scope=scope,
            scope_name=name,
            is_own=is_own,
            words=calendar_board,
        )
    return page, 422 if form.errors else 200


def day_asked(day: str) -> date:
    """The day of an address. NotFound for any other text."""
    try:
        at = date.fromisoformat(day) if DAY.fullmatch(day) else None
    except ValueError:
        at = None
    if at is None or at.year not in YEARS:
        raise NotFound(f"no day {day}")
    return at


def change_day(session: Session, scope: str, at: date, form: DayForm) -> None:
    calendars.change_day(session, edit(form.reason.data), scope=scope, day=at, value=form.row)


@admin.get("/calendar/hours")
@needs(MANAGE)
def calendar_hours() -> Answer:
    return hours_page()


def hours_page(week: WeekForm | None = None, duty: DutyForm | None = None) -> Answer:
    """Both forms; the one that was sent in with what is wrong with it."""
    with looking() as session:
        scope = scope_asked()
        rows, common = calendars.own_rows(session, scope), calendars.own_rows(session, "")
        if week is None:
            week = WeekForm(formdata=None)
            week.show(calendar_of(scope).week)
        if duty is None:
            duty = DutyForm(formdata=None)
            duty.show_duty(calendar_of(scope), rows.get("duty", common.get("duty", {})))
        page = render_template(
            "admin/calendar_hours.html",
            week=week,
            duty=duty,
            scope=scope,
            departments=forms.departments(session),
            has_own=set(rows) if scope else set(),
        )
    return page, 422 if week.errors or duty.errors else 200


@admin.post("/calendar/hours")
@needs(MANAGE)
def set_calendar_hours() -> Answer:
    form = WeekForm()
    return set_week("hours", form) or hours_page(week=form)


@admin.post("/calendar/duty")
@needs(MANAGE)
def set_calendar_duty() -> Answer:
    form = DutyForm()
    return set_week("duty", form) or hours_page(duty=form)


def set_week(name: str, form: WeekForm) -> Answer | None:
    """Hours or duty as sent in; a department may go back to everybody's. None where something is wrong."""
    with looking():
        scope = scope_asked()
    common = bool(scope) and request.form.get("as_company") == "y"

    def do(session: Session) -> None:
        value = None if common else form.row if isinstance(form, DutyForm) else form.week
        calendars.change_week(session, edit(form.reason.data), scope=scope, name=name, value=value)

    if not form.validate_on_submit() or not carried_out(form, do):
        return None
    address = url_for("admin.calendar_hours", department=scope or None)
    return go(address, _("已保存。未结工单的时限正在按新日历重算，已承诺的不会提前。"))


def standing_reminder() -> Reminder | None:
    """What the person who is looking has to know on every page: nothing unless they look after the calendar."""
    if not current_user.is_authenticated or not current_user.may(MANAGE):
        return None
    try:
        with reading() as session:
            return reminder(today(), presenting.rules(session).calendar.confirmed_years)
    except (SQLAlchemyError, LookupError):  # the page about the database being away must not fail for this
        return None
