"""Whom to call first today: followers whom WeChat does not reach any more, or soon will not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import g, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import RadioField, TextAreaField
from wtforms.validators import Length

from service.channels.registry import channel_named
from service.people import Permission, User
from service.tickets import access, callbacks, handling
from service.tickets.callbacks import Tally
from service.tickets.handling import Draft
from service.tickets.models import Ticket
from service.web import chips, formats, labels
from service.web.auth import me, needs
from service.web.chips import DueChip, WindowChip
from service.web.endpoints import acting
from service.web.forms import CHOSEN, REQUIRED, StaffForm, options
from service.web.pages import Answer, desk, go, looking
from service.web.schemas import LONGEST_TEXT

P = Permission
KINDS = ("interim", "final")


class CallForm(StaffForm):
    """What was said on the telephone."""

    text = TextAreaField(_l("通话情况"), validators=[REQUIRED, Length(max=LONGEST_TEXT)])
    kind = RadioField(_l("类型"), choices=options((k, labels.REPLY_KINDS[k]) for k in KINDS), validators=[CHOSEN])


@dataclass(frozen=True, slots=True)
class Call:
    """A line of the list. `reason`: waiting shut shutting. `due_at`: call before; None where nothing is due."""

    ticket: Ticket
    reason: str
    due_at: datetime | None
    due: DueChip | None
    window: WindowChip
    waiting: str  # the answer that the follower has not got, "" for none
    may_record: bool
    kind: str  # of the reply that the call most likely is

    @property
    def is_late(self) -> bool:
        return self.due_at is not None and self.due_at <= formats.now()


@dataclass(frozen=True, slots=True)
class CallList:
    calls: Sequence[Call]
    tally: Tally
    until: datetime


@desk.get("/calls")
@needs(P.HANDLE)
def calls() -> str:
    with looking() as session:
        return render_template("desk/call_list.html", page=call_list(session, me()), form=CallForm(formdata=None))


@desk.get("/calls/rows")
@needs(P.HANDLE)
def call_rows() -> str:
    """The list alone, for a page that is open."""
    with looking() as session:
        return render_template("desk/_call_list.html", page=call_list(session, me()), form=CallForm(formdata=None))


@desk.get("/calls/badge")
@needs(P.HANDLE)
def calls_badge() -> str:
    """The number in the menu; empty where nobody has to be called."""
    with looking() as session:
        number = tally_of(session, me()).whole
    return formats.tally(number, callbacks.COUNT_CAP) if number else ""


@desk.post("/calls/<number>")
@needs(P.HANDLE)
def record_call(number: str) -> Answer:
    """A call is a reply: it has the same effect on the clocks."""
    form = CallForm()
    if not form.validate():
        words = [error for errors in form.errors.values() for error in errors]
        with looking() as session:
            page = render_template(
                "desk/call_list.html", page=call_list(session, me()), form=form, wrong=number, words=words
            )
        return page, 422
    with acting(number, P.HANDLE) as (session, ticket, deed):
        draft = Draft(form.text.data, form.kind.data, "phone", force=True)
        handling.reply(session, ticket, draft, deed, limits=channel_named(ticket.channel).limits)
    return go(url_for("desk.calls"), _("通话已记录为 %(number)s 的回复", number=number))


def call_list(session: Session, user: User) -> CallList:
    """Whom the person may see and should call, the earliest due first."""
    until = callbacks.horizon(g.rules.calendar, formats.now())
    tickets = callbacks.listing(session, user, now=formats.now(), until=until)
    words = callbacks.waiting_words(session, [t.id for t in tickets])
    found = [call_of(user, ticket, words.get(ticket.id, "")) for ticket in tickets]
    return CallList(found, tally_of(session, user), until)


def tally_of(session: Session, user: User) -> Tally:
    now = formats.now()
    return callbacks.tally(session, user, now=now, until=callbacks.horizon(g.rules.calendar, now))


def call_of(user: User, ticket: Ticket, waiting: str) -> Call:
    now = formats.now()
    window = chips.window_chip(ticket.follower, now, waits=True)
    closes_at = ticket.follower.window_closes_at
    shut = closes_at is None or closes_at <= now
    return Call(
        ticket=ticket,
        reason="waiting" if ticket.callback_due_at else "shut" if shut else "shutting",
        due_at=ticket.callback_due_at or (None if shut else closes_at),
        due=chips.next_due(ticket.clocks, g.rules.calendar_for(ticket.department_id), now),
        window=window,
        waiting=waiting,
        may_record=access.may(user, P.HANDLE, ticket),
        kind="final" if ticket.awaits_window == "final" else "interim",
    )
