"""The page of the classification's quality: how often it was right, where not, the tickets behind it, the models."""

from collections.abc import Mapping

from flask import flash, make_response, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from service.clock import utcnow
from service.database import transaction
from service.doorbell import ring
from service.errors import IllegalTransition, InvalidInput, NotFound, ServiceError
from service.learning import runs, shelf
from service.people import Permission
from service.trained_models import SHIPPED
from service.web import quality_view as view
from service.web.auth import me, needs
from service.web.forms import ConfirmForm
from service.web.pages import Answer, desk, go, looking

SEES = Permission.SUPERVISE
REFUSALS: Mapping[type[ServiceError], LazyString] = {
    NotFound: _l("没有这个模型，可能已被更新；请从下表选择"),
    IllegalTransition: _l("这个模型已在启用中"),
    InvalidInput: _l("这个模型不能启用：它从未发布，或数据已清理、已损坏。请选较新的模型，或退回随程序发布的模型"),
}


@desk.get("/quality")
@needs(SEES)
def quality() -> Answer:
    asked = view.asked_from(request.args)
    with looking() as session:
        board = view.board_of(session, me(), str(asked["span"]))
        return render_template("desk/quality.html", board=board, view=view, form=ConfirmForm(formdata=None))


@desk.get("/quality/tickets")
@needs(SEES)
def quality_tickets() -> Answer:
    """The tickets behind a number of the page."""
    asked = view.asked_from(request.args)
    address = {name: value for name, value in asked.items() if value not in (None, "") and name != "cursor"}
    with looking() as session:
        page = view.tickets_of(session, me(), asked)
        title = view.title_of(asked)
        return render_template("desk/quality_tickets.html", page=page, asked=address, title=title)


@desk.get("/quality/run")
@needs(SEES)
def quality_run() -> Answer:
    """How far the training is, for a page that is open; once it is over, the page is read anew."""
    with looking() as session:
        run = runs.under_way(session)
        answer = make_response(render_template("desk/_quality_run.html", run=run, view=view))
    if run is None:
        answer.headers["HX-Refresh"] = "true"
    return answer


@desk.post("/quality/train")
@needs(SEES)
def quality_train() -> Answer:
    """Ask for a training; a worker begins it beside its other work."""
    with transaction() as session:
        asked = runs.ask(session, by=me().username, now=utcnow())
        ring(session, "learn")
    words = _("训练已开始，一两分钟后本页会显示结果") if asked else _("已有一次训练在进行，本页会显示它的结果")
    return go(url_for("desk.quality"), words)


@desk.post("/quality/models/<version>/restore")
@needs(SEES)
def quality_restore(version: str) -> Answer:
    """Classify by an earlier model from now on."""
    try:
        with transaction() as session:
            shelf.go_back(session, version, by=me().username, now=utcnow())
    except ServiceError as error:
        flash(str(REFUSALS[type(error)]), "error")
        return go(url_for("desk.quality"))
    name = _("随程序发布的模型") if version == SHIPPED else version
    return go(url_for("desk.quality"), _("已退回 %(model)s，2 秒内全部生效", model=name))
