"""The forms of the desk: what a person fills in, checked before an action is called."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask import current_app, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from wtforms import (
    BooleanField,
    DateTimeLocalField,
    Field,
    HiddenField,
    MultipleFileField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import URL, AnyOf, DataRequired, InputRequired, Length, Optional, ValidationError

from service.people import Department, User
from service.tickets import cooperation, queries, suspensions
from service.tickets.models import Ticket
from service.tickets.states import LIVE
from service.web import formats, labels
from service.web.auth import me
from service.web.naming import category_name, department_name, subcategory_choices, subcategory_of
from service.web.reply_schemas import LONGEST_DESCRIPTION, LONGEST_TITLE, LONGEST_URL
from service.web.schemas import LONGEST_REASON, LONGEST_TEXT

REQUIRED = DataRequired(_l("请填写此项"))
CHOSEN = InputRequired(_l("请选择一项"))
ADDRESS = URL(require_tld=False, message=_l("请填写以 http:// 或 https:// 开头的链接"))
PEOPLE_OFFERED = 1000
AS_IT_READS, NO_SUBCATEGORY = "", "/"  # beside "category/code"


class StaffForm(FlaskForm):
    """A form whose choices may depend on the ticket."""

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Fill in what can be chosen for this ticket."""


class LocalMoment(DateTimeLocalField):
    """Date and time as the wall clock of the service shows them; aware on the way out."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        naive: datetime | None = self.data  # type: ignore[has-type]
        if naive is not None:
            self.data = naive.replace(tzinfo=current_app.config["SETTINGS"].time_zone)


def reason(label: str, *, required: bool = True) -> TextAreaField:
    check = [REQUIRED if required else Optional(), Length(max=LONGEST_REASON)]
    return TextAreaField(label, validators=check)


def options(pairs: Iterable[tuple[object, object]]) -> list[SelectChoice]:
    """What a field offers: value and words."""
    return [SelectChoice(str(value), words) for value, words in pairs]


class ConfirmForm(StaffForm):
    """Nothing to fill in."""


class AcceptForm(StaffForm):
    promise_at = LocalMoment(_l("承诺答复时间（可选）"), format="%Y-%m-%dT%H:%M", validators=[Optional()])
    plan = reason(_l("办理计划（可选）"), required=False)


class AssignForm(StaffForm):
    assignee = SelectField(_l("经办人"), validators=[CHOSEN])

    def offer(self, session: Session, ticket: Ticket) -> None:
        self.assignee.choices = options((u.username, f"{u.name} · {u.username}") for u in assignable(session, ticket))
        if not self.is_submitted():
            self.assignee.data = ticket.assignee.username if ticket.assignee else me().username


def assignable(session: Session, ticket: Ticket) -> Sequence[User]:
    """Whom the person may give this ticket to, the ticket's department first."""
    people = session.scalars(select(User).where(User.active).order_by(User.username).limit(PEOPLE_OFFERED)).all()
    fit = [u for u in people if cooperation.can_work(u, ticket) and cooperation.may_assign_to(me(), ticket, u)]
    return sorted(fit, key=lambda u: (u.department_id != ticket.department_id, u.username))


