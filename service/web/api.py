"""JSON endpoints: parse, call one action, present."""

from flask import Blueprint

from service.channels.registry import channel_named
from service.database import reading
from service.errors import InvalidInput
from service.people import Permission
from service.tickets import access, clocks, closing, cooperation, extensions, followup, handling, queries
from service.tickets.handling import Draft, Link
from service.tickets.models import Message
from service.tickets.queries import Search
from service.web import presenting, reply_schemas, schemas
from service.web.auth import SIGNED_IN, me
from service.web.endpoints import acting, endpoint
from service.web.security import API_LIMIT, csrf, limiter

P = Permission
api = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(api)
limiter.limit(API_LIMIT)(api)
Json = dict[str, object]


@api.get("/tickets")
@endpoint("Tickets the caller may see", P.SEE, query=schemas.SearchIn)
def tickets(query: Json) -> Json:
    with reading() as session:
        wanted = dict(query)
        department, account = wanted.pop("department"), wanted.pop("account")
        found = presenting.rules(session).departments.get(str(department)) if department else None
        if department and found is None:
            return {"items": [], "next_cursor": None}
        channel = f"wechat:{account}" if account else None
        page = queries.search(session, me(), Search(department_id=found, channel=channel, **wanted))  # type: ignore[arg-type]
        return {"items": presenting.tickets(session, page.items), "next_cursor": page.next_cursor}


@api.get("/tickets/<number>")
@endpoint("One ticket", P.SEE, returns=schemas.TicketOut)
def ticket(number: str) -> Json:
    with reading() as session:
        return presenting.ticket(session, access.ticket_for(session, me(), number))


@api.get("/tickets/<number>/messages")
@endpoint("The conversation, ascending", P.SEE, query=schemas.PageIn)
def messages(number: str, query: Json) -> Json:
    with reading() as session:
        found = access.ticket_for(session, me(), number)
        page = queries.messages_of(session, Message.ticket_id == found.id, query["cursor"])  # type: ignore[arg-type]
        return {"items": presenting.messages(session, page.items), "next_cursor": page.next_cursor}


@api.get("/tickets/<number>/events")
@endpoint("The history, ascending", P.SEE, query=schemas.PageIn)
def events(number: str, query: Json) -> Json:
    with reading() as session:
        page = queries.events_of(session, access.ticket_for(session, me(), number), query["cursor"])  # type: ignore[arg-type]
        return {"items": [schemas.event_out(e) for e in page.items], "next_cursor": page.next_cursor}


@api.get("/tickets/<number>/explain")
@endpoint("Why each due time", P.SEE)
def explain(number: str) -> Json:
    with reading() as session:
        found = queries.loaded(session, access.ticket_for(session, me(), number))
        calendar = presenting.rules(session).calendar_for(found.department_id)
        running = presenting.clocks_of(found.clocks)
        extended = sum(extensions.days_in(session, found, clock) for clock in running)
        return presenting.explanation(running, calendar, extended=extended)


