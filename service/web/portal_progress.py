"""The progress page for anybody who holds a receipt: by ticket number and query code, outside WeChat too."""

from flask import render_template, request
from flask_limiter.util import get_remote_address

from service.tickets import progress
from service.web import portal_words
from service.web.pages import Answer, looking
from service.web.portal_entry import portal
from service.web.portal_forms import ProgressForm, upper
from service.web.security import limiter

REFUSED = 404  # a wrong number and a wrong code alike


def asked_number() -> str:
    """What the limit of guesses counts beside the address: the number that is asked for."""
    return "progress:" + upper(request.form.get("number"))[:40]


@portal.get("/progress")
def progress_form() -> Answer:
    """The form; a link may bring the number along, never the code."""
    form = ProgressForm(formdata=None)
    form.number.data = upper(request.args.get("number"))[:40]
    return render_template("portal/progress.html", form=form, refused=False)


@portal.post("/progress")
@limiter.limit("30 per 15 minutes", key_func=get_remote_address, deduct_when=lambda r: r.status_code == REFUSED)
@limiter.limit("8 per 15 minutes;40 per day", key_func=asked_number, deduct_when=lambda r: r.status_code == REFUSED)
def progress_of() -> Answer:
    """Where the ticket stands, and what could not be delivered; nothing about who works on it."""
    form = ProgressForm()
    if not form.validate_on_submit():
        return render_template("portal/progress.html", form=form, refused=False), 422
    with looking() as session:
        found = progress.ticket_by_code(session, form.number.data, form.code.data)
        if found is None:
            return render_template("portal/progress.html", form=form, refused=True), REFUSED
        answers = [] if found.restricted else progress.unread_answers(session, found)
        view = portal_words.outside_view_of(found)
        return render_template("portal/standing.html", view=view, answers=answers, words=portal_words)
