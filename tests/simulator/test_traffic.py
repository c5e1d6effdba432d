"""An hour of traffic: what is planned, that it is sent in order of time, and the figures at the end."""

import pytest
from simulator_rig import Simulator, Webhook

from simulator.figures import percentiles
from simulator.traffic import BURST_SECONDS, Options, Player, main, plan

SMALL = Options(messages=60, followers=10, bursts=2, burst_messages=15, overlap_share=0.2)


def test_the_same_seed_gives_the_same_hour() -> None:
    other = Options(messages=60, followers=10, bursts=2, burst_messages=15, overlap_share=0.2, seed=2)

    assert plan(SMALL) == plan(SMALL)
    assert plan(SMALL) != plan(other)


def test_the_plan_has_as_many_messages_as_asked_in_order_and_within_the_hour() -> None:
    moments = plan(SMALL)

    assert len(moments) == 60
    assert moments == sorted(moments, key=lambda moment: moment.at)
    assert 0 <= moments[0].at <= moments[-1].at <= 3600
    assert {moment.follower for moment in moments} <= set(range(10))


def test_a_burst_is_many_messages_within_seconds() -> None:
    moments = plan(Options(messages=100, bursts=1, burst_messages=100))

    assert moments[-1].at - moments[0].at <= BURST_SECONDS


def test_some_messages_are_pushed_several_times_at_once() -> None:
    always = plan(Options(messages=20, overlap_share=1.0))
    never = plan(Options(messages=20, overlap_share=0.0))

    assert {moment.values.get("copies") for moment in always} == {3}
    assert {moment.values.get("copies") for moment in never} == {None}


def test_each_message_waits_for_its_time_divided_by_the_factor(simulator: Simulator) -> None:
    now, pauses = [100.0], []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    moments = plan(SMALL)
    player = Player(simulator.base + "/_control", "main", clock=lambda: now[0], sleep=sleep)
    player.play(moments, 60.0)

    assert sum(pauses) == pytest.approx(moments[-1].at / 60)
    assert player.refused == []


def test_the_command_prints_what_became_of_everything(
    simulator: Simulator, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--messages", "30", "--followers", "5", "--factor", "100000", "--overlap", "0.1"]

    code = main(["--base", simulator.base, *options])

    printed = capsys.readouterr().out
    figures = simulator.get("/_control/figures").json()
    assert code == 0
    assert "messages said                     30" in printed
    assert f"pushes                            {figures['pushes']}" in printed
    assert figures["pushes"] == len(webhook.received) >= 30


def test_a_failed_push_is_told_by_the_exit_code(
    simulator: Simulator, webhook: Webhook, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook.answers += [500, 500, 500]
    options = ["--messages", "1", "--bursts", "0", "--factor", "100000", "--overlap", "0"]

    assert main(["--base", simulator.base, *options]) == 1
    assert "by outcome                        failed 1" in capsys.readouterr().out


def test_an_account_that_is_none_is_a_mistake(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--base", simulator.base, "--account", "nothing", "--messages", "1"]) == 2
    assert "404" in capsys.readouterr().err


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentiles([float(value) for value in range(1, 101)]) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert percentiles([7.0]) == {"p50": 7, "p95": 7, "p99": 7, "max": 7}
    assert percentiles([]) == {}
