"""Importing the announced holidays of a year: a file, what it would change, and only then the change."""

from flask import g, render_template, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from service import calendars
from service.database import transaction
from service.sla.import_words import mistake_words
from service.sla.importing import LARGEST_BYTES, Mistake, Notice, UnusableNotice, decoded, read_notice
from service.web import calendar_board
from service.web.admin_calendar import MANAGE, edit
from service.web.auth import needs
from service.web.calendar_forms import ApplyForm, FileForm
from service.web.languages import language
from service.web.pages import Answer, admin, go, looking


@admin.get("/calendar/import")
@needs(MANAGE)
def calendar_import() -> Answer:
    return import_page(FileForm(formdata=None))


def import_page(form: FileForm, *mistakes: Mistake) -> Answer:
    sentences = [mistake_words(mistake, "en" if language() == "en" else "zh") for mistake in mistakes]
    with looking():
        page = render_template("admin/calendar_import.html", form=form, mistakes=sentences)
    return page, 422 if mistakes else 200


@admin.post("/calendar/import")
@needs(MANAGE)
def review_calendar() -> Answer:
    """What the file would change; nothing is changed yet."""
    form = FileForm()
    if not form.validate_on_submit():
        return import_page(form, Mistake("empty"))
    try:
        content = text_of(form)
        notice = read_notice(content)
    except UnusableNotice as unusable:
        return import_page(form, *unusable.mistakes)
    return review(notice, content)


def text_of(form: FileForm) -> str:
    """The text of the file, else what was pasted."""
    file = form.file.data
    data = file.read(LARGEST_BYTES + 1) if isinstance(file, FileStorage) and file.filename else b""
    return decoded(data) if data else form.content.data or ""


def review(notice: Notice, content: str, *, is_other: bool = False) -> Answer:
    """The differences; `is_other`: the calendar has changed since they were shown."""
    with looking() as session:
        planned = calendars.plan(session, notice)
        form = ApplyForm(formdata=None)
        form.content.data, form.version.data = content, str(g.rules.calendar_version)
        return render_template(
            "admin/calendar_review.html", planned=planned, form=form, is_other=is_other, words=calendar_board
        ), 409 if is_other else 200


@admin.post("/calendar/import/apply")
@needs(MANAGE)
def apply_calendar() -> Answer:
    """Import what was looked at, unless the calendar has changed since: then look again."""
    form = ApplyForm()
    if not form.validate_on_submit():
        return import_page(FileForm(formdata=None), Mistake("empty"))
    try:
        notice = read_notice(form.content.data)
    except UnusableNotice as unusable:
        return import_page(FileForm(formdata=None), *unusable.mistakes)
    with looking():
        version = str(g.rules.calendar_version)
    if form.version.data != version:
        return review(notice, form.content.data, is_other=True)
    with transaction() as session:
        calendars.import_year(session, notice, edit(form.reason.data))
    address = url_for("admin.calendar", year=notice.year)
    return go(address, _("%(year)s 年的安排已导入。未结工单的时限正在重算，已承诺的不会提前。", year=notice.year))
