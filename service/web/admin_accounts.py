"""Pages of those who look after official accounts. Secrets go in and never come out."""

from collections.abc import Mapping
from dataclasses import replace

from flask import current_app, g, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from service import alerts, audit, rulebook
from service.channels import registry
from service.channels.wechat import accounts as wechat
from service.channels.wechat import asking
from service.channels.wechat.readiness import Facts, findings
from service.clock import utcnow
from service.database import transaction
from service.messaging import outbox
from service.people import Permission
from service.web.admin import carried_out
from service.web.admin_forms import TEXT, AccountForm, NewAccountForm, NothingForm, texts_form
from service.web.alarms import alarm_of
from service.web.auth import me, needs
from service.web.pages import Answer, admin, go, is_fragment, looking
from service.web.text_names import grouped

MANAGE = Permission.MANAGE_ACCOUNTS
CHECK_NAMES: Mapping[str, LazyString] = {
    "account": _l("账号"),
    "settings": _l("账号信息"),
    "address": _l("回调地址"),
    "verified": _l("地址校验"),
    "token": _l("访问凭证"),
    "certified": _l("认证"),
    "push": _l("收到消息"),
}
SECRETS = ("app_secret", "token", "aes_key")
FIELDS = ("name", "original_id", "app_id", *SECRETS, "mode", "kind", "certified", "active")


def webhook_of(slug: str) -> str:
    """The address that the platform is told to call."""
    return f"{current_app.config['SETTINGS'].public_url.rstrip('/')}/wechat/{slug}"


@admin.get("/accounts")
@needs(MANAGE)
def accounts() -> Answer:
    with looking() as session:
        found = [wechat.copy(row) for row in wechat.listing(session)]
        # a halted account says so itself, with a button
        alarms = [alarm_of(alert) for alert in alerts.open_alerts(session) if alert.kind != wechat.HALTED]
        rows = [(account, webhook_of(account.slug), findings(account, facts_of(account))) for account in found]
        names = {"rows": rows, "alarms": alarms, "check_names": CHECK_NAMES}
        return render_template("admin/accounts.html", form=NothingForm(), **names)


def facts_of(account: wechat.Account, *, asked: bool = False) -> Facts:
    return asking.facts(account, current_app.config["SETTINGS"], asked=asked, now=utcnow())


@admin.post("/accounts/<slug>/check")
@needs(MANAGE)
def check_account(slug: str) -> Answer:
    """Ask the platform now; where it takes the credentials, what was halted goes on."""
    with looking() as session:
        account = wechat.copy(wechat.get_row(session, slug))
    facts = facts_of(account, asked=account.active)
    if account.halted_reason and facts.refusal is None:
        go_on(slug)
        account = replace(account, halted_reason=None)
    if not is_fragment():
        return go(url_for("admin.accounts"), _("已检查"))
    names = {"account": account, "findings": findings(account, facts), "asked": True, "check_names": CHECK_NAMES}
    return render_template("admin/_checklist.html", **names)


@admin.route("/accounts/<slug>/texts", methods=["GET", "POST"])
@needs(MANAGE)
def account_texts(slug: str) -> Answer:
    """The words of this account in place of the installation's."""
    with looking() as session:
        row = wechat.get_row(session, slug)
        defaults = dict(g.rules.texts)
        form = texts_form(defaults, row.texts or {})
    if form.validate_on_submit() and carried_out(form, lambda session: say(session, slug, form)):
        return go(url_for("admin.accounts"), _("已保存，约一秒后在所有进程生效"))
    with looking() as session:
        account, groups = wechat.get_row(session, slug), grouped(defaults)
        page = render_template("admin/account_texts.html", form=form, account=account, defaults=defaults, groups=groups)
    return page, 422 if form.errors else 200


def say(session: Session, slug: str, form: FlaskForm) -> None:
    entered = {name.removeprefix(TEXT): text or "" for name, text in form.data.items() if name.startswith(TEXT)}
    own = wechat.get_row(session, slug).texts or {}
    changed = {key: text for key, text in entered.items() if text.strip() != own.get(key, "").strip()}
    if changed:
        wechat.say(session, slug, changed)
        rulebook.bump(session)
        record(session, "account_texts_changed", slug, {"texts": changed})


@admin.post("/alerts/<int:alert_id>/done")
@needs(MANAGE)
def alert_done(alert_id: int) -> Answer:
    """A person has seen to what the alert is about."""
    with transaction() as session:
        alerts.settled(session, alert_id, now=utcnow())
        audit.record(session, at=utcnow(), actor=me().username, action="alert_done", after={"about": str(alert_id)})
    return go(url_for("admin.accounts"), _("已标为处理"))


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
    go_on(slug)
    return go(url_for("admin.accounts"), _("已恢复发送"))


def go_on(slug: str) -> None:
    """Let the account send again, at once what waits."""
    with transaction() as session:
        registry.resume(session, f"{wechat.PREFIX}{slug}")
        outbox.hurry(session, f"{wechat.PREFIX}{slug}", now=utcnow())
        record(session, "account_resumed", slug, {})


def shown(form: AccountForm) -> dict[str, object]:
    return {name: getattr(form, name).data for name in FIELDS if name not in SECRETS}


def record(session: Session, action: str, slug: str, after: dict[str, object]) -> None:
    audit.record(session, at=utcnow(), actor=me().username, action=action, after={"about": slug, **after})
