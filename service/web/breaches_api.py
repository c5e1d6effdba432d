"""JSON endpoints of the register of breaches: what stands in it, judgements and appeals."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from service.clock import utcnow
from service.database import reading, transaction
from service.people import Permission
from service.tickets import appeals, breaches
from service.tickets.changes import Deed
from service.tickets.register import Breach
from service.web import presenting
from service.web.api import Json, api
from service.web.auth import me
from service.web.breaches_schemas import (
    AppealIn,
    BreachesIn,
    BreachOut,
    DecideAppealIn,
    JudgeIn,
    breach_out,
    filter_from,
)
from service.web.endpoints import endpoint, refuse_stale

P = Permission


@contextmanager
def judging(breach_id: int) -> Iterator[tuple[Session, Breach, Deed]]:
    """One transaction with the entry's ticket locked, and `If-Match` honoured."""
    with transaction() as session:
        deed = Deed(by=me(), now=utcnow(), rules=presenting.rules(session))
        breach = breaches.breach_for(session, me(), breach_id)
        refuse_stale(appeals.lock(session, breach))
        yield session, breach, deed


@api.get("/breaches")
@endpoint("The register of missed due times (超时登记), the newest first", P.SEE, query=BreachesIn)
def breach_list(query: Json) -> Json:
    with reading() as session:
        rules, now = presenting.rules(session), utcnow()
        page = breaches.listing(session, me(), filter_from(query, rules))
        return {"items": [breach_out(b, rules, now) for b in page.items], "next_cursor": page.next_cursor}


@api.post("/breaches/<int:breach_id>/judge")
@endpoint("Confirm or dismiss a draft", P.SUPERVISE, body=JudgeIn, returns=BreachOut)
def judge_breach(breach_id: int, body: Json) -> Json:
    with judging(breach_id) as (session, breach, deed):
        appeals.judge(session, breach, deed, **body)  # type: ignore[arg-type]
        return breach_out(breach, deed.rules, deed.now)


@api.post("/breaches/<int:breach_id>/appeal")
@endpoint("Appeal (申诉) against a confirmed entry", P.SEE, body=AppealIn, returns=BreachOut, status=201)
def appeal_breach(breach_id: int, body: Json) -> Json:
    with judging(breach_id) as (session, breach, deed):
        appeals.appeal(session, breach, deed, **body)  # type: ignore[arg-type]
        return breach_out(breach, deed.rules, deed.now)


@api.post("/breaches/<int:breach_id>/appeal/decide")
@endpoint("Uphold an appeal, which revokes the entry, or not", P.SUPERVISE, body=DecideAppealIn, returns=BreachOut)
def decide_appeal(breach_id: int, body: Json) -> Json:
    with judging(breach_id) as (session, breach, deed):
        appeals.answer(session, breach, deed, **body)  # type: ignore[arg-type]
        return breach_out(breach, deed.rules, deed.now)
