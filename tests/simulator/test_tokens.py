"""Access tokens as an account's program meets them: two kinds, their lifetimes, and who is refused."""

import pytest
import requests
from simulator_rig import CREDENTIALS, PATIENCE, Simulator, Start, info, make_account


def ordinary_token(simulator: Simulator) -> str:
    """A token of the old kind."""
    return simulator.get("/cgi-bin/token", **CREDENTIALS).json()["access_token"]


def test_the_stable_token_stays_the_same_until_its_last_five_minutes(simulator: Simulator) -> None:
    first = simulator.stable_token()
    simulator.clock.now += 6899
    same = simulator.stable_token()
    simulator.clock.now += 2
    new = simulator.stable_token()

    assert (first["expires_in"], same["expires_in"], new["expires_in"]) == (7200, 301, 7200)
    assert first["access_token"] == same["access_token"] != new["access_token"]
    assert info(simulator, first["access_token"])["subscribe"] == 1


def test_a_forced_refresh_kills_the_token_before(simulator: Simulator) -> None:
    before = simulator.stable_token()["access_token"]

    after = simulator.stable_token(force_refresh=True)["access_token"]

    assert info(simulator, before)["errcode"] == 40001
    assert info(simulator, after)["subscribe"] == 1
    assert simulator.stable_token(force_refresh=True)["errcode"] == 45011


def test_forcing_has_a_daily_limit(start: Start) -> None:
    simulator = start(forced_refreshes_a_day=2)
    codes = []
    for _ in range(3):
        codes.append(simulator.stable_token(force_refresh=True).get("errcode"))
        simulator.clock.now += 31

    assert codes == [None, None, 45009]


def test_an_ordinary_token_outlives_its_renewal_by_five_minutes(simulator: Simulator) -> None:
    first, second = ordinary_token(simulator), ordinary_token(simulator)
    simulator.clock.now += 299
    still = info(simulator, first)
    simulator.clock.now += 1
    gone = info(simulator, first)

    assert still["subscribe"] == 1
    assert gone["errcode"] == 40001
    assert info(simulator, second)["subscribe"] == 1


def test_the_two_kinds_of_token_leave_each_other_alone(simulator: Simulator) -> None:
    stable = simulator.stable_token()["access_token"]
    ordinary_token(simulator)
    ordinary = ordinary_token(simulator)
    simulator.stable_token(force_refresh=True)

    assert info(simulator, ordinary)["subscribe"] == 1
    assert info(simulator, stable)["errcode"] == 40001


def test_a_token_that_ran_out_is_told_from_a_dead_and_from_a_wrong_one(simulator: Simulator) -> None:
    token = simulator.stable_token()["access_token"]
    simulator.clock.now += 7200
    expired = info(simulator, token)["errcode"]

    assert expired == 42001
    assert info(simulator, "")["errcode"] == 41001
    assert info(simulator, "abc")["errcode"] == 40014
    assert info(simulator, "SIM_" + "x" * 132)["errcode"] == 40001


REFUSED_APPLICATIONS = [
    ({"grant_type": "authorization_code"}, 40002),
    ({"appid": ""}, 41002),
    ({"secret": ""}, 41004),
    ({"appid": "wx9"}, 40013),
    ({"secret": "wrong"}, 40125),
]


@pytest.mark.parametrize(("change", "errcode"), REFUSED_APPLICATIONS)
def test_a_wrong_application_for_a_token_is_refused(simulator: Simulator, change: dict, errcode: int) -> None:
    assert simulator.stable_token(**change)["errcode"] == errcode
    assert simulator.get("/cgi-bin/token", **(CREDENTIALS | change)).json()["errcode"] == errcode


def test_a_caller_outside_the_ip_list_is_named(start: Start) -> None:
    simulator = start(account=make_account(ip_list=("203.0.113.7",)))

    answer = simulator.stable_token()

    assert answer["errcode"] == 40164
    assert "127.0.0.1" in answer["errmsg"]


def test_errors_are_200_json_with_a_request_id(simulator: Simulator) -> None:
    answer = simulator.post("/cgi-bin/stable_token", CREDENTIALS | {"secret": "wrong"})

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert len(answer.json()["errmsg"].partition(" rid: ")[2]) == 26


def test_wrong_methods_bodies_and_paths_have_their_codes(simulator: Simulator) -> None:
    url = f"{simulator.base}/cgi-bin/stable_token"

    assert simulator.get("/cgi-bin/stable_token").json()["errcode"] == 43002
    assert simulator.post("/cgi-bin/token").json()["errcode"] == 43001
    assert simulator.post("/cgi-bin/stable_token").json()["errcode"] == 44002
    assert requests.post(url, data=b"{oops", timeout=PATIENCE).json()["errcode"] == 47001
    assert simulator.get("/cgi-bin/nothing/here").json()["errcode"] == 40066
