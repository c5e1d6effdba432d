"""Who is at their place: one click of their own, felt by the rule of assignment at once."""

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField
from wtforms.validators import AnyOf

from service import staff
from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput
from service.people import Permission
from service.web.auth import me, needs, safe_next
from service.web.pages import Answer, desk, go


class PresenceForm(FlaskForm):
    presence = HiddenField(validators=[AnyOf(staff.PRESENCES)])


@desk.post("/presence")
@needs(Permission.HANDLE)
def set_presence() -> Answer:
    """At my place, or away from it; what I have stays with me."""
    form = PresenceForm()
    if not form.validate():
        raise InvalidInput(presence=f"one of {', '.join(staff.PRESENCES)}")
    with transaction() as session:
        staff.set_presence(session, staff.get_person(session, me().id), form.presence.data, now=utcnow())
    if form.presence.data == "away":
        return go(safe_next(), _("已设为暂离：不再派新工单给您，手上的工单不变"))
    return go(safe_next(), _("已设为在岗：可以接收新工单"))
