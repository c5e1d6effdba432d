"""`desk policy`: what the targets are, what a file would change, and the change itself."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from service.cli import main
from service.database import reading
from service.policies import newest_number
from service.policy_versions import PolicyVersion
from tests.calendar_rig import fresh
from tests.factories import COMPLAINT, Desk
from tests.policy_rig import rows

Command = Callable[..., Result]
QUICK = {"complaint/high": {"accept": "5 分钟"}, "complaint/high/VIP": {"resolve": "1 工作日"}}


@pytest.fixture
def policy(app: Flask, desk: Desk) -> Iterator[Command]:
    """Runs `desk policy` on the tests' database, where `root` is an administrator."""
    fresh(app)
    desk.person("root", "admin", "QGB")
    settings = app.config["SETTINGS"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
    }
    yield lambda *arguments: CliRunner().invoke(main, ["policy", *arguments], env=environment)
    fresh(app)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "targets.json"
    path.write_text(json.dumps(rows(QUICK), ensure_ascii=False), "utf-8")
    return str(path)


def version() -> int:
    with reading() as session:
        return newest_number(session)


def test_what_is_shown_can_be_imported_again(policy: Command, file: str):
    policy("import", file, "--by", "root", "--note", "更快")

    shown = policy("show")

    imported = {row["key"]: row for row in json.loads(shown.stdout)}
    assert imported == {row["key"]: row for row in rows(QUICK)}
    assert "version 1, saved" in shown.stderr
    assert "by root: 更快" in shown.stderr


def test_an_older_version_can_be_shown(policy: Command, file: str):
    policy("import", file, "--by", "root", "--note", "更快")

    shown = policy("show", "--version", "0")

    assert "version 0: as shipped" in shown.stderr
    assert json.loads(shown.stdout)[0]["key"] == "inquiry/low"
    assert [policy("show", "--version", odd).exit_code for odd in ("7", "-1", "9" * 30)] == [2, 2, 2]


def test_a_dry_run_tells_and_changes_nothing(policy: Command, file: str):
    told = policy("import", file, "--by", "root", "--note", "更快", "--dry-run")

    assert told.stdout.splitlines() == [
        "~ complaint/high accept 15 min -> 5 min",
        "+ complaint/high/VIP",
        "would be version 1; nothing was changed",
    ]
    assert (told.exit_code, version()) == (0, 0)


def test_an_import_is_the_next_version_and_the_second_one_is_refused(policy: Command, file: str):
    first, second = (policy("import", file, "--by", "root", "--note", "更快") for _ in range(2))

    assert first.stdout.splitlines()[-1] == "saved version 1, for new tickets"
    assert (second.exit_code, version()) == (2, 1)
    assert "nothing to save" in second.stderr


def test_an_import_may_be_for_open_tickets_too(policy: Command, file: str, desk: Desk):
    desk.ticket(COMPLAINT)

    told = policy("import", file, "--by", "root", "--note", "更快", "--open-tickets")

    assert "for new tickets and 1 open ones" in told.stdout
    with reading() as session:
        assert session.get_one(PolicyVersion, 1).carried == 1


@pytest.mark.parametrize("username", ["nobody", "li"])
def test_only_who_may_change_rules_answers_for_it(policy: Command, file: str, desk: Desk, username: str):
    desk.person("li", "supervisor")

    told = policy("import", file, "--by", username, "--note", "更快")

    assert (told.exit_code, version()) == (2, 0)
    assert "may change rules" in told.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ("{}", "not a list of objects"),
        ("[1]", "not a list of objects"),
        ("[]", "empty"),
        ('[{"category": "spam", "priority": "any", "follow_up_share": 0}]', "row 1, category: there is no category"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_what_is_wrong(
    policy: Command, tmp_path: Path, content: str, message: str
):
    path = tmp_path / "wrong.json"
    path.write_text(content, "utf-8")

    told = policy("import", str(path), "--by", "root", "--note", "更快")

    assert (told.exit_code, version()) == (2, 0)
    assert message in told.stderr
