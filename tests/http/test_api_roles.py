"""Who may call what: every endpoint by role, in the own department, elsewhere, and without a token."""

from datetime import timedelta

import pytest

from service.clock import utcnow
from service.people import Role, User
from tests.factories import COMPLAINT, INQUIRY, Caller, Desk
from tests.http.api_rig import ACTS, BOSS, act, prepared, problem

WORKERS = {"agent", "dept_head", "dispatcher", "supervisor", "admin"}
DISMISSERS = WORKERS - {"agent"}
SUPERVISORS = {"supervisor", "admin"}
CALLERS = {"dept_head", "follow_up_agent", "supervisor", "admin"}
MAY = {  # act -> roles, in the ticket's own department
    **dict.fromkeys(ACTS, WORKERS),
    "note": WORKERS | {"follow_up_agent"},
    **dict.fromkeys(("decline", "withdraw", "invalid"), DISMISSERS),
    **dict.fromkeys(("follow-up", "close"), CALLERS),
    "urge": DISMISSERS,
    **dict.fromkeys(("supervise", "supervise/raise", "supervise/close"), SUPERVISORS),
}
READS = ("", "/messages", "/events", "/explain")
SEERS = WORKERS | {"follow_up_agent"}


@pytest.fixture
def boss(desk: Desk) -> User:
    desk.now = utcnow() - timedelta(minutes=1)  # endpoints read the wall clock
    return desk.person(BOSS, "supervisor", "KFB")


@pytest.fixture
def zhang(desk: Desk, boss: User) -> Caller:
    return desk.client(desk.person("zhang", "admin", "KFB"))


@pytest.mark.parametrize("name", ACTS)
def test_which_roles_may_do_it_in_their_own_department(desk: Desk, boss: User, name: str):
    """A stale version is told only to whoever may act, so that one ticket serves all roles."""
    ticket, path, body = prepared(desk, name, boss)

    answers = {}
    for role in Role:
        caller = desk.client(desk.person(role.replace("_", "-"), role, "KFB"))
        answers[role.value] = caller.post(path, body, If_Match="0").json["code"]

    assert answers == {role.value: "stale_version" if role in MAY[name] else "forbidden" for role in Role}
    assert desk.reread(ticket).version == ticket.version


@pytest.mark.parametrize("name", [n for n in ACTS if MAY[n] != SUPERVISORS])  # supervisors see everything
def test_nothing_can_be_done_to_what_is_out_of_sight(desk: Desk, boss: User, name: str):
    head = desk.client(desk.person("zhang", "dept_head", "CWB"))

    ticket, answer = act(head, desk, name, boss)

    problem(answer, 404, "not_found")
    assert desk.reread(ticket).version == ticket.version


@pytest.mark.parametrize("name", [n for n in ACTS if n != "assign"])
def test_the_intake_department_reads_what_it_passed_on_and_does_nothing_to_it(desk: Desk, boss: User, name: str):
    head = desk.client(desk.person("zhang", "dept_head", "QGB"))

    ticket, answer = act(head, desk, name, boss)

    problem(answer, 403, "forbidden")
    assert head.get(f"/tickets/{ticket.number}").status_code == 200


def test_nothing_is_merged_into_what_one_only_reads(desk: Desk, boss: User):
    """One ticket went on to KFB, where QGB reads it and no more; the other stands with QGB."""
    theirs, path, _ = prepared(desk, "reopen", boss)
    mine = desk.ticket(INQUIRY)
    boss_calls = desk.client(boss)
    assert boss_calls.post(path, {"reason": "又坏了"}).status_code == 200
    head = desk.client(desk.person("zhang", "dept_head", "QGB"))

    problem(head.post(f"/tickets/{mine.number}/merge", {"into": theirs.number}), 403, "forbidden")
    assert boss_calls.post(f"/tickets/{mine.number}/merge", {"into": theirs.number}).status_code == 200


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("what", READS)
def test_who_reads_a_ticket(desk: Desk, boss: User, role: Role, what: str):
    caller = desk.client(desk.person("zhang", role, "KFB"))
    ticket = desk.ticket(COMPLAINT)

    answer = caller.get(f"/tickets/{ticket.number}{what}")

    assert answer.status_code == (200 if role in SEERS else 403)


@pytest.mark.parametrize("role", Role)
def test_every_member_of_staff_may_ask_for_due_times_and_classify_a_text(desk: Desk, boss: User, role: Role):
    caller = desk.client(desk.person("zhang", role, "KFB"))
    query = {"category": "complaint", "priority": "high", "at": "2026-03-04T09:30:00+08:00"}

    assert caller.get("/sla/explain", **query).status_code == 200
    assert caller.post("/classify", {"text": "您好"}).status_code == 200


def test_whoever_handled_a_complaint_does_not_follow_it_up(desk: Desk, boss: User, zhang: Caller):
    ticket = desk.ticket(COMPLAINT)
    zhang.post(f"/tickets/{ticket.number}/reply", {"text": "与李女士通话，已说明", "kind": "final", "via": "phone"})

    answer = zhang.post(f"/tickets/{ticket.number}/follow-up", {"result": "solved"})

    problem(answer, 403, "forbidden")


def test_an_agent_assigns_to_nobody_else(desk: Desk, boss: User):
    agent = desk.client(desk.person("zhang", "agent", "KFB"))
    desk.person("li", "agent", "KFB")
    ticket = desk.ticket(COMPLAINT)

    problem(agent.post(f"/tickets/{ticket.number}/assign", {"assignee": "li"}), 403, "forbidden")
    assert agent.post(f"/tickets/{ticket.number}/assign", {"assignee": "zhang"}).json["assignee"] == "zhang"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic emhhbmc6eA==", "gd_token", "bearer é"]
)
def test_without_a_token_nothing(desk: Desk, header: str | None):
    headers = {} if header is None else {"Authorization": header}
    client = desk.app.test_client()

    for path in ("/tickets", "/tickets/GD20260304-0001", "/followers/1", "/sla/explain"):
        problem(client.get(f"/api/v1{path}", headers=headers), 401, "unauthorized")
    problem(client.post("/api/v1/tickets/GD20260304-0001/accept", headers=headers), 401, "unauthorized")


def test_a_session_of_the_pages_is_no_token(desk: Desk, boss: User):
    client = desk.app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = boss.get_id(), True

    problem(client.get("/api/v1/tickets"), 401, "unauthorized")
