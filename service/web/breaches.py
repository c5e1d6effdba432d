"""The pages of the register of breaches (超时登记): the list, one entry, judging several at once, appeals, a file."""

from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import RadioField, SelectMultipleField, TextAreaField
from wtforms.validators import Length

from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput, ServiceError
from service.people import Permission
from service.tickets import appeals, breaches
from service.tickets.changes import Deed
from service.tickets.register import Breach
from service.web import breaches_view, formats, problems
from service.web.auth import me, needs
from service.web.breaches_api import judging
from service.web.errors import HTTP_STATUS
from service.web.forms import CHOSEN, REQUIRED, StaffForm, options, reason
from service.web.pages import Answer, desk, go, looking
from service.web.presenting import rules as rules_of
from service.web.schemas import LONGEST_REASON, LONGEST_TEXT

P = Permission


class JudgeForm(StaffForm):
    """Whether a draft counts."""

    verdict = RadioField(
        _l("认定"), choices=options((("yes", _l("属实，登记为超时")), ("no", _l("不计超时")))), validators=[CHOSEN]
    )
    note = reason(_l("说明（不计超时必填）"), required=False)


class SeveralForm(JudgeForm):
    """The same for several drafts."""

    breach = SelectMultipleField(coerce=int, validate_choice=False)


class AppealForm(StaffForm):
    text = TextAreaField(_l("申诉理由"), validators=[REQUIRED, Length(max=LONGEST_TEXT)])


class AnswerForm(StaffForm):
    verdict = RadioField(
        _l("裁定"),
        choices=options((("yes", _l("支持，撤销超时登记")), ("no", _l("不支持，维持登记")))),
        validators=[CHOSEN],
    )
    note = TextAreaField(_l("裁定理由"), validators=[REQUIRED, Length(max=LONGEST_REASON)])


@desk.get("/breaches")
@needs(P.SEE)
def breach_register() -> Answer:
    with looking() as session:
        board = breaches_view.board_of(session, me(), request.args)
        return render_template("desk/breaches.html", board=board, form=SeveralForm(formdata=None))


@desk.get("/breaches.csv")
@needs(P.SEE)
def breach_file() -> Response:
    with looking() as session:
        text = breaches_view.file_of(session, me(), request.args)
    name = f"breaches-{formats.local(formats.now()):%Y%m%d}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, content_type="text/csv; charset=utf-8", headers=headers)


@desk.get("/breaches/<int:breach_id>")
@needs(P.SEE)
def breach_page(breach_id: int) -> Answer:
    return one(breach_id)


def one(breach_id: int, form: StaffForm | None = None, error: ServiceError | None = None) -> Answer:
    """An entry with the form for what this person may do about it; again with what was wrong."""
    with looking() as session:
        breach = breaches.breach_for(session, me(), breach_id)
        (view,) = breaches_view.views_of(session, me(), [breach])
        form = form or form_for(view)
        page = render_template("desk/breaches_one.html", view=view, form=form, error=error)
    status = HTTP_STATUS[type(error)] if error else 422 if form is not None and form.errors else 200
    return page, status


def form_for(view: breaches_view.BreachView) -> StaffForm | None:
    """What comes next: a judgement, an appeal, its answer; None where this person has nothing to do."""
    if view.may_judge:
        return JudgeForm(formdata=None)
    if view.may_answer:
        return AnswerForm(formdata=None)
    return AppealForm(formdata=None) if view.may_appeal else None


def acted(breach_id: int, form: StaffForm, act, done: str) -> Answer:  # type: ignore[no-untyped-def]
    """Do it; what is wrong is shown on the entry's page."""
    if not form.validate():
        return one(breach_id, form)
    try:
        with judging(breach_id) as (session, breach, deed):
            problems.remember(deed.rules)
            act(session, breach, deed)
    except InvalidInput as error:
        return one(breach_id, form, error)
    return go(url_for("desk.breach_page", breach_id=breach_id), done)


@desk.post("/breaches/<int:breach_id>/judge")
@needs(P.SUPERVISE)
def judge_one(breach_id: int) -> Answer:
    form = JudgeForm()

    def act(session: Session, breach: Breach, deed: Deed) -> None:
        appeals.judge(session, breach, deed, confirmed=form.verdict.data == "yes", note=form.note.data or "")

    return acted(breach_id, form, act, _("已认定"))


@desk.post("/breaches/<int:breach_id>/appeal")
@needs(P.SEE)
def appeal_one(breach_id: int) -> Answer:
    form = AppealForm()

    def act(session: Session, breach: Breach, deed: Deed) -> None:
        appeals.appeal(session, breach, deed, text=form.text.data)

    return acted(breach_id, form, act, _("申诉已提交，督办员会在期限内答复"))


@desk.post("/breaches/<int:breach_id>/appeal/decide")
@needs(P.SUPERVISE)
def answer_one(breach_id: int) -> Answer:
    form = AnswerForm()

    def act(session: Session, breach: Breach, deed: Deed) -> None:
        appeals.answer(session, breach, deed, upheld=form.verdict.data == "yes", note=form.note.data)

    return acted(breach_id, form, act, _("已裁定，申诉人会收到通知"))


@desk.post("/breaches/judge")
@needs(P.SUPERVISE)
def judge_several() -> Answer:
    """One judgement for the drafts that were ticked."""
    form = SeveralForm()
    if not form.breach.data:
        return several_again(form, InvalidInput(breach="choose at least one entry"))
    if not form.validate():
        return several_again(form)
    try:
        with transaction() as session:
            rules = rules_of(session)
            problems.remember(rules)
            deed = Deed(by=me(), now=utcnow(), rules=rules)
            confirmed, note = form.verdict.data == "yes", form.note.data or ""
            done = appeals.judge_several(session, me(), form.breach.data, deed, confirmed=confirmed, note=note)
    except InvalidInput as error:
        return several_again(form, error)
    left = len(set(form.breach.data)) - len(done)
    words = _("已认定 %(count)d 条", count=len(done))
    back = f"{url_for('desk.breach_register')}?{breaches_view.address_of(breaches_view.asked_from(request.args))}"
    return go(back, words + (_("；%(count)d 条已由他人认定，或是您本人的，未改动", count=left) if left else ""))


def several_again(form: SeveralForm, error: ServiceError | None = None) -> Answer:
    with looking() as session:
        board = breaches_view.board_of(session, me(), request.args)
        return render_template("desk/breaches.html", board=board, form=form, error=error), 422
