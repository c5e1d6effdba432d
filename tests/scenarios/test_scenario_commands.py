"""The `desk` commands beside a running service: what they change holds at once, what is wrong is one line and a 2."""

import json
import os
import re
from dataclasses import replace

import pytest
import requests
from scenario_clients import answered
from scenario_processes import eventually
from scenario_pushes import account, document, push
from scenario_rig import AES_KEY, PASSWORD, Rig, account_options, desk_program, place

HOLDS_WITHIN = 2.0  # seconds, of the contract
WHEN = "2026-02-13T17:45:00+08:00"


def listed(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_new_token_works_at_once_is_all_that_is_printed_and_ends_at_once(rig: Rig) -> None:
    rig.must("user", "add", "temp", *place("agent", "QGB"), typed=PASSWORD)

    token = rig.must("token", "add", "temp")
    works = rig.api_with(token.strip()).get("/tickets").status_code
    (row,) = [row for row in listed(rig.must("token", "list")) if row["username"] == "temp"]
    rig.must("token", "revoke", str(row["id"]))
    afterwards = rig.api_with(token.strip()).get("/tickets").status_code

    assert re.fullmatch(r"\S+\n", token)
    assert (works, afterwards) == (200, 401)
    assert token.strip() not in json.dumps(row)
    assert [row["revoked"] for row in listed(rig.must("token", "list")) if row["username"] == "temp"] == [True]


def test_whoever_is_disabled_is_out_at_once_with_all_tokens(rig: Rig) -> None:
    rig.must("user", "add", "leaver", *place("agent", "QGB"), "--role", "follow_up_agent", typed=PASSWORD)
    api = rig.api_with(rig.must("token", "add", "leaver").strip())
    before = api.get("/tickets").status_code

    rig.must("user", "disable", "leaver")

    assert (before, api.get("/tickets").status_code) == (200, 401)
    (row,) = [row for row in listed(rig.must("user", "list")) if row["username"] == "leaver"]
    assert row["active"] is False
    assert row["roles"] == ["agent", "follow_up_agent"]
    assert (row["department"], "password" in json.dumps(row)) == ("QGB", False)


def sign_in(rig: Rig, username: str, password: str) -> int:
    """Status of the attempt; 302 leads into the desk."""
    with requests.Session() as session:
        page = session.get(rig.url + "/sign-in", timeout=10)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        form = {"username": username, "password": password, "csrf_token": found[1] if found else ""}
        return session.post(rig.url + "/sign-in", data=form, allow_redirects=False, timeout=10).status_code


def test_a_changed_password_replaces_the_old_one_and_leaves_tokens_alone(rig: Rig) -> None:
    rig.must("user", "add", "forgetful", *place("agent", "QGB"), typed=PASSWORD)
    api = rig.api_with(rig.must("token", "add", "forgetful").strip())

    rig.must("user", "password", "forgetful", "--password-stdin", typed="Battery-Staple-8\n")

    assert sign_in(rig, "forgetful", PASSWORD) == 401
    assert sign_in(rig, "forgetful", "Battery-Staple-8") == 302
    assert api.get("/tickets").status_code == 200


def test_a_new_account_takes_pushes_and_a_changed_one_follows_within_two_seconds(rig: Rig) -> None:
    options = [option.replace("tokenofmain", "firsttoken") for option in account_options("main")]
    first, second = (replace(account("main"), slug="shop", token=token) for token in ("firsttoken", "othertoken"))

    def status(sender: object) -> int:
        return push(rig, sender, document("main", "o" * 28, "谢谢")).status_code  # type: ignore[arg-type]

    unknown = status(first)
    rig.must("account", "add", "shop", *options)
    eventually(lambda: status(first) == 200, within=HOLDS_WITHIN, what="the new account is known")
    rig.must("account", "set", "shop", "--token", "-", typed="othertoken\n")
    # each web process has its own copy: all of them have to follow
    eventually(lambda: {status(second) for _ in range(8)} == {200}, within=HOLDS_WITHIN, what="the new token holds")
    old = {status(first) for _ in range(8)}
    rig.must("account", "set", "shop", "--inactive")
    eventually(lambda: {status(second) for _ in range(8)} == {404}, within=HOLDS_WITHIN, what="inactive")

    assert unknown == 404
    assert old == {403}
    (row,) = [row for row in listed(rig.must("account", "list")) if row["slug"] == "shop"]
    assert row["active"] is False
    assert not {"firsttoken", "othertoken", AES_KEY, "secret-of-main"} & set(map(str, row.values()))


def mistakes() -> dict[str, tuple[list[str], str]]:
    """Commands that cannot be right, and what is typed."""
    person = [*place("agent", "QGB")]
    elsewhere = ["--category", "inquiry", "--priority", "normal", "--at"]
    good = account_options("main")
    rows: dict[str, tuple[list[str], str]] = {
        "an unknown command": (["frobnicate"], ""),
        "an unknown option": (["user", "list", "--colour"], ""),
        "a user without options": (["user", "add", "x"], PASSWORD),
        "an unknown role": (["user", "add", "x", *place("king", "QGB")], PASSWORD),
        "an unknown department": (["user", "add", "x", *place("agent", "XXX")], PASSWORD),
        "a weak password": (["user", "add", "x", *person], "12345\n"),
        "no password": (["user", "add", "x", *person], ""),
        "a taken name": (["user", "add", "root", *person], PASSWORD),
        "a name with blanks": (["user", "add", "two words", *person], PASSWORD),
        "nobody to disable": (["user", "disable", "nobody"], ""),
        "the last administrator": (["user", "disable", "root"], ""),
        "nobody's password": (["user", "password", "nobody", "--password-stdin"], PASSWORD),
        "nobody's token": (["token", "add", "nobody"], ""),
        "no such token": (["token", "revoke", "999999"], ""),
        "a token that is no number": (["token", "revoke", "gd_abc"], ""),
        "an account without options": (["account", "add", "y"], ""),
        "a slug with capitals": (["account", "add", "Bad_Slug", *good], ""),
        "a taken slug": (["account", "add", "main", *good], ""),
        "an unknown mode": (["account", "add", "y", *good, "--mode", "open"], ""),
        "a key too short": (["account", "add", "y", *good, "--aes-key", "A" * 42], ""),
        "safe without a key": (["account", "add", "y", *good, "--aes-key", ""], ""),
        "an empty token": (["account", "set", "main", "--token", "-"], "\n"),
        "an unknown account": (["account", "set", "nobody", "--name", "x"], ""),
        "an unknown category": (["sla", "explain", "--category", "gossip", *elsewhere[2:], WHEN], ""),
        "an unknown priority": (["sla", "explain", "--category", "inquiry", "--priority", "x", "--at", WHEN], ""),
        "a time that is none": (["sla", "explain", *elsewhere, "tomorrow"], ""),
        "a time before all calendars": (["sla", "explain", *elsewhere, "0001-01-01T00:00:00+14:00"], ""),
        "a time after all calendars": (["sla", "explain", *elsewhere, "9999-12-31T23:59:59Z"], ""),
        "a line that is no JSON": (["classify"], '{"text": "你好"}\n{"text": \n'),
        "a line without text": (["classify"], '{"words": "你好"}\n'),
        "a bind without a port": (["up", "--bind", "localhost"], ""),
        "a demo for everybody": (["up", "--demo", "--bind", "0.0.0.0:0"], ""),
    }
    return rows


@pytest.mark.parametrize("mistake", mistakes())
def test_a_mistake_is_one_line_on_standard_error_and_exit_2(rig: Rig, mistake: str) -> None:
    command, typed = mistakes()[mistake]

    said = rig.command(*command, typed=typed)

    assert said.code == 2, said
    assert len(said.err.strip().splitlines()) == 1, said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip()) > 20


