"""The page of the person who is signed in: who they are here, and their password."""

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_login import login_user

from service import audit, credentials
from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput
from service.web import problems
from service.web.admin_forms import OwnPasswordForm
from service.web.auth import SIGNED_IN, me, needs
from service.web.pages import Answer, desk, go, looking
from service.web.security import limiter


@desk.get("/profile")
@needs(SIGNED_IN)
def profile() -> Answer:
    with looking():
        return render_template("desk/profile.html", form=OwnPasswordForm())


@desk.post("/profile/password")
@needs(SIGNED_IN)
@limiter.limit("10 per 15 minutes", key_func=lambda: f"password:{me().id}")
def change_password() -> Answer:
    """A new password for myself; my other sessions end, this one goes on."""
    form = OwnPasswordForm()
    if form.validate():
        try:
            set_own_password(form.current.data, form.password.data)
        except InvalidInput as error:
            field = form.current if str(error).startswith("current") else form.password
            field.errors = problems.said(error.detail, error.data["errors"])
        else:
            return go(url_for("desk.profile"), _("密码已修改"))
    with looking():
        return render_template("desk/profile.html", form=form), 422


def set_own_password(current: str, password: str) -> None:
    """Raises InvalidInput for a wrong current password or a weak new one."""
    with transaction() as session:
        user = credentials.user_with_password(session, me().username, current)
        if user is None:
            raise InvalidInput(current=_("当前密码不正确"))
        credentials.set_password(user, password, now=utcnow())
        audit.record(
            session, at=utcnow(), actor=user.username, action="password_changed", after={"user": user.username}
        )
        session.flush()
        session.refresh(user)
        session.expunge(user)
    login_user(user)
