"""The page of how staff are told outside the app: group robots and mail. Addresses and secrets never come out again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import current_app, render_template, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload
from wtforms import Field, PasswordField, SelectField, StringField
from wtforms.validators import Length, Optional, ValidationError

from service import alerts, audit
from service.clock import utcnow
from service.config import Settings
from service.database import transaction
from service.errors import InvalidInput, NotFound
from service.messengers import mail, robots
from service.messengers.mail import Letter, Server
from service.messengers.outcome import SendError
from service.messengers.robots import Address
from service.people import Department, Permission
from service.tickets.register import Robot
from service.web import forms
from service.web.admin import carried_out
from service.web.admin_forms import SHORT, NothingForm
from service.web.auth import me, needs
from service.web.forms import CHOSEN, REQUIRED, options
from service.web.languages import language
from service.web.naming import department_name
from service.web.pages import Answer, admin, go, is_fragment, looking

MANAGE = Permission.MANAGE_RULES
MOST = 200
KINDS: Mapping[str, LazyString] = {
    robots.WECOM: _l("企业微信"),
    robots.DINGTALK: _l("钉钉"),
    robots.FEISHU: _l("飞书"),
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a test: what the other side said, and what to do."""

    is_fine: bool
    words: str


class RobotForm(FlaskForm):
    """A robot that is there; address and secret left empty stay as they are."""

    name = StringField(_l("名称"), validators=[REQUIRED, SHORT])
    kind = SelectField(_l("类型"), choices=options(KINDS.items()), validators=[CHOSEN])
    department = SelectField(_l("接收哪些工单的提醒"))
    url = StringField(_l("Webhook 地址"), validators=[Optional(), Length(max=500)])
    secret = PasswordField(_l("加签密钥"), validators=[Optional(), Length(max=200)])

    def offer(self, departments: Sequence[Department]) -> None:
        everybody = [("", _("所有部门"))]
        own = [(d.code, _("仅%(department)s", department=department_name(d))) for d in departments]
        self.department.choices = options(everybody + own)

    def validate_url(self, field: Field) -> None:
        """Of the vendor's own host; what it says names the right kind where the address is another vendor's."""
        kind, url = self.kind.data, (field.data or "").strip()
        if kind not in KINDS or robots.is_allowed(kind, url, settings().robot_hosts):
            return
        other = next((name for name in KINDS if robots.is_allowed(name, url)), None)
        if other is not None:
            raise ValidationError(_("这是%(kind)s机器人的地址，请把类型改为%(kind)s", kind=KINDS[other]))
        raise ValidationError(_("须是从%(kind)s群里复制的机器人地址，以 https:// 开头", kind=KINDS[kind]))


class NewRobotForm(RobotForm):
    url = StringField(_l("Webhook 地址"), validators=[REQUIRED, Length(max=500)])


def settings() -> Settings:
    found: Settings = current_app.config["SETTINGS"]
    return found


@admin.get("/robots")
@needs(MANAGE)
def robots_page() -> Answer:
    return page()


def page(tried: Mapping[str, Tried] | None = None) -> Answer:
    """`tried`: the outcome of a test by the robot's id, or by "mail"."""
    with looking() as session:
        query = select(Robot).options(joinedload(Robot.department)).order_by(Robot.active.desc(), Robot.name, Robot.id)
        troubles = {alert.scope: alert for kind in ("robot", "mail") for alert in alerts.of_kind(session, kind, MOST)}
        return render_template(
            "admin/robots.html",
            robots=session.scalars(query.limit(MOST)).all(),
            kinds=KINDS,
            host_of=host_of,
            troubles=troubles,
            mail_server=urlsplit(settings().smtp_url or "").hostname,
            mail_from=settings().mail_from,
            tried=tried or {},
            form=NothingForm(formdata=None),
        )


@admin.route("/robots/new", methods=["GET", "POST"])
@needs(MANAGE)
def new_robot() -> Answer:
    form = NewRobotForm()
    with looking() as session:
        form.offer(forms.departments(session))
    if form.validate_on_submit() and carried_out(form, lambda session: save(session, Robot(active=True), form)):
        return go(url_for("admin.robots_page"), _("机器人已添加，请点“发送测试”确认能收到"))
    with looking():
        made = render_template("admin/robot.html", form=form, robot=None)
    return made, 422 if form.errors else 200


@admin.route("/robots/<int:robot_id>", methods=["GET", "POST"])
@needs(MANAGE)
def robot(robot_id: int) -> Answer:
    with looking() as session:
        found = get_robot(session, robot_id)
        form = RobotForm(name=found.name, kind=found.kind, department=found.department.code if found.department else "")
        if not form.is_submitted():
            form.url.data = ""
        form.offer(forms.departments(session))
    if form.validate_on_submit() and carried_out(form, lambda s: save(s, get_robot(s, robot_id), form)):
        return go(url_for("admin.robots_page"), _("已保存"))
    with looking() as session:
        made = render_template("admin/robot.html", form=form, robot=get_robot(session, robot_id))
    return made, 422 if form.errors else 200