def test_mistaken_settings_are_all_named_at_once(rig: Rig) -> None:
    wrong = {"DATABASE_URL": "mysql://x", "WORKERS": "many", "TIME_ZONE": "Mars/Olympus"}

    ended = rig.attempt((desk_program(), "check"), environment=rig.environment | wrong)

    assert ended.returncode == 2
    assert [name for name in wrong if name not in ended.stderr] == []
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stdout == ""


def test_classify_answers_each_line_in_order_and_needs_no_database(rig: Rig) -> None:
    sentences = ["我要投诉你们的客服", "谢谢", "请问几点开门？", "有人触电了，快来人！", "广告：代开发票加微信"]
    rows = [{"text": f"{sentences[n % 5]}", "id": n} for n in range(100)]
    typed = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    bare = {"PATH": os.environ["PATH"], "DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    bare["PYTHONPATH"] = rig.environment["PYTHONPATH"]

    ended = rig.attempt((desk_program(), "classify"), typed=typed, environment=bare)

    assert ended.returncode == 0, ended.stderr
    said = listed(ended.stdout)
    assert [(row["text"], row["id"]) for row in said] == [(row["text"], row["id"]) for row in rows]
    assert [row["category"] for row in said[:3]] == ["complaint", "other", "inquiry"]
    assert said[3]["priority"] == "urgent"
    assert {"category", "priority", "confidence", "triage", "because"} <= said[0].keys()
    assert {0 <= float(str(row["confidence"])) <= 1 for row in said} == {True}


@pytest.mark.parametrize(("category", "priority"), [("inquiry", "normal"), ("complaint", "urgent"), ("praise", "low")])
def test_the_command_and_the_api_explain_alike(rig: Rig, category: str, priority: str) -> None:
    options = ("--category", category, "--priority", priority, "--at", WHEN)

    said = json.loads(rig.must("sla", "explain", *options))

    query = {"category": category, "priority": priority, "at": WHEN}
    assert said == answered(rig.api("root").get("/sla/explain", **query))


def test_the_self_check_is_content_while_everything_runs(rig: Rig) -> None:
    ended = eventually(
        lambda: found if (found := rig.command("check")).code == 0 else None, within=20, what="all is well"
    )

    checks = {str(row["check"]): row["ok"] for row in listed(ended.out)}
    assert {"database", "redis", "worker", "inbox", "account main", "calendar"} <= checks.keys()
    assert set(checks.values()) == {True}


def test_init_again_beside_the_running_service_changes_nothing(rig: Rig) -> None:
    number = rig.phone().opens("请问怎么退订？")
    before = rig.api("root").ticket(number)["number"]

    rig.run("init")

    assert rig.api("root").ticket(number)["number"] == before
    assert rig.phone().opens("请问怎么退订？") > number
