"""Names of what is data: categories, departments and people, in the page's language."""

from collections.abc import Iterable, Mapping

from flask import g
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.people import Department, User
from service.web import labels
from service.web.languages import language


def category_name(code: str | None) -> str:
    """The rulebook's name of a category; that of `labels` where no rules are at hand."""
    if not code:
        return _("未分类")
    row = g.rules.categories.get(code) if "rules" in g else None
    if row is None:
        return str(labels.CATEGORIES.get(code, code))
    return str(row.name_en if language() == "en" else row.name_zh)


def subcategory_name(category: str | None, code: str | None) -> str:
    """The rulebook's name of a subcategory; its code where it is there no longer, "" for none."""
    row = g.rules.subcategories.find(category, code)
    if row is None:
        return code or ""
    return str(row.name_en if language() == "en" else row.name_zh)


def subcategory_named(code: str) -> str:
    """The name of a subcategory whose category is not at hand: the first that has the code."""
    table = g.rules.subcategories
    category = next((each for each in g.rules.categories if table.find(each, code) is not None), None)
    return subcategory_name(category, code)


def subcategory_choices() -> dict[str, list[tuple[str, str]]]:
    """All subcategories as "category/code" with their names, by the name of the category."""
    table = g.rules.subcategories
    found = {
        category_name(code): [(f"{code}/{name}", subcategory_name(code, name)) for name in table.of(code)]
        for code in g.rules.categories
    }
    return {name: choices for name, choices in found.items() if choices}


def subcategory_of(choice: str | None) -> tuple[str, str]:
    """Category and code of a choice; both "" for none."""
    category, _slash, code = (choice or "").partition("/")
    return category, code


def department_name(department: Department) -> str:
    return department.name_en if language() == "en" else department.name_zh


def department_names(session: Session) -> Mapping[str, str]:
    """Names by code."""
    rows = session.scalars(select(Department).order_by(Department.position, Department.id).limit(500))
    return {d.code: department_name(d) for d in rows}


def people_names(session: Session, usernames: Iterable[str | None]) -> Mapping[str, str]:
    """Names by username, for those who are users."""
    wanted = {u for u in usernames if u} - set(labels.ACTORS)
    if not wanted:
        return {}
    rows = session.execute(select(User.username, User.name).where(User.username.in_(wanted)))
    return {row.username: row.name for row in rows}


def actor_name(actor: str | None, names: Mapping[str, str]) -> str:
    """Who did it: a colleague's name, the system, the customer."""
    if actor is None:
        return str(labels.ACTORS["system"])
    return names.get(actor) or str(labels.ACTORS.get(actor, actor))
