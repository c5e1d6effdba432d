"""JSON endpoints of supervision and haste."""

from service.database import reading
from service.people import Permission
from service.tickets import supervised, supervision, urging
from service.tickets.supervised import Wanted
from service.web import presenting, supervision_schemas
from service.web.api import Json, api
from service.web.auth import me
from service.web.endpoints import acting, endpoint
from service.web.schemas import TicketOut

P = Permission


@api.get("/supervision-orders")
@endpoint("Supervision orders (督办), the earliest due first", P.OVERSEE, query=supervision_schemas.OrdersIn)
def supervision_orders(query: Json) -> Json:
    with reading() as session:
        asked = dict(query)
        code = asked.pop("department")
        department_id = presenting.rules(session).departments.get(str(code), -1) if code else None
        page = supervised.listing(session, me(), Wanted(department_id=department_id, **asked))  # type: ignore[arg-type]
        return {
            "items": [supervision_schemas.order_out(order) for order in page.items],
            "next_cursor": page.next_cursor,
        }


@api.post("/tickets/<number>/urge")
@endpoint("Ask the handler for haste (催办)", P.URGE, body=supervision_schemas.UrgeIn, returns=TicketOut)
def urge(number: str, body: Json) -> Json:
    with acting(number, P.URGE) as (session, found, deed):
        urging.urge(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/supervise")
@endpoint("Open a supervision order", P.SUPERVISE, body=supervision_schemas.SuperviseIn, returns=TicketOut)
def supervise(number: str, body: Json) -> Json:
    with acting(number, P.SUPERVISE) as (session, found, deed):
        supervision.open_order(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/supervise/raise")
@endpoint("Raise the open order's level", P.SUPERVISE, body=supervision_schemas.RaiseOrderIn, returns=TicketOut)
def raise_order(number: str, body: Json) -> Json:
    with acting(number, P.SUPERVISE) as (session, found, deed):
        supervision.raise_order(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/supervise/answer")
@endpoint("Answer the open order", P.HANDLE, body=supervision_schemas.AnswerOrderIn, returns=TicketOut)
def answer_order(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        supervision.answer(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/supervise/close")
@endpoint("Close the open order", P.SUPERVISE, body=supervision_schemas.CloseOrderIn, returns=TicketOut)
def close_order(number: str, body: Json) -> Json:
    with acting(number, P.SUPERVISE) as (session, found, deed):
        supervision.close(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)
