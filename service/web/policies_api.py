"""JSON endpoints of the targets: those of new tickets, and a ticket that goes over to them."""

from service import policies
from service.database import reading
from service.people import Permission
from service.sla.drafts import rows_of
from service.tickets import policy_moves
from service.web import presenting, schemas
from service.web.api import Json, api
from service.web.auth import SIGNED_IN
from service.web.endpoints import acting, endpoint

P = Permission


@api.get("/sla/policies")
@endpoint("The targets of new tickets, and which version they are", SIGNED_IN)
def sla_policies() -> Json:
    with reading() as session:
        newest = policies.newest(session)
        saved = {"at": schemas.local(newest.at), "by": newest.by, "note": newest.note}
        return {"version": newest.version, **saved, "policies": rows_of(newest.table)}


@api.post("/tickets/<number>/policy")
@endpoint(
    "Move the ticket to the newest targets; due times may be earlier",
    P.SUPERVISE,
    body=schemas.ReasonIn,
    returns=schemas.TicketOut,
)
def move_policy(number: str, body: Json) -> Json:
    with acting(number, P.SUPERVISE) as (session, found, deed):
        policy_moves.move(session, found, deed, reason=str(body["reason"]))
        return presenting.ticket(session, found)
