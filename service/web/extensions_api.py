"""JSON endpoints of extensions (延期)."""

from service.clock import utcnow
from service.database import reading, transaction
from service.people import Permission
from service.tickets import extensions
from service.tickets.changes import Deed
from service.web import presenting
from service.web.api import Json, api
from service.web.auth import me
from service.web.endpoints import acting, endpoint, refuse_stale
from service.web.extensions_schemas import DecideExtensionIn, ExtensionIn, ExtensionOut, ExtensionsIn, extension_out

P = Permission


@api.post("/tickets/<number>/extension")
@endpoint("Ask for more time (延期申请)", P.HANDLE, body=ExtensionIn, returns=ExtensionOut, status=201)
def ask_extension(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        request = extensions.ask(session, found, deed, **body)  # type: ignore[arg-type]
        return extension_out(request, found.number)


@api.get("/extensions")
@endpoint("Requests for more time on tickets the caller may see, the newest first", P.SEE, query=ExtensionsIn)
def extension_requests(query: Json) -> Json:
    with reading() as session:
        page = extensions.listing(session, me(), **query)  # type: ignore[arg-type]
        return {"items": [extension_out(r, r.ticket.number) for r in page.items], "next_cursor": page.next_cursor}


@api.post("/extensions/<int:request_id>/decide")
@endpoint("Grant or refuse more time", P.DECIDE_EXTENSION, body=DecideExtensionIn, returns=ExtensionOut)
def decide_extension(request_id: int, body: Json) -> Json:
    with transaction() as session:
        rules = presenting.rules(session)
        request = extensions.request_for(session, me(), request_id, lock=True)
        refuse_stale(request.ticket)
        deed = Deed(by=me(), now=utcnow(), rules=rules)
        extensions.decide(session, request, request.ticket, deed, **body)  # type: ignore[arg-type]
        return extension_out(request, request.ticket.number)
