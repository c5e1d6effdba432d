"""Who may do what: the table of the contract, each role with each action on a fresh ticket of its own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from scenario_clients import Json
from scenario_rig import Rig

REASON = "测试"
PHONED = "已致电王女士，说明了处理结果"
TOMORROW = (datetime.now().astimezone() + timedelta(days=1)).isoformat()
FINAL = ("reply", {"text": PHONED, "kind": "final", "via": "phone"})

# a complaint that the intake department (QGB) has passed on to customer service (KFB)
ROLES = {
    "agent": "kfb.agent",
    "agent of the intake": "intake.agent",
    "agent elsewhere": "jsb.agent",
    "dept_head": "kfb.head",
    "dispatcher": "dispatcher",
    "follow_up_agent": "caller",
    "supervisor": "supervisor",
    "admin": "root",
    "auditor": "auditor",
}
EVERYWHERE = ("dispatcher", "supervisor", "admin")
HANDLERS = ("agent", "dept_head", *EVERYWHERE)
HEADS = ("dept_head", *EVERYWHERE)
CALLERS = ("dept_head", "follow_up_agent", "supervisor", "admin")
READERS = (*HANDLERS, "agent of the intake")
PENDING: list[tuple[str, Json]] = []
IN_PROGRESS: list[tuple[str, Json]] = [("accept", {})]
ANSWERED: list[tuple[str, Json]] = [FINAL]
# action -> body, what has to happen before, who may do it
ACTIONS: dict[str, tuple[Json, list[tuple[str, Json]], tuple[str, ...]]] = {
    "accept": ({}, PENDING, HANDLERS),
    "reply": ({"text": "您好", "kind": "interim"}, PENDING, HANDLERS),
    "ask": ({"text": "请问单号？"}, PENDING, HANDLERS),
    "classify": ({"category": "complaint", "reason": REASON}, PENDING, HANDLERS),
    "suspend": ({"reason": REASON, "until": TOMORROW}, IN_PROGRESS, HANDLERS),
    "resume": ({}, [*IN_PROGRESS, ("suspend", {"reason": REASON, "until": TOMORROW})], HANDLERS),
    "reopen": ({"reason": REASON}, [FINAL, ("close", {"reason": REASON})], HANDLERS),
    "transfer": ({"department": "JSB", "reason": REASON}, PENDING, HANDLERS),
    "assign": ({"assignee": "kfb.colleague"}, PENDING, HEADS),
    "decline": ({"reason": REASON}, PENDING, HEADS),
    "withdraw": ({"reason": REASON}, PENDING, HEADS),
    "invalid": ({"reason": REASON}, PENDING, HEADS),
    "note": ({"text": "备注"}, PENDING, HANDLERS),
    "note on an answered one": ({"text": "备注"}, ANSWERED, (*HANDLERS, "follow_up_agent")),
    "reply on an answered one": ({"text": "补充", "kind": "interim"}, ANSWERED, HANDLERS),
    "follow-up": ({"result": "solved"}, ANSWERED, CALLERS),
    "close": ({"reason": REASON}, ANSWERED, CALLERS),
}


# what a role may do nowhere is refused before anybody looks for the ticket
DISMISSALS = {"decline", "withdraw", "invalid"}
NOWHERE = {
    "agent elsewhere": DISMISSALS | {"follow-up", "close"},
    "follow_up_agent": ACTIONS.keys() - {"note", "note on an answered one", "follow-up", "close"},
    "auditor": ACTIONS.keys(),
}


def expected(role: str, action: str) -> int:
    """The status that the table promises."""
    _, before, allowed = ACTIONS[action]
    if role in allowed:
        return 201 if action.startswith("reply") else 200
    if action in NOWHERE.get(role, ()):
        return 403
    sees = role in READERS or (role == "follow_up_agent" and FINAL in before)
    return 403 if sees else 404


@pytest.mark.parametrize("action", ACTIONS)
def test_each_role_may_do_what_the_table_says_and_nothing_else(rig: Rig, action: str) -> None:
    body, before, _ = ACTIONS[action]
    made = rig.open_many(["我要投诉乱收费"] * len(ROLES))
    numbers = dict(zip(ROLES, (number for _, number in made), strict=True))

    def attempt(role: str) -> int:
        number = numbers[role]
        rig.api("root").act(number, "classify", category="complaint", reason=REASON)
        for step, values in before:
            rig.api("root" if step == "close" else "dispatcher").act(number, step, **values)
        return rig.api(ROLES[role]).attempt(number, action.split()[0], **body)[0]

    with ThreadPoolExecutor(4) as threads:
        statuses = dict(zip(ROLES, threads.map(attempt, ROLES), strict=True))

    assert statuses == {role: expected(role, action) for role in ROLES}


def test_each_role_sees_what_the_table_says(rig: Rig) -> None:
    (_, pending), (_, answered) = rig.open_many(["我要投诉乱收费"] * 2)
    for number in (pending, answered):
        rig.api("dispatcher").act(number, "classify", category="complaint", reason=REASON)
    rig.api("dispatcher").act(answered, *FINAL[:1], **FINAL[1])

    one = {role: rig.api(name).get(f"/tickets/{pending}").status_code for role, name in ROLES.items()}
    other = {role: rig.api(name).get(f"/tickets/{answered}").status_code for role, name in ROLES.items()}

    assert one == {role: 200 if role in READERS else 403 if role == "auditor" else 404 for role in ROLES}
    assert other == one | {"follow_up_agent": 200}


@pytest.mark.parametrize(("to", "status"), [("kfb.agent", 200), ("kfb.colleague", 403)])
def test_an_agent_assigns_to_no_one_but_themselves(rig: Rig, to: str, status: int) -> None:
    number = rig.phone().opens("我要投诉乱收费")
    rig.api("dispatcher").act(number, "classify", category="complaint", reason=REASON)

    assert rig.api("kfb.agent").attempt(number, "assign", assignee=to)[0] == status


def test_merging_needs_the_right_on_both_tickets(rig: Rig) -> None:
    phone, everywhere = rig.phone(), rig.api("dispatcher")
    older = phone.opens("我要投诉乱收费")
    everywhere.act(older, "withdraw", reason=REASON)
    newer = phone.opens("还是乱收费的事")
    everywhere.act(older, "reopen", reason=REASON)
    for number, category in ((older, "complaint"), (newer, "inquiry")):
        everywhere.act(number, "classify", category=category, reason=REASON)

    refused = {
        name: rig.api(name).attempt(newer, "merge", into=older)[0] for name in ("kfb.agent", "intake.agent", "caller")
    }

    assert refused == {"kfb.agent": 404, "intake.agent": 403, "caller": 403}
    assert everywhere.act(newer, "merge", into=older)["status"] == "merged"


def test_a_follower_is_shown_to_those_who_see_a_ticket_of_theirs(rig: Rig) -> None:
    number = rig.phone().opens("我要投诉乱收费")
    rig.api("dispatcher").act(number, "classify", category="complaint", reason=REASON)
    follower = rig.api("dispatcher").ticket(number)["follower"]["id"]

    seen = {
        name: [rig.api(name).get(f"/followers/{follower}{path}").status_code for path in ("", "/messages")]
        for name in ("kfb.agent", "jsb.agent", "caller", "supervisor", "auditor")
    }

    assert seen == {
        "kfb.agent": [200, 200], "jsb.agent": [404, 404], "caller": [404, 404], "supervisor": [200, 200],
        "auditor": [403, 403],
    }  # fmt: skip


def test_what_a_follower_wrote_on_a_restricted_ticket_stays_there(rig: Rig) -> None:
    phone = rig.phone()
    number = phone.opens("我要举报仓库主管收回扣")
    rig.api("dispatcher").act(number, "classify", category="report", reason=REASON)
    rig.api("dispatcher").act(number, "withdraw", reason=REASON)
    open_one = phone.opens("另外请问怎么续费？")
    follower = rig.api("dispatcher").ticket(open_one)["follower"]["id"]

    page = rig.api("intake.agent").get(f"/followers/{follower}").json()
    messages = rig.api("intake.agent").get(f"/followers/{follower}/messages").json()["items"]

    assert [ticket["number"] for ticket in page["tickets"]] == [open_one]
    assert [message["text"] for message in messages] == ["另外请问怎么续费？"]
