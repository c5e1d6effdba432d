"""The forms of the routing table: a row, and the box to try a message."""

from collections.abc import Mapping, Sequence
from datetime import time

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.validators import Length, Optional, ValidationError

from service.people import Department
from service.routing.autoreply import Window
from service.routing.rules import RoutingRow, words_in
from service.web import labels, routing_words
from service.web.admin_forms import ManyChoices
from service.web.forms import CHOSEN, LocalMoment, options
from service.web.naming import category_name, department_name, subcategory_choices, subcategory_of
from service.web.replies_words import DAYS, HOURS

LONGEST = 200
MOST_WORDS = 50
SHORT = Length(max=LONGEST)
FIRST_YEAR, LAST_YEAR = 1970, 2190  # beyond them no calendar says when anything is due


class RowForm(FlaskForm):
    """A row; what is left empty fits anything."""

    category = SelectField(_l("类别"), default="")
    subcategory = SelectField(_l("子类"), default="")
    priority = SelectField(_l("优先级"), default="")
    keyword = TextAreaField(
        _l("含有词语"),
        validators=[Optional(), Length(max=1000)],
        description=_l("一行一个，出现任何一个就算；大小写、繁简不影响"),
    )
    account = SelectField(_l("公众号"), default="")
    menu_key = StringField(
        _l("菜单 KEY"), validators=[Optional(), SHORT], description=_l("写来之前 30 分钟内最后点的菜单按钮的 KEY")
    )
    scene = StringField(_l("二维码场景"), validators=[Optional(), SHORT], description=_l("粉丝最近一次扫的带参二维码"))
    tag = StringField(_l("粉丝标签"), validators=[Optional(), SHORT])
    days = ManyChoices(_l("哪几天"), choices=options((n, day) for n, day in enumerate(DAYS)), validators=[CHOSEN])
    start = StringField(_l("从几点"), validators=[Optional(), SHORT], description=_l("如 09:00，留空为全天"))
    end = StringField(_l("到几点"), validators=[Optional(), SHORT], description=_l("比开始时间早表示跨过零点"))
    hours = SelectField(_l("工作时间"), choices=options(HOURS.items()), default="any", validators=[CHOSEN])
    department = SelectField(_l("转到部门"), validators=[CHOSEN])
    set_priority = SelectField(_l("改为优先级"), default="", description=_l("紧急的事项只有写明“优先级：紧急”的行能改"))
    targets = SelectField(
        _l("按哪一行时限计时"),
        default="",
        description=_l("跟随时限规则的版本：规则改了，新工单按新的目标；粉丝标签的行照常生效"),
    )
    before = SelectField(_l("放在哪里"), default="")

    def offer(self, departments: Sequence[Department], accounts: Mapping[str, str]) -> None:
        """Fill in what can be chosen; `accounts`: names by slug."""
        anything, own = [("", _("不限"))], [("", _("不改变"))]
        priorities = [(code, str(words)) for code, words in labels.PRIORITIES.items()]
        self.category.choices = options(anything + [(code, category_name(code)) for code in g.rules.categories])
        self.subcategory.choices = {"": anything, **subcategory_choices()}
        self.priority.choices = options(anything + priorities)
        self.account.choices = options(anything + list(accounts.items()))
        self.department.choices = options((d.code, department_name(d)) for d in departments)
        self.set_priority.choices = options(own + priorities)
        targets = [(key, routing_words.targets_name(key)) for key in routing_words.target_keys()]
        self.targets.choices = options([("", _("工单自己的类别和优先级")), *targets])

    def offer_places(self, places: Sequence[tuple[str, str]]) -> None:
        """Where a new row may stand; without places the field is left out."""
        if not places:
            del self.before
            return
        self.before.choices = options(places)

    def show(self, row: RoutingRow) -> None:
        """Fill in a row that is there; what it names and nobody knows any more can be chosen no longer."""
        names = ("category", "priority", "account", "menu_key", "scene", "tag", "department", "set_priority", "targets")
        for name in names:
            getattr(self, name).data = getattr(row, name) or ""
        self.subcategory.data = f"{row.category}/{row.subcategory}" if row.subcategory else ""
        self.keyword.data = "\n".join(words_in(row.keyword or ""))
        self.days.data = [str(day) for day in sorted(row.window.days)]
        self.start.data, self.end.data = (f"{at:%H:%M}" if at else "" for at in (row.window.start, row.window.end))
        self.hours.data = row.window.hours

    def validate_subcategory(self, field: Field) -> None:
        category, _code = subcategory_of(field.data)
        if category and category != self.category.data:
            raise ValidationError(_("这个子类属于%(category)s，请把类别也改为它", category=category_name(category)))

    def validate_keyword(self, field: Field) -> None:
        if len((field.data or "").splitlines()) > MOST_WORDS:
            raise ValidationError(_("一行规则最多 %(most)d 个词语", most=MOST_WORDS))

    def validate_start(self, field: Field) -> None:
        if bool(clean(field.data)) != bool(clean(self.end.data)):
            raise ValidationError(_("请同时填写开始和结束时间，如 09:00"))
        moment(field.data)

    def validate_end(self, field: Field) -> None:
        moment(field.data)

    def row(self, key: str = "") -> RoutingRow:
        """The row as it was filled in."""
        words = [word.strip().replace("|", " ") for word in clean(self.keyword.data).splitlines()]
        window = Window(
            frozenset(int(day) for day in self.days.data or []),
            moment(self.start.data),
            moment(self.end.data),
            self.hours.data,
        )
        return RoutingRow(
            position=0,
            key=key,
            category=self.category.data or None,
            subcategory=subcategory_of(self.subcategory.data)[1] or None,
            priority=self.priority.data or None,
            account=self.account.data or None,
            menu_key=clean(self.menu_key.data) or None,
            scene=clean(self.scene.data) or None,
            tag=clean(self.tag.data) or None,
            keyword="|".join(filter(None, words)) or None,
            window=window,
            department=self.department.data,
            set_priority=self.set_priority.data or None,
            targets=self.targets.data or None,
        )


class TrialForm(FlaskForm):
    """Asks only: what would happen to this message."""

    class Meta:
        csrf = False

    text = TextAreaField(_l("粉丝发来"), validators=[Optional(), Length(max=2000)])
    account = SelectField(_l("公众号"), validate_choice=False)
    menu_key = StringField(_l("先点了菜单（KEY）"), validators=[Optional(), SHORT])
    scene = StringField(_l("二维码场景"), validators=[Optional(), SHORT])
    tags = StringField(_l("粉丝标签（用逗号隔开）"), validators=[Optional(), SHORT])
    at = LocalMoment(_l("时间（留空为现在）"), format="%Y-%m-%dT%H:%M", validators=[Optional()])

    def validate_at(self, field: Field) -> None:
        if field.data is not None and not FIRST_YEAR <= field.data.year <= LAST_YEAR:
            raise ValidationError(_("请填 %(first)d 到 %(last)d 年之间的时间", first=FIRST_YEAR, last=LAST_YEAR))

    def tags_given(self) -> tuple[str, ...]:
        names = clean(self.tags.data).replace("，", ",").replace("、", ",").split(",")
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def moment(text: str | None) -> time | None:
    """A time of day; None where nothing was written. Raises ValidationError."""
    if not clean(text):
        return None
    try:
        return time.fromisoformat(clean(text)).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise ValidationError(_("请写成 09:00 这样的时间")) from None


def clean(text: str | None) -> str:
    return (text or "").replace("\0", "").strip()
