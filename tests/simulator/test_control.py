"""The control API: faults strike where and as often as they are told, and everything can be looked at and set back."""

import pytest
import requests
from simulator_rig import PATIENCE, Simulator, Start, Webhook, make_account

SEND = "message/custom/send"


def fault(simulator: Simulator, kind: str, **values: object) -> dict:
    """Put a fault in force at custom/send."""
    return simulator.control("/faults", {"endpoint": SEND, "kind": kind, **values})


@pytest.fixture
def openid(simulator: Simulator) -> str:
    """A follower who has just written."""
    found = simulator.openid()
    simulator.say(found, text="在吗")
    return found


def raw_send(simulator: Simulator, openid: str, timeout: float = PATIENCE) -> requests.Response:
    """One custom/send with a patience of our own."""
    token = simulator.stable_token()["access_token"]
    body = f'{{"touser":"{openid}","msgtype":"text","text":{{"content":"hi"}}}}'
    url = f"{simulator.base}/cgi-bin/{SEND}?access_token={token}"
    return requests.post(url, data=body.encode(), timeout=timeout)


@pytest.mark.parametrize("errcode", [-1, 40001, 45015, 45047, 45011])
def test_an_errcode_strikes_as_often_as_told_and_delivers_nothing(
    simulator: Simulator, openid: str, errcode: int
) -> None:
    fault(simulator, "errcode", value=errcode, times=2)

    codes = [simulator.send(openid)["errcode"] for _ in range(3)]

    assert codes == [errcode, errcode, 0]
    assert len(simulator.transcript(openid, kind="reply")) == 1


def test_html_with_200_and_a_server_error(simulator: Simulator, openid: str) -> None:
    fault(simulator, "html", times=1)
    fault(simulator, "http", value=502, times=1)

    html, error = raw_send(simulator, openid), raw_send(simulator, openid)

    assert (html.status_code, error.status_code) == (200, 502)
    assert html.text.startswith("<html>")
    assert error.headers["Content-Type"].startswith("text/html")


def test_a_time_out_leaves_the_message_unsent(simulator: Simulator, openid: str) -> None:
    fault(simulator, "timeout", times=1)

    with pytest.raises(requests.Timeout):
        raw_send(simulator, openid, timeout=0.2)

    assert simulator.transcript(openid, kind="reply") == []


def test_a_message_is_delivered_though_its_answer_is_lost(simulator: Simulator, openid: str) -> None:
    fault(simulator, "drop_after_accept", times=1)

    with pytest.raises(requests.Timeout):
        raw_send(simulator, openid, timeout=0.5)

    replies = simulator.transcript(openid, kind="reply", wait="true")
    assert [entry["text"] for entry in replies] == ["hi"]


def test_a_lost_answer_of_no_seconds_is_a_broken_connection(simulator: Simulator, openid: str) -> None:
    fault(simulator, "drop_after_accept", value=0, times=1)

    with pytest.raises(requests.ConnectionError):
        raw_send(simulator, openid)

    assert len(simulator.transcript(openid, kind="reply")) == 1


def test_latency_delays_and_then_answers(simulator: Simulator, openid: str) -> None:
    fault(simulator, "latency", value=0.2, times=1)

    answer = raw_send(simulator, openid)

    assert answer.json()["errcode"] == 0
    assert answer.elapsed.total_seconds() >= 0.2


def test_probability_decides_by_chance(start: Start) -> None:
    draws = iter([0.9, 0.1, 0.9])
    simulator = start(chance=lambda: next(draws))
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    token = simulator.stable_token()["access_token"]
    fault(simulator, "errcode", value=-1, probability=0.5)

    assert [simulator.send(openid, token=token)["errcode"] for _ in range(3)] == [0, -1, 0]


def test_a_fault_can_be_for_one_account_and_be_removed(start: Start) -> None:
    simulator = start(accounts=(make_account(), make_account(slug="two", app_id="wx2", app_secret="secret-2")))
    simulator.control("/faults", {"endpoint": "*", "kind": "errcode", "value": -1, "account": "two"})

    during = (simulator.stable_token().get("errcode"), simulator.stable_token(appid="wx2")["errcode"])
    removed = requests.delete(f"{simulator.base}/_control/faults", timeout=PATIENCE).json()["removed"]

    assert during == (None, -1)
    assert removed == 1
    assert simulator.stable_token(appid="wx2", secret="secret-2")["expires_in"] == 7200


def test_a_fault_that_could_never_happen_is_refused(simulator: Simulator) -> None:
    unknown = simulator.post("/_control/faults", {"endpoint": SEND, "kind": "earthquake"})
    without_value = simulator.post("/_control/faults", {"endpoint": SEND, "kind": "errcode"})

    assert (unknown.status_code, without_value.status_code) == (422, 422)
    assert "drop_after_accept" in unknown.json()["error"]


def test_tokens_can_be_killed_and_run_out(simulator: Simulator, openid: str) -> None:
    token = simulator.stable_token()["access_token"]
    simulator.control("/accounts/main/tokens/kill")
    killed = simulator.send(openid, token=token)["errcode"]
    token = simulator.stable_token()["access_token"]
    simulator.control("/accounts/main/tokens/expire")

    assert killed == 40001
    assert simulator.send(openid, token=token)["errcode"] == 42001
    assert simulator.send(openid)["errcode"] == 0


