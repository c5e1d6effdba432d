"""JSON endpoints of a person's own notifications."""

from flask import g

from service.clock import utcnow
from service.database import reading, transaction
from service.tickets import noticeboard
from service.web import notification_view, presenting
from service.web.api import Json, api
from service.web.auth import SIGNED_IN, me
from service.web.endpoints import endpoint
from service.web.notification_view import ListIn, NotificationOut, NotificationsOut, ReadAllIn, ReadAllOut
from service.web.schemas import NothingIn


@api.get("/notifications")
@endpoint("What the caller was told, unread first, then the newest", SIGNED_IN, query=ListIn, returns=NotificationsOut)
def notifications(query: Json) -> Json:
    with reading() as session:
        g.rules = presenting.rules(session)
        page = noticeboard.page(
            session,
            me(),
            kind=query["kind"],  # type: ignore[arg-type]
            unread_only=bool(query["unread"]),
            cursor=query["cursor"],  # type: ignore[arg-type]
            limit=int(str(query["limit"])),
        )
        items = [notification_view.out(told) for told in page.items]
        return {"items": items, "next_cursor": page.next_cursor, "unread": noticeboard.unread(session, me())}


@api.post("/notifications/<int:notification_id>/read")
@endpoint("The caller has read it", SIGNED_IN, body=NothingIn, returns=NotificationOut)
def read_notification(notification_id: int, body: Json) -> Json:
    with transaction() as session:
        g.rules = presenting.rules(session)
        return notification_view.out(noticeboard.read(session, me(), notification_id, now=utcnow()))


@api.post("/notifications/read-all")
@endpoint("The caller has read all of them, or all up to one", SIGNED_IN, body=ReadAllIn, returns=ReadAllOut)
def read_all_notifications(body: Json) -> Json:
    up_to = body["up_to"]
    with transaction() as session:
        return {"read": noticeboard.read_all(session, me(), up_to=up_to, now=utcnow())}  # type: ignore[arg-type]
