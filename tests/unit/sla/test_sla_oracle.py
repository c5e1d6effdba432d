"""Ten thousand random calendars, starts, pauses and edits, each against a count of minutes."""

import pytest

from tests import sla_oracle

SEED = 1
COUNT = 10_000
SHARES = 4  # so that one that fails says where, and the others go on


@pytest.mark.parametrize("share", range(SHARES))
def test_clocks_and_explanations_are_what_the_minutes_say(share: int) -> None:
    each = COUNT // SHARES

    assert sla_oracle.run(SEED, each, first=share * each).cases == each


def test_a_difference_is_told_with_its_seed_and_its_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    late = sla_oracle.ACTS["resume"]
    monkeypatch.setitem(
        sla_oracle.ACTS, "resume", lambda clock, now, *rest: late(clock, now + sla_oracle.MINUTE, *rest)
    )

    assert sla_oracle.main(["--count", "200", "--seed", "7"]) == 1
    told = capsys.readouterr().out
    assert "seed 7, case " in told
    assert '{"key": "hours"' in told
    assert " resume: " in told


def test_one_case_can_be_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert sla_oracle.main(["--only", "4711"]) == 0
    assert "1 cases" in capsys.readouterr().out
