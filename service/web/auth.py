"""Who is asking: a session cookie for pages, a bearer token for the API. Denied unless an endpoint says who may."""

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Flask, Response, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response as BaseResponse
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from service import credentials
from service.database import reading, transaction
from service.errors import Forbidden
from service.people import Permission, User
from service.web.security import limiter

View = TypeVar("View", bound=Callable[..., object])

auth = Blueprint("auth", __name__)
manager = LoginManager()
PUBLIC = {  # endpoints that anybody may call; every other one names a permission or SIGNED_IN
    "auth.sign_in",
    "auth.sign_out",
    "health.healthz",
    "health.readyz",
    "health.metrics",
    "wechat.verify",
    "wechat.receive",
    "api.openapi",
    "languages.choose",
    *(f"portal.{view}" for view in ("tickets", "callback", "ticket", "write", "rate", "comment", "file")),
    "portal.progress_form",
    "portal.progress_of",
    "static",
}
SIGNED_IN = "signed in"  # any member of staff


def needs(permission: Permission | str) -> Callable[[View], View]:
    """Say what a person must be allowed to do (somewhere) to call this endpoint."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def init_app(app: Flask) -> None:
    manager.init_app(app)
    manager.login_view = "auth.sign_in"
    manager.user_loader(load_user)
    app.before_request(deny_by_default)


def load_user(identity: str) -> User | None:
    """The user of a session cookie; None once the session's version is old."""
    user_id, _dot, version = identity.partition(".")
    with reading() as session:
        user = session.scalar(select(User).where(User.id == int(user_id)))
        if user is None or not user.active or str(user.session_version) != version:
            return None
        session.expunge(user)
    return user


def deny_by_default() -> BaseResponse | None:
    """Run before every view: the endpoint is public, or the person has what it asks for."""
    if request.endpoint is None or request.endpoint in PUBLIC:
        return None
    view = current_app.view_functions[request.endpoint]
    permission = getattr(view, "permission", None)
    if permission is None:
        raise Forbidden("this endpoint names no permission")
    if request.blueprint == "api":
        g.user = user_of_token()
    elif current_user.is_authenticated:
        g.user = current_user._get_current_object()
    else:
        return unauthorised_page()
    if permission != SIGNED_IN and not g.user.may(permission):
        raise Forbidden("your role does not allow this", permission=str(permission))
    return None


def unauthorised_page() -> BaseResponse:
    if request.headers.get("HX-Request") == "true":  # htmx would put the sign-in page into the fragment
        return Response(status=401, headers={"HX-Redirect": url_for("auth.sign_in")})
    if request.blueprint == "stream":
        return Response(status=401)
    return redirect(url_for("auth.sign_in", next=request.full_path if request.query_string else request.path))


def user_of_token() -> User:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    with reading() as session:
        user = credentials.user_with_token(session, token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            abort(401, description="send a valid token as `Authorization: Bearer TOKEN`")
        session.expunge(user)
    return user


def me() -> User:
    """The person who asks."""
    user: User = g.user
    return user


class SignInForm(FlaskForm):  # type: ignore[misc]
    username = StringField(validators=[DataRequired(), Length(max=100)])
    password = PasswordField(validators=[DataRequired(), Length(max=200)])


def who_signs_in() -> str:
    """What the limit of sign-in attempts counts beside the address: the name that is tried."""
    return "user:" + request.form.get("username", "").strip().lower()[:100]


@auth.route("/sign-in", methods=["GET", "POST"])
@limiter.limit("20 per 15 minutes", methods=["POST"], deduct_when=lambda r: r.status_code == 401)
@limiter.limit("5 per 15 minutes", methods=["POST"], key_func=who_signs_in, deduct_when=lambda r: r.status_code == 401)
def sign_in() -> BaseResponse | str | tuple[str, int]:
    if current_user.is_authenticated:
        return redirect(url_for("desk.queue"))
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("sign_in.html", form=form)
    with transaction() as session:
        user = credentials.user_with_password(session, form.username.data, form.password.data)
        if user is not None:
            session.expunge(user)
    if user is None:
        flash(_("用户名或密码不正确，请重新输入；忘记密码请联系管理员重置。"), "error")
        return render_template("sign_in.html", form=form), 401
    login_user(user)
    return redirect(safe_next())


@auth.post("/sign-out")
def sign_out() -> BaseResponse:
    logout_user()
    return redirect(url_for("auth.sign_in"))


def safe_next() -> str:
    """Where the person wanted to go, if that is a path of ours."""
    target = request.args.get("next", "")
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target
    return target if ours else url_for("desk.queue")
