"""Forms of followers' pages: plain HTML, and every refusal says what would be right."""

import re
import secrets
from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from werkzeug.datastructures import FileStorage
from wtforms import Field, HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField, ValidationError
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from service.errors import InvalidInput
from service.files import content_type_of
from service.tickets.ratings import LONGEST_COMMENT
from service.web import portal_words
from service.web.schemas import is_storable

LONGEST_TEXT = 2_000  # characters
PICTURES = 3
LARGEST_PICTURE = 10 * 1024 * 1024
ONCE = re.compile(r"[\w-]{8,40}", re.ASCII)
NUMBER = re.compile(r"GD\d{8}-\d{4,9}", re.ASCII)


def readable(_form: FlaskForm, field: Field) -> None:
    """No database keeps a NUL or half a surrogate pair."""
    if not is_storable(field.data or ""):
        raise ValidationError(_("含有无法保存的字符，请删去后再提交"))


def stripped(text: str | None) -> str:
    return (text or "").strip()


def upper(text: str | None) -> str:
    """As printed in the receipt, whatever a phone's keyboard makes of it."""
    return stripped(text).upper().replace(" ", "")


class WriteForm(FlaskForm):  # type: ignore[misc]
    """A message, pictures, or both. `once` tells a second sending of the same form."""

    text = TextAreaField(
        _l("补充说明"),
        filters=[stripped],
        validators=[Length(max=LONGEST_TEXT, message=_l("最多 2000 字，请删减后再提交")), readable],
    )
    pictures = MultipleFileField(_l("图片"))
    once = HiddenField()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.contents: list[tuple[bytes, str]] = []  # of the pictures that validation let through, with their types
        if not ONCE.fullmatch(self.once.data or ""):
            self.once.data = secrets.token_urlsafe(12)

    def validate_pictures(self, field: MultipleFileField) -> None:
        given: Sequence[FileStorage] = [file for file in field.data or () if file and file.filename]
        if len(given) > PICTURES:
            raise ValidationError(_("一次最多 3 张图片，请分几次提交"))
        self.contents = [picture_in(file) for file in given]
        if not given and not self.text.data:
            raise ValidationError(_("请写几句话，或选一张图片"))


def picture_in(file: FileStorage) -> tuple[bytes, str]:
    """The picture and its type by its first bytes. Raises ValidationError."""
    content = file.read(LARGEST_PICTURE + 1)
    if len(content) > LARGEST_PICTURE:
        raise ValidationError(_("图片不能超过 10 MB，请换一张小一些的"))
    try:
        content_type = content_type_of(content)
    except InvalidInput:
        content_type = ""
    if not content_type.startswith("image/"):
        raise ValidationError(_("只能上传 JPG、PNG、GIF 或 WebP 图片"))
    return content, content_type


class ChecksField(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RatingForm(FlaskForm):  # type: ignore[misc]
    score = RadioField(_l("您对这次服务满意吗？"), validate_choice=False)
    solved = RadioField(_l("问题解决了吗？"), validators=[Optional()])
    tags = ChecksField(_l("哪里可以做得更好？（可多选）"), validators=[Optional()])
    comment = TextAreaField(
        _l("想说的话（选填）"),
        filters=[stripped],
        validators=[Length(max=LONGEST_COMMENT, message=_l("最多 200 字，请删减后再提交")), readable],
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.score.choices = [(str(score), words) for score, words in portal_words.SCORES.items()]
        self.solved.choices = [("yes", _("解决了")), ("no", _("没有解决"))]
        self.tags.choices = list(portal_words.TAGS.items())

    def validate_score(self, field: RadioField) -> None:
        if field.data not in dict(field.choices):
            raise ValidationError(_("请选择满意程度"))


class CommentForm(FlaskForm):  # type: ignore[misc]
    comment = TextAreaField(
        _l("补充评价"),
        filters=[stripped],
        validators=[Length(1, LONGEST_COMMENT, message=_l("请写 1 到 200 字")), readable],
    )


class ProgressForm(FlaskForm):  # type: ignore[misc]
    number = StringField(_l("工单号"), filters=[upper])
    code = StringField(_l("查询码"), filters=[stripped])

    def validate_number(self, field: StringField) -> None:
        if not NUMBER.fullmatch(field.data):
            raise ValidationError(_("工单号形如 GD20261120-0001，在受理回执里"))

    def validate_code(self, field: StringField) -> None:
        if not re.fullmatch(r"\d{6}", field.data, re.ASCII):
            raise ValidationError(_("查询码是受理回执里的 6 位数字"))
