"""What the service refuses staff, with which status and code, and that a refusal changes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from scenario_clients import Api, Json
from scenario_rig import Rig

REASON = "测试"
PHONED = "已致电王女士，说明了处理结果"


def fresh(rig: Rig, category: str = "", text: str = "请问怎么退订？") -> str:
    """A ticket nobody has touched, or one that a person has classified."""
    number = rig.phone().opens(text)
    if category:
        rig.api("dispatcher").act(number, "classify", category=category, reason=REASON)
    return number


def later(**length: int) -> str:
    return (datetime.now().astimezone() + timedelta(**length)).isoformat()


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("assign", {"assignee": "nobody"}),
        ("assign", {"assignee": "auditor"}),
        ("assign", {"assignee": "jsb.agent"}),
        ("assign", {}),
        ("transfer", {"department": "XXX", "reason": "r"}),
        ("transfer", {"department": "KFB", "reason": "r"}),
        ("transfer", {"department": "JSB"}),
        ("classify", {"category": "gossip", "reason": "r"}),
        ("classify", {"category": "inquiry"}),
        ("classify", {"category": "inquiry", "priority": "extreme", "reason": "r"}),
        ("reply", {"text": "x"}),
        ("reply", {"text": "x", "kind": "forever"}),
        ("reply", {"text": "   ", "kind": "final"}),
        ("reply", {"text": "x" * 20_001, "kind": "final"}),
        ("reply", {"text": "x", "kind": "final", "via": "pigeon"}),
        ("reply", {"text": 7, "kind": "final"}),
        ("reply", {"text": "x", "kind": "final", "sean": 3}),
        ("accept", {"promise_at": "tomorrow"}),
        ("accept", {"promise_at": "2026-11-20T10:00:00"}),
        ("accept", {"unknown": 1}),
        ("suspend", {"reason": "r", "until": "2020-01-01T00:00:00+08:00"}),
        ("suspend", {"reason": "r"}),
        ("note", {"text": ""}),
        ("ask", {}),
        ("follow-up", {"result": "maybe"}),
        ("follow-up", {"result": "solved", "satisfaction": 6}),
        ("decline", {"refer_to": "消协"}),
        ("withdraw", {"reason": ""}),
        ("merge", {}),
    ],
    ids=str,
)
def test_bad_input_is_refused_by_field_and_changes_nothing(rig: Rig, action: str, body: Json) -> None:
    api, number = rig.api("supervisor"), shared(rig)
    before = api.ticket(number)

    refused = api.post(f"/tickets/{number}/{action}", body)

    assert refused.status_code == 422, refused.text
    problem = refused.json()
    assert (problem["status"], problem["code"]) == (422, "invalid")
    assert problem["errors"]
    assert all(isinstance(sentences, list) for sentences in problem["errors"].values())
    assert api.ticket(number)["version"] == before["version"]


def shared(rig: Rig) -> str:
    """A complaint in progress that no test changes."""
    if "shared" not in rig.kept:
        rig.kept["shared"] = fresh(rig, "complaint")
        rig.api("kfb.agent").act(rig.kept["shared"], "accept")
    return rig.kept["shared"]


def run_to(api: Api, number: str, status: str) -> None:
    steps = {
        "in_progress": [("accept", {})],
        "closed": [("reply", {"text": PHONED, "kind": "final", "via": "phone"}), ("close", {"reason": REASON})],
        "declined": [("decline", {"reason": REASON})],
    }
    for action, body in steps[status]:
        api.act(number, action, **body)


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("in_progress", {"accept": {}, "resume": {}, "follow-up": {"result": "solved"}, "reopen": {"reason": "r"}}),
        (
            "closed",
            {
                "accept": {},
                "reply": {"text": "x", "kind": "final"},
                "ask": {"text": "x"},
                "suspend": {"reason": "r", "until": later(days=1)},
                "transfer": {"department": "JSB", "reason": "r"},
                "assign": {"assignee": "kfb.agent"},
                "follow-up": {"result": "solved"},
                "close": {"reason": "r"},
                "invalid": {"reason": "r"},
            },
        ),
        ("declined", {"reply": {"text": "x", "kind": "final"}, "decline": {"reason": "r"}, "close": {"reason": "r"}}),
    ],
    ids=["in_progress", "closed", "declined"],
)
def test_what_the_status_does_not_allow_is_an_illegal_transition(
    rig: Rig, status: str, actions: dict[str, Json]
) -> None:
    api, number = rig.api("supervisor"), fresh(rig, "complaint")
    run_to(rig.api("root"), number, status)
    before = api.ticket(number)

    tried = {action: api.attempt(number, action, **body) for action, body in actions.items()}

    assert tried == dict.fromkeys(actions, (409, "illegal_transition"))
    assert api.ticket(number) == before


def test_a_reply_that_has_not_seen_the_newest_words_is_stale_and_shows_them(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("intake.agent")
    number = phone.opens("请问怎么退订？")
    seen = api.messages(number)[-1]["id"]
    rig.api("supervisor").act(number, "note", text="内部备注不算")
    fresh_enough = api.attempt(number, "reply", text="第一条", kind="interim", seen=seen)
    phone.says("不退了，改成续费")
    rig.api("dispatcher").reply(number, "同事的答复")

    stale = api.post(f"/tickets/{number}/reply", {"text": "已为您退订", "kind": "final", "seen": seen})
    forced = api.attempt(number, "reply", text="已为您续费", kind="final", seen=seen, force=True)

    assert fresh_enough == (201, "")
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_reply")
    assert [m["text"] for m in stale.json()["messages"]] == ["不退了，改成续费", "同事的答复"]  # not one's own
    assert forced == (201, "")
    assert phone.hears(3) == ["第一条", "同事的答复", "已为您续费"]


def test_if_match_refuses_what_was_decided_on_an_older_version(rig: Rig) -> None:
    api, number = rig.api("supervisor"), fresh(rig, "complaint")
    version = api.ticket(number)["version"]

    matched = api.post(f"/tickets/{number}/accept", {}, **{"If-Match": str(version)})
    stale = api.post(
        f"/tickets/{number}/transfer", {"department": "JSB", "reason": "r"}, **{"If-Match": f'"{version}"'}
    )
    odd = api.post(f"/tickets/{number}/note", {"text": "x"}, **{"If-Match": "yesterday"})

    assert matched.status_code == 200
    assert matched.json()["version"] > version
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert odd.status_code == 422
    assert api.ticket(number)["department"] == "KFB"


@pytest.mark.parametrize("path", ["", "/messages", "/events", "/explain"])
def test_what_is_not_there_and_what_may_not_be_seen_look_alike(rig: Rig, path: str) -> None:
    number = fresh(rig, "complaint")

    answers = [rig.api("jsb.agent").get(f"/tickets/{n}{path}") for n in (number, "GD20000101-0001")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()


HUGE = 10**30
STRANGE: list[tuple[str, str, Json]] = [
    ("POST", "/tickets/{number}/note", {"text": "a\x00b"}),
    ("POST", "/tickets/{number}/note", {"text": "half a pair: \ud800"}),
    ("POST", "/tickets/{number}/reply", {"text": "\x00", "kind": "interim", "via": "phone"}),
    ("POST", "/tickets/{number}/reply", {"text": PHONED, "kind": "interim", "via": "phone", "seen": HUGE}),
    ("POST", "/tickets/{number}/classify", {"category": "inquiry\x00", "reason": "r"}),
    ("POST", "/tickets/{number}/transfer", {"department": "KFB\ud800", "reason": "r"}),
    ("POST", "/tickets/{number}/assign", {"assignee": "\x00"}),
    ("POST", "/tickets/{number}/assign", {"assignee": "\udfff"}),
    ("POST", "/tickets/{number}/merge", {"into": "GD\x00"}),
    ("POST", "/tickets/{number}/suspend", {"reason": "r\x00", "until": "9999-12-31T23:59:59+00:00"}),
    ("POST", "/tickets/{number}/suspend", {"reason": "r", "until": "9999-12-31T23:59:59-12:00"}),
    ("POST", "/tickets/{number}/accept", {"promise_at": "0001-01-01T00:00:00+14:00"}),
    ("POST", f"/tickets/{{number}}/messages/{HUGE}/cancel", {}),
    ("POST", "/classify", {"text": "\x00\ud800"}),
    ("GET", "/tickets/GD%00", {}),
    ("GET", f"/followers/{HUGE}", {}),
    ("GET", f"/followers/{HUGE}/messages", {}),
    ("GET", f"/attachments/{HUGE}", {}),
    ("GET", "/tickets?q=%00", {}),
    ("GET", "/tickets?q=%ED%A0%80", {}),
    ("GET", "/tickets?assignee=%00&department=%00&account=%00&category=%00", {}),
    ("GET", "/sla/explain?category=inquiry&priority=normal&at=9999-12-31T23:59:59Z", {}),
    ("GET", "/sla/explain?category=inquiry&priority=normal&at=0001-01-01T00:00:00%2B14:00", {}),
    ("GET", "/sla/explain?category=complaint&priority=normal&at=1900-01-01T00:00:00Z", {}),
]


@pytest.mark.parametrize("place", range(len(STRANGE)))
def test_what_no_database_can_hold_is_never_our_mistake(rig: Rig, place: int) -> None:
    method, path, body = STRANGE[place]
    before, api = rig.output.stat().st_size, rig.api("root")

    answer = api.session.request(method, api.base + path.format(number=shared(rig)), json=body or None, timeout=20)

    assert answer.status_code < 500, answer.text
    assert b"Traceback" not in rig.output.read_bytes()[before:]


def test_many_who_work_on_one_ticket_while_its_follower_writes_all_get_through(rig: Rig) -> None:
    phone = rig.phone()
    number = phone.opens("请问怎么退订？")
    people = ["dispatcher", "supervisor", "root"]

    def work(username: str) -> list[int]:
        api = rig.api(username)
        said = [
            api.attempt(number, "note", text=f"{username}的备注"),
            api.attempt(number, "reply", text=PHONED, kind="interim", via="phone"),
            api.attempt(number, "classify", category="suggestion", reason=REASON),
            api.attempt(number, "classify", category="complaint", reason=REASON),
            api.attempt(number, "assign", assignee=username),
        ]
        return [status for status, _ in said]

    with ThreadPoolExecutor(len(people) * 2 + 2) as threads:
        writing = [threads.submit(phone.says, f"第{n}句：请尽快处理", copies=2) for n in range(8)]
        statuses = [status for said in threads.map(work, people * 2) for status in said]
        assert [push.result()["state"] for push in writing] == ["handled"] * 8

    api = rig.api("root")
    assert set(statuses) == {200, 201}
    assert len(api.messages(number, "inbound")) == 9
    assert len(api.messages(number, "note")) == len(people) * 2
    versions = api.ticket(number)["version"]
    assert versions >= 1 + len(statuses)
