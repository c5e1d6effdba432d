"""Knobs turned while it runs, limits of calls, and what an operator made in the console."""

import threading

import pytest
from simulator_rig import Received, Simulator, Start, Webhook, info, make_account

TWO = (make_account(), make_account(slug="two", app_id="wx2", app_secret="secret-2"))


def turn(simulator: Simulator, account: str = "main", **values: object) -> dict:
    """Turn knobs of one account, or of everybody for an empty slug."""
    return simulator.control(f"/accounts/{account}/knobs" if account else "/knobs", values)


def test_a_knob_of_one_account_leaves_the_other_alone(start: Start) -> None:
    simulator = start(accounts=TWO)
    turn(simulator, text_limit_bytes=3)
    own, other = simulator.openid(), simulator.openid(account=1)
    token = simulator.stable_token(appid="wx2", secret="secret-2")["access_token"]
    for openid in (own, other):
        simulator.say(openid, text="在吗")

    assert simulator.send(own)["errcode"] == 45002
    assert simulator.send(other, token=token)["errcode"] == 0


def test_null_gives_an_account_everybodys_setting_again(simulator: Simulator) -> None:
    turn(simulator, text_limit_bytes=3)
    turn(simulator, account="", text_limit_bytes=100)
    before = simulator.get("/_control/knobs").json()

    after = turn(simulator, text_limit_bytes=None)["knobs"]["text_limit_bytes"]

    assert (before["knobs"]["text_limit_bytes"], before["accounts"]["main"]) == (100, {"text_limit_bytes": 3})
    assert after == 100


def test_reset_turns_every_knob_back(simulator: Simulator) -> None:
    turn(simulator, account="", window_model="cumulative")
    turn(simulator, snapshot_user=True)
    simulator.control("/reset")

    found = simulator.get("/_control/knobs").json()

    assert found["knobs"]["window_model"] == "max"
    assert found["accounts"]["main"] == {}


@pytest.mark.parametrize(
    "values",
    [
        {"unknown": 1},
        {"window_model": "magic"},
        {"text_limit_bytes": "many"},
        {"snapshot_user": 1},
        {"push_attempts": -1},
        {"token_lifetime": 5},
        {"kind": "magic"},
    ],
)
def test_a_knob_that_cannot_be_turned_so_is_a_mistake_and_changes_nothing(simulator: Simulator, values: dict) -> None:
    answer = simulator.post("/_control/accounts/main/knobs", values)

    assert answer.status_code == 422
    assert simulator.get("/_control/knobs").json()["accounts"]["main"] == {}


@pytest.mark.parametrize(("recognition", "node"), [("empty", ""), ("filled", "灯坏了"), ("absent", None)])
def test_recognition_is_absent_empty_or_filled(simulator: Simulator, recognition: str, node: str | None) -> None:
    turn(simulator, recognition=recognition, recognition_text="灯坏了")

    document = simulator.say(simulator.openid(), type="voice")["xml"]

    assert ("<Recognition>" in document) == (node is not None)
    assert node is None or f"<Recognition><![CDATA[{node}]]></Recognition>" in document


def test_the_window_model_can_change_while_it_runs(simulator: Simulator) -> None:
    openid = simulator.openid()
    turn(simulator, window_model="cumulative")
    simulator.say(openid, text="一")
    for _ in range(5):
        simulator.send(openid)
    simulator.say(openid, text="二")
    spent = simulator.send(openid)["errcode"]
    turn(simulator, window_model="max")
    simulator.say(openid, text="三")

    assert (spent, simulator.send(openid)["errcode"]) == (45047, 0)


def test_fewer_attempts_where_a_knob_says_so(simulator: Simulator, webhook: Webhook) -> None:
    turn(simulator, push_attempts=2)
    webhook.answers += [500, 500, 500]

    assert len(simulator.say(simulator.openid(), text="在吗")["attempts"]) == 2


def test_an_attempt_may_begin_while_the_one_before_still_runs(simulator: Simulator, webhook: Webhook) -> None:
    turn(simulator, push_overlap=True, push_spacing=0.05)
    second_came = threading.Event()

    def slow(received: Received) -> tuple[int, bytes]:
        assert second_came.wait(10)
        return 500, b""

    def quick(received: Received) -> tuple[int, bytes]:
        second_came.set()
        return 200, b"success"

    webhook.answers += [slow, quick]
    push = simulator.say(simulator.openid(), text="在吗")

    assert push["state"] == "handled"
    assert sorted(attempt["status"] for attempt in push["attempts"]) == [200, 500]


def test_attempts_that_answer_badly_in_time_are_repeated_until_the_end(simulator: Simulator, webhook: Webhook) -> None:
    turn(simulator, push_overlap=True, push_spacing=0.01)
    webhook.answers += [500, 500, 500]

    push = simulator.say(simulator.openid(), text="在吗")

    assert (push["state"], len(push["attempts"])) == ("failed", 3)


