"""What the API refuses, and why, in a form that a program can read. And what it says about itself."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from service.clock import utcnow
from service.people import User
from tests.factories import COMPLAINT, Caller, Desk
from tests.http.api_rig import ACTS, BOSS, prepared, problem

READS = ("", "/messages", "/events", "/explain")


@pytest.fixture
def boss(desk: Desk) -> User:
    desk.now = utcnow() - timedelta(minutes=1)  # endpoints read the wall clock
    return desk.person(BOSS, "supervisor", "KFB")


@pytest.fixture
def zhang(desk: Desk, boss: User) -> Caller:
    return desk.client(desk.person("zhang", "admin", "KFB"))


# What is not there


@pytest.mark.parametrize(
    "path",
    ["/tickets/GD20260304-0001", "/tickets/nonsense/messages", "/followers/77", "/followers/77/messages", "/nowhere"],
)
def test_what_is_not_there(zhang: Caller, path: str):
    problem(zhang.get(path), 404, "not_found")


def test_a_message_of_another_ticket_is_not_there(desk: Desk, boss: User, zhang: Caller):
    _, path, _ = prepared(desk, "messages/{message}/cancel", boss)
    other = desk.ticket(COMPLAINT, follower="oFollower0002")
    message = path.split("/")[-2]

    problem(zhang.post(f"/tickets/{other.number}/messages/{message}/cancel"), 404, "not_found")


def test_a_wrong_method_is_told_the_right_one(zhang: Caller):
    answer = zhang.post("/tickets")

    problem(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


# Bad input


BAD: list[tuple[str, Mapping[str, object], str]] = [
    ("accept", {"promise_at": "tomorrow"}, "promise_at"),
    ("accept", {"promise_at": "2026-12-01T10:00:00"}, "promise_at"),
    ("accept", {"nonsense": 1}, "nonsense"),
    ("accept", {"plan": "x" * 2001}, "plan"),
    ("reply", {"kind": "final"}, "text"),
    ("reply", {"text": "", "kind": "final"}, "text"),
    ("reply", {"text": " \n ", "kind": "final"}, "text"),
    ("reply", {"text": "您好"}, "kind"),
    ("reply", {"text": "您好", "kind": "ask"}, "kind"),
    ("reply", {"text": "您好", "kind": "final", "via": "pigeon"}, "via"),
    ("reply", {"text": "您好", "kind": "final", "seen": "newest"}, "seen"),
    ("reply", {"text": "ok", "kind": "final", "via": "phone"}, "text"),
    ("reply", {"text": 7, "kind": "final"}, "text"),
    ("ask", {}, "text"),
    ("note", {"text": ""}, "text"),
    ("classify", {"category": "complaint"}, "reason"),
    ("classify", {"category": "nonsense", "reason": "x"}, "category"),
    ("classify", {"category": "complaint", "priority": "loud", "reason": "x"}, "priority"),
    ("assign", {}, "assignee"),
    ("assign", {"assignee": "nobody"}, "assignee"),
    ("transfer", {"department": "XXX", "reason": "x"}, "department"),
    ("transfer", {"department": "KFB", "reason": "x"}, "department"),
    ("transfer", {"department": "CWB"}, "reason"),
    ("suspend", {"reason": "x"}, "until"),
    ("suspend", {"reason": "x", "until": "2020-01-01T00:00:00+08:00"}, "until"),
    ("resume", {"reason": "x"}, "reason"),
    ("follow-up", {"result": "perhaps"}, "result"),
    ("follow-up", {"result": "solved", "satisfaction": 6}, "satisfaction"),
    ("follow-up", {"result": "solved", "satisfaction": 4.5}, "satisfaction"),
    ("reopen", {}, "reason"),
    ("reopen", {"reason": ""}, "reason"),
    ("merge", {}, "into"),
    ("decline", {"refer_to": "街道办"}, "reason"),
    ("withdraw", {}, "reason"),
    ("invalid", {}, "reason"),
]


@pytest.mark.parametrize(("name", "body", "field"), BAD)
def test_bad_input_is_named_by_field_and_changes_nothing(
    desk: Desk, boss: User, zhang: Caller, name: str, body: Mapping[str, object], field: str
):
    ticket, path, _ = prepared(desk, name, boss)

    found = problem(zhang.post(path, dict(body)), 422, "invalid")

    assert list(found["errors"]) == [field]  # type: ignore[call-overload]
    assert desk.reread(ticket).version == ticket.version


def test_a_merge_with_itself_or_a_stranger_is_bad_input(desk: Desk, boss: User, zhang: Caller):
    mine, theirs = desk.ticket(COMPLAINT), desk.ticket(COMPLAINT, follower="oFollower0002")

    for into in (mine, theirs):
        found = problem(zhang.post(f"/tickets/{mine.number}/merge", {"into": into.number}), 422, "invalid")
        assert list(found["errors"]) == ["into"]  # type: ignore[call-overload]
    problem(zhang.post(f"/tickets/{mine.number}/merge", {"into": "GD20200101-0001"}), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/tickets", {"status": "nonsense"}, "status"),
        ("/tickets", {"sort": "name"}, "sort"),
        ("/tickets", {"limit": 0}, "limit"),
        ("/tickets", {"limit": 201}, "limit"),
        ("/tickets", {"limit": "many"}, "limit"),
        ("/tickets", {"overdue": "perhaps"}, "overdue"),
        ("/tickets", {"priority": "loud"}, "priority"),
        ("/tickets", {"cursor": "nonsense"}, "cursor"),
        ("/tickets", {"nonsense": 1}, "nonsense"),
        ("/sla/explain", {"category": "complaint", "at": "2026-03-04T09:30:00+08:00"}, "priority"),
        ("/sla/explain", {"category": "x", "priority": "high", "at": "2026-03-04T09:30:00+08:00"}, "category"),
        ("/sla/explain", {"category": "complaint", "priority": "high", "at": "2026-03-04T09:30:00"}, "at"),
        ("/sla/explain", {"category": "complaint", "priority": "high", "at": "9999-12-31T23:59:00+08:00"}, "at"),
        ("/sla/explain", {"category": "complaint", "priority": "high", "at": "0001-01-01T00:00:00+08:00"}, "at"),
    ],
)
def test_a_bad_query_is_named_by_field(zhang: Caller, path: str, query: dict[str, object], field: str):
    found = problem(zhang.get(path, **query), 422, "invalid")

    assert list(found["errors"]) == [field]  # type: ignore[call-overload]


@pytest.mark.parametrize("data", [b"not json", b"[]", b'"text"', b"\xff\xfe", b"{"])
def test_a_body_is_a_json_object(desk: Desk, zhang: Caller, data: bytes):
    headers = zhang._headers
    client = desk.app.test_client()

    answer = client.post("/api/v1/classify", data=data, headers=headers, content_type="application/json")

    problem(answer, 422, "invalid")


# Conflicts


@pytest.mark.parametrize("name", ACTS)
def test_a_stale_version_is_refused_on_every_post(desk: Desk, boss: User, zhang: Caller, name: str):
    ticket, path, body = prepared(desk, name, boss)

    refused = zhang.post(path, body, If_Match=f'"{ticket.version - 1}"')
    taken = zhang.post(path, body, If_Match=f'"{ticket.version}"')

    assert problem(refused, 409, "stale_version")["version"] == ticket.version
    assert taken.status_code == ACTS[name].status


@pytest.mark.parametrize("header", ["{}", '"{}"', 'W/"{}"', "*"])
def test_a_version_is_written_as_a_program_likes(desk: Desk, boss: User, zhang: Caller, header: str):
    ticket, path, body = prepared(desk, "accept", boss)

    assert zhang.post(path, body, If_Match=header.format(ticket.version)).status_code == 200


def test_a_version_is_a_number(desk: Desk, boss: User, zhang: Caller):
    _, path, body = prepared(desk, "accept", boss)

    problem(zhang.post(path, body, If_Match="newest"), 422, "invalid")


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("accept", "accept"),
        ("suspend", "suspend"),
        ("resume", "resume"),
        ("follow-up", "follow-up"),
        ("close", "close"),
        ("reopen", "reopen"),
        ("decline", "accept"),
        ("merge", "note"),
        ("messages/{message}/cancel", "messages/{message}/cancel"),
        ("messages/{message}/send-again", "messages/{message}/send-again"),
    ],
)
def test_what_the_state_does_not_allow(desk: Desk, boss: User, zhang: Caller, name: str, again: str):
    ticket, path, body = prepared(desk, name, boss)
    assert zhang.post(path, body).status_code == 200
    if name != again:
        path, body = f"/tickets/{ticket.number}/{again}", dict(ACTS[again].body)

    problem(zhang.post(path, body), 409, "illegal_transition")


def test_a_complaint_without_a_final_answer_is_not_closed(desk: Desk, boss: User, zhang: Caller):
    ticket = desk.accept(desk.ticket(COMPLAINT), boss)

    answer = zhang.post(f"/tickets/{ticket.number}/close", {"reason": "算了"})

    problem(answer, 409, "illegal_transition")


def test_a_stale_reply_carries_what_is_newer_and_can_be_forced(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    path = f"/tickets/{ticket.number}/reply"
    seen = zhang.get(f"/tickets/{ticket.number}/messages").json["items"][-1]["id"]
    desk.says("还有一件事")

    body = {"text": "您好，正在核实", "kind": "interim", "seen": seen}
    found = problem(zhang.post(path, body), 409, "stale_reply")

    assert [m["text"] for m in found["messages"]] == ["还有一件事"]  # type: ignore[attr-defined]
    assert zhang.post(path, {**body, "force": True}).status_code == 201


def test_the_windows_last_message_is_refused_and_can_be_forced(desk: Desk, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    path, body = f"/tickets/{ticket.number}/reply", {"text": "您好，正在核实", "kind": "interim"}
    for _ in range(4):
        assert zhang.post(path, body).status_code == 201

    problem(zhang.post(path, body), 409, "last_message")
    problem(zhang.post(f"/tickets/{ticket.number}/ask", {"text": "请问房号是多少"}), 409, "last_message")
    assert zhang.post(path, {**body, "force": True}).status_code == 201


# About itself


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_description_names_every_endpoint_and_resolves(desk: Desk):
    made = desk.app.test_client().get("/api/v1/openapi.json")
    paths = made.json["paths"]

    wanted = {f"/api/v1/tickets/{{number}}/{n.replace('{message}', '{message_id}')}" for n in ACTS}
    reads = {f"/api/v1/tickets/{{number}}{what}" for what in READS}
    others = {"/api/v1/tickets", "/api/v1/sla/explain", "/api/v1/followers/{follower_id}"}
    assert made.status_code == 200
    assert wanted | reads | others | {"/api/v1/classify", "/api/v1/followers/{follower_id}/messages"} <= set(paths)
    assert {path for path in wanted if "post" not in paths[path]} == set()
    for reference in set(references(made.json)):
        node = made.json
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_the_description_says_what_a_body_needs(desk: Desk):
    schemas = desk.app.test_client().get("/api/v1/openapi.json").json["components"]["schemas"]

    assert set(schemas["ReplyIn"]["required"]) == {"text", "kind"}
    assert schemas["ReplyIn"]["properties"]["kind"]["enum"] == ["interim", "final"]
    assert "Problem" in schemas


def test_a_program_may_ask_at_least_three_thousand_times_a_minute(zhang: Caller):
    answer = zhang.get("/tickets")

    assert int(answer.headers["X-RateLimit-Limit"]) >= 3000
