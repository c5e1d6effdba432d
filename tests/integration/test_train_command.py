"""`desk train`: what it prints, what it stores, and how one goes back."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from service import retraining
from service.cli import main
from service.clock import utcnow
from service.database import transaction
from service.learning import runs
from service.people import User
from tests.factories import Desk
from tests.learning_rig import corrected, hopeless, like_shipped, models, trained, version_of

Command = Callable[..., Result]


@pytest.fixture
def train(app: Flask, now_desk: Desk, boss: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Runs `desk train` on the tests' database, where one ticket was corrected; the library gives what is named."""
    settings = app.config["SETTINGS"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
    }
    corrected(now_desk, boss)

    def run(*arguments: str, gives: bytes = b"") -> Result:
        trainer = retraining.perform.__kwdefaults__, retraining.attempted.__kwdefaults__
        for defaults in trainer:
            monkeypatch.setitem(defaults, "train", lambda _examples, _keywords: gives)
        return CliRunner().invoke(main, ["train", *arguments], env=environment)

    yield run
    app.extensions["rulebook"].forget()


def test_a_better_model_is_published_and_its_figures_printed(train: Command):
    result = train(gives=like_shipped())

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (told["state"], told["version"]) == ("published", version_of(like_shipped()))
    assert told["fixed"]["candidate"]["macro_f1"] == told["fixed"]["active"]["macro_f1"]
    assert told["examples"]["corrected"] == 1
    assert models() == {version_of(like_shipped()): "active"}


def test_a_refused_one_ends_with_1_and_says_why(train: Command):
    result = train(gives=hopeless())

    assert result.exit_code == 1
    assert json.loads(result.stdout)["objections"][0]["figure"] == "macro_f1"
    assert models() == {version_of(hopeless()): "refused"}


def test_a_dry_run_stores_nothing(train: Command, tmp_path: Path):
    result = train("--dry-run", "--to", str(tmp_path / "made.model"), gives=like_shipped())

    assert result.exit_code == 0
    assert "would be published" in result.stderr
    assert models() == {}
    assert (tmp_path / "made.model").read_bytes() == like_shipped()


def test_models_are_listed_and_gone_back_to(train: Command):
    trained(like_shipped(), now=utcnow())

    back = train("--back", "shipped")
    listed = [json.loads(line) for line in train("--list").stdout.splitlines()]

    assert back.exit_code == 0
    assert [(row["version"], row["state"]) for row in listed] == [
        (version_of(like_shipped()), "kept"),
        ("shipped", "active"),
    ]


def test_an_unknown_version_is_one_line_and_exit_2(train: Command):
    result = train("--back", "nothing")

    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_a_training_under_way_is_not_disturbed(train: Command):
    with transaction() as session:
        runs.ask(session, by="boss", now=utcnow())
        runs.claim(session, now=utcnow())

    result = train(gives=like_shipped())

    assert result.exit_code == 2
    assert "under way" in result.stderr


def test_two_wishes_at_once_are_refused(train: Command):
    assert train("--list", "--back", "shipped").exit_code == 2