@admin.post("/robots/<int:robot_id>/switch")
@needs(MANAGE)
def switch_robot(robot_id: int) -> Answer:
    """Off, or on again."""
    with transaction() as session:
        found = get_robot(session, robot_id)
        found.active = not found.active
        alerts.resolved(session, scope=f"robot:{found.name}", kind="robot", now=utcnow())
        record(session, "robot_switched", found)
        message = _("已启用") if found.active else _("已停用，不再发送")
    return go(url_for("admin.robots_page"), message)


@admin.post("/robots/<int:robot_id>/test")
@needs(MANAGE)
def test_robot(robot_id: int) -> Answer:
    """Let it say a line now; nothing is open in the database meanwhile."""
    with looking() as session:
        found = get_robot(session, robot_id)
        address, name = Address(found.kind, found.url, found.secret), found.name
    text = f"【工单台】测试：{name}能收到工单提醒"
    tried = outcome(lambda: robots.send(address, text, now=utcnow(), more_hosts=settings().robot_hosts))
    if tried.is_fine:
        seen_to(f"robot:{name}", "robot")
    return shown(str(robot_id), tried)


@admin.post("/robots/mail-test")
@needs(MANAGE)
def test_mail() -> Answer:
    """A letter to whoever asks."""
    smtp_url, sender, to = settings().smtp_url, settings().mail_from, me().email
    if smtp_url is None or sender is None:
        return shown("mail", Tried(is_fine=False, words=_("没有设置发信服务器：请设置 SMTP_URL 和 MAIL_FROM 后重启")))
    if not to:
        return shown("mail", Tried(is_fine=False, words=_("您还没有邮箱：请先在人员页给自己填上")))
    letter = Letter(to, "【工单台】测试邮件", "收到这封邮件，说明工单提醒能送达。", f"gongdan-test-{me().id}")
    tried = outcome(lambda: mail.send(Server(smtp_url, sender), letter, now=utcnow()))
    if tried.is_fine:
        seen_to("mail", "mail")
    return shown("mail", tried)


def outcome(send) -> Tried:  # type: ignore[no-untyped-def]
    try:
        send()
    except SendError as error:
        return Tried(is_fine=False, words=error.sentence(language()))
    return Tried(is_fine=True, words=_("已发出，请到群里或邮箱里看是否收到"))


def shown(name: str, tried: Tried) -> Answer:
    if is_fragment():
        return render_template("admin/_robot_answer.html", name=name, answer=tried)
    return page({name: tried})


def seen_to(scope: str, kind: str) -> None:
    with transaction() as session:
        alerts.resolved(session, scope=scope, kind=kind, now=utcnow())


def get_robot(session: Session, robot_id: int) -> Robot:
    found = session.scalar(select(Robot).options(joinedload(Robot.department)).where(Robot.id == robot_id))
    if found is None:
        raise NotFound(f"no robot {robot_id}")
    return found


def save(session: Session, found: Robot, form: RobotForm) -> None:
    """Raises InvalidInput for a name that another robot has, and for a kind that the kept address is not of."""
    name, kind = form.name.data.strip(), form.kind.data
    taken = select(Robot.id).where(Robot.name == name)
    if session.scalar(taken if found.id is None else taken.where(Robot.id != found.id)) is not None:
        raise InvalidInput(name="is taken")
    url = (form.url.data or "").strip() or found.url
    if not robots.is_allowed(kind, url, settings().robot_hosts):
        raise InvalidInput(url="the kept address is another vendor's; copy the robot's own")
    if found.id is not None and found.name != name:  # nothing would ever end what is told of the old name
        alerts.resolved(session, scope=f"robot:{found.name}", kind="robot", now=utcnow())
    code = form.department.data
    found.department_id = session.scalar(select(Department.id).where(Department.code == code)) if code else None
    found.name, found.kind, found.url = name, kind, url
    found.secret = (form.secret.data or "").strip() or found.secret
    is_new = found.id is None
    session.add(found)
    session.flush()
    record(session, "robot_added" if is_new else "robot_changed", found)


def record(session: Session, action: str, found: Robot) -> None:
    after = {"about": found.name, "kind": found.kind, "department": found.department_id, "active": found.active}
    audit.record(session, at=utcnow(), actor=me().username, action=action, after=after)


def host_of(found: Robot) -> str:
    """What of the address may be seen."""
    return f"{urlsplit(found.url).hostname}/…{found.url[-4:]}"
