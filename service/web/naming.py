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
