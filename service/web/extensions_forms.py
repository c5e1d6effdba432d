"""The form that asks for more time, and what a suspension may last."""

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import SelectField

from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets import extensions
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.states import WORKABLE
from service.web import formats, problems
from service.web.forms import CHOSEN, StaffForm, options, reason


class ExtensionForm(StaffForm):
    """How many working days, and why."""

    days = SelectField(_l("延长"), validators=[CHOSEN])
    reason = reason(_l("延期原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Each choice says when the ticket would be due; where there is none, why."""
        room, clock = (
            extensions.room(session, ticket, g.rules, formats.now()),
            extensions.resolve_clock(session, ticket),
        )
        self.days.choices = []
        if room.why_not or clock is None:
            self.days.description = problems.sentence(room.why_not or extensions.TOO_LATE)
            return
        for days in range(1, room.days + 1):
            at = extensions.due_after(ticket, clock, days, g.rules, formats.now())
            words = _("%(days)d 个工作日（到 %(at)s）", days=days, at=formats.due(at))
            self.days.choices += options([(days, words)])
        self.days.description = _(
            "这类工单还可延期 %(times)d 次，每次最多 %(days)d 个工作日。", times=room.times_left, days=room.days
        )


def ask(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    extensions.ask(session, ticket, deed, days=int(form.days.data), reason=form.reason.data)


def may_be_asked(ticket: Ticket) -> bool:
    """Whether the ticket runs towards a due time of which one could ask to move it; the form knows the rest."""
    running = (ClockState.RUNNING.value, ClockState.PAUSED.value)
    owed = any(row.kind == ClockKind.RESOLVE.value and row.state in running for row in ticket.clocks)
    return ticket.status in WORKABLE and owed
