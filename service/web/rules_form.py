"""The forms of the keyword rules: a rule, and the box to try a message."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import FloatField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from service.keyword_rules import LONGEST_PATTERN, Kept
from service.routing.keywords import CATEGORIES, Rule
from service.web import rule_words
from service.web.forms import CHOSEN, REQUIRED, options
from service.web.naming import category_name

LONGEST_TRIAL = 2000


class TrialForm(FlaskForm):
    text = TextAreaField(
        _l("试一句客户的话"),
        validators=[Optional(), Length(max=LONGEST_TRIAL)],
        description=_l("只在这里试算，不保存"),
    )


class RuleForm(TrialForm):
    """A rule; `text` is tried with it."""

    why = StringField(
        _l("理由"),
        validators=[REQUIRED, Length(max=100)],
        description=_l("写给同事看：工单上会显示；同一理由、类别和权重的多条规则只算一次"),
    )
    kind = RadioField(
        _l("怎样比对"), choices=options(rule_words.RULE_KINDS.items()), default="word", validators=[CHOSEN]
    )
    pattern = TextAreaField(
        _l("词语或正则"),
        validators=[REQUIRED, Length(max=LONGEST_PATTERN)],
        description=_l("词语一行一个或用 | 隔开，出现任何一个就算；大小写、繁简、全半角不影响"),
    )
    category = SelectField(_l("说明是哪一类"), default="")
    weight = FloatField(
        _l("权重"),
        validators=[InputRequired(_l("请填写 -10 到 10 的数字"))],
        default=1.0,
        description=_l("1 是一条线索，2.5 以上很明确，6 以上直接决定；负数表示不像这一类"),
    )
    effect = SelectField(
        _l("附带作用"),
        default="",
        choices=options(rule_words.RULE_EFFECTS.items()),
        description=_l("权重合计到 1 起改变优先级；“遮盖”让命中的字不再被别的规则看到"),
    )
    mark = StringField()

    def offer(self) -> None:
        """The categories there are."""
        names = {code: category_name(code) for code in CATEGORIES} | {"other": rule_words.NO_TICKET}
        self.category.choices = options([("", rule_words.NO_CATEGORY), *names.items()])

    def show(self, kept: Kept) -> None:
        """Fill in a rule that is there."""
        rule = kept.rule
        self.why.data, self.kind.data, self.category.data = rule.why, rule.kind, rule.category
        self.pattern.data = rule.pattern.replace("|", "\n") if rule.kind == "word" else rule.pattern
        self.weight.data, self.effect.data, self.mark.data = rule.weight, rule.effect, kept.mark

    @property
    def rule(self) -> Rule:
        """The rule as it was filled in."""
        return Rule(
            category=self.category.data or "",
            pattern=(self.pattern.data or "").replace("\0", "").replace("\r", ""),
            weight=self.weight.data or 0.0,
            kind=self.kind.data or "",
            why=(self.why.data or "").replace("\0", "").strip(),
            effect=self.effect.data or "",
        )
