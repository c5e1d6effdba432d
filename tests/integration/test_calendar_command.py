"""`desk calendar`: what a file would change, the change itself, and what is known of a year."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import select

from service.audit import Event
from service.cli import main
from service.database import reading
from tests.calendar_rig import own_calendar
from tests.holidays import off, work, year_2027

Command = Callable[..., Result]


@pytest.fixture
def calendar(app: Flask) -> Iterator[Command]:
    """Runs `desk calendar` on the tests' database."""
    settings = app.config["SETTINGS"]
    environment = {
        "DATABASE_URL": settings.database_url,
        "DATA_DIR": str(settings.data_dir),
        "REDIS_URL": settings.redis_url,
    }
    with own_calendar(app):
        yield lambda *arguments: CliRunner().invoke(main, ["calendar", *arguments], env=environment)


def kept(folder: Path, content: str) -> str:
    path = folder / "2027.json"
    path.write_text(content, "utf-8")
    return str(path)


def imports() -> int:
    with reading() as session:
        return len(session.scalars(select(Event).where(Event.action == "calendar_imported")).all())


def test_a_dry_run_tells_and_changes_nothing(calendar: Command, tmp_path: Path):
    told = calendar("import", kept(tmp_path, year_2027()), "--dry-run")

    assert (told.exit_code, imports()) == (0, 0)
    assert "+ 2027-02-13 make-up workday (Spring Festival)" in told.stdout
    assert told.stdout.splitlines()[-1].startswith("2027 would be confirmed; nothing was changed (18 added")
    assert "2027 provisional" in calendar("show", "2027").stdout


def test_an_import_confirms_the_year_and_the_second_one_changes_nothing(calendar: Command, tmp_path: Path):
    file = kept(tmp_path, year_2027())

    first, second = calendar("import", file), calendar("import", file)

    assert "2027 is confirmed; open tickets are recomputed" in first.stdout
    assert second.stdout == "2027: nothing to change, the calendar is the same\n"
    assert imports() == 1
    assert "2027 confirmed: " in calendar("show", "2027").stdout


def test_a_year_is_shown_with_its_counts_and_its_days(calendar: Command):
    shown = calendar("show", "2026").stdout.splitlines()

    assert shown[0] == "2026 confirmed: 248 working days, 33 days off by holiday, 6 make-up workdays"
    assert "2026-02-14 Sat make-up workday (Spring Festival) 09:00-12:00, 13:30-18:00" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "no-such-file"), "no-such-file"),
        (("show", "1066"), "1066"),
        (("show", "2026", "--department", "NONE"), "one of QGB"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(calendar: Command, arguments: tuple[str, ...], sentence: str):
    refused = calendar(*arguments)

    assert refused.exit_code == 2
    assert sentence in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_every_mistake_of_a_file_is_named_in_one_line(calendar: Command, tmp_path: Path):
    refused = calendar("import", kept(tmp_path, year_2027(work("2027-02-15\n"), off("2027-01-01"))))

    assert (refused.exit_code, imports()) == (2, 0)
    assert "2027-02-15 is a Mon" in refused.stderr
    assert "2027-01-01 is there more than once." in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
