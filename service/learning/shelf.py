"""Putting models on the shelf: a candidate is published or refused, an earlier one is taken back into use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from service import alerts, audit, rulebook, trained_models
from service.errors import IllegalTransition, InvalidInput, NotFound
from service.trained_models import ACTIVE, IS_ACTIVE, KEPT, REFUSED, SHIPPED, TrainedModel

BYTES_OF = {KEPT: 10, REFUSED: 3}  # state -> how many of the newest keep their bytes, besides the active one
LISTED = 50
ALERT = "model"
TO_DO = (
    "启用中的分类模型（%s）已损坏，或不适用于本版本程序，现由随程序发布的模型代替。"
    "请到“分类质量”页退回较早的模型，或点“现在训练”；也可运行 desk train --back shipped。"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was just trained, with what it learned from and what was measured."""

    raw: bytes
    version: str
    examples: Mapping[str, int]
    figures: Mapping[str, object]
    compared_with: str  # version of the model that was in use then


def active(session: Session) -> TrainedModel | None:
    """The trained model that is in use; None: the shipped one is."""
    return session.scalar(select(TrainedModel).where(IS_ACTIVE))


def find(session: Session, version: str) -> TrainedModel | None:
    return session.scalar(select(TrainedModel).where(TrainedModel.version == version))


def listing(session: Session, limit: int = LISTED) -> Sequence[TrainedModel]:
    """The newest first, the one in use among them however old it is."""
    found = list(session.scalars(select(TrainedModel).order_by(TrainedModel.id.desc()).limit(limit)))
    in_use = active(session)
    return found if in_use is None or in_use in found else [*found, in_use]


def with_bytes(session: Session, versions: Sequence[str]) -> set[str]:
    """Those of them that one can go back to."""
    query = select(TrainedModel.version).where(TrainedModel.version.in_(versions), TrainedModel.raw.is_not(None))
    return set(session.scalars(query))


def put(session: Session, candidate: Candidate, *, by: str, now: datetime, refused: str) -> TrainedModel:
    """Publish the candidate, or keep it as refused for this reason.

    What it was measured against must still be in use: of two processes the later one is refused.
    """
    rulebook.lock(session)
    if trained_models.in_use(session).weights.version != candidate.compared_with:
        refused = refused or "评估期间启用的模型已更换，请重新训练"
    made = TrainedModel(at=now, by=by, raw=candidate.raw, version=candidate.version, state=REFUSED, because=refused)
    made.figures, made.examples = dict(candidate.figures), dict(candidate.examples)
    session.add(made)
    session.flush()
    if not refused:
        made.because = "固定测试集和最新更正上都不差于启用中的模型"
        _activate(session, made, by=by, now=now)
    _record(session, "model_refused" if refused else "model_published", made.version, by, now, because=made.because)
    _trim(session)
    return made


def go_back(session: Session, version: str, *, by: str, now: datetime, because: str = "") -> None:
    """Use an earlier model again, or the shipped one. Raises NotFound, InvalidInput."""
    rulebook.lock(session)
    now_is = active(session)
    if version == SHIPPED:
        if now_is is None:
            raise IllegalTransition("the shipped model is in use already")
        now_is.state = KEPT
        session.flush()
        rulebook.bump(session)
    else:
        _activate(session, _earlier(session, version), by=by, now=now)
    alerts.resolved(session, scope="", kind=ALERT, now=now)
    before = now_is.version if now_is else SHIPPED
    _record(session, "model_restored", version, by, now, because=because, before=before)


def _earlier(session: Session, version: str) -> TrainedModel:
    found = find(session, version)
    if found is None:
        raise NotFound("no such model; `desk train --list` names those there are")
    if found.state == ACTIVE:
        raise IllegalTransition("this model is in use already")
    if found.state != KEPT:
        raise InvalidInput(version="this model was refused and never in use; train anew instead")
    try:
        trained_models.read(found.raw, found.version)
    except ValueError as error:
        raise InvalidInput(version=f"its bytes are gone or damaged; choose a newer one or `{SHIPPED}`") from error
    return found


def _activate(session: Session, model: TrainedModel, *, by: str, now: datetime) -> None:
    session.execute(update(TrainedModel).where(IS_ACTIVE).values(state=KEPT))
    model.state, model.active_at, model.active_by = ACTIVE, now, by
    session.flush()
    rulebook.bump(session)


def _trim(session: Session) -> None:
    """The oldest lose their bytes; what was measured of them stays."""
    for state, number in BYTES_OF.items():
        ours: ColumnElement[bool] = TrainedModel.state == state
        newest = select(TrainedModel.id).where(ours).order_by(TrainedModel.id.desc()).limit(number)
        old = update(TrainedModel).where(ours, TrainedModel.raw.is_not(None), TrainedModel.id.not_in(newest))
        session.execute(old.values(raw=None), execution_options={"synchronize_session": False})


def watch(session: Session, *, now: datetime) -> None:
    """Raise or resolve the alarm about a damaged model."""
    damaged = trained_models.in_use(session).damaged
    if damaged:
        alerts.raised(session, scope="", kind=ALERT, detail=TO_DO % damaged, now=now)
    elif alerts.find(session, "", ALERT):
        alerts.resolved(session, scope="", kind=ALERT, now=now)


def _record(
    session: Session, action: str, version: str, by: str, now: datetime, *, because: str, before: str = ""
) -> None:
    was = {"model": before} if before else None
    audit.record(session, at=now, actor=by, action=action, before=was, after={"model": version}, because=because)