@api.post("/tickets/<number>/accept")
@endpoint("Take the ticket (受理)", P.HANDLE, body=schemas.AcceptIn, returns=schemas.TicketOut)
def accept(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        handling.accept(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


def draft_of(body: Json) -> Draft:
    """A reply as `reply_schemas.ReplyIn` or `AskIn` gives it."""
    fields = dict(body)
    files, link = fields.pop("attachments"), fields.pop("link")
    return Draft(**fields, files=files, link=Link(**link) if link else None)  # type: ignore[arg-type]


@api.post("/tickets/<number>/reply")
@endpoint("Reply to the follower", P.HANDLE, body=reply_schemas.ReplyIn, returns=schemas.MessageOut, status=201)
def reply(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        limits = channel_named(found.channel).limits
        message = handling.reply(session, found, draft_of(body), deed, limits=limits)
        return presenting.message(session, message)


@api.post("/tickets/<number>/ask")
@endpoint("Ask the follower and wait", P.HANDLE, body=reply_schemas.AskIn, returns=schemas.TicketOut)
def ask(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        limits = channel_named(found.channel).limits
        handling.reply(session, found, draft_of({"kind": "ask", **body}), deed, limits=limits)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/note")
@endpoint("An internal note", P.NOTE, body=schemas.NoteIn, returns=schemas.TicketOut)
def note(number: str, body: Json) -> Json:
    with acting(number, P.NOTE) as (session, found, deed):
        handling.note(session, found, str(body["text"]), deed)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/messages/<int:message_id>/send-again")
@endpoint("Send a failed or unknown message again", P.HANDLE, body=schemas.NothingIn, returns=schemas.TicketOut)
def send_again(number: str, message_id: int, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        handling.send_again(session, found, message_id, deed)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/messages/<int:message_id>/cancel")
@endpoint("Take back what has not gone out", P.HANDLE, body=schemas.NothingIn, returns=schemas.TicketOut)
def cancel(number: str, message_id: int, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        handling.cancel(session, found, message_id, deed)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/classify")
@endpoint("Correct category and priority", P.HANDLE, body=schemas.ClassifyIn, returns=schemas.TicketOut)
def classify(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        cooperation.classify(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/assign")
@endpoint("Give the ticket to a person", P.ASSIGN_SELF, body=schemas.AssignIn, returns=schemas.TicketOut)
def assign(number: str, body: Json) -> Json:
    with acting(number, P.ASSIGN_SELF) as (session, found, deed):
        cooperation.assign(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/transfer")
@endpoint(
    "Give the ticket to another department (转办)", P.TRANSFER, body=schemas.TransferIn, returns=schemas.TicketOut
)
def transfer(number: str, body: Json) -> Json:
    with acting(number, P.TRANSFER) as (session, found, deed):
        cooperation.transfer(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/suspend")
@endpoint("Suspend with a reason and a date", P.HANDLE, body=schemas.SuspendIn, returns=schemas.TicketOut)
def suspend(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        handling.suspend(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/resume")
@endpoint("Go on with the ticket", P.HANDLE, body=schemas.NothingIn, returns=schemas.TicketOut)
def resume(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        handling.resume(session, found, deed)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/follow-up")
@endpoint("Record a follow-up (回访)", P.FOLLOW_UP, body=schemas.FollowUpIn, returns=schemas.TicketOut)
def follow_up(number: str, body: Json) -> Json:
    with acting(number, P.FOLLOW_UP) as (session, found, deed):
        followup.follow_up(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/close")
@endpoint("Close", P.FOLLOW_UP, body=schemas.CloseIn, returns=schemas.TicketOut)
def close(number: str, body: Json) -> Json:
    with acting(number, P.FOLLOW_UP) as (session, found, deed):
        closing.close(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/reopen")
@endpoint("Open again", P.HANDLE, body=schemas.ReasonIn, returns=schemas.TicketOut)
def reopen(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        closing.reopen(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/merge")
@endpoint("Merge into another ticket of the follower", P.HANDLE, body=schemas.MergeIn, returns=schemas.TicketOut)
def merge(number: str, body: Json) -> Json:
    with acting(number, P.HANDLE) as (session, found, deed):
        into = access.ticket_for(session, me(), str(body["into"]), P.HANDLE)
        cooperation.merge(session, found, into, deed)
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/decline")
@endpoint("Not ours to handle (不予受理)", P.DISMISS, body=schemas.DeclineIn, returns=schemas.TicketOut)
def decline(number: str, body: Json) -> Json:
    with acting(number, P.DISMISS) as (session, found, deed):
        closing.decline(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/withdraw")
@endpoint("The follower takes it back", P.DISMISS, body=schemas.ReasonIn, returns=schemas.TicketOut)
def withdraw(number: str, body: Json) -> Json:
    with acting(number, P.DISMISS) as (session, found, deed):
        closing.withdraw(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.post("/tickets/<number>/invalid")
@endpoint("No matter at all", P.DISMISS, body=schemas.ReasonIn, returns=schemas.TicketOut)
def invalid(number: str, body: Json) -> Json:
    with acting(number, P.DISMISS) as (session, found, deed):
        closing.invalidate(session, found, deed, **body)  # type: ignore[arg-type]
        return presenting.ticket(session, found)


@api.get("/sla/explain")
@endpoint("Due times of a matter that arrives at an instant", SIGNED_IN, query=schemas.ExplainIn)
def explain_sla(query: Json) -> Json:
    with reading() as session:
        rules = presenting.rules(session)
        if query["category"] not in rules.categories:
            raise InvalidInput(category=f"unknown; one of {', '.join(rules.categories)}")
        policy = rules.policies.policy_for(str(query["category"]), str(query["priority"]))
        try:
            started = clocks.at_intake(policy, query["at"], rules.calendar)  # type: ignore[arg-type]
            return presenting.explanation(started, rules.calendar)
        except ValueError as error:  # an instant that no calendar reaches
            raise InvalidInput(at=str(error)) from None


@api.post("/classify")
@endpoint("What the classifier thinks of a text", SIGNED_IN, body=schemas.TextIn)
def classify_text(body: Json) -> Json:
    with reading() as session:
        verdict = presenting.rules(session).classifier.classify(str(body["text"]))
    return {
        "category": verdict.category,
        "priority": verdict.priority,
        "confidence": round(verdict.confidence, 4),
        "triage": verdict.triage,
        "because": list(verdict.because),
    }
