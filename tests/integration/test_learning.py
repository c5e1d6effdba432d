"""Trainings and what comes of them: published, refused, gone back from; once a week, once, and by one process."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from service import alerts, jobs, keyword_rules, retraining
from service.audit import Event
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import IllegalTransition, InvalidInput, NotFound
from service.keyword_rules import Edit
from service.learning import corrections, runs, shelf
from service.learning.corpus import Example, fixed_examples
from service.learning.runs import TrainingRun
from service.people import User
from service.routing.keywords import Keywords
from service.routing.model import shipped_model
from service.tickets import judgements
from service.tickets.judgements import Judgement
from service.trained_models import TrainedModel
from tests.factories import COMPLAINT, INQUIRY, MORNING, Desk
from tests.integration.test_races import at_once
from tests.learning_rig import correct, corrected, hopeless, judgement, like_shipped, models, trained, version_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
SUNDAY = datetime(2026, 3, 8, 3, 0, tzinfo=SHANGHAI)


@pytest.fixture
def taught(now_desk: Desk, boss: User) -> Desk:
    """An installation in which one ticket was corrected."""
    corrected(now_desk, boss)
    return now_desk


def states_of_runs() -> list[tuple[str | None, str]]:
    with reading() as session:
        return list(session.execute(select(TrainingRun.slot, TrainingRun.state).order_by(TrainingRun.id)).all())


def events(action: str) -> list[Event]:
    with reading() as session:
        return list(session.scalars(select(Event).where(Event.action == action)))


def go_back(desk: Desk, version: str) -> None:
    with transaction() as session:
        shelf.go_back(session, version, by="boss", now=desk.now)


def put_weekly(at: datetime) -> None:
    with transaction() as session:
        runs.put_weekly(session, now=at, zone=SHANGHAI)


def claim(at: datetime) -> int | None:
    with transaction() as session:
        run = runs.claim(session, now=at)
        return run.id if run else None


def test_a_model_that_is_not_worse_is_published_and_holds_at_once(taught: Desk, boss: User):
    raw = like_shipped()

    outcome = trained(raw, now=utcnow())
    taught.app.extensions["rulebook"].forget()

    assert outcome.state == runs.PUBLISHED
    assert taught.rules.model_version == version_of(raw)
    assert models() == {version_of(raw): "active"}
    assert [event.actor for event in events("model_published")] == ["boss"]


def test_a_worse_model_is_kept_with_the_reason_and_never_used(taught: Desk):
    outcome = trained(hopeless(), now=utcnow())
    taught.app.extensions["rulebook"].forget()

    assert outcome.state == runs.REFUSED
    assert taught.rules.model_version == shipped_model().version
    assert models() == {version_of(hopeless()): "refused"}
    with reading() as session:
        (kept,) = shelf.listing(session)
    assert "宏平均 F1" in kept.because
    assert "咨询召回率" in kept.because
    assert kept.figures["objections"]


def test_nothing_is_trained_where_nobody_corrected_anything(now_desk: Desk):
    outcome = trained(like_shipped(), now=utcnow())

    assert outcome.state == runs.SKIPPED
    assert models() == {}


def test_the_same_model_again_is_no_news(taught: Desk):
    trained(like_shipped(), now=utcnow())

    again = trained(like_shipped(), now=utcnow())

    assert again.state == runs.SAME
    assert len(models()) == 1


def test_one_can_go_back_to_an_earlier_model_and_to_the_shipped_one(taught: Desk):
    first, second = like_shipped(1), like_shipped(2)
    trained(first, now=utcnow())
    trained(second, now=utcnow())

    go_back(taught, version_of(first))
    assert models() == {version_of(first): "active", version_of(second): "kept"}
    taught.app.extensions["rulebook"].forget()
    assert taught.rules.model_version == version_of(first)

    go_back(taught, "shipped")
    taught.app.extensions["rulebook"].forget()
    assert taught.rules.model_version == shipped_model().version
    assert [event.after["model"] for event in events("model_restored")] == [version_of(first), "shipped"]


def test_one_cannot_go_back_to_what_was_never_in_use(taught: Desk):
    trained(hopeless(), now=utcnow())
    trained(like_shipped(), now=utcnow())

    with pytest.raises(InvalidInput):
        go_back(taught, version_of(hopeless()))
    with pytest.raises(NotFound):
        go_back(taught, "0123456789ab")
    with pytest.raises(IllegalTransition):
        go_back(taught, version_of(like_shipped()))


def test_a_person_who_goes_back_during_a_training_is_not_overruled(taught: Desk):
    trained(like_shipped(1), now=utcnow())

    def train(_examples: Sequence[Example], _keywords: Keywords) -> bytes:
        go_back(taught, "shipped")
        return like_shipped(2)

    with transaction() as session:
        runs.ask(session, by="boss", now=utcnow())
        run_id = runs.claim(session, now=utcnow()).id
    outcome = retraining.perform(run_id, by="boss", train=train)

    assert outcome.state == runs.REFUSED
    assert models() == {version_of(like_shipped(1)): "kept", version_of(like_shipped(2)): "refused"}


def test_a_damaged_model_gives_way_to_the_shipped_one_and_raises_an_alarm(taught: Desk):
    trained(like_shipped(), now=utcnow())
    with transaction() as session:
        session.execute(update(TrainedModel).values(raw=b"\x00\xff", version="damaged00000"))
    taught.app.extensions["rulebook"].forget()

    ticket = taught.ticket(COMPLAINT, follower="oOther")
    with transaction() as session:
        shelf.watch(session, now=taught.now)

    assert ticket.category == "complaint"
    assert taught.rules.model_version == shipped_model().version
    with reading() as session:
        assert alerts.find(session, "", "model") is not None
    go_back(taught, "shipped")
    with reading() as session:
        assert alerts.find(session, "", "model") is None


def test_the_bytes_of_the_last_ten_models_are_kept_and_those_of_the_active_one(taught: Desk):
    for number in range(13):
        trained(like_shipped(number), now=utcnow())
    go_back(taught, version_of(like_shipped(2)))
    trained(hopeless(), now=utcnow())

    with reading() as session:
        listed = [model.version for model in shelf.listing(session)]
        there = shelf.with_bytes(session, listed)
    assert len(listed) == 14
    assert there == {version_of(like_shipped(number)) for number in range(2, 13)} | {version_of(hopeless())}


def test_what_is_measured_with_is_not_trained_on(now_desk: Desk, boss: User):
    fixed = fixed_examples()[0].text
    corrected(now_desk, boss, text=fixed, follower="oFixed")
    for number in range(25):
        now_desk.later(minutes=1)
        corrected(now_desk, boss, text=f"第{number}号充电桩坏了", follower=f"oFollower{number}")

    with reading() as session:
        own = corrections.gather(session)

    texts = {example.text for example in own.training}
    assert fixed not in texts
    assert not texts & {example.text for example in own.newest}
    assert {example.text for example in own.newest} == {f"第{n}号充电桩坏了" for n in range(20, 25)}
    assert {example.category for example in own.training} == {"fault"}


def test_what_was_written_a_hundred_times_is_learnt_once_and_as_it_was_said_last(now_desk: Desk, boss: User):
    for number in range(3):
        corrected(now_desk, boss, text="充电桩坏了", to="complaint", follower=f"oFollower{number}")
        now_desk.later(minutes=1)
    corrected(now_desk, boss, text="充电桩坏了", to="fault", follower="oLast")

    with reading() as session:
        own = corrections.gather(session)

    assert [(example.text, example.category) for example in own.training] == [("充电桩坏了", "fault")]


def test_confirmed_verdicts_are_learnt_beside_the_corrections(now_desk: Desk, boss: User):
    corrected(now_desk, boss)
    now_desk.accept(now_desk.ticket(COMPLAINT, follower="oOther"), boss)

    with reading() as session:
        own = corrections.gather(session)

    assert (own.corrected, own.confirmed) == (1, 1)


@pytest.mark.parametrize(
    ("at", "slot"),
    [
        (SUNDAY, "2026-03-08"),
        (SUNDAY - timedelta(minutes=1), "2026-03-01"),
        (SUNDAY + timedelta(days=6, hours=23), "2026-03-08"),
        (SUNDAY + timedelta(days=7), "2026-03-15"),
    ],
)
def test_a_week_begins_on_sunday_at_three(at: datetime, slot: str):
    assert runs.slot_of(at, SHANGHAI) == slot


def test_a_new_installation_waits_for_its_first_sunday(desk: Desk):
    put_weekly(MORNING)

    assert states_of_runs() == [("2026-03-01", "skipped")]
    assert claim(MORNING) is None


def test_two_schedulers_put_the_week_once_and_one_process_trains(desk: Desk, boss: User):
    put_weekly(MORNING)
    desk.now = SUNDAY
    for number in range(runs.FEWEST_NEW):
        corrected(desk, boss, text=f"第{number}号充电桩坏了", follower=f"oFollower{number}")

    put_weekly(SUNDAY)
    put_weekly(SUNDAY + timedelta(seconds=1))
    claimed = [claim(SUNDAY + timedelta(seconds=n)) for n in range(3)]
    put_weekly(SUNDAY + timedelta(hours=1))

    assert states_of_runs() == [("2026-03-01", "skipped"), ("2026-03-08", "running")]
    assert [run_id is not None for run_id in claimed] == [True, False, False]


def test_schedulers_that_look_at_the_same_moment_train_once(desk: Desk, boss: User):
    put_weekly(MORNING)
    for number in range(runs.FEWEST_NEW):
        corrected(desk, boss, text=f"第{number}号充电桩坏了", follower=f"oFollower{number}")
    claimed: list[int | None] = []

    def look() -> None:
        put_weekly(SUNDAY)
        claimed.append(claim(SUNDAY))

    at_once(desk, *[look] * 4)

    assert states_of_runs()[1:] == [("2026-03-08", "running")]
    assert len([run_id for run_id in claimed if run_id is not None]) == 1


def test_a_week_in_which_nothing_ran_is_made_up_for(desk: Desk, boss: User):
    put_weekly(MORNING)
    for number in range(runs.FEWEST_NEW):
        corrected(desk, boss, text=f"第{number}号充电桩坏了", follower=f"oFollower{number}")

    put_weekly(SUNDAY + timedelta(days=2))

    assert states_of_runs()[-1] == ("2026-03-08", "waiting")


def test_few_new_corrections_wait_for_more(desk: Desk, boss: User):
    put_weekly(MORNING)
    corrected(desk, boss)

    put_weekly(SUNDAY)

    assert states_of_runs()[-1] == ("2026-03-08", "skipped")


def test_a_training_whose_process_died_is_repeated_and_at_last_given_up(desk: Desk):
    at = MORNING
    with transaction() as session:
        runs.ask(session, by="boss", now=at)
    first = claim(at)

    again = []
    for _ in range(3):
        at += runs.LEASE + timedelta(seconds=1)
        again.append(claim(at))

    assert again == [first, first, None]
    assert states_of_runs() == [(None, "failed")]


def test_a_training_that_is_heard_of_is_left_alone(desk: Desk):
    with transaction() as session:
        runs.ask(session, by="boss", now=MORNING)
    run_id = claim(MORNING)
    with transaction() as session:
        runs.tell(session, run_id, "training", now=MORNING + runs.LEASE)

    assert claim(MORNING + runs.LEASE + timedelta(minutes=1)) is None
    assert states_of_runs() == [(None, "running")]


def test_a_training_that_fails_says_so_and_the_model_in_use_stays(taught: Desk):
    def train(_examples: Sequence[Example], _keywords: Keywords) -> bytes:
        raise MemoryError

    with transaction() as session:
        runs.ask(session, by="boss", now=utcnow())
        run_id = runs.claim(session, now=utcnow()).id
    with pytest.raises(MemoryError):
        retraining.perform(run_id, by="boss", train=train)

    assert states_of_runs() == [(None, "failed")]
    assert models() == {}


def test_asking_twice_is_one_training(desk: Desk):
    with transaction() as session:
        assert runs.ask(session, by="boss", now=MORNING)
        assert not runs.ask(session, by="li", now=MORNING)


def test_the_job_may_run_twice_without_harm(now_desk: Desk):
    jobs.learn()
    jobs.learn()

    assert [state for _, state in states_of_runs()] == ["skipped"]


def test_texts_fade_every_week_also_where_nothing_is_trained(taught: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(judgements, "FADED", 1)
    old = taught.newest()
    correct(taught, taught.ticket(COMPLAINT, follower="oSecond"), taught.person("wu", "admin", "QGB"), to="fault")
    with transaction() as session:
        session.execute(update(Judgement).values(settled_at=utcnow() - retraining.KEPT - timedelta(days=1)))

    jobs.learn()

    assert [state for _, state in states_of_runs()] == ["skipped"]
    assert (judgement(old).text, judgement(taught.newest()).text) == (None, None)


def test_a_rule_that_is_switched_off_takes_no_part_in_a_training(taught: Desk):
    with transaction() as session:
        first = keyword_rules.rows_of(session)[0]
        keyword_rules.switch(session, first.id, Edit("boss", utcnow()), on=False)

    with reading() as session:
        patterns = [row["pattern"] for row in retraining.ground(session).keywords]

    assert patterns
    assert first.rule.pattern not in patterns


def test_the_model_in_use_is_listed_however_many_came_after_it(taught: Desk):
    trained(like_shipped(), now=utcnow())
    trained(hopeless(), now=utcnow())

    with reading() as session:
        listed = shelf.listing(session, limit=1)

    assert [model.state for model in listed] == ["refused", "active"]


def test_a_correction_teaches_as_soon_as_it_is_made(now_desk: Desk, boss: User):
    ticket = now_desk.accept(now_desk.ticket(INQUIRY), boss)
    correct(now_desk, ticket, boss, to="fault", priority="urgent")
    seen: list[Example] = []

    def train(examples: Sequence[Example], _keywords: Keywords) -> bytes:
        seen.extend(example for example in examples if example.own)
        return like_shipped()

    retraining.attempted(say=lambda _: None, train=train)

    assert seen == [Example(INQUIRY, "fault", urgent=True, own=True)]
