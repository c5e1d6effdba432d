"""The dialog in which a ticket goes over to the newest targets: old and new due times before anybody confirms."""

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from wtforms import Field, HiddenField
from wtforms.validators import ValidationError

from service.tickets import policy_moves
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.policy_moves import Changed
from service.web import formats
from service.web.auth import me
from service.web.forms import StaffForm, reason


class PolicyForm(StaffForm):
    """`version`: the newest when the person looked."""

    version = HiddenField()
    reason = reason(_l("改用最新版本的原因"))
    preview: Changed
    before: int
    after: int

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Reckon what would change now."""
        deed = Deed(by=me(), now=formats.now(), rules=g.rules)
        self.before, self.after = ticket.policy_version, g.rules.policy_version
        self.preview = policy_moves.preview(session, ticket, deed)
        if not self.is_submitted():
            self.version.data = str(self.after)

    def validate_version(self, field: Field) -> None:
        if field.data != str(self.after):
            field.data = str(self.after)
            raise ValidationError(_("时限规则刚刚又有新版本，请重新核对下面的时限"))

    @property
    def shortens(self) -> bool:
        """Whether something would be due earlier, or is due that was not."""
        dues = [[clock.due_at if clock else None for clock in pair] for pair in self.preview.values()]
        return any(now_is is not None and (was is None or now_is < was) for was, now_is in dues)


def can_move(ticket: Ticket) -> bool:
    return policy_moves.can_move(ticket, g.rules)


def move(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    policy_moves.move(session, ticket, deed, reason=form.reason.data, version=int(form.version.data))
