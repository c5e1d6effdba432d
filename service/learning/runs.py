"""Trainings as rows: asked for by a person or due once a week, done by one process at a time, repeated if it dies.

The week's slot is unique: however many schedulers look, one of them trains.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, func, literal_column, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service import audit
from service.database import BigId, Model, partial_index
from service.routing.model import shipped_model
from service.tickets.judgements import IS_CORRECTED, Judgement
from service.trained_models import IS_ACTIVE, TrainedModel

WEEKDAY, HOUR = 6, 3  # Sunday, three in the morning
LEASE = timedelta(minutes=15)  # of a process that does not say how far it is
MOST_ATTEMPTS = 3
FEWEST_NEW = 10  # corrections since the last training for which it is worth while to train again
LISTED = 20
WAITING, RUNNING = "waiting", "running"
PUBLISHED, REFUSED, SAME, SKIPPED, FAILED = "published", "refused", "same", "skipped", "failed"
_STATES = ", ".join(f"'{state}'" for state in (WAITING, RUNNING, PUBLISHED, REFUSED, SAME, SKIPPED, FAILED))


class TrainingRun(Model):
    """One training, from the wish for it to what came of it."""

    __tablename__ = "training_runs"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        partial_index("uq_training_runs_waiting", "state = 'waiting'", "state", unique=True),
        partial_index("uq_training_runs_running", "state = 'running'", "state", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    slot: Mapped[str | None] = mapped_column(unique=True)  # 2026-11-22: the week's; None: a person asked for it
    at: Mapped[datetime]
    by: Mapped[str]  # a username or "system"
    state: Mapped[str]
    stage: Mapped[str] = mapped_column(default="")  # gathering training measuring publishing
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[str | None]  # of the model that came of it
    because: Mapped[str] = mapped_column(default="")


IS_WAITING = TrainingRun.state == literal_column(f"'{WAITING}'")
IS_RUNNING = TrainingRun.state == literal_column(f"'{RUNNING}'")


def ask(session: Session, *, by: str, now: datetime) -> bool:
    """Somebody wants a training; False where one waits or runs already."""
    if session.scalar(select(TrainingRun.id).where(IS_WAITING | IS_RUNNING).limit(1)) is not None:
        return False
    if not _put(session, TrainingRun(at=now, by=by, state=WAITING)):
        return False
    audit.record(session, at=now, actor=by, action="training_asked")
    return True


def slot_of(now: datetime, zone: ZoneInfo) -> str:
    """The day of the newest weekly instant that has passed."""
    here = now.astimezone(zone)
    day = here.date() - timedelta(days=(here.weekday() - WEEKDAY) % 7)
    if day == here.date() and here.hour < HOUR:
        day -= timedelta(days=7)
    return day.isoformat()


def put_weekly(session: Session, *, now: datetime, zone: ZoneInfo) -> TrainingRun | None:
    """The week's training, once; None where it was put before. Also after the instant, if nobody was there at it.

    An installation that has never trained begins with the next instant, and few new corrections wait for more.
    """
    slot = slot_of(now, zone)
    if session.scalar(select(TrainingRun.id).where(TrainingRun.slot == slot)) is not None:
        return None
    made = TrainingRun(slot=slot, at=now, by=audit.SYSTEM, state=WAITING)
    if session.scalar(select(TrainingRun.id).limit(1)) is None:
        made.state, made.ended_at, made.because = SKIPPED, now, "首次启动，从下一个周日开始"
    elif (number := new_corrections(session)) < FEWEST_NEW and not is_outgrown(session):
        made.state, made.ended_at = SKIPPED, now
        made.because = f"上次训练以来新的更正只有 {number} 条（少于 {FEWEST_NEW} 条），累积到下周"
    elif session.scalar(select(TrainingRun.id).where(IS_WAITING | IS_RUNNING).limit(1)) is not None:
        return None  # the next look is in a minute
    return made if _put(session, made) else None


def new_corrections(session: Session) -> int:
    """Corrections since the examples of the last training were gathered; it stops counting at FEWEST_NEW."""
    last = session.scalar(select(func.max(TrainingRun.at)).where(TrainingRun.state.in_((PUBLISHED, REFUSED, SAME))))
    query = select(Judgement.ticket_id).where(IS_CORRECTED, Judgement.text.is_not(None))
    if last is not None:
        query = query.where(Judgement.settled_at > last)
    return len(session.scalars(query.limit(FEWEST_NEW)).all())


def is_outgrown(session: Session) -> bool:
    """Whether the model in use learned from what an earlier version of the program came with."""
    active = session.scalar(select(TrainedModel.figures).where(IS_ACTIVE))
    return active is not None and active.get("shipped") != shipped_model().version


def claim(session: Session, *, now: datetime) -> TrainingRun | None:
    """The training that waits is ours from now on; None where none does or one is under way. One process gets it."""
    _release_lost(session, now)
    query = select(TrainingRun).where(IS_WAITING).with_for_update(key_share=True, skip_locked=True)
    run = session.scalar(query.execution_options(populate_existing=True))
    if run is None or session.scalar(select(TrainingRun.id).where(IS_RUNNING)) is not None:
        return None
    try:
        with session.begin_nested():
            run.state, run.stage, run.leased_until = RUNNING, "gathering", now + LEASE
            run.attempts += 1
    except IntegrityError:  # another one has begun at this moment
        return None
    return run


def _release_lost(session: Session, now: datetime) -> None:
    """A run that has not been heard of waits again; after MOST_ATTEMPTS it is given up."""
    query = select(TrainingRun).where(IS_RUNNING, TrainingRun.leased_until < now)
    lost = session.scalar(query.with_for_update(key_share=True, skip_locked=True))
    if lost is None:
        return
    others = session.scalar(select(TrainingRun.id).where(IS_WAITING))
    if lost.attempts >= MOST_ATTEMPTS or others is not None:
        finish(session, lost.id, FAILED, now=now, because="训练进程多次中断，请查看日志或运行 desk train")
    else:
        lost.state, lost.stage, lost.leased_until = WAITING, "", None
        session.flush()


def tell(session: Session, run_id: int, stage: str, *, now: datetime) -> None:
    """How far a run is; it is heard of, so that nobody else takes it."""
    run = session.get_one(TrainingRun, run_id, with_for_update={"key_share": True}, populate_existing=True)
    if run.state == RUNNING:
        run.stage, run.leased_until = stage, now + LEASE


def finish(
    session: Session, run_id: int, state: str, *, now: datetime, because: str, version: str | None = None
) -> None:
    """What came of a run."""
    run = session.get_one(TrainingRun, run_id, with_for_update={"key_share": True}, populate_existing=True)
    run.state, run.stage, run.leased_until, run.ended_at = state, "", None, now
    run.because, run.version = because, version
    session.flush()


def under_way(session: Session) -> TrainingRun | None:
    """The run that runs, else the one that waits."""
    found = session.scalars(select(TrainingRun).where(IS_WAITING | IS_RUNNING).limit(2)).all()
    return min(found, key=lambda run: run.state != RUNNING, default=None)


def newest(session: Session, limit: int = LISTED) -> Sequence[TrainingRun]:
    """The last runs, the newest first."""
    return session.scalars(select(TrainingRun).order_by(TrainingRun.id.desc()).limit(limit)).all()


def _put(session: Session, run: TrainingRun) -> bool:
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:  # somebody else has put the same at this moment
        return False
    return True
