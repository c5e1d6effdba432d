"""Pages of those who work a queue: the queue itself, and what every page of the desk needs."""

from flask import Flask, g, redirect, render_template, request, url_for
from flask_login import current_user

from service.people import Permission
from service.tickets import queries
from service.web import (
    acts,
    admin_accounts,
    admin_assignment,
    admin_calendar,
    admin_calendar_import,
    admin_departments,
    admin_menu,
    admin_notices,
    admin_policies,
    admin_qrcodes,
    admin_replies,
    admin_robots,
    admin_routing,
    admin_rules,
    admin_shifts,
    admin_work,
    alarms,
    board,
    board_acts,
    board_wall,
    boards,
    breaches,
    calls,
    desk_actions,
    desk_ticket,
    duty_board,
    extensions,
    followers,
    formats,
    handover,
    kept,
    labels,
    naming,
    notifications,
    presence,
    problems,
    profile,
    quality,
    queue_board,
    ratings_board,
    supervision,
    uploads,
    why,
)
from service.web.auth import SIGNED_IN, me, needs
from service.web.pages import Answer, desk, home_of, looking

__all__ = ["PARTS", "desk", "init_app"]
PARTS = (
    desk_ticket,
    why,
    notifications,
    desk_actions,
    uploads,
    boards,
    board,
    board_acts,
    board_wall,
    ratings_board,
    quality,
    supervision,
    extensions,
    breaches,
    calls,
    followers,
    kept,
    profile,
    admin_departments,
    admin_accounts,
    admin_calendar,
    admin_calendar_import,
    admin_policies,
    admin_shifts,
    admin_robots,
    admin_routing,
    admin_rules,
    admin_menu,
    admin_qrcodes,
    admin_replies,
    admin_notices,
    admin_assignment,
    admin_work,
    duty_board,
    handover,
    presence,
)  # each adds views of its own
CONTENT = (Permission.EDIT_CONTENT, Permission.REVIEW_CONTENT)
MENU = (  # endpoint, icon, words, what a person must be allowed to do, one of them where there are several
    ("desk.queue", "inbox", labels.MENU["queue"], Permission.SEE),
    ("desk.calls", "phone-outgoing", labels.MENU["calls"], Permission.HANDLE),
    ("desk.follow_up", "phone-call", labels.MENU["follow_up"], Permission.FOLLOW_UP),
    ("desk.handover", "user-share", labels.MENU["handover"], Permission.HANDLE),
    ("desk.duty", "user-check", labels.MENU["duty"], Permission.OVERSEE),
    ("desk.overdue", "clock-exclamation", labels.MENU["overdue"], Permission.OVERSEE),
    ("desk.supervision", "gavel", labels.MENU["supervision"], Permission.OVERSEE),
    ("desk.extension_list", "calendar-plus", labels.MENU["extensions"], Permission.DECIDE_EXTENSION),
    ("desk.breach_register", "clipboard-list", labels.MENU["breaches"], Permission.SEE),
    ("desk.quality", "chart-bar", labels.MENU["quality"], Permission.SUPERVISE),
    ("desk.followers", "user-circle", labels.MENU["followers"], Permission.SEE),
    ("admin.people", "users", labels.MENU["people"], Permission.MANAGE_PEOPLE),
    ("admin.departments", "sitemap", labels.MENU["departments"], Permission.MANAGE_PEOPLE),
    ("admin.calendar", "calendar-event", labels.MENU["calendar"], Permission.MANAGE_RULES),
    ("admin.policies_page", "hourglass", labels.MENU["policies"], Permission.SUPERVISE),
    ("admin.assignment_rules", "adjustments", labels.MENU["assignment"], Permission.MANAGE_RULES),
    ("admin.routing", "route", labels.MENU["routing"], Permission.SUPERVISE),
    ("admin.keywords", "category", labels.MENU["rules"], Permission.SUPERVISE),
    ("admin.robots_page", "robot", labels.MENU["robots"], Permission.MANAGE_RULES),
    ("admin.accounts", "brand-wechat", labels.MENU["accounts"], Permission.MANAGE_ACCOUNTS),
    ("admin.replies_of_all", "message-2", labels.MENU["replies"], CONTENT),
    ("admin.menus_of_all", "list", labels.MENU["menus"], CONTENT),
)


def init_app(app: Flask) -> None:
    """Register what templates need."""
    formats.init_app(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        MENU=MENU,
        standing_alarms=alarms.standing,
        calendar_reminder=admin_calendar.standing_reminder,
        may_any=may_any,
        ACTS=acts.ACTS,
        labels=labels,
        tone=labels.tone,
        category_name=naming.category_name,
        subcategory_name=naming.subcategory_name,
        department_name=naming.department_name,
        explained=problems.explained,
        said=problems.said,
        now=formats.now,
        sprite=sprite,
    )


def may_any(permissions: Permission | tuple[Permission, ...]) -> bool:
    """Whether who asks may do it, or one of several."""
    wanted = permissions if isinstance(permissions, tuple) else (permissions,)
    return any(current_user.may(permission) for permission in wanted)


def sprite() -> str:
    """Address of the icons: asked for by every icon, made once for a page."""
    if "sprite" not in g:
        g.sprite = url_for("static", filename="vendor/icons.svg")
    address: str = g.sprite
    return address


@desk.get("/")
@needs(SIGNED_IN)
def queue() -> Answer:
    """The queue; whoever sees no tickets begins elsewhere."""
    if not me().may(Permission.SEE):
        return redirect(home_of(me()))
    wanted = queue_board.wanted_from(request.args)
    with looking() as session:
        return render_template(
            "desk/queue.html",
            board=queue_board.board(session, me(), wanted),
            counts=queries.tab_counts(session, me()),
            filters=queue_board.filters(session),
        )


@desk.get("/queue/rows")
@needs(Permission.SEE)
def queue_rows() -> str:
    """The rows alone, for a page that is open."""
    wanted = queue_board.wanted_from(request.args)
    with looking() as session:
        return render_template("desk/_rows.html", board=queue_board.board(session, me(), wanted))


@desk.get("/queue/tabs")
@needs(Permission.SEE)
def queue_tabs() -> str:
    """The tabs alone, with fresh counts."""
    wanted = queue_board.wanted_from(request.args)
    with looking() as session:
        counts = queries.tab_counts(session, me())
        return render_template("desk/_tabs.html", counts=counts, board=queue_board.Board(wanted, (), None))
