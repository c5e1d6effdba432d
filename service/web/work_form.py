"""What a person is given by the rule of assignment, as a form: how much, and of what."""

import re
from collections.abc import Iterator, Mapping

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, StringField
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from service.people import User
from service.staff import LONGEST_SKILL, MOST_IN_HAND, MOST_SKILLS
from service.web.admin_forms import ManyChoices
from service.web.forms import options
from service.web.languages import language
from service.web.naming import category_name

BETWEEN = re.compile(r"[,，、;；\n]+")


class WorkForm(FlaskForm):
    """Limit and skills of a person; nothing chosen: of everything."""

    limit = IntegerField(
        _l("在手上限（件）"),
        validators=[
            Optional(),
            NumberRange(1, MOST_IN_HAND, message=_l("请填 1 到 500 之间的整数，或留空按部门规则")),
        ],
    )
    skills = ManyChoices(_l("擅长的类别"), validators=[Optional()])
    words = StringField(_l("其他专长"), validators=[Length(max=MOST_SKILLS * LONGEST_SKILL)])

    def offer(self) -> None:
        """What there is to choose from, as the rules are now."""
        self.skills.choices = options(known_skills().items())

    @property
    def groups(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        return skill_groups()

    def validate_words(self, field: Field) -> None:
        if any(len(word) > LONGEST_SKILL for word in words_in(field.data or "")):
            raise ValidationError(_("每个专长最多 %(most)d 个字", most=LONGEST_SKILL))

    @property
    def chosen(self) -> list[str]:
        """All skills, the known ones first."""
        return [*(self.skills.data or []), *words_in(self.words.data or "")]

    def fill(self, user: User) -> None:
        """With what is known of the person."""
        own = list(user.skills or [])
        self.limit.data = user.ticket_limit
        self.skills.data = [skill for skill in own if skill in known_skills()]
        self.words.data = _("、").join(skill for skill in own if skill not in known_skills())


def words_in(text: str) -> Iterator[str]:
    """Words that somebody has written one after the other."""
    return (word.strip() for word in BETWEEN.split(text) if word.strip())


def skill_groups() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Every category with its subcategories: code and words of each; a subcategory's code is "inquiry/invoice"."""
    return [(code, category_name(code), list(_details(code))) for code in g.rules.categories]


def _details(category: str) -> Iterator[tuple[str, str]]:
    for code, row in g.rules.subcategories.of(category).items():
        yield f"{category}/{code}", row.name_en if language() == "en" else row.name_zh


def known_skills() -> Mapping[str, str]:
    """Code -> words of every category and subcategory."""
    return {
        skill: words
        for code, name, details in skill_groups()
        for skill, words in ((code, name), *((skill, f"{name} / {words}") for skill, words in details))
    }


def work_form(user: User | None = None) -> WorkForm:
    """The form as it was sent, or with what is known of the person."""
    form = WorkForm() if user is None else WorkForm(formdata=None)
    form.offer()
    if user is not None:
        form.fill(user)
    return form
