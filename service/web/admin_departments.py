"""Pages of those who look after departments: their names, and which of them take tickets."""

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service import staff
from service.people import Department, Permission, User
from service.web import presenting
from service.web.admin import carried_out, hand
from service.web.admin_forms import DepartmentForm, NewDepartmentForm
from service.web.auth import needs
from service.web.pages import Answer, admin, go, looking

MANAGE = Permission.MANAGE_PEOPLE


@admin.get("/departments")
@needs(MANAGE)
def departments() -> Answer:
    with looking() as session:
        rows = session.scalars(select(Department).order_by(Department.position, Department.id).limit(500)).all()
        staffed = select(User.department_id, func.count()).where(User.active).group_by(User.department_id)
        numbers = {row[0]: row[1] for row in session.execute(staffed)}
        return render_template("admin/departments.html", departments=rows, numbers=numbers)


@admin.route("/departments/new", methods=["GET", "POST"])
@needs(MANAGE)
def new_department() -> Answer:
    form = NewDepartmentForm()
    names = {"code": form.code.data, "name_zh": form.name_zh.data, "name_en": form.name_en.data}
    if form.validate_on_submit() and carried_out(form, lambda s: staff.add_department(s, hand(), **names)):
        return go(url_for("admin.departments"), _("部门已添加"))
    with looking():
        page = render_template("admin/department.html", form=form, department=None)
    return page, 422 if form.errors else 200


@admin.route("/departments/<code>", methods=["GET", "POST"])
@needs(MANAGE)
def department(code: str) -> Answer:
    with looking() as session:
        form = DepartmentForm(obj=staff.get_department(session, code) if request.method == "GET" else None)
    if form.validate_on_submit() and carried_out(form, lambda session: change(session, code, form)):
        return go(url_for("admin.departments"), _("已保存"))
    with looking() as session:
        page = render_template("admin/department.html", form=form, department=staff.get_department(session, code))
    return page, 422 if form.errors else 200


def change(session: Session, code: str, form: DepartmentForm) -> None:
    names = {"name_zh": form.name_zh.data, "name_en": form.name_en.data, "active": form.active.data}
    rules = presenting.rules(session)
    staff.change_department(session, staff.get_department(session, code), hand(), rules=rules, **names)
