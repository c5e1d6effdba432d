"""The API as programs rely on it: lists with filters and pages, problems as problems, its own description."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from scenario_clients import Api, Json
from scenario_processes import eventually
from scenario_rig import Rig

TICKETS = 17
PAGE = 5
LISTED = "lists"  # an account of its own, so that nobody else's tickets are in these lists
REASON = "测试"
PHONED = "已致电王女士，说明了处理结果"


@pytest.fixture(scope="module")
def listed(rig: Rig) -> list[str]:
    """Numbers of tickets in many states; some of one second, some overdue."""
    now, day = int(time.time()), 86_400
    sent = [now - 40 * day - (place // 4) * 60 if place % 5 == 0 else now - place // 4 for place in range(TICKETS)]
    phones = rig.phones(TICKETS, LISTED)
    with ThreadPoolExecutor(4) as threads:
        numbers = list(threads.map(lambda p, at: p.opens(f"第{at % 7}号窗口的发票问题", create_time=at), phones, sent))
    api = rig.api("supervisor")
    for place, number in enumerate(numbers):
        category = ("complaint", "inquiry", "praise")[place % 3]
        api.act(number, "classify", category=category, priority=("low", "urgent")[place % 2], reason=REASON)
        if place % 4 == 1:
            rig.api("root").act(number, "accept")
        if place % 4 == 2:
            rig.api("root").reply(number, PHONED, "final", via="phone")
    # from here on nothing changes by itself
    eventually(lambda: all(api.ticket(numbers[place])["overdue"] for place in (0, 15)), what="the old ones overdue")
    return numbers


def walk(api: Api, **query: object) -> list[list[Json]]:
    """Every page of a list."""
    pages, cursor = [], None
    while True:
        page = api.get("/tickets", account=LISTED, limit=PAGE, cursor=cursor, **query).json()
        pages.append(page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize("sort", ["-received", "received", "due", "updated"])
def test_pages_have_no_gaps_and_no_repeats(rig: Rig, listed: list[str], sort: str) -> None:
    pages = walk(rig.api("supervisor"), sort=sort)

    assert len(pages) == 4
    assert [len(page) for page in pages[:3]] == [PAGE] * 3
    assert sorted(ticket["number"] for page in pages for ticket in page) == sorted(listed)


def test_lists_are_sorted_as_asked(rig: Rig, listed: list[str]) -> None:
    api = rig.api("supervisor")

    newest, oldest = walk(api), walk(api, sort="received")
    due = [ticket for page in walk(api, sort="due") for ticket in page]

    received = [ticket["received_at"] for page in newest for ticket in page]
    assert received == sorted(received, reverse=True)
    assert [t["received_at"] for page in oldest for t in page] == sorted(received)
    dues = [min(owed, default="~") for owed in map(owed_by, due)]
    assert dues == sorted(dues)


def owed_by(ticket: Json) -> list[str]:
    """Due times of the clocks that are not met."""
    return [clock["due_at"] for clock in ticket["clocks"].values() if clock["state"] in ("running", "breached")]


def test_a_page_stays_whole_while_new_tickets_come_in(rig: Rig, listed: list[str]) -> None:
    api = rig.api("supervisor")
    first = api.get("/tickets", account=LISTED, limit=PAGE).json()

    listed.append(rig.phone(LISTED).opens("刚刚又来了一个人"))
    api.act(listed[-1], "classify", category="inquiry", priority="low", reason=REASON)
    rest = api.get("/tickets", account=LISTED, limit=200, cursor=first["next_cursor"]).json()

    numbers = [ticket["number"] for page in (first, rest) for ticket in page["items"]]
    assert sorted(numbers) == sorted(listed[:-1])
    assert api.get("/tickets", account=LISTED, limit=1).json()["items"][0]["number"] == listed[-1]


FILTERS = [
    {"status": "pending_acceptance"},
    {"status": ["in_progress", "answered"]},
    {"category": "complaint"},
    {"priority": "urgent"},
    {"department": "KFB"},
    {"assignee": "root"},
    {"assignee": "none"},
    {"overdue": "true"},
    {"overdue": "false"},
    {"category": "inquiry", "priority": "low"},
]


def fits(ticket: Json, wanted: dict[str, object]) -> bool:
    for name, value in wanted.items():
        found = str(ticket[name]).lower() if name == "overdue" else ticket[name] or "none"
        if found not in ([value] if isinstance(value, str) else value):  # type: ignore[operator]
            return False
    return True


def all_and_those(rig: Rig, wanted: dict[str, object]) -> tuple[list[Json], list[Json]]:
    """All tickets and the filtered ones, at a moment in which the workers changed nothing in between."""
    before: list[Json] = []
    for _ in range(50):
        found = [ticket for page in walk(rig.api("supervisor"), **wanted) for ticket in page]
        everything = [ticket for page in walk(rig.api("supervisor")) for ticket in page]
        if everything == before:
            return everything, found
        before = everything
    raise AssertionError("the tickets never stand still")


@pytest.mark.parametrize("wanted", FILTERS, ids=str)
def test_a_filter_gives_what_fits_and_all_of_it(rig: Rig, listed: list[str], wanted: dict[str, object]) -> None:
    everything, found = all_and_those(rig, wanted)

    assert found == [ticket for ticket in everything if fits(ticket, wanted)]
    assert 0 < len(found) < len(everything)


def test_mine_are_mine(rig: Rig, listed: list[str]) -> None:
    mine = [ticket for page in walk(rig.api("root"), assignee="me") for ticket in page]

    assert {ticket["assignee"] for ticket in mine} == {"root"}
    assert walk(rig.api("supervisor"), assignee="me") == [[]]


def test_tickets_are_found_by_number_and_by_words(rig: Rig, listed: list[str]) -> None:
    api = rig.api("supervisor")

    by_number = api.get("/tickets", q=listed[3]).json()["items"]
    by_words = api.get("/tickets", q="号窗口的发票", account=LISTED, limit=200).json()["items"]
    by_nothing = api.get("/tickets", q="100%_", account=LISTED).json()["items"]

    assert [ticket["number"] for ticket in by_number] == [listed[3]]
    assert sorted(ticket["number"] for ticket in by_words) == sorted(listed[:TICKETS])
    assert by_nothing == []


def cursor(text: str) -> str:
    """A forged place in a list."""
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 201}, {"limit": "many"}, {"sort": "sideways"}, {"status": "lost"}, {"cursor": "x"},
        {"priority": "extreme"}, {"overdue": "perhaps"}, {"colour": "red"}, {"cursor": cursor("2026 abc")},
        {"cursor": cursor(" 7")}, {"cursor": cursor("0001-01-01T00:00:00+14:00 7")}, {"cursor": "é"},
        {"cursor": cursor("2026-11-20T00:00:00+00:00 " + "9" * 30)}, {"q": "x" * 101},
    ],
    ids=str,
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(rig: Rig, query: dict[str, object]) -> None:
    answer = rig.api("supervisor").get("/tickets", **query)

    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_list_of_an_unknown_department_or_account_is_empty(rig: Rig) -> None:
    for query in ({"department": "XXX"}, {"account": "nobody"}, {"assignee": "nobody"}, {"category": "gossip"}):
        answer = rig.api("supervisor").get("/tickets", **query)
        assert answer.status_code in (200, 422), query
        assert answer.json().get("items", []) == []


def problem(answer: requests.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    found: Json = answer.json()
    assert found["status"] == status
    assert {"type", "title", "code", "detail"} <= found.keys()
    assert found["detail"]
    return found


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer ", "Basic cm9vdDpyb290"], ids=str)
def test_without_a_good_token_it_is_a_401(rig: Rig, authorization: str) -> None:
    for method, path in (("GET", "/tickets"), ("POST", "/tickets/GD20261120-0001/accept"), ("GET", "/followers/1")):
        answer = requests.request(
            method,
            f"{rig.url}/api/v1{path}",
            headers={"Authorization": authorization} if authorization else {},
            timeout=10,
        )
        assert problem(answer, 401)["code"] == "unauthorized"


def test_everything_that_goes_wrong_below_api_is_a_problem_document(rig: Rig) -> None:
    api = rig.api("supervisor")
    number = rig.phone().opens("请问怎么退订？")
    broken = api.session.post(f"{api.base}/tickets/{number}/note", data=b'{"text": ', timeout=10)
    listed = api.session.post(f"{api.base}/tickets/{number}/note", data=b"[1]", timeout=10)

    problem(api.get("/nowhere"), 404)
    problem(api.session.get(rig.url + "/api/v2/tickets", timeout=10), 404)
    problem(api.session.delete(f"{api.base}/tickets", timeout=10), 405)
    problem(api.post("/tickets/GD20000101-0001/accept"), 404)
    problem(rig.api("auditor").get("/tickets"), 403)
    assert broken.status_code in (400, 422)
    problem(broken, broken.status_code)
    problem(listed, 422)
    problem(api.post(f"/tickets/{number}/resume"), 409)
    problem(api.post(f"/tickets/{number}/messages/999999/cancel"), 404)
    assert api.messages(number, "note") == []


ACTIONS = (
    "accept reply ask note messages/{}/send-again messages/{}/cancel classify assign transfer suspend resume "
    "follow-up close reopen merge decline withdraw invalid"
)
READINGS = (
    "/tickets /tickets/{} /tickets/{}/messages /tickets/{}/events /tickets/{}/explain /sla/explain /followers/{} "
    "/followers/{}/messages"
)
CONTRACT = {
    "get": READINGS.split(),
    "post": ["/classify", *(f"/tickets/{{}}/{action}" for action in ACTIONS.split())],
}


def test_the_description_is_openapi_and_names_every_route_of_the_contract(rig: Rig) -> None:
    description = requests.get(f"{rig.url}/api/v1/openapi.json", timeout=10).json()

    assert description["openapi"].startswith("3.")
    paths = {bare(path): operations for path, operations in description["paths"].items()}
    missing = [
        (method, route) for method, routes in CONTRACT.items() for route in routes
        if method not in paths.get(f"/api/v1{route}", {})
    ]  # fmt: skip
    assert missing == []
    schemas = description["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(description)} <= schemas.keys()


def bare(path: str) -> str:
    """The path with its parameters' names taken out."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {str(node["$ref"])} if "$ref" in node else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_messages_and_events_come_in_pages_ascending(rig: Rig) -> None:
    api, phone = rig.api("supervisor"), rig.phone()
    number = phone.opens("请问怎么退订？")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: api.act(number, "note", text=f"备注{n}"), range(210)))

    first = api.get(f"/tickets/{number}/messages").json()
    second = api.get(f"/tickets/{number}/messages", cursor=first["next_cursor"]).json()
    events = api.get(f"/tickets/{number}/events").json()

    assert (len(first["items"]), len(second["items"]), second["next_cursor"]) == (200, 11, None)
    texts = [message["text"] for message in first["items"] + second["items"]]
    assert sorted(texts[1:]) == sorted(f"备注{n}" for n in range(210))
    at = [message["at"] for message in first["items"] + second["items"]]
    assert at == sorted(at)
    assert len(events["items"]) == 200
    assert events["next_cursor"]


def test_times_carry_an_offset_and_the_classifier_answers_programs_too(rig: Rig) -> None:
    api = rig.api("auditor")

    explained = api.get("/sla/explain", category="inquiry", priority="normal", at="2026-02-13T17:45:00+08:00").json()
    verdict = api.post("/classify", {"text": "我要投诉你们的客服态度恶劣"}).json()

    assert explained["clocks"]["accept"]["due_at"].endswith("+08:00")
    assert explained["clocks"]["accept"]["steps"]
    assert verdict["category"] == "complaint"
    assert {"category", "priority", "confidence", "triage", "because"} <= verdict.keys()
