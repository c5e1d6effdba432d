"""The forms of the calendar: a day, the weekly hours, the duty roster, a file of holidays."""

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import Field, HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional, ValidationError

from service.sla.calendar import Calendar
from service.sla.hours import WEEKDAYS, Interval
from service.sla.importing import LONGEST_NAME
from service.sla.rows import Row
from service.sla.written import hours_in, hours_text
from service.sla.yearbook import Day, DayState
from service.web.forms import CHOSEN, REQUIRED, options
from service.web.portal_forms import readable, stripped
from service.web.replies_words import DAYS as WEEKDAY_NAMES
from service.web.schemas import LONGEST_REASON

DAY_KINDS = {
    "holiday": _l("放假"),
    "short": _l("半天（只在填写的时间上班）"),
    "makeup": _l("上班（调休、加班或值班）"),
    "normal": _l("照常（按每周时间）"),
    "announced": _l("取消自己的设置，按公布的安排"),
}
KIND_OF = {DayState.HOLIDAY: "holiday", DayState.SHORT: "short", DayState.MAKEUP: "makeup"}
DUTIES = {
    "none": _l("没有：自然时间也只在工作时间内计"),
    "always": _l("全天：二十四小时有人值班"),
    "roster": _l("按下面的时间"),
}
WHY = [REQUIRED, Length(max=LONGEST_REASON), readable]


def written_hours(_form: FlaskForm, field: Field) -> None:
    """Intervals in order, without overlap."""
    try:
        hours_in(field.data or "")
    except ValueError as error:
        raise ValidationError(_("请写成 09:00-12:00, 13:30-18:00，先后排列、不重叠")) from error


class HoursField(StringField):  # type: ignore[misc]
    """Hours of a day as a person writes them."""

    def __init__(self, label: str, **kwargs: object) -> None:
        super().__init__(label, filters=[stripped], validators=[Length(max=200), written_hours], **kwargs)


class DayForm(FlaskForm):  # type: ignore[misc]
    kind = RadioField(_l("这一天"), choices=options(DAY_KINDS.items()), validators=[CHOSEN])
    name = StringField(_l("名称"), filters=[stripped], validators=[Length(max=LONGEST_NAME), readable])
    hours = HoursField(_l("时间"), description=_l("半天必填；上班可留空，按第一个工作日的时间。例如 09:00-12:00"))
    reason = TextAreaField(_l("原因（记入审计）"), filters=[stripped], validators=WHY)

    def validate_name(self, field: Field) -> None:
        """A day that is special is called something."""
        if self.kind.data in ("holiday", "short", "makeup") and not field.data:
            raise ValidationError(_("请填写名称，例如公司成立纪念日"))

    def validate_hours(self, field: Field) -> None:
        if self.kind.data == "short" and not field.data:
            raise ValidationError(_("请填写这半天的时间"))

    def show(self, day: Day) -> None:
        """Fill in what the day is now."""
        self.kind.data = KIND_OF.get(day.state, "normal")
        self.name.data = day.name
        self.hours.data = hours_text(day.hours) if day.state in (DayState.SHORT, DayState.MAKEUP) else ""

    @property
    def row(self) -> Row | None:
        """The day's row; None: as announced."""
        kind, name, hours = self.kind.data, self.name.data, hours_in(self.hours.data)
        if kind == "announced":
            return None
        if kind == "normal":
            return {"kind": "normal"}
        row: dict[str, object] = {"kind": "makeup_workday" if kind == "makeup" else "holiday", "name": name}
        return row | ({"hours": hours} if kind != "holiday" and hours else {})


class WeekForm(FlaskForm):  # type: ignore[misc]
    """A field for each weekday, and why."""

    monday, tuesday, wednesday, thursday, friday, saturday, sunday = (HoursField(name) for name in WEEKDAY_NAMES)
    reason = TextAreaField(_l("原因（记入审计）"), filters=[stripped], validators=WHY)

    @property
    def days(self) -> list[Field]:
        """The fields of the week."""
        return [getattr(self, name) for name in WEEKDAYS]

    @property
    def week(self) -> dict[str, object]:
        """The week's row."""
        return {name: hours_in(getattr(self, name).data or "") for name in WEEKDAYS}

    def show(self, week: Mapping[int, tuple[Interval, ...]]) -> None:
        for number, field in enumerate(self.days):
            field.data = hours_text(week.get(number, ()))


class DutyForm(WeekForm):
    mode = RadioField(_l("值班"), choices=options(DUTIES.items()), validators=[CHOSEN])

    def validate_mode(self, field: Field) -> None:
        if field.data == "roster" and not any(self.week.values()):
            raise ValidationError(_("请至少填写一天的值班时间"))

    @property
    def row(self) -> Row:
        mode = self.mode.data
        return {"nights_staffed": mode == "always"} | (self.week if mode == "roster" else {})

    def show_duty(self, calendar: Calendar, row: Row) -> None:
        """Fill in the roster as it is now."""
        self.mode.data = "always" if row.get("nights_staffed") is True else "roster" if calendar.duty else "none"
        self.show(calendar.duty.week if calendar.duty and self.mode.data == "roster" else {})


class FileForm(FlaskForm):  # type: ignore[misc]
    file = FileField(_l("文件（holiday-cn 的 JSON，或 CSV）"))
    content = TextAreaField(_l("或者粘贴内容"), validators=[Optional()])


class ApplyForm(FlaskForm):  # type: ignore[misc]
    """What was looked at: the file, and which calendar it was compared with."""

    content = HiddenField(validators=[REQUIRED])
    version = HiddenField(validators=[REQUIRED])
    reason = TextAreaField(_l("备注（可选，记入审计）"), filters=[stripped], validators=WHY[1:])