def test_calls_are_counted_without_their_tokens(simulator: Simulator, openid: str) -> None:
    fault(simulator, "errcode", value=45047, times=1)
    token = simulator.stable_token()["access_token"]
    simulator.send(openid, token=token)
    simulator.send(openid, token=token)

    answer = simulator.get("/_control/calls", endpoint=SEND)

    assert answer.json()["counts"] == {SEND: 2, "stable_token": 1}
    calls = [(call["errcode"], call["fault"], call["openid"]) for call in answer.json()["calls"]]
    assert calls == [(0, "", openid), (45047, "errcode", openid)]
    assert token not in answer.text


def test_advancing_the_clock_moves_windows_but_not_pushes(simulator: Simulator, openid: str, webhook: Webhook) -> None:
    simulator.control("/clock", {"advance_seconds": 48 * 3600})

    closed = simulator.send(openid)["errcode"]
    push = simulator.say(openid, text="两天后")

    assert closed == 45015
    assert f"<CreateTime>{int(simulator.clock.now)}</CreateTime>" in push["xml"]
    assert webhook.received[-1].query["timestamp"] == str(int(simulator.clock.now))


def test_a_window_can_be_set(simulator: Simulator, openid: str) -> None:
    simulator.control(f"/followers/{openid}/window", {"remaining": 1})
    codes = [simulator.send(openid)["errcode"] for _ in range(2)]
    simulator.control(f"/followers/{openid}/window", {"seconds": -1})

    assert codes == [0, 45047]
    assert simulator.send(openid)["errcode"] == 45015


def test_an_account_registered_at_run_time_can_be_used_and_changed(simulator: Simulator, webhook: Webhook) -> None:
    values = {"slug": "late", "app_id": "wx9", "app_secret": "s9", "token": "t9", "mode": "plain", "name": "后来的"}
    simulator.control("/accounts", values)
    account = simulator.control("/accounts", values | {"webhook_url": webhook.url, "original_id": "gh_late"})
    openid = account["followers"][0]["openid"]

    push = simulator.say(openid, text="你好")

    assert push["state"] == "handled"
    assert "gh_late" in webhook.received[0].body
    assert "s9" not in str(account)
    assert simulator.stable_token(appid="wx9", secret="s9")["expires_in"] == 7200


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"slug": "x"}, "app_id"),
        ({"slug": "x", "app_id": "a", "app_secret": "b", "token": "c", "mode": "loud"}, "plain compat safe"),
        ({"slug": "x", "app_id": "a", "app_secret": "b", "token": "c", "aes_key": "short"}, "43"),
        ({"slug": "x", "app_id": "wx0000000000000001", "app_secret": "b", "token": "c", "mode": "plain"}, "another"),
        ({"slug": "x", "colour": "red"}, "colour"),
    ],
)
def test_an_account_that_cannot_work_is_refused_with_the_reason(simulator: Simulator, values: dict, word: str) -> None:
    answer = simulator.post("/_control/accounts", values)

    assert answer.status_code == 422
    assert word in answer.json()["error"]


def test_followers_can_be_added_with_an_openid_of_ones_own(simulator: Simulator) -> None:
    rows = [
        {"account": "main", "name": "孙老师", "openid": "oSun0000000000000000000000001"},
        {"account": "main", "name": "钱"},
    ]

    added = simulator.control("/followers", {"followers": rows})["followers"]
    again = simulator.control("/followers", rows[0])

    assert [row["name"] for row in added] == ["孙老师", "钱"]
    assert [len(row["openid"]) for row in added] == [29, 28]
    assert again["openid"] == added[0]["openid"]


def test_a_transcript_can_be_waited_for(simulator: Simulator, openid: str) -> None:
    simulator.send(openid)

    entries = simulator.transcript(openid, kind="reply", wait="true", count=1)
    none = simulator.transcript(openid, after=entries[0]["id"], wait="true", timeout=0.05)

    assert [entry["kind"] for entry in entries] == ["reply"]
    assert none == []


def test_saving_the_webhook_asks_for_an_echo(simulator: Simulator) -> None:
    assert simulator.control("/accounts/main/verify") == {"ok": True, "status": 200}


def test_reset_forgets_all_but_the_configured_accounts(simulator: Simulator, openid: str) -> None:
    token = simulator.stable_token()["access_token"]
    simulator.control("/accounts", {"slug": "x", "app_id": "a", "app_secret": "b", "token": "c", "mode": "plain"})
    fault(simulator, "html")

    simulator.control("/reset")

    assert [account["slug"] for account in simulator.get("/_control/accounts").json()["accounts"]] == ["main"]
    assert simulator.transcript(openid) == []
    assert simulator.send(openid, token=token)["errcode"] == 40001


def test_a_page_of_another_site_cannot_steer_the_simulator(simulator: Simulator) -> None:
    foreign = simulator.post("/_control/reset", {}, headers={"Origin": "https://example.com"})
    own = simulator.post("/_control/reset", {}, headers={"Origin": simulator.base})

    assert (foreign.status_code, own.status_code) == (403, 200)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/followers/nobody/say", {"text": "hi"}, 404),
        ("/followers/{openid}/say", {"type": "dance"}, 422),
        ("/followers/{openid}/say", {"type": "text"}, 422),
        ("/followers/{openid}/say", {"text": "x", "copies": 51}, 422),
        ("/followers/{openid}/say", {"type": "image", "data": "JVBERi0="}, 422),
        ("/followers/{openid}/say", {"type": "location", "latitude": "north"}, 422),
        ("/followers", {"account": "nowhere"}, 404),
        ("/clock", {"advance_seconds": "soon"}, 422),
    ],
)
def test_a_mistake_in_a_request_is_named(simulator: Simulator, openid: str, path: str, body: dict, status: int) -> None:
    answer = simulator.post("/_control" + path.format(openid=openid), body)

    assert answer.status_code == status
    assert answer.json()["error"]
