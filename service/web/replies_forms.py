"""The forms of auto-replies: a rule, the welcome with the default answers, and the box to try a message."""

import secrets
from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, FieldList, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import Length, NumberRange, Optional

from service.routing.autoreply import LONGEST_ANSWER, MOST_ANSWERS
from service.web.admin_forms import ManyChoices
from service.web.forms import CHOSEN, REQUIRED, LocalMoment, options
from service.web.menu_form import ACTIONS
from service.web.replies_words import DAYS, HOURS, PICKS, part, texts

Row = Mapping[str, object]
FILLED = _l("可用的变量：{gift} 礼包、{opening} 下次上班时间、{progress_url} 进度查询页、{my_url} 我的工单")


def answer(label: str) -> TextAreaField:
    return TextAreaField(label, validators=[Optional(), Length(max=LONGEST_ANSWER)])


class RuleForm(FlaskForm):
    name = StringField(_l("规则名称"), validators=[REQUIRED, Length(max=60)], description=_l("只给同事看"))
    enabled = BooleanField(_l("启用"), default=True)
    exact = TextAreaField(
        _l("消息完全等于"), validators=[Optional()], description=_l("一行一个词；前后的标点、大小写、繁简不影响")
    )
    contains = TextAreaField(
        _l("消息包含"), validators=[Optional()], description=_l("一行一个词；命中的消息仍会登记工单，答复写在回执前面")
    )
    pattern = TextAreaField(
        _l("消息符合表达式（正则）"),
        validators=[Optional()],
        description=_l("一行一个，如 退.{0,4}款；过于复杂的会被拒绝"),
    )
    action = SelectField(_l("做什么"), choices=options(ACTIONS.items()), validators=[CHOSEN])
    answers = FieldList(answer(_l("答复")), min_entries=2, max_entries=MOST_ANSWERS + 1)
    pick = SelectField(_l("有多条答复时"), choices=options(PICKS.items()), validators=[CHOSEN])
    only_reply = BooleanField(_l("仅自动回复：消息完全等于关键词时不登记工单"))
    priority = IntegerField(
        _l("优先级"), default=50, validators=[NumberRange(0, 100)], description=_l("0 到 100，同时命中时大的先答")
    )
    days = ManyChoices(_l("哪几天有效"), choices=options((n, day) for n, day in enumerate(DAYS)), validators=[CHOSEN])
    start = StringField(_l("从几点"), description=_l("如 09:00，留空为全天"))
    end = StringField(_l("到几点"), description=_l("比开始时间早表示到次日"))
    hours = SelectField(_l("工作时间"), choices=options(HOURS.items()), validators=[CHOSEN])

    def show(self, rule: Row) -> None:
        """Fill in a rule of a document, or what a new one begins with."""
        window = part(rule, "window")
        self.name.data, self.enabled.data = rule.get("name"), bool(rule.get("enabled", True))
        rows = rule.get("keywords")
        for key in rows if isinstance(rows, list) else []:
            field = getattr(self, str(key["how"]))
            field.data = "\n".join([*filter(None, [field.data]), *texts(key, "words")])
        self.action.data, self.pick.data = str(rule.get("action") or "text"), str(rule.get("pick") or "all")
        for place, text in enumerate([*texts(rule, "answers"), ""]):
            if place < len(self.answers):
                self.answers[place].data = text
            else:
                self.answers.append_entry(text)
        self.only_reply.data, self.priority.data = bool(rule.get("only_reply", not rule)), rule.get("priority", 50)
        days = window.get("days")
        self.days.data = [str(day) for day in (days if isinstance(days, list) else range(len(DAYS)))]
        self.start.data, self.end.data = window.get("start"), window.get("end")
        self.hours.data = str(window.get("hours") or "any")

    def rule(self, rule_id: str | None) -> dict[str, object]:
        """The rule as the document has it; a new one gets an id."""
        words = {how: lines(getattr(self, how).data) for how in ("exact", "contains", "pattern")}
        window: dict[str, object] = {"hours": self.hours.data}
        if len(self.days.data or []) < len(DAYS):
            window["days"] = sorted(int(day) for day in self.days.data or [])
        if (self.start.data or "").strip() or (self.end.data or "").strip():
            window |= {"start": (self.start.data or "").strip(), "end": (self.end.data or "").strip()}
        return {
            "id": rule_id or secrets.token_hex(4),
            "name": self.name.data.strip(),
            "enabled": self.enabled.data,
            "keywords": [{"how": how, "words": found} for how, found in words.items() if found],
            "answers": [plain(entry.data) for entry in self.answers if plain(entry.data)],
            "pick": self.pick.data,
            "priority": self.priority.data,
            "window": window,
            "action": self.action.data,
            "only_reply": self.only_reply.data,
        }


class SayingsForm(FlaskForm):
    """Welcome and default answers."""

    paragraphs = TextAreaField(
        _l("关注欢迎语"), validators=[Length(max=LONGEST_ANSWER * 3)], description=_l("新粉丝关注时发送；空一行分段")
    )
    gift = TextAreaField(
        _l("礼包"),
        validators=[Length(max=LONGEST_ANSWER)],
        description=_l("接在欢迎语后面；粉丝回复“礼包”时再发一次。没有礼包就留空"),
    )
    inside = TextAreaField(
        _l("默认答复（工作时间）"),
        validators=[Length(max=LONGEST_ANSWER)],
        description=_l("没有命中规则、也不需要登记工单的消息（问候、表情），同一粉丝 10 分钟最多一次；留空不答复"),
    )
    outside = TextAreaField(_l("默认答复（非工作时间）"), validators=[Length(max=LONGEST_ANSWER)], description=FILLED)

    def show(self, content: Row) -> None:
        welcome, defaults = part(content, "welcome"), part(content, "defaults")
        self.paragraphs.data, self.gift.data = "\n\n".join(texts(welcome, "paragraphs")), welcome.get("gift")
        self.inside.data, self.outside.data = defaults.get("inside"), defaults.get("outside")

    def sayings(self) -> dict[str, object]:
        paragraphs = [text.strip() for text in plain(self.paragraphs.data).split("\n\n") if text.strip()]
        return {
            "welcome": {"paragraphs": paragraphs, "gift": plain(self.gift.data)},
            "defaults": {"inside": plain(self.inside.data), "outside": plain(self.outside.data)},
        }


class TrialForm(FlaskForm):
    """Asks only: what would be answered to this message at that time."""

    class Meta:
        csrf = False

    text = StringField(_l("粉丝发来"), validators=[REQUIRED, Length(max=2000)])
    at = LocalMoment(_l("时间（留空为现在）"), format="%Y-%m-%dT%H:%M", validators=[Optional()])


class NoteForm(FlaskForm):
    """Words for the reviewer, or back to the author."""

    note = StringField(_l("说明"), validators=[Optional(), Length(max=500)])


def lines(text: str | None) -> list[str]:
    return [line.strip() for line in plain(text).split("\n") if line.strip()]


def plain(text: str | None) -> str:
    return (text or "").replace("\r\n", "\n").strip()
