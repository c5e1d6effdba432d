"""An account's reply windows, and what may tell a follower that an answer waits: a small form of its own."""

from collections.abc import Mapping

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import BooleanField, Field, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from service.channels.wechat import accounts as wechat
from service.channels.wechat import windows
from service.clock import utcnow
from service.people import Permission
from service.tickets.notices import RUNGS, VARIABLES
from service.web.admin import carried_out
from service.web.admin_accounts import record
from service.web.auth import needs
from service.web.forms import options
from service.web.pages import Answer, admin, go, looking

MODELS = {"max": _l("新来信把条数和时间补足（默认）"), "cumulative": _l("窗口打开期间不补充")}
TAPS = {"minute": _l("1 分钟（默认）"), "window": _l("与来信相同")}
TEMPLATE_ID = Regexp(r"^[0-9A-Za-z_-]{1,128}$", message=_l("从公众平台复制模板 ID，由字母、数字、横线组成"))
HOUR = 60  # minutes
SWITCHES = ("typing", "invite")  # on unless the account's notices say false


def fields_in(text: str) -> dict[str, str]:
    """Lines of "thing1 = number" as a table. Raises ValueError with the line that is wrong."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        key, _sign, variable = (part.strip() for part in line.partition("="))
        if not key.isidentifier() or variable not in VARIABLES:
            raise ValueError(line)
        found[key] = variable
    return found


def fields_area(label: object) -> TextAreaField:
    return TextAreaField(label, validators=[Optional(), Length(max=2000)])


class NoticesForm(FlaskForm):
    """Empty fields mean the platform's rule, or that nothing is sent."""

    model = SelectField(_l("窗口打开期间的新来信"), choices=options(MODELS.items()), validators=[InputRequired()])
    messages = IntegerField(_l("一次来信可回复条数"), validators=[Optional(), NumberRange(1, windows.MOST_MESSAGES)])
    hours = IntegerField(_l("有效小时数"), validators=[Optional(), NumberRange(1, windows.LONGEST_MINUTES // HOUR)])
    tap = SelectField(_l("点选消息中的选项，窗口打开"), choices=options(TAPS.items()), validators=[InputRequired()])
    typing = BooleanField(_l("写回复时向客户显示“对方正在输入”（不占条数）"), default=True)
    invite = BooleanField(_l("最终答复送达 10 分钟后邀请评价（用去 1 条）"), default=True)
    subscription_id = StringField(_l("订阅通知模板 ID"), validators=[Optional(), TEMPLATE_ID])
    subscription_fields = fields_area(_l("订阅通知的字段"))
    subscription_url = BooleanField(_l("点开进入工单页面"), default=True)
    template_id = StringField(_l("模板消息模板 ID"), validators=[Optional(), TEMPLATE_ID])
    template_fields = fields_area(_l("模板消息的字段"))
    template_url = BooleanField(_l("点开进入工单页面"), default=True)

    def validate(self, extra_validators: Mapping[str, object] | None = None) -> bool:
        good = super().validate(extra_validators)
        if (self.hours.data is None) == (self.messages.data is None):
            return bool(good)
        self.hours.errors = [*self.hours.errors, _l("条数和小时数请一起填写，或都留空")]
        return False

    def validate_subscription_fields(self, field: Field) -> None:
        check_fields(field)

    def validate_template_fields(self, field: Field) -> None:
        check_fields(field)


def check_fields(field: Field) -> None:
    try:
        fields_in(field.data or "")
    except ValueError as error:
        names = "、".join(VARIABLES)
        raise ValidationError(
            _("这一行不对：%(line)s。每行写“字段 = 变量”，变量有 %(names)s", line=error, names=names)
        ) from error


@admin.route("/accounts/<slug>/notices", methods=["GET", "POST"])
@needs(Permission.MANAGE_ACCOUNTS)
def notices(slug: str) -> Answer:
    with looking() as session:
        row = wechat.get_row(session, slug)
        form = NoticesForm(data=values_of(row.window_rules or {}, row.notices or {}))
    if form.validate_on_submit() and carried_out(form, lambda session: keep(session, slug, form)):
        return go(url_for("admin.account", slug=slug), _("已保存，约一秒后在所有进程生效"))
    with looking() as session:
        row = wechat.get_row(session, slug)
        standing = windows.windows_on(utcnow().date(), row.kind)
        page = render_template("admin/notices.html", form=form, account=row, standing=standing, variables=VARIABLES)
    return page, 422 if form.errors else 200


def keep(session: Session, slug: str, form: NoticesForm) -> None:
    rules, wanted = rules_of(form), notices_of(form)
    windows.keep(session, slug, rules=rules, notices=wanted)
    record(session, "account_notices_changed", slug, {"window_rules": rules, "notices": wanted})


def rules_of(form: NoticesForm) -> dict[str, object]:
    """What differs from the platform's rules."""
    rules: dict[str, object] = {}
    if form.model.data != windows.MODELS[0]:
        rules["model"] = form.model.data
    if form.messages.data and form.hours.data:
        rules["message"] = {"messages": form.messages.data, "minutes": form.hours.data * HOUR}
    if form.tap.data == "window":
        rules["tap"] = rules.get("message") or dict(windows.AS_A_MESSAGE)
    return rules


def notices_of(form: NoticesForm) -> dict[str, object]:
    """What may be sent; a rung without a template's id is left out."""
    wanted: dict[str, object] = {name: False for name in SWITCHES if not form[name].data}
    for rung in RUNGS:
        template_id = getattr(form, f"{rung}_id").data
        if template_id:
            fields = fields_in(getattr(form, f"{rung}_fields").data or "")
            wanted[rung] = {"id": template_id, "fields": fields, "url": getattr(form, f"{rung}_url").data}
    return wanted


def values_of(rules: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """The form's values for what the account has of its own."""
    values: dict[str, object] = {"model": rules.get("model", windows.MODELS[0])}
    own = rules.get("message")
    if isinstance(own, Mapping):
        values |= {"messages": own["messages"], "hours": int(own["minutes"]) // HOUR}
    values["tap"] = "window" if "tap" in rules else "minute"
    values |= {name: wanted.get(name, True) for name in SWITCHES}
    for rung in RUNGS:
        settings = wanted.get(rung)
        if isinstance(settings, Mapping):
            lines = "\n".join(f"{key} = {name}" for key, name in settings["fields"].items())
            named = {"id": settings["id"], "fields": lines, "url": settings["url"]}
            values |= {f"{rung}_{name}": value for name, value in named.items()}
    return values
