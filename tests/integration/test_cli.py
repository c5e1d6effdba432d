"""The `desk` command: what it prints, what it refuses in one line, and with which exit code."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from service import credentials
from service.cli import main
from service.database import reading
from service.people import ApiToken, User
from tests.factories import PASSWORD

Desk = Callable[..., Result]
ADD = ("user", "add", "zhang", "--name", "张三", "--role", "agent", "--department", "QGB", "--password-stdin")
ACCOUNT = {
    "--name": "物业服务号",
    "--app-id": "wx0123456789abcdef",
    "--app-secret": "0123456789abcdef0123456789abcdef",
    "--token": "token123",
    "--aes-key": "a" * 43,
    "--mode": "safe",
    "--original-id": "gh_0123456789ab",
    "--kind": "service",
}


@pytest.fixture
def desk(app: Flask) -> Desk:
    """Runs the command on the tests' database."""
    settings = app.config["SETTINGS"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
    }

    def run(*arguments: str, given: str = "") -> Result:
        return CliRunner().invoke(main, arguments, input=given, env=environment)

    return run


def lines(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def account(**changed: str) -> list[str]:
    return [word for pair in (ACCOUNT | changed).items() for word in pair]


def refused(result: Result) -> str:
    """The one line on standard error."""
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("desk: ")
    assert "Traceback" not in line
    return line


# Users


def test_an_address_for_notices_is_given_and_changed(desk: Desk):
    desk(*ADD, "--email", "zhang@example.com", given=PASSWORD + "\n")
    first = lines(desk("user", "list"))[0]["email"]
    wrong = desk("user", "email", "zhang", "zhang@")

    desk("user", "email", "zhang", "")

    assert (first, lines(desk("user", "list"))[0]["email"]) == ("zhang@example.com", None)
    assert "e-mail address" in refused(wrong)


def test_a_user_is_added_and_listed(desk: Desk):
    added = desk(*ADD, "--role", "follow_up_agent", given=PASSWORD + "\n")

    assert added.exit_code == 0
    assert lines(desk("user", "list")) == [
        {
            "username": "zhang",
            "name": "张三",
            "department": "QGB",
            "roles": ["agent", "follow_up_agent"],
            "email": None,
            "active": True,
        }
    ]
    with reading() as session:
        assert credentials.user_with_password(session, "zhang", PASSWORD) is not None


def test_a_user_is_disabled_and_given_another_password(desk: Desk):
    desk(*ADD, given=PASSWORD)

    changed = desk("user", "password", "zhang", "--password-stdin", given="Another-horse-8\r\n")
    with reading() as session:
        assert credentials.user_with_password(session, "zhang", "Another-horse-8") is not None
    disabled = desk("user", "disable", "zhang")

    assert (changed.exit_code, disabled.exit_code) == (0, 0)
    assert [row["active"] for row in lines(desk("user", "list"))] == [False]


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (ADD, "short", "10 characters"),
        (ADD, "", "10 characters"),
        ([w.replace("QGB", "XXX") for w in ADD], PASSWORD, "QGB, KFB"),
        ([w if w != "agent" else "king" for w in ADD], PASSWORD, "agent, dept_head"),
        (ADD[:-1], PASSWORD, "--password-stdin"),
        (("user", "add", "zhang"), "", "--name"),
        (("user", "disable", "nobody"), "", "nobody"),
        (("user", "password", "nobody", "--password-stdin"), PASSWORD, "nobody"),
        (("user", "nonsense"), "", "nonsense"),
        (("nonsense",), "", "nonsense"),
        (("token", "add", "nobody"), "", "nobody"),
        (("token", "revoke", "x"), "", "x"),
        (("token", "revoke", "77"), "", "77"),
        (("up", "--nonsense"), "", "--nonsense"),
        (("account", "set", "nowhere", "--name", "x"), "", "nowhere"),
        (("account", "add", "main", "--name", "x"), "", "--app-id"),
        (["account", "add", "main", *account(**{"--mode": "loud"})], "", "plain"),
        (["account", "add", "main", *account(**{"--aes-key": "short"})], "", "43"),
        (["account", "add", "Main Account", *account()], "", "slug"),
        (
            ("sla", "explain", "--category", "complaint", "--priority", "loud", "--at", "2026-03-04T09:30+08:00"),
            "",
            "urgent",
        ),
        (
            ("sla", "explain", "--category", "loud", "--priority", "high", "--at", "2026-03-04T09:30+08:00"),
            "",
            "complaint",
        ),
        (
            ("sla", "explain", "--category", "complaint", "--priority", "high", "--at", "tomorrow"),
            "",
            "2026-02-13T17:45",
        ),
        (("sla", "explain", "--category", "complaint", "--priority", "high", "--at", "9999-12-31T23:59+08:00"), "", ""),
        (("classify",), "not json\n", "line 1"),
        (("classify",), '{"words": 1}\n', "text"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_what_would_be_right(
    desk: Desk, arguments: list[str], given: str, says: str
):
    assert says in refused(desk(*arguments, given=given))


def test_a_name_that_is_taken_is_refused(desk: Desk):
    desk(*ADD, given=PASSWORD)

    assert "taken" in refused(desk(*ADD, given=PASSWORD))


def test_a_mistake_in_the_environment_is_said_in_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEB_WORKERS", "many")

    assert "WEB_WORKERS" in refused(desk("user", "list"))


# Tokens


def test_a_token_is_printed_alone_works_at_once_and_ends_when_revoked(desk: Desk, app: Flask):
    desk(*ADD, given=PASSWORD)

    added = desk("token", "add", "zhang")
    (token,) = added.stdout.splitlines()
    headers = {"Authorization": f"Bearer {token}"}
    worked = app.test_client().get("/api/v1/tickets", headers=headers)
    (row,) = lines(desk("token", "list"))
    desk("token", "revoke", str(row["id"]))
    ended = app.test_client().get("/api/v1/tickets", headers=headers)

    assert (added.exit_code, worked.status_code, ended.status_code) == (0, 200, 401)
    assert (row["username"], row["revoked"]) == ("zhang", False)
    assert token not in json.dumps(row)
    assert lines(desk("token", "list"))[0]["revoked"] is True


# Accounts


def test_an_account_is_added_listed_without_secrets_and_changed(desk: Desk):
    added = desk("account", "add", "main", *account(), "--uncertified")
    (row,) = lines(desk("account", "list"))
    changed = desk("account", "set", "main", "--name", "新名字", "--certified", "--inactive")
    (then,) = lines(desk("account", "list"))

    assert (added.exit_code, changed.exit_code) == (0, 0)
    assert "/wechat/main" in added.stdout
    assert (row["slug"], row["mode"], row["certified"], row["active"]) == ("main", "safe", False, True)
    assert not {ACCOUNT[f"--{name}"] for name in ("app-secret", "token", "aes-key")} & set(map(str, row.values()))
    assert (then["name"], then["certified"], then["active"]) == ("新名字", True, False)


def test_secrets_can_be_read_from_standard_input_a_line_each(desk: Desk, app: Flask):
    hidden = account(**{"--app-secret": "-", "--token": "-", "--aes-key": "-"})

    result = desk(
        "account", "add", "main", *hidden, given="0123456789abcdef0123456789abcdef\ntoken999\n" + "b" * 43 + "\n"
    )

    assert result.exit_code == 0, result.output
    assert len(lines(desk("account", "list"))) == 1


# Classifying and explaining


def test_lines_are_classified_in_order_and_keep_what_they_had(desk: Desk):
    given = '{"text": "我要投诉，你们的服务态度太差了", "id": 1}\n\n{"text": "谢谢", "id": 2}\n'

    first, second = lines(desk("classify", given=given))

    assert (first["id"], first["category"], first["text"]) == (1, "complaint", "我要投诉，你们的服务态度太差了")
    assert (second["id"], second["category"]) == (2, "other")
    assert 0 <= float(str(first["confidence"])) <= 1
    assert first["because"]
    assert {type(first["triage"]), type(second["triage"])} == {bool}


def test_due_times_are_explained_as_the_api_explains_them(desk: Desk, app: Flask):
    desk(*ADD, given=PASSWORD)
    token = desk("token", "add", "zhang").stdout.strip()
    asked = {"category": "complaint", "priority": "high", "at": "2026-02-13T17:45:00+08:00"}

    said = desk("sla", "explain", *(w for name, value in asked.items() for w in (f"--{name}", value)))

    answer = app.test_client().get(
        "/api/v1/sla/explain", query_string=asked, headers={"Authorization": f"Bearer {token}"}
    )
    assert json.loads(said.stdout) == answer.json
    assert answer.json["clocks"]["accept"]["due_at"] == "2026-02-13T18:00:00.000+08:00"


def test_a_time_without_offset_is_meant_in_the_services_zone(desk: Desk):
    where = ("--category", "complaint", "--priority", "high", "--at")

    here = desk("sla", "explain", *where, "2026-02-13T17:45")
    there = desk("sla", "explain", *where, "2026-02-13T17:45+08:00")

    assert json.loads(here.stdout) == json.loads(there.stdout)


# The rest


def test_init_can_be_repeated(desk: Desk):
    assert desk("init").exit_code == 0


def test_the_check_prints_lines_and_fails_where_anything_is_wrong(desk: Desk):
    result = desk("check")

    rows = {row["check"]: row["ok"] for row in map(json.loads, result.stdout.splitlines())}
    assert (rows["database"], rows["redis"], rows["worker"]) == (True, False, False)
    assert result.exit_code == 1


def test_a_command_leaves_no_secret_in_the_database(desk: Desk):
    desk(*ADD, given=PASSWORD)
    token = desk("token", "add", "zhang").stdout.strip()

    with reading() as session:
        assert token not in session.scalars(select(ApiToken.digest)).one()
        assert PASSWORD not in session.scalars(select(User.password_hash)).one()
