"""The forms of giving a ticket back and of recusal, and what each does once it is filled in."""

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField

from service.people import Permission
from service.tickets import access, custody, pool, recusals
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.states import LIVE, WORKABLE
from service.web.auth import me
from service.web.forms import CHOSEN, StaffForm, assignable, options, reason


class HandBackForm(StaffForm):
    reason = reason(_l("退回原因"))


class RecuseForm(StaffForm):
    username = SelectField(_l("回避的人"), validators=[CHOSEN])
    reason = reason(_l("回避原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Whom the person may keep away: those they could give the ticket to."""
        away = {user.id for user, _ in custody.recusals_of(session, [ticket.id]).get(ticket.id, ())}
        people = [user for user in assignable(session, ticket) if user.id not in away]
        self.username.choices = options((user.username, f"{user.name} · {user.username}") for user in people)
        if not self.is_submitted() and ticket.assignee:
            self.username.data = ticket.assignee.username


class UnrecuseForm(StaffForm):
    username = SelectField(_l("不再回避的人"), validators=[CHOSEN])
    reason = reason(_l("解除原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Everybody who keeps away."""
        people = [user for user, _ in custody.recusals_of(session, [ticket.id]).get(ticket.id, ())]
        self.username.choices = options((user.username, f"{user.name} · {user.username}") for user in people)


def hand_back(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    pool.hand_back(session, ticket, deed, because=form.reason.data)


def recuse(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    person = recusals.person_named(session, form.username.data)
    recusals.recuse(session, ticket, person, deed, reason=form.reason.data)


def unrecuse(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    person = recusals.person_named(session, form.username.data)
    recusals.unrecuse(session, ticket, person, deed, reason=form.reason.data)


def can_hand_back(ticket: Ticket) -> bool:
    """Whether somebody has it whom the person could take it from."""
    return ticket.status in WORKABLE and ticket.assignee_id is not None and pool.may_hand_back(me(), ticket)


def can_recuse(ticket: Ticket) -> bool:
    """Whether the person handles it, or says who does."""
    may = access.may(me(), Permission.ASSIGN, ticket) or access.may(me(), Permission.HANDLE, ticket)
    return ticket.status in LIVE and may