class TransferForm(StaffForm):
    department = SelectField(_l("转到部门"), validators=[CHOSEN])
    reason = reason(_l("转办原因"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        others = [d for d in departments(session) if d.id != ticket.department_id]
        self.department.choices = options((d.code, department_name(d)) for d in others)


def departments(session: Session) -> Sequence[Department]:
    query = select(Department).where(Department.active).order_by(Department.position, Department.id)
    return session.scalars(query.limit(200)).all()


class ClassifyForm(StaffForm):
    category = SelectField(_l("类别"), validators=[CHOSEN])
    subcategory = SelectField(_l("子类"), default=AS_IT_READS)
    priority = SelectField(_l("优先级"), choices=options(labels.PRIORITIES.items()), validators=[CHOSEN])
    reason = reason(_l("判定理由"))

    def offer(self, session: Session, ticket: Ticket) -> None:
        self.category.choices = options((code, category_name(code)) for code in g.rules.categories)
        usual = [(AS_IT_READS, _("不改，或按文字判断")), (NO_SUBCATEGORY, _("不细分"))]
        self.subcategory.choices = {"": usual, **subcategory_choices()}
        if not self.is_submitted():
            self.category.data, self.priority.data = ticket.category, ticket.priority
            self.subcategory.data = AS_IT_READS

    def validate_subcategory(self, field: Field) -> None:
        category, _code = subcategory_of(field.data)
        if category and category != self.category.data:
            raise ValidationError(_("这个子类属于%(category)s，请把类别也改为它", category=category_name(category)))

    @property
    def chosen_subcategory(self) -> str | None:
        """As `cooperation.classify` takes it."""
        if self.subcategory.data in (None, AS_IT_READS):
            return None
        return subcategory_of(self.subcategory.data)[1]


class SuspendForm(StaffForm):
    reason = reason(_l("挂起原因"))
    until = LocalMoment(_l("自动恢复时间"), format="%Y-%m-%dT%H:%M", validators=[REQUIRED])

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Say how long it may last."""
        room = suspensions.room(session, ticket, g.rules, formats.now())
        words = _("最晚到 %(at)s；这张工单还可挂起 %(left)d 个工作日。", at=formats.due(room.latest), left=room.left)
        self.until.description = words if room.left else _("这张工单的挂起天数已用完，不能再挂起。")


class ReasonForm(StaffForm):
    reason = reason(_l("原因"))


class CloseForm(StaffForm):
    reason = reason(_l("办结说明（未做最终答复时必填）"), required=False)


class DeclineForm(StaffForm):
    reason = reason(_l("不予受理的原因"))
    refer_to = StringField(_l("建议客户去处（可选）"), validators=[Optional(), Length(max=LONGEST_REASON)])


class MergeForm(StaffForm):
    into = SelectField(_l("并入工单"), validators=[CHOSEN])

    def offer(self, session: Session, ticket: Ticket) -> None:
        """Only the same follower's open tickets."""
        others = queries.tickets_of(session, me(), ticket.follower)
        fit = [t for t in others if t.id != ticket.id and t.status in LIVE]
        self.into.choices = options((t.number, f"{t.number} {t.subject}") for t in fit)


class FollowUpForm(StaffForm):
    result = RadioField(_l("回访结果"), choices=options(labels.RESULTS.items()), validators=[CHOSEN])
    satisfaction = RadioField(
        _l("满意度"),
        choices=options(labels.SATISFACTIONS.items()),
        coerce=lambda value: int(value) if value not in (None, "", "None") else None,
        validators=[Optional()],
        validate_choice=False,
    )
    note = reason(_l("客户意见与备注"), required=False)

    def validate_satisfaction(self, field: Field) -> None:
        if field.data is not None and field.data not in labels.SATISFACTIONS:
            raise ValidationError(_l("请选择一项"))


class ReplyForm(StaffForm):
    """The box below a conversation. `files`: those of a browser without scripts; others were handed in before."""

    text = TextAreaField(_l("回复内容"), validators=[Length(max=LONGEST_TEXT)])
    kind = RadioField(_l("类型"), choices=options(labels.REPLY_KINDS.items()), default="interim", validators=[CHOSEN])
    via = SelectField(_l("方式"), choices=options(labels.VIAS.items()), default="wechat", validators=[Optional()])
    seen = HiddenField()
    force = BooleanField(default=False)
    join = BooleanField(default=False)  # put what waits before the text, as one message
    attachments = SelectMultipleField(coerce=int, validate_choice=False)
    files = MultipleFileField(_l("添加图片或语音"))
    link_url = StringField(_l("链接地址"), validators=[Optional(), Length(max=LONGEST_URL), ADDRESS])
    link_title = StringField(_l("卡片标题"), validators=[Length(max=LONGEST_TITLE)])
    link_description = StringField(_l("卡片说明（可选）"), validators=[Length(max=LONGEST_DESCRIPTION)])

    def validate_seen(self, field: Field) -> None:
        if field.data and not str(field.data).isdigit():
            raise ValidationError(_l("页面已过期，请刷新后重试"))

    def validate_text(self, field: Field) -> None:
        extras = self.attachments.data or self.chosen_files or self.link_url.data
        if not (field.data or "").strip() and (self.kind.data == "note" or not extras):
            raise ValidationError(_l("请填写此项"))
        if self.kind.data == "note" and extras:
            raise ValidationError(_l("内部备注不能带文件或链接，请先移除"))

    def validate_link_url(self, field: Field) -> None:
        if field.data and not str(field.data).startswith(("http://", "https://")):
            raise ValidationError(_l("请填写以 http:// 或 https:// 开头的链接"))

    def validate_link_title(self, field: Field) -> None:
        if self.link_url.data and not (field.data or "").strip():
            raise ValidationError(_l("请填写卡片标题"))
        if field.data and not self.link_url.data:
            raise ValidationError(_l("请填写链接地址，或清空卡片标题"))

    @property
    def chosen_files(self) -> list[FileStorage]:
        """Files that came with the form itself."""
        return [file for file in self.files.data or [] if isinstance(file, FileStorage) and file.filename]

    def offered(self, kinds: Iterable[str]) -> None:
        """Only these kinds can be chosen; the first stands ready."""
        chosen = list(kinds)
        self.kind.choices = options((k, labels.REPLY_KINDS[k]) for k in chosen)
        if not self.is_submitted() and chosen:
            self.kind.data = chosen[0]


class MessageForm(StaffForm):
    """A decision about one message."""

    verb = HiddenField(validators=[AnyOf(("send-again", "cancel"))])


def moment_of(field: LocalMoment) -> datetime | None:
    """The instant a person chose; None if the field is empty."""
    chosen: datetime | None = field.data
    return chosen
