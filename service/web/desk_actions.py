"""What a person does from a ticket's page: parse the form, call one action, go back to the ticket."""

from dataclasses import replace

from flask import Response, redirect, render_template, url_for
from flask_babel import gettext as _

from service.channels.registry import channel_named
from service.errors import InvalidInput, LastMessage, NotFound, ServiceError, StaleReply
from service.messaging.joining import BETWEEN
from service.people import Permission
from service.tickets import access, cooperation, handling, queries, windows
from service.tickets import uploads as staff_uploads
from service.tickets.handling import Draft, Link
from service.web import problems, uploads
from service.web.acts import ACTS, Act
from service.web.auth import me, needs
from service.web.desk_ticket import opened
from service.web.endpoints import acting
from service.web.errors import HTTP_STATUS
from service.web.forms import MessageForm, ReplyForm, StaffForm
from service.web.pages import Answer, back_to, desk, go, is_fragment, looking

P = Permission


def act_named(name: str) -> Act:
    if name not in ACTS:
        raise NotFound("no such action")
    return ACTS[name]


@desk.get("/tickets/<number>/do/<name>")
@needs(P.SEE)
def act_form(number: str, name: str) -> Answer:
    """The form of an action, as a dialog or as a page; the action's own right is checked with the ticket."""
    return form_page(number, name, act_named(name).form())


def form_page(number: str, name: str, form: StaffForm, error: ServiceError | None = None) -> Answer:
    act = act_named(name)
    with looking() as session:
        ticket = queries.loaded(session, access.ticket_for(session, me(), number, act.permission))
        form.offer(session, ticket)
        template = "desk/_act.html" if is_fragment() else "desk/act.html"
        page = render_template(template, ticket=ticket, name=name, act=act, form=form, error=error)
    return page, HTTP_STATUS[type(error)] if error else 422 if form.errors else 200


@desk.post("/tickets/<number>/do/<name>")
@needs(P.SEE)
def act_on(number: str, name: str) -> Answer:
    """Do it; what is wrong is shown in the form. The action's own right is checked with the ticket."""
    act = act_named(name)
    form = act.form()
    try:
        done = perform(number, act, form)
    except ServiceError as error:
        return form_page(number, name, form, error)
    return back_to(number, str(act.done)) if done else form_page(number, name, form)


def perform(number: str, act: Act, form: StaffForm) -> bool:
    """Whether the form was good and the action is done."""
    with acting(number, act.permission) as (session, ticket, deed):
        problems.remember(deed.rules)
        form.offer(session, queries.loaded(session, ticket))
        if not form.validate():
            return False
        act.run(session, ticket, deed, form)
    return True


@desk.post("/tickets/<number>/take")
@needs(P.ASSIGN_SELF)
def take(number: str) -> Answer:
    """Assign it to myself: one click."""
    with acting(number, P.ASSIGN_SELF) as (session, ticket, deed):
        cooperation.assign(session, ticket, deed, assignee=me().username)
    return back_to(number, _("工单已分派给您"))


@desk.post("/tickets/<number>/reply")
@needs(P.NOTE)
def reply(number: str) -> Answer:
    """Write to the follower, or a note; whoever may only write notes is refused a reply below."""
    form = ReplyForm()
    if not form.validate():
        return reply_box(number, form)
    try:
        write(number, form)
    except (StaleReply, LastMessage, InvalidInput) as error:
        return reply_box(number, form, error)
    if not is_fragment():
        return redirect(url_for("desk.ticket", number=number), 303)
    return reply_box(number, ReplyForm(formdata=None), sent=True)


def write(number: str, form: ReplyForm) -> None:
    is_note = form.kind.data == "note"
    form.attachments.data = [*form.attachments.data, *(uploads.keep(file.read()).id for file in form.chosen_files)]
    with acting(number, P.NOTE if is_note else P.HANDLE) as (session, ticket, deed):
        if is_note:
            handling.note(session, ticket, form.text.data, deed)
            return
        draft = draft_of(form)
        if form.join.data:
            earlier = windows.take_back_drafts(session, ticket, deed)
            draft = replace(draft, text=BETWEEN.join([*earlier, draft.text]))
        handling.reply(session, ticket, draft, deed, limits=channel_named(ticket.channel).limits)


def draft_of(form: ReplyForm) -> Draft:
    url, title, description = form.link_url.data, form.link_title.data, form.link_description.data
    return Draft(
        form.text.data,
        form.kind.data,
        form.via.data or "wechat",
        int(form.seen.data) if form.seen.data else None,
        form.force.data,
        form.attachments.data,
        Link(url, title.strip(), (description or "").strip()) if url else None,
    )


def reply_box(number: str, form: ReplyForm, error: ServiceError | None = None, *, sent: bool = False) -> Answer:
    """The reply box again: empty after a reply, with the text and the reason where it was not taken."""
    with looking() as session:
        page = opened(session, number)
        kept = form.kind.data
        form.offered(page.kinds)
        if not sent:
            form.kind.data = kept
        names = {"page": page, "form": form, "error": error, "sent": sent}
        names["uploads"] = [] if sent else staff_uploads.own_among(session, me(), form.attachments.data or [])
        seen = form.seen.data if error is None and not sent else page.talk.newest
        body = render_template("desk/_reply.html" if is_fragment() else "desk/ticket.html", seen=seen, **names)
    response = Response(body, 200 if sent else HTTP_STATUS[type(error)] if error else 422)
    response.headers["HX-Trigger"] = "ticket-changed"
    return response


@desk.post("/tickets/<number>/messages/<int:message_id>")
@needs(P.HANDLE)
def decide(number: str, message_id: int) -> Answer:
    """Send a message again that failed or perhaps arrived, or take back one that has not gone out."""
    form = MessageForm()
    if not form.validate():
        return go(url_for("desk.ticket", number=number))
    decision = handling.cancel if form.verb.data == "cancel" else handling.send_again
    with acting(number, P.HANDLE) as (session, ticket, deed):
        decision(session, ticket, message_id, deed)
    if not is_fragment():
        return redirect(url_for("desk.ticket", number=number), 303)
    with looking() as session:
        return render_template("desk/_live.html", page=opened(session, number))
