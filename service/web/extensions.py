"""Extensions on pages: the list of those who decide, and what a ticket's page says of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import HiddenField
from wtforms.validators import AnyOf

from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput
from service.people import Permission, User
from service.tickets import extensions, suspensions
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.register import ExtensionRequest
from service.web import formats, problems
from service.web.auth import me, needs
from service.web.forms import StaffForm, reason
from service.web.naming import actor_name, people_names
from service.web.pages import Answer, desk, go, looking
from service.web.presenting import rules as rules_of

P = Permission
SHOWN = 100
HISTORY = 20


class DecideForm(StaffForm):
    verdict = HiddenField(validators=[AnyOf(("grant", "refuse"))])
    note = reason(_l("意见（不同意必填）"), required=False)


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as it is read. `barred`: why this person does not decide it, "" where they may."""

    request: ExtensionRequest
    ticket: Ticket
    asker: str
    decider: str
    before: int  # extensions that the ticket has had
    barred: str


@desk.get("/extensions")
@needs(P.DECIDE_EXTENSION)
def extension_list() -> Answer:
    return page_with()


@desk.get("/extensions/badge")
@needs(P.DECIDE_EXTENSION)
def extension_badge() -> str:
    """The number in the menu; empty where nothing waits."""
    with looking() as session:
        number = extensions.count_waiting(session, me())
    return formats.tally(number, extensions.COUNT_CAP) if number else ""


@desk.post("/extensions/<int:request_id>")
@needs(P.DECIDE_EXTENSION)
def extension_decided(request_id: int) -> Answer:
    """Grant or refuse on the spot; what is wrong is shown beside the request."""
    form = DecideForm()
    if not form.validate():
        return page_with(wrong=request_id, words=[e for errors in form.errors.values() for e in errors], form=form)
    try:
        with transaction() as session:
            rules = rules_of(session)
            request = extensions.request_for(session, me(), request_id, lock=True)
            deed = Deed(by=me(), now=utcnow(), rules=rules)
            granted = form.verdict.data == "grant"
            extensions.decide(session, request, request.ticket, deed, granted=granted, note=form.note.data or "")
            number = request.ticket.number
    except InvalidInput as error:
        return page_with(wrong=request_id, words=problems.said(error.detail, error.data["errors"]), form=form)
    words = _("已同意 %(number)s 延期，告知客户的草稿已放在工单里", number=number)
    return go(url_for("desk.extension_list"), words if granted else _("已答复 %(number)s：不同意延期", number=number))


def page_with(*, wrong: int | None = None, words: Sequence[str] = (), form: DecideForm | None = None) -> Answer:
    with looking() as session:
        names: Mapping[str, object] = {"wrong": wrong, "words": words, "form": form or DecideForm(formdata=None)}
        page = render_template("desk/extensions.html", **names, **lists(session, me()))
    return page, 422 if wrong is not None else 200


def lists(session: Session, user: User) -> dict[str, object]:
    """What waits for this person, the oldest first, and what was decided last."""
    waiting = extensions.waiting(session, user, SHOWN)
    decided = extensions.decided(session, user, HISTORY)
    names = people_names(session, {n for r in (*waiting, *decided) for n in (r.by, r.decided_by)})
    return {
        "waiting": [view_of(session, user, request, names) for request in waiting],
        "decided": [view_of(session, user, request, names, is_open=False) for request in decided],
        "most": SHOWN,
    }


def view_of(
    session: Session, user: User, request: ExtensionRequest, names: Mapping[str, str], *, is_open: bool = True
) -> RequestView:
    """`is_open`: it still waits, and who decides it is looked up."""
    ticket = request.ticket
    before = extensions.times_granted(session, ticket) if is_open and ticket.extended_days else 0
    barred = ""
    if is_open and request.by == user.username:
        barred = _("您本人的申请，由其他人审批")
    elif is_open and not extensions.may_decide(session, user, request, ticket):
        barred = _("再次延期由督办员审批")
    return RequestView(
        request=request,
        ticket=ticket,
        asker=actor_name(request.by, names),
        decider=actor_name(request.decided_by, names) if request.decided_by else "",
        before=before,
        barred=barred,
    )


# ---- on the ticket's page


@dataclass(frozen=True, slots=True)
class Offer:
    """A draft to the customer that stands ready above the reply box."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class TicketExtensions:
    """What a ticket's page says of more time: its requests, the newest first, and drafts to the customer."""

    requests: Sequence[ExtensionRequest]
    names: Mapping[str, str]
    may_decide: bool
    offers: Sequence[Offer]


def of_ticket(session: Session, user: User, ticket: Ticket, now: datetime) -> TicketExtensions:
    requests = extensions.of_ticket(session, ticket)
    pending = next((request for request in requests if request.state == extensions.PENDING), None)
    return TicketExtensions(
        requests=requests,
        names=people_names(session, {name for r in requests for name in (r.by, r.decided_by)}),
        may_decide=pending is not None and extensions.may_decide(session, user, pending, ticket),
        offers=list(offers_for(session, ticket, now)),
    )


def offers_for(session: Session, ticket: Ticket, now: datetime) -> list[Offer]:
    """Drafts that wait to be sent by hand: of an extension, of a suspension that lasts."""
    found = []
    granted = extensions.untold(session, ticket)
    if granted is not None:
        found.append(Offer(_("延期已批准，请告知客户"), extensions.notice(granted, ticket, g.rules, now)))
    since = suspensions.reminder_since(session, ticket, g.rules, now)
    if since is not None and not extensions.is_written_to(session, ticket, since):
        found.append(Offer(_("挂起已有几天，可再问一下客户"), suspensions.reminder(ticket, g.rules, now)))
    return found
