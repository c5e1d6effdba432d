"""The page of the routing table: its rows in order, what is wrong with them, and a box that tries a message."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flask import g, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import routing_rows
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import transaction
from service.people import Permission
from service.routing.coverage import Known, Trouble, troubles
from service.routing.rules import RoutingRow
from service.routing_rows import Edit
from service.tickets import matters
from service.web import admin_policies_form as sheet
from service.web import formats, forms, naming, routing_trial
from service.web import routing_words as words
from service.web.admin import carried_out
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.pages import Answer, admin, go, looking
from service.web.routing_forms import RowForm, TrialForm, clean
from service.web.routing_trial import Asked, Tried

LOOK, CHANGE = Permission.SUPERVISE, Permission.MANAGE_RULES


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the table shows it."""

    number: int
    row: RoutingRow
    conditions: Sequence[words.Condition]
    trouble: Trouble | None
    sentence: str  # what is wrong, "" for nothing
    hides: bool  # restricted matters that it routes stay with intake


def edit() -> Edit:
    return Edit(me().username, utcnow())


def account_names(session: Session) -> dict[str, str]:
    return {row.slug: row.name for row in accounts.listing(session)}


def known_to(session: Session) -> Known:
    """What rows may name now."""
    departments = [department.code for department in forms.departments(session)]
    return routing_rows.known_to(g.rules, list(account_names(session)), departments)


def lines_of(session: Session) -> list[Line]:
    """The table, each row with what is wrong with it."""
    rows, names = routing_rows.rows_of(session), account_names(session)
    found = troubles(rows, known_to(session))
    numbers = {row.name: at for at, row in enumerate(rows, start=1)}
    hiding = blind_rows(session, rows)
    return [
        Line(
            number=numbers[row.name],
            row=row,
            conditions=list(words.conditions(row, names)),
            trouble=found.get(row.name),
            sentence=words.trouble_told(found[row.name], numbers) if row.name in found else "",
            hides=row.name in hiding,
        )
        for row in rows
    ]


def blind_rows(session: Session, rows: Sequence[RoutingRow]) -> set[str]:
    """Rows about restricted matters whose department has nobody who may see them."""
    secret = {code for code, category in g.rules.categories.items() if category.restricted}
    ids = {row.name: g.rules.departments.get(row.department) for row in rows if row.category in secret}
    wanted = {number for number in ids.values() if number not in (None, g.rules.intake_department_id)}
    seeing = matters.departments_that_see_restricted(session, wanted) if wanted else set()  # type: ignore[arg-type]
    return {name for name, number in ids.items() if number in wanted - seeing}


@admin.get("/routing")
@needs(LOOK)
def routing() -> Answer:
    return page(TrialForm(formdata=None))


def page(trial: TrialForm, tried: Tried | None = None) -> Answer:
    with looking() as session:
        names = account_names(session)
        trial.account.choices = list(names.items())
        misfits = {step.row.name: step.misfit for step in tried.steps} if tried else {}
        made = render_template(
            "admin/routing.html",
            lines=lines_of(session),
            departments=naming.department_names(session),
            trial=trial,
            tried=tried,
            misfits=misfits,
            names=names,
            words=words,
            columns=sheet.COLUMNS,
            targets=sheet.cells_of(tried.policy) if tried else {},
            form=NothingForm(formdata=None),
            may_change=me().may(CHANGE),
        )
    return made, 422 if trial.errors else 200


@admin.post("/routing/try")
@needs(LOOK)
def try_routing() -> Answer:
    """What would happen to a message; its text stands in no address and in no log."""
    form = TrialForm()
    with looking() as session:
        slugs = list(account_names(session))
        if not form.validate():
            return page(form)
        slug = form.account.data if form.account.data in slugs else next(iter(slugs), "")
        asked = Asked(
            text=clean(form.text.data),
            account=slug,
            channel=channel_of(slug),
            menu_key=clean(form.menu_key.data) or None,
            scene=clean(form.scene.data) or None,
            tags=form.tags_given(),
            at=form.at.data or formats.now(),
        )
        # as the table below it shows: a row that was saved a moment ago is tried too
        rules = replace(g.rules, routing=tuple(routing_rows.rows_of(session)))
        tried = routing_trial.tried(session, asked, rules)
    return page(form, tried)


def channel_of(slug: str) -> str:
    found = accounts.account_for(slug)
    return found.channel if found else ""


@admin.route("/routing/new", methods=["GET", "POST"])
@needs(CHANGE)
def new_routing_row() -> Answer:
    form = RowForm()
    with looking() as session:
        lines, known = lines_of(session), known_to(session)
        offer(form, session)
        form.offer_places(places_of(lines))
        if not form.is_submitted():
            form.days.data, form.before.data = [str(day) for day in range(7)], usual_place(lines)

    def do(session: Session) -> None:
        routing_rows.add(session, form.row(), known, edit(), before=form.before.data or None)

    if form.validate_on_submit() and carried_out(form, do):
        return go(url_for("admin.routing"), _("已添加，2 秒内对新消息生效"))
    return form_page(form, None)


def offer(form: RowForm, session: Session) -> None:
    form.offer(forms.departments(session), account_names(session))


def places_of(lines: Sequence[Line]) -> list[tuple[str, str]]:
    """In front of each row, and at the end."""
    before = [(line.row.name, _("第 %(number)d 行之前", number=line.number)) for line in lines]
    return [*before, ("", _("最后"))]


def usual_place(lines: Sequence[Line]) -> str:
    """Before the first row that fits anything, after which nothing else would decide."""
    return next((line.row.name for line in lines if not line.conditions), "")


def form_page(form: RowForm, line: Line | None) -> Answer:
    with looking():
        made = render_template("admin/routing_row.html", form=form, line=line)
    return made, 422 if form.errors else 200


@admin.route("/routing/<key>", methods=["GET", "POST"])
@needs(CHANGE)
def routing_row(key: str) -> Answer:
    form = RowForm()
    with looking() as session:
        row, known = routing_rows.get_row(session, key), known_to(session)
        line = next((line for line in lines_of(session) if line.row.name == key), None)
        offer(form, session)
        form.offer_places([])
        if not form.is_submitted():
            form.show(row)
    if form.validate_on_submit() and carried_out(
        form, lambda session: routing_rows.change(session, form.row(key), known, edit())
    ):
        return go(url_for("admin.routing"), _("已保存，2 秒内对新消息生效"))
    return form_page(form, line)


@admin.post("/routing/<key>/up")
@needs(CHANGE)
def raise_routing_row(key: str) -> Answer:
    return done(lambda session: routing_rows.move(session, key, edit(), up=True), _("已上移"), key)


@admin.post("/routing/<key>/down")
@needs(CHANGE)
def lower_routing_row(key: str) -> Answer:
    return done(lambda session: routing_rows.move(session, key, edit(), up=False), _("已下移"), key)


@admin.post("/routing/<key>/delete")
@needs(CHANGE)
def delete_routing_row(key: str) -> Answer:
    return done(lambda session: routing_rows.delete(session, key, edit()), _("已删除"), "")


def done(do: Callable[[Session], None], message: str, key: str) -> Answer:
    with transaction() as session:
        do(session)
    return go(url_for("admin.routing", _anchor=f"row-{key}" if key else None), message)
