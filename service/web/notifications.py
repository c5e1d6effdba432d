"""The bell and the page behind it: what a person was told, and that they have read it."""

from flask import render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from service.clock import utcnow
from service.database import transaction
from service.tickets import access, noticeboard
from service.tickets.noticeboard import Told
from service.web import notification_view
from service.web.auth import SIGNED_IN, me, needs
from service.web.notification_view import BellIn, PageIn, ReadAllForm
from service.web.pages import Answer, desk, go, is_fragment, looking


@desk.get("/notifications")
@needs(SIGNED_IN)
def notifications() -> Answer:
    """The list; a fragment of it for a page that is open."""
    wanted = PageIn().load({name: value for name, value in request.args.items() if value})
    with looking() as session:
        page = noticeboard.page(
            session,
            me(),
            kind=wanted["kind"],
            unread_only=wanted["unread"],
            cursor=wanted["cursor"],
            limit=wanted["limit"],
        )
        names = {
            "items": notification_view.items_of(session, page.items),
            "next_cursor": page.next_cursor,
            "wanted": wanted,
            "unread": noticeboard.unread(session, me()),
            "newest": noticeboard.newest(session, me()),
            "kinds": notification_view.kinds(),
        }
        return render_template("desk/_notifications.html" if is_fragment() else "desk/notifications.html", **names)


@desk.get("/notifications/bell")
@needs(SIGNED_IN)
def notifications_bell() -> str:
    """The bell as it stands, and a toast for what came since."""
    after = BellIn().load({name: value for name, value in request.args.items() if value})["after"]
    with looking() as session:
        news = noticeboard.news(session, me(), after=after) if after is not None else ()
        return render_template(
            "desk/_bell.html",
            unread=noticeboard.unread(session, me()),
            newest=noticeboard.newest(session, me()),
            news=notification_view.items_of(session, news),
        )


@desk.post("/notifications/seen")
@needs(SIGNED_IN)
def notifications_seen() -> str:
    """The person looks at a ticket: what they were told of it is read."""
    with transaction() as session:
        ticket = access.ticket_for(session, me(), request.form.get("number", ""))
        noticeboard.seen(session, me(), ticket, now=utcnow())
    return notifications_bell()


@desk.post("/notifications/<int:notification_id>/open")
@needs(SIGNED_IN)
def open_notification(notification_id: int) -> Answer:
    """To its ticket; opening it is reading it."""
    return go(notification_view.link_of(read(notification_id)))


@desk.post("/notifications/<int:notification_id>/read")
@needs(SIGNED_IN)
def read_notification(notification_id: int) -> Answer:
    """Read, and on with the list."""
    read(notification_id)
    return changed()


@desk.post("/notifications/read-all")
@needs(SIGNED_IN)
def read_all_notifications() -> Answer:
    """Everything up to what the page has shown."""
    up_to = ReadAllForm().load(request.form.to_dict())["up_to"]
    with transaction() as session:
        noticeboard.read_all(session, me(), up_to=up_to, now=utcnow())
    return changed(_("已全部标为已读"))


def read(notification_id: int) -> Told:
    """Mark it as read; returns it with what may be seen of its ticket."""
    with transaction() as session:
        return noticeboard.read(session, me(), notification_id, now=utcnow())


def changed(message: str = "") -> Answer:
    """The page and the bell fetch themselves anew, where scripts run."""
    if is_fragment():
        return Response(status=204, headers={"HX-Trigger": "notified"})
    return go(url_for("desk.notifications"), message)
