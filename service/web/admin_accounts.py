"""Pages of those who look after official accounts. Secrets go in and never come out."""

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import audit
from service.channels import registry
from service.channels.wechat import accounts as wechat
from service.clock import utcnow
from service.database import transaction
from service.people import Permission
from service.web.admin import carried_out
from service.web.admin_forms import AccountForm, NewAccountForm, NothingForm
from service.web.auth import me, needs
from service.web.pages import Answer, admin, go, looking

MANAGE = Permission.MANAGE_ACCOUNTS
SECRETS = ("app_secret", "token", "aes_key")
FIELDS = ("name", "original_id", "app_id", *SECRETS, "mode", "kind", "certified", "active")


def webhook_of(slug: str) -> str:
    """The address that the platform is told to call."""
    return f"{current_app.config['SETTINGS'].public_url.rstrip('/')}/wechat/{slug}"


@admin.get("/accounts")
@needs(MANAGE)
def accounts() -> Answer:
    with looking() as session:
        rows = [(row, webhook_of(row.slug)) for row in wechat.listing(session)]
        return render_template("admin/accounts.html", rows=rows, form=NothingForm())


@admin.route("/accounts/new", methods=["GET", "POST"])
@needs(MANAGE)
def new_account() -> Answer:
    form = NewAccountForm()
    if form.validate_on_submit() and carried_out(form, lambda session: add(session, form)):
        return go(url_for("admin.accounts"), _("公众号已添加，请把回调地址填到公众平台"))
    with looking():
        page = render_template("admin/account.html", form=form, account=None, webhook="")
    return page, 422 if form.errors else 200


def add(session: Session, form: NewAccountForm) -> None:
    values = {name: getattr(form, name).data or "" for name in ("slug", *FIELDS[:-2])}
    made = wechat.add(session, **values, certified=form.certified.data, active=form.active.data)
    record(session, "account_added", made.slug, shown(form))


@admin.route("/accounts/<slug>", methods=["GET", "POST"])
@needs(MANAGE)
def account(slug: str) -> Answer:
    with looking() as session:
        form = AccountForm(obj=wechat.get_row(session, slug) if request.method == "GET" else None)
    if form.validate_on_submit() and carried_out(form, lambda session: change(session, slug, form)):
        return go(url_for("admin.accounts"), _("已保存，约一秒后在所有进程生效"))
    with looking() as session:
        row = wechat.get_row(session, slug)
        page = render_template("admin/account.html", form=form, account=row, webhook=webhook_of(slug))
    return page, 422 if form.errors else 200


def change(session: Session, slug: str, form: AccountForm) -> None:
    """Change what differs; a secret left empty stays."""
    row = wechat.get_row(session, slug)
    entered = {name: getattr(form, name).data for name in FIELDS}
    fields = {n: v for n, v in entered.items() if (v or n not in SECRETS) and v != getattr(row, n)}
    if fields:
        wechat.change(session, slug, **fields)
        record(session, "account_changed", slug, {n: "…" if n in SECRETS else v for n, v in fields.items()})


@admin.post("/accounts/<slug>/resume")
@needs(MANAGE)
def resume(slug: str) -> Answer:
    """Try sending again, after what halted it has been put right."""
    with transaction() as session:
        registry.resume(session, f"{wechat.PREFIX}{slug}")
        record(session, "account_resumed", slug, {})
    return go(url_for("admin.accounts"), _("已恢复发送"))


def shown(form: AccountForm) -> dict[str, object]:
    return {name: getattr(form, name).data for name in FIELDS if name not in SECRETS}


def record(session: Session, action: str, slug: str, after: dict[str, object]) -> None:
    audit.record(session, at=utcnow(), actor=me().username, action=action, after={"about": slug, **after})
