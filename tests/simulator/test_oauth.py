"""Who reads a web page: authorize sends the visitor back with a code, and the code is good for one openid, once."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from simulator_rig import PATIENCE, Simulator, Start, make_account

BACK = "http://127.0.0.1:9/my/main/?from=menu"


def visit(simulator: Simulator, browser: requests.Session | None = None, **change: object) -> requests.Response:
    """What authorize answers; parameters in the platform's order, None leaves one out."""
    values: dict[str, object] = {
        "appid": simulator.app_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": "snsapi_base",
        "state": "abc123",
    }
    values |= change
    asked = browser or requests.Session()
    return asked.get(
        f"{simulator.base}/connect/oauth2/authorize", params=values, timeout=PATIENCE, allow_redirects=False
    )


def exchange(simulator: Simulator, code: str, /, **change: object) -> dict:
    """What sns/oauth2/access_token answers."""
    proof = {"appid": simulator.app_id, "secret": simulator.secret, "grant_type": "authorization_code"}
    return simulator.get("/sns/oauth2/access_token", **{"code": code, **proof, **change}).json()


def new_code(simulator: Simulator) -> str:
    """A fresh code of the first follower."""
    return simulator.control(f"/followers/{simulator.openid()}/code")["code"]


def test_a_visitor_who_is_known_goes_back_at_once_with_code_and_state(simulator: Simulator) -> None:
    answer = visit(simulator, openid=simulator.openid(2))

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(BACK + "&code=")
    found = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert found["state"] == ["abc123"]
    told = exchange(simulator, found["code"][0])
    assert (told["openid"], told["scope"], told["expires_in"]) == (simulator.openid(2), "snsapi_base", 7200)
    assert "is_snapshotuser" not in told


def test_an_unknown_visitor_is_asked_once(simulator: Simulator) -> None:
    browser = requests.Session()
    asked = visit(simulator, browser)
    chosen = visit(simulator, browser, openid=simulator.openid(1))
    later = visit(simulator, browser)

    assert asked.status_code == 200
    assert "李先生" in asked.text
    assert (chosen.status_code, later.status_code) == (302, 302)
    code = parse_qs(urlsplit(later.headers["Location"]).query)["code"][0]
    assert exchange(simulator, code)["openid"] == simulator.openid(1)


BAD_VISITS = [
    ({"appid": "wx-nobody"}, "an unknown appid"),
    ({"response_type": "token"}, "a response type that is not code"),
    ({"scope": "snsapi_everything"}, "an unknown scope"),
    ({"redirect_uri": "javascript:alert(1)"}, "no web address"),
    ({"redirect_uri": None}, "nowhere to go back to"),
    ({"state": "a b"}, "a state that is not letters and digits"),
    ({"state": "a" * 129}, "too long a state"),
]


@pytest.mark.parametrize(("change", "why"), BAD_VISITS, ids=[row[1] for row in BAD_VISITS])
def test_a_visit_that_breaks_a_rule_ends_on_a_page_that_says_why(simulator: Simulator, change: dict, why: str) -> None:
    answer = visit(simulator, openid=simulator.openid(), **change)

    assert answer.status_code == 400, why
    assert "无法授权" in answer.text


def test_the_order_of_the_parameters_matters(simulator: Simulator) -> None:
    query = f"redirect_uri={BACK}&appid={simulator.app_id}&response_type=code&scope=snsapi_base&state=a"

    answer = requests.get(f"{simulator.base}/connect/oauth2/authorize?{query}", timeout=PATIENCE)

    assert answer.status_code == 400
    assert "参数顺序" in answer.text


def test_a_domain_that_is_not_registered_and_an_account_without_the_right_are_refused(start: Start) -> None:
    registered = start(account=make_account(oauth_domain="desk.example.com"))
    subscription = start(account=make_account(kind="subscription"))

    assert "10003" in visit(registered, openid=registered.openid()).text
    assert visit(registered, openid=registered.openid(), redirect_uri="https://desk.example.com/my").status_code == 302
    assert "10005" in visit(subscription, openid=subscription.openid()).text


def test_a_code_is_good_once_and_for_five_minutes(simulator: Simulator) -> None:
    code, slow = new_code(simulator), new_code(simulator)
    first, second = exchange(simulator, code), exchange(simulator, code)
    simulator.clock.now += 300

    assert (first["openid"], second["errcode"]) == (simulator.openid(), 40163)
    assert exchange(simulator, slow)["errcode"] == 42003


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"code": "garbage"}, 40029),
        ({"code": ""}, 41008),
        ({"secret": "wrong"}, 40125),
        ({"appid": "wx-nobody"}, 40013),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_an_exchange_that_breaks_a_rule_is_refused(simulator: Simulator, change: dict, errcode: int) -> None:
    assert exchange(simulator, new_code(simulator), **change)["errcode"] == errcode


def test_a_snapshot_user_has_nobodys_openid(simulator: Simulator) -> None:
    simulator.control("/accounts/main/knobs", {"snapshot_user": True})

    told = exchange(simulator, new_code(simulator))

    assert told["is_snapshotuser"] == 1
    assert told["openid"] != simulator.openid()
    assert len(told["openid"]) == 28


def test_the_exchange_needs_no_listed_address(start: Start) -> None:
    simulator = start(account=make_account(ip_list=("10.0.0.1",)))

    assert exchange(simulator, new_code(simulator))["openid"] == simulator.openid()


def test_a_fault_can_strike_the_exchange(simulator: Simulator) -> None:
    simulator.control("/faults", {"endpoint": "sns/oauth2/access_token", "kind": "errcode", "value": -1, "times": 1})
    code = new_code(simulator)

    assert [exchange(simulator, code).get("errcode"), exchange(simulator, code).get("errcode")] == [-1, None]
