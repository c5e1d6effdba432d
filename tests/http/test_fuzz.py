"""A short walk through the strange bodies of `python -m tests.fuzz`; the command takes the long one."""

import logging
from pathlib import Path

import pytest

from tests.fuzz import fuzz
from tests.fuzzing import KEPT, ODD, REFUSED, TOLD
from tests.webhook_rig import running_webhook


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def test_a_thousand_strange_bodies_break_nothing_forge_nothing_and_lose_nothing(tmp_path: Path):
    with running_webhook(tmp_path) as app:
        report = fuzz(app, seed=7, count=1000)

    assert report.findings == []
    assert {due for due, _ in report.answers} == {KEPT, ODD, REFUSED, TOLD}
    assert sum(report.answers.values()) == 1000