def test_an_account_that_loses_its_certification_may_not_send(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    turn(simulator, certified=False)
    refused = simulator.send(openid)["errcode"]
    turn(simulator, certified=True)

    assert (refused, simulator.send(openid)["errcode"]) == (48001, 0)


def test_an_address_that_is_not_listed_gets_no_token(simulator: Simulator) -> None:
    turn(simulator, ip_list=["10.0.0.1"])

    answer = simulator.stable_token()

    assert answer["errcode"] == 40164
    assert "127.0.0.1" in answer["errmsg"]


def test_a_storm_strikes_all_but_the_token_endpoints(simulator: Simulator) -> None:
    simulator.control("/faults", {"endpoint": "api", "kind": "errcode", "value": 40001})

    token = simulator.stable_token()["access_token"]

    assert [info(simulator, token)["errcode"] for _ in range(3)] == [40001] * 3


def test_a_token_may_die_after_some_calls(simulator: Simulator) -> None:
    turn(simulator, token_dies_after=2)
    token = simulator.stable_token()["access_token"]
    codes = [info(simulator, token).get("errcode") for _ in range(3)]

    assert codes == [None, None, 40001]
    assert simulator.stable_token()["access_token"] != token


def test_a_day_has_so_many_calls_and_a_clearing_begins_anew(simulator: Simulator) -> None:
    turn(simulator, daily_limits={"user/info": 2})
    token = simulator.stable_token()["access_token"]
    codes = [info(simulator, token).get("errcode") for _ in range(3)]
    quota = simulator.api("openapi/quota/get", {"cgi_path": "/cgi-bin/user/info"})["quota"]
    cleared = simulator.api("clear_quota", {"appid": simulator.app_id})["errcode"]
    after = info(simulator, token).get("errcode")
    info(simulator, token)
    simulator.clock.now += 86_400
    fresh = simulator.stable_token()["access_token"]

    assert codes == [None, None, 45009]
    assert quota == {"daily_limit": 2, "used": 2, "remain": 0}
    assert (cleared, after) == (0, None)
    assert info(simulator, fresh).get("errcode") is None


def test_a_minute_has_so_many_calls(simulator: Simulator) -> None:
    turn(simulator, minute_limit=1)
    token = simulator.stable_token()["access_token"]
    codes = [info(simulator, token).get("errcode") for _ in range(2)]
    simulator.clock.now += 60

    assert codes == [None, 45011]
    assert info(simulator, token).get("errcode") is None


def test_ten_clearings_in_a_month(simulator: Simulator) -> None:
    codes = [simulator.api("clear_quota", {"appid": simulator.app_id})["errcode"] for _ in range(11)]

    assert codes == [0] * 10 + [48006]
    assert simulator.api("clear_quota", {"appid": "wx-other"})["errcode"] == 40013


def test_a_path_that_is_none_has_no_quota(simulator: Simulator) -> None:
    assert simulator.api("openapi/quota/get", {"cgi_path": "/cgi-bin/nothing"})["errcode"] == 76021


def test_the_ticket_for_pages_stays_until_its_last_minutes(simulator: Simulator) -> None:
    first = simulator.api("ticket/getticket", type="jsapi")
    simulator.clock.now += 6000
    same = simulator.api("ticket/getticket", type="jsapi")
    simulator.clock.now += 901
    new = simulator.api("ticket/getticket", type="jsapi")

    assert (first["expires_in"], same["expires_in"], new["expires_in"]) == (7200, 1200, 7200)
    assert first["ticket"] == same["ticket"] != new["ticket"]
    assert simulator.api("ticket/getticket", type="magic")["errcode"] == 40097


def test_auto_replies_are_off_until_the_console_has_some(simulator: Simulator) -> None:
    before = simulator.api("get_current_autoreply_info")
    rules = {"is_autoreply_open": 1, "message_default_autoreply_info": {"type": "text", "content": "您好"}}
    simulator.control("/accounts/main/autoreply", rules)

    assert before == {"is_add_friend_reply_open": 0, "is_autoreply_open": 0}
    assert simulator.api("get_current_autoreply_info") == before | rules


def test_addresses_of_the_platform(simulator: Simulator) -> None:
    assert simulator.api("getcallbackip")["ip_list"] == simulator.api("get_api_domain_ip")["ip_list"] == ["127.0.0.1"]


def test_the_figures_tell_what_became_of_all_pushes(simulator: Simulator, webhook: Webhook) -> None:
    webhook.answers += [500]
    simulator.say(simulator.openid(), text="在吗")

    figures = simulator.get("/_control/figures").json()

    assert (figures["pushes"], figures["states"], figures["attempts"]) == (1, {"handled": 1}, 2)
    assert set(figures["answer_ms"]) == {"p50", "p95", "p99", "max"}
    assert figures["shown"] == {"mine": 1}
