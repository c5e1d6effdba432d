"""The forms of those who look after people, departments and accounts."""

from collections.abc import Iterable, Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import EqualTo, Length, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from service.channels.wechat.accounts import RULES
from service.people import Department
from service.web import labels
from service.web.forms import CHOSEN, REQUIRED, options
from service.web.naming import department_name

SHORT = Length(max=100)
HINTS = {
    "slug": _l("1 到 40 个小写字母、数字或横线，会出现在回调地址里"),
    "name": _l("请填写名称"),
    "original_id": _l("以 gh_ 开头，在公众平台“公众号设置”里"),
    "app_id": _l("形如 wx0123456789abcdef"),
    "app_secret": _l("由字母和数字组成，没有空格"),
    "token": _l("3 到 32 个字母或数字，与公众平台填写的一致"),
    "aes_key": _l("43 个字母和数字，与公众平台填写的一致"),
}


class ManyChoices(SelectMultipleField):
    """Check boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class PlaceForm(FlaskForm):
    """Name, department and roles of a person."""

    name = StringField(_l("姓名"), validators=[REQUIRED, SHORT])
    department = SelectField(_l("部门"), validators=[CHOSEN])
    roles = ManyChoices(_l("角色"), choices=options(labels.ROLES.items()), validators=[CHOSEN])
    email = StringField(_l("邮箱"), validators=[Optional(), Length(max=254)])

    def offer(self, departments: Iterable[Department]) -> None:
        self.department.choices = options((d.code, department_name(d)) for d in departments)


class NewPersonForm(PlaceForm):
    username = StringField(_l("用户名"), validators=[REQUIRED, SHORT])
    password = PasswordField(_l("初始密码"), validators=[REQUIRED, Length(max=200)])


class PasswordForm(FlaskForm):
    password = PasswordField(_l("新密码"), validators=[REQUIRED, Length(max=200)])


class OwnPasswordForm(FlaskForm):
    current = PasswordField(_l("当前密码"), validators=[REQUIRED, Length(max=200)])
    password = PasswordField(_l("新密码"), validators=[REQUIRED, Length(max=200)])
    again = PasswordField(_l("再输一次新密码"), validators=[REQUIRED, EqualTo("password", _l("两次输入不一致"))])


class NothingForm(FlaskForm):
    """A button: only the token against forgery."""


class DepartmentForm(FlaskForm):
    name_zh = StringField(_l("中文名称"), validators=[REQUIRED, SHORT])
    name_en = StringField(_l("英文名称"), validators=[REQUIRED, SHORT])
    active = BooleanField(_l("启用"), default=True)


class NewDepartmentForm(DepartmentForm):
    code = StringField(
        _l("代码"), validators=[REQUIRED, Regexp(r"^[A-Z][A-Z0-9]{1,9}$", message=_l("2 到 10 个大写字母或数字"))]
    )


def text(name: str, label: LazyString, *, required: bool = True, secret: bool = False) -> StringField:
    """A field of an account, held to the same pattern that the account itself is."""
    pattern = RULES[name].pattern.pattern
    check = [REQUIRED if required else Optional(), Regexp(rf"^(?:{pattern})$", message=HINTS[name])]
    kind = PasswordField if secret else StringField
    return kind(label, description="" if name == "name" else HINTS[name], validators=check)


class AccountForm(FlaskForm):
    """An official account that is there; a secret left empty stays as it is."""

    name = text("name", _l("名称"))
    original_id = text("original_id", _l("原始 ID"))
    app_id = text("app_id", _l("AppID"))
    app_secret = text("app_secret", _l("AppSecret"), required=False, secret=True)
    token = text("token", _l("令牌 Token"), required=False, secret=True)
    aes_key = text("aes_key", _l("消息加解密密钥 EncodingAESKey"), required=False, secret=True)
    mode = SelectField(_l("消息加解密方式"), choices=options(labels.MODES.items()), default="safe", validators=[CHOSEN])
    kind = SelectField(_l("账号类型"), choices=options(labels.ACCOUNT_KINDS.items()), validators=[CHOSEN])
    certified = BooleanField(_l("已认证"), default=True)
    active = BooleanField(_l("启用"), default=True)


class NewAccountForm(AccountForm):
    slug = text("slug", _l("标识"))
    app_secret = text("app_secret", _l("AppSecret"), secret=True)
    token = text("token", _l("令牌 Token"), secret=True)


TEXT = "text_"  # how the fields of texts begin


def texts_form(defaults: Mapping[str, str], own: Mapping[str, str]) -> FlaskForm:
    """A field for each text, filled with the account's own."""
    fields = {
        TEXT + key: TextAreaField(key, default=own.get(key, ""), validators=[Length(max=600)]) for key in defaults
    }
    made: FlaskForm = type("TextsForm", (FlaskForm,), fields)()
    return made
