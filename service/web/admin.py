"""Pages of those who look after people: who is let in, what they may do, and the tokens of their programs."""

from collections.abc import Callable

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from service import credentials, staff
from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput
from service.people import ApiToken, NewUser, Permission, User
from service.staff import Hand
from service.tickets import standing
from service.web import formats, forms, problems
from service.web.admin_forms import NewPersonForm, NothingForm, PasswordForm, PlaceForm
from service.web.auth import me, needs
from service.web.pages import Answer, admin, go, looking
from service.web.work_form import WorkForm, work_form

__all__ = ["admin"]
MANAGE = Permission.MANAGE_PEOPLE


def hand() -> Hand:
    return Hand(by=me(), now=utcnow())


def carried_out(form: FlaskForm, do: Callable[[Session], object]) -> bool:
    """Whether `do` went through; what was wrong with a field stands beside it."""
    try:
        with transaction() as session:
            do(session)
    except InvalidInput as error:
        for name, texts in error.data["errors"].items():  # type: ignore[attr-defined]
            field = getattr(form, name, None) or next(iter(form))
            field.errors = [*field.errors, *(problems.sentence(text) for text in texts)]
        return False
    return True


@admin.get("/people")
@needs(MANAGE)
def people() -> Answer:
    with looking() as session:
        everybody = credentials.users(session)
        handlers = [user for user in everybody if user.may(Permission.HANDLE)]
        stands = {each.user.id: each for each in standing.standings(session, handlers, g.rules, formats.now())}
        return render_template("admin/people.html", people=everybody, stands=stands, form=NothingForm())


@admin.route("/people/new", methods=["GET", "POST"])
@needs(MANAGE)
def new_person() -> Answer:
    form = NewPersonForm()
    with looking() as session:
        form.offer(forms.departments(session))
    if form.validate_on_submit() and carried_out(
        form, lambda session: staff.add_person(session, entered(form), hand())
    ):
        return go(
            url_for("admin.people"), _("已添加 %(name)s，请把初始密码当面或通过电话告知本人", name=form.name.data)
        )
    with looking():
        return render_template("admin/new_person.html", form=form), 422 if form.errors else 200


def entered(form: NewPersonForm) -> NewUser:
    return NewUser(
        username=form.username.data,
        name=form.name.data,
        department=form.department.data,
        roles=tuple(form.roles.data),
        password=form.password.data,
        email=form.email.data or "",
    )


@admin.route("/people/<int:user_id>", methods=["GET", "POST"])
@needs(MANAGE)
def person(user_id: int) -> Answer:
    form = PlaceForm()
    with looking() as session:
        user = staff.get_person(session, user_id)
        form.offer(forms.departments(session))
        if request.method == "GET":
            fill(form, user)
    place = {"name": form.name.data, "department": form.department.data, "roles": form.roles.data or []}
    place["email"] = form.email.data or ""
    if form.validate_on_submit() and carried_out(
        form, lambda session: staff.change_person(session, staff.get_person(session, user_id), hand(), **place)
    ):
        return go(url_for("admin.person", user_id=user_id), _("已保存"))
    return person_page(user_id, form=form)


def fill(form: PlaceForm, user: User) -> None:
    """With what is known of the person."""
    form.name.data, form.department.data, form.roles.data = user.name, user.department.code, list(user.roles)
    form.email.data = user.email or ""


def person_page(
    user_id: int,
    *,
    form: PlaceForm | None = None,
    password: PasswordForm | None = None,
    work: WorkForm | None = None,
    token: str = "",
) -> Answer:
    """The page of a person; `token` is a new one, shown this once."""
    with looking() as session:
        user = staff.get_person(session, user_id)
        if form is None:
            form = PlaceForm(formdata=None)
            fill(form, user)
        form.offer(forms.departments(session))
        wrong = form.errors or (password is not None and password.errors) or (work is not None and work.errors)
        tokens = [t for t in credentials.tokens(session) if t.user_id == user.id]
        names = {"user": user, "tokens": tokens, "token": token, "nothing": NothingForm(formdata=None)}
        names |= {"work": work or work_form(user), "limit": g.rules.assignment_for(user.department_id).limit}
        password = password or PasswordForm(formdata=None)
        page = render_template("admin/person.html", form=form, password=password, **names)
    return page, 422 if wrong else 200


@admin.post("/people/<int:user_id>/password")
@needs(MANAGE)
def reset_password(user_id: int) -> Answer:
    form = PasswordForm()

    def do(session: Session) -> None:
        staff.reset_password(session, staff.get_person(session, user_id), hand(), password=form.password.data)

    if form.validate() and carried_out(form, do):
        return go(url_for("admin.person", user_id=user_id), _("密码已重置，此人需重新登录"))
    return person_page(user_id, password=form)


@admin.post("/people/<int:user_id>/disable")
@needs(MANAGE)
def disable(user_id: int) -> Answer:
    return switch(user_id, staff.disable_person, _("已停用，此人已被登出"))


@admin.post("/people/<int:user_id>/enable")
@needs(MANAGE)
def enable(user_id: int) -> Answer:
    return switch(user_id, staff.enable_person, _("已启用"))


def switch(user_id: int, step: Callable[[Session, User, Hand], None], message: str) -> Answer:
    with transaction() as session:
        step(session, staff.get_person(session, user_id), hand())
    return go(url_for("admin.person", user_id=user_id), message)


@admin.post("/people/<int:user_id>/tokens")
@needs(MANAGE)
def issue_token(user_id: int) -> Answer:
    """A new token on the person's page, which no reload shows again."""
    with transaction() as session:
        token = staff.issue_token(session, staff.get_person(session, user_id), hand())
    return person_page(user_id, token=token)


@admin.post("/tokens/<int:token_id>/revoke")
@needs(MANAGE)
def revoke_token(token_id: int) -> Answer:
    with transaction() as session:
        staff.revoke_token(session, token_id, hand())
        user_id = session.get_one(ApiToken, token_id).user_id
    return go(url_for("admin.person", user_id=user_id), _("令牌已吊销"))
