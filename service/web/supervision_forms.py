"""The forms of supervision and haste, and what each does once it is filled in."""

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import RadioField
from wtforms.validators import Optional

from service.sla.clocks import due
from service.sla.orders import rank
from service.tickets import orders, supervision, urging
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.web import formats, labels
from service.web.forms import CHOSEN, LocalMoment, StaffForm, moment_of, options, reason


class SuperviseForm(StaffForm):
    level = RadioField(
        _l("级别"), choices=options(labels.ORDER_LEVELS.items()), default="ordinary", validators=[CHOSEN]
    )
    reason = reason(_l("督办原因"))
    due_at = LocalMoment(_l("答复期限（可选）"), format="%Y-%m-%dT%H:%M", validators=[Optional()])

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Say until when an answer is due if nothing else is said."""
        at, _provisional = due(g.rules.orders.answer, formats.now(), g.rules.calendar_for(ticket.department_id))
        self.due_at.description = _("不填则须在 %(at)s 前答复", at=formats.due(at))


class RaiseOrderForm(StaffForm):
    level = RadioField(_l("提高到"), validators=[CHOSEN])
    reason = reason(_l("原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Only what is graver than the level that the order has."""
        now = rank(ticket.supervision) if ticket.supervision else -1
        graver = [(level, words) for level, words in labels.ORDER_LEVELS.items() if rank(level) > now]
        self.level.choices = options(graver)
        if not self.is_submitted() and graver:
            self.level.data = graver[0][0]


class AnswerOrderForm(StaffForm):
    text = reason(_l("办理情况和下一步措施"))


class CloseOrderForm(StaffForm):
    """A verdict on the answer; without one, why none is needed."""

    verdict = reason(_l("处理结论"))
    reason = reason(_l("无需答复的原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Ask only for what the order needs."""
        order = orders.find_open(session, ticket)
        if order is not None and order.answered_at is not None:
            del self.reason
        else:
            del self.verdict


class UrgeForm(StaffForm):
    text = reason(_l("说明（可选）"), required=False)


def supervise(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    wanted = {"level": form.level.data, "reason": form.reason.data, "due_at": moment_of(form.due_at)}
    supervision.open_order(session, ticket, deed, **wanted)


def raise_order(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    supervision.raise_order(session, ticket, deed, level=form.level.data, reason=form.reason.data)


def answer(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    supervision.answer(session, ticket, deed, text=form.text.data)


def close(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    verdict, why = (field.data if field else "" for field in (form.verdict, form.reason))
    supervision.close(session, ticket, deed, verdict=verdict or "", reason=why or "")


def urge(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    urging.urge(session, ticket, deed, text=form.text.data or "")
