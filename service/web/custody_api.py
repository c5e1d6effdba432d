"""JSON endpoints of recusal, and of giving a ticket back."""

from marshmallow import fields

from service.people import Permission
from service.tickets import pool, recusals
from service.web import presenting
from service.web.api import Json, api
from service.web.endpoints import acting, endpoint
from service.web.schemas import In, ReasonIn, TicketOut, reason_field

P = Permission


class RecuseIn(In):
    username = fields.String(required=True)
    reason = reason_field()


@api.post("/tickets/<number>/hand-back")
@endpoint("Back to the pool of its department", P.ASSIGN_SELF, body=ReasonIn, returns=TicketOut)
def hand_back(number: str, body: Json) -> Json:
    with acting(number, P.ASSIGN_SELF) as (session, found, deed):
        pool.hand_back(session, found, deed, because=str(body["reason"]))
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/recuse")
@endpoint("Somebody keeps away, for the matter is about them (回避)", P.ASSIGN_SELF, body=RecuseIn, returns=TicketOut)
def recuse(number: str, body: Json) -> Json:
    with acting(number, P.ASSIGN_SELF) as (session, found, deed):
        person = recusals.person_named(session, str(body["username"]))
        recusals.recuse(session, found, person, deed, reason=str(body["reason"]))
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/unrecuse")
@endpoint("They may handle it after all", P.SUPERVISE, body=RecuseIn, returns=TicketOut)
def unrecuse(number: str, body: Json) -> Json:
    with acting(number, P.SUPERVISE) as (session, found, deed):
        person = recusals.person_named(session, str(body["username"]))
        recusals.unrecuse(session, found, person, deed, reason=str(body["reason"]))
        return presenting.ticket(session, found)
