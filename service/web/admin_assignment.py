"""The page of how tickets find their people: a row of rules for each department, or those for all."""

from dataclasses import dataclass

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import BooleanField, IntegerField, RadioField
from wtforms.validators import InputRequired, NumberRange

from service import audit, rulebook
from service.clock import utcnow
from service.errors import NotFound
from service.people import Permission
from service.routing.assignment import (
    EVERYBODY,
    MOST_IN_HAND,
    MOST_MINUTES,
    AssignmentRules,
    Mode,
    assignment_from,
    row_of,
)
from service.rulebook import RulebookRow
from service.tickets import assigning
from service.web import forms, labels
from service.web.admin import carried_out
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.forms import CHOSEN, options
from service.web.naming import department_name
from service.web.pages import Answer, admin, go, looking

MANAGE = Permission.MANAGE_RULES
SECTION = "assignment"
AFTER_THE_SHIPPED = 100  # position of rows that departments have of their own
FILLED = InputRequired(_l("请填写此项"))


class AssignmentForm(FlaskForm):
    mode = RadioField(_l("派单方式"), choices=options(labels.ASSIGNMENT_MODES.items()), validators=[CHOSEN])
    prefer_last_handler = BooleanField(_l("同一客户优先派给上次的经办人"))
    limit = IntegerField(
        _l("每人在手上限（件）"),
        validators=[FILLED, NumberRange(1, MOST_IN_HAND, message=_l("请填 1 到 500 之间的整数"))],
        description=_l("人员页单独设过上限的，以那里为准"),
    )
    return_minutes = IntegerField(
        _l("多少分钟未受理就退回公共池"),
        validators=[FILLED, NumberRange(0, MOST_MINUTES, message=_l("请填 0 到 1440 之间的整数"))],
        description=_l("按工作时间计算；0 表示不退回"),
    )

    @property
    def rules(self) -> AssignmentRules:
        return AssignmentRules(
            Mode(self.mode.data), bool(self.prefer_last_handler.data), self.limit.data, self.return_minutes.data
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A department with the rules that hold there; `code` EVERYBODY: those of all that have none of their own."""

    code: str
    name: str
    rules: AssignmentRules
    is_own: bool


@admin.get("/assignment")
@needs(MANAGE)
def assignment_rules() -> Answer:
    with looking() as session:
        return render_template("admin/assignment.html", places=places(session))


@admin.route("/assignment/<code>", methods=["GET", "POST"])
@needs(MANAGE)
def assignment_of(code: str) -> Answer:
    with looking() as session:
        place = place_of(session, code)
    held = place.rules
    form = AssignmentForm(
        mode=held.mode.value,
        prefer_last_handler=held.prefer_last_handler,
        limit=held.limit,
        return_minutes=held.return_minutes,
    )
    if form.validate_on_submit() and carried_out(form, lambda session: save(session, place, form.rules)):
        return go(url_for("admin.assignment_rules"), _("已保存 %(name)s 的派单规则", name=place.name))
    with looking():
        page = render_template("admin/assignment_of.html", form=form, place=place, nothing=NothingForm(formdata=None))
    return page, 422 if form.errors else 200


@admin.post("/assignment/<code>/drop")
@needs(MANAGE)
def drop_assignment(code: str) -> Answer:
    """The department goes by the rules for all again."""
    form = NothingForm()
    with looking() as session:
        place = place_of(session, code)
    if place.code != EVERYBODY and form.validate_on_submit():
        carried_out(form, lambda session: drop(session, place))
    return go(url_for("admin.assignment_rules"), _("%(name)s 改为按默认规则派单", name=place.name))


def places(session: Session) -> list[Place]:
    """The rules for all, then each department. As they stand in the database: a page shows what it has just saved."""
    rows = session.scalars(select(RulebookRow).where(RulebookRow.section == SECTION).order_by(RulebookRow.position))
    known = assignment_from([*rulebook.shipped("assignment.json"), *(row.value for row in rows)])
    found = [Place(EVERYBODY, _("默认（其他部门）"), known[EVERYBODY], is_own=True)]
    for department in forms.departments(session):
        code = department.code
        found.append(Place(code, department_name(department), known.get(code, known[EVERYBODY]), is_own=code in known))
    return found


def place_of(session: Session, code: str) -> Place:
    place = next((place for place in places(session) if place.code == code), None)
    if place is None:
        raise NotFound(f"no department {code}")
    return place


def save(session: Session, place: Place, rules: AssignmentRules) -> None:
    if place.is_own and rules == place.rules:
        return
    rulebook.lock(session)
    row = find_row(session, place.code)
    before = row.value if row else None
    if row is None:
        row = RulebookRow(section=SECTION, key=place.code, position=AFTER_THE_SHIPPED)
    row.value, row.edited, row.changed_at = row_of(place.code, rules), True, utcnow()
    session.add(row)
    recorded(session, place, before, row.value)


def drop(session: Session, place: Place) -> None:
    rulebook.lock(session)
    row = find_row(session, place.code)
    if row is not None:
        session.delete(row)
        recorded(session, place, row.value, None)


def find_row(session: Session, code: str) -> RulebookRow | None:
    return session.scalar(select(RulebookRow).where(RulebookRow.section == SECTION, RulebookRow.key == code))


def recorded(session: Session, place: Place, before: dict[str, object] | None, after: dict[str, object] | None) -> None:
    rulebook.bump(session)
    now = utcnow()
    session.flush()
    assigning.enlist(session, [place.code for place in places(session) if place.rules.is_on], now=now)
    told = {"about": place.code, **(after or {"removed": True})}
    audit.record(session, at=now, actor=me().username, action="assignment_rules", before=before, after=told)
