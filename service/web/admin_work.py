"""What a person is given by the rule of assignment, saved from their page."""

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import staff
from service.web.admin import MANAGE, carried_out, hand, person_page
from service.web.auth import needs
from service.web.pages import Answer, admin, go, looking
from service.web.work_form import work_form


@admin.post("/people/<int:user_id>/work")
@needs(MANAGE)
def person_work(user_id: int) -> Answer:
    """Limit and skills of a person."""
    with looking() as session:
        staff.get_person(session, user_id)
        form = work_form()

    def do(session: Session) -> None:
        user = staff.get_person(session, user_id)
        staff.change_work(session, user, hand(), limit=form.limit.data, skills=form.chosen)

    if form.validate() and carried_out(form, do):
        return go(url_for("admin.person", user_id=user_id), _("已保存，新工单按新的上限和专长派"))
    return person_page(user_id, work=form)
