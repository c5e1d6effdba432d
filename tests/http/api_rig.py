"""What tests of the API share: tickets in the state an endpoint needs, bodies that it takes, and problems read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from werkzeug.test import TestResponse

from service.channels.registry import channel_named
from service.clock import utcnow
from service.messaging.ports import DeliveryError, Failure
from service.people import User
from service.tickets import closing, handling, supervision
from service.tickets.models import Ticket
from tests.factories import COMPLAINT, Caller, Desk

LOST = DeliveryError("time-out", kind=Failure.UNKNOWN)
BOSS = "boss"  # prepares what the tests need


@dataclass(frozen=True)
class Act:
    """One POST of a ticket, and a ticket that it can be done to."""

    state: str = "new"
    body: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


def later() -> str:
    return (utcnow() + timedelta(days=2)).isoformat()


REASON = {"reason": "看过内容"}
ACTS: dict[str, Act] = {
    "accept": Act(body={"plan": "先看现场"}),
    "reply": Act(body={"text": "您好，正在核实", "kind": "interim"}, status=201),
    "ask": Act(body={"text": "请问房号是多少"}),
    "note": Act(body={"text": "客户是老业主"}),
    "messages/{message}/send-again": Act("unknown"),
    "messages/{message}/cancel": Act("queued"),
    "classify": Act(body={"category": "complaint", "priority": "low", **REASON}),
    "assign": Act(body={"assignee": "zhang"}),
    "transfer": Act(body={"department": "CWB", **REASON}),
    "suspend": Act("taken", {"until": "", **REASON}),
    "resume": Act("suspended"),
    "follow-up": Act("answered", {"result": "solved", "satisfaction": 5, "note": "满意"}),
    "close": Act("answered", REASON),
    "reopen": Act("closed", REASON),
    "merge": Act("twice", {"into": ""}),
    "decline": Act(body={**REASON, "refer_to": "街道办"}),
    "withdraw": Act(body=REASON),
    "invalid": Act(body=REASON),
    "urge": Act(body={"text": "客户在等"}),
    "supervise": Act(body={"level": "yellow", **REASON}),
    "supervise/raise": Act("supervised", {"level": "red", **REASON}),
    "supervise/answer": Act("supervised", {"text": "明天上午完成"}),
    "supervise/close": Act("supervised", REASON),
}


def take(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.accept(ticket, boss)


def suspend(desk: Desk, ticket: Ticket, boss: User) -> None:
    take(desk, ticket, boss)
    with desk.doing(ticket, boss) as d:
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=desk.now + timedelta(days=2))


def answer(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.answer(ticket, boss)


def close(desk: Desk, ticket: Ticket, boss: User) -> None:
    answer(desk, ticket, boss)
    with desk.doing(ticket, boss) as d:
        closing.close(d.session, d.ticket, d.deed)


def queue(desk: Desk, ticket: Ticket, boss: User) -> None:
    desk.reply(ticket, boss, "您好，正在核实", "interim")


def lose(desk: Desk, ticket: Ticket, boss: User) -> None:
    queue(desk, ticket, boss)
    channel_named("wechat:main").failures.append(LOST)  # type: ignore[attr-defined]
    desk.deliver()


def twice(desk: Desk, ticket: Ticket, boss: User) -> None:
    """A second open ticket of the same follower; the first is the one to be merged."""
    close(desk, ticket, boss)
    desk.ticket(COMPLAINT, follower=ticket.follower.address)
    with desk.doing(ticket, boss) as d:
        closing.reopen(d.session, d.ticket, d.deed, reason="又坏了")


def supervise(desk: Desk, ticket: Ticket, boss: User) -> None:
    """By nobody in particular."""
    with desk.doing(ticket, None) as d:
        supervision.demand(d.session, d.ticket, d.deed, level="ordinary", reason="客户第 2 次催单")


STATES: dict[str, Callable[[Desk, Ticket, User], None]] = {
    "new": lambda *_: None,
    "taken": take,
    "suspended": suspend,
    "answered": answer,
    "closed": close,
    "queued": queue,
    "unknown": lose,
    "twice": twice,
    "supervised": supervise,
}


def prepared(desk: Desk, name: str, boss: User) -> tuple[Ticket, str, dict[str, object]]:
    """A complaint of KFB that the act can be done to, with the act's path and body."""
    act = ACTS[name]
    ticket = desk.ticket(COMPLAINT)
    STATES[act.state](desk, ticket, boss)
    body = dict(act.body)
    if "until" in body:
        body["until"] = later()
    if "into" in body:
        body["into"] = desk.newest().number
    path = f"/tickets/{ticket.number}/{name}"
    if "{message}" in path:
        path = path.replace("{message}", str(desk.messages(ticket)[-1].id))
    return desk.reread(ticket), path, body


def problem(response: TestResponse, status: int, code: str) -> dict[str, object]:
    """The problem that the answer carries, once it is one in every respect."""
    assert response.status_code == status, response.get_data(as_text=True)
    assert response.content_type == "application/problem+json"
    body = response.get_json(force=True)
    assert {"type", "title", "status", "code", "detail"} <= set(body)
    assert (body["status"], body["code"]) == (status, code)
    assert (status == 422) is ("errors" in body)
    return body


def act(caller: Caller, desk: Desk, name: str, boss: User, **headers: str) -> tuple[Ticket, TestResponse]:
    """Do it to a ticket made for it."""
    ticket, path, body = prepared(desk, name, boss)
    return ticket, caller.post(path, body, **headers)
