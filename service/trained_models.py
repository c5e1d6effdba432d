"""The models that this installation has trained, and the one that is in use: a table, and reading from it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from sqlalchemy import JSON, CheckConstraint, LargeBinary, literal_column, select
from sqlalchemy.orm import Mapped, Session, deferred, mapped_column

from service.database import BigId, Model, partial_index
from service.routing.model import Model as Weights
from service.routing.model import load_model, shipped_model

log = logging.getLogger(__name__)

SHIPPED = "shipped"  # how people name the model that comes with the program
CANDIDATE, ACTIVE, KEPT, REFUSED = "candidate", "active", "kept", "refused"


class TrainedModel(Model):
    """A model that was trained here, with what was measured of it. None of them is active: the shipped one is."""

    __tablename__ = "trained_models"
    __table_args__ = (
        CheckConstraint("state IN ('candidate', 'active', 'kept', 'refused')", name="state"),
        partial_index("uq_trained_models_active", "state = 'active'", "state", unique=True),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str]  # who had it trained: a username or "system"
    raw: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))  # None: too long ago to go back to
    version: Mapped[str] = mapped_column(unique=True)
    figures: Mapped[dict[str, object]] = mapped_column(JSON)  # part -> whose -> figures
    examples: Mapped[dict[str, int]] = mapped_column(JSON)  # kind -> how many it learned from
    state: Mapped[str]
    because: Mapped[str]  # why it was published or refused
    active_at: Mapped[datetime | None]  # when it was last put into use
    active_by: Mapped[str | None]


IS_ACTIVE = TrainedModel.state == literal_column(f"'{ACTIVE}'")


@dataclass(frozen=True, slots=True)
class InUse:
    """The model that classifies. `damaged`: version of the one that should, and cannot be read."""

    weights: Weights
    is_own: bool
    damaged: str | None = None


_read: dict[str, Weights | None] = {}  # version -> the model; None: cannot be read. Holds the newest only
_lock = Lock()


def in_use(session: Session) -> InUse:
    """The active model, the shipped one where there is none or it is damaged: classification never stands still.

    Its bytes are read once a process and version.
    """
    version = session.scalar(select(TrainedModel.version).where(IS_ACTIVE))
    if version is None:
        return InUse(shipped_model(), is_own=False)
    with _lock:
        if version not in _read:
            found = _loaded(session, version)
            _read.clear()
            _read[version] = found
        weights = _read[version]
    if weights is None:
        return InUse(shipped_model(), is_own=False, damaged=version)
    return InUse(weights, is_own=True)


def _loaded(session: Session, version: str) -> Weights | None:
    raw = session.scalar(select(TrainedModel.raw).where(TrainedModel.version == version))
    try:
        return read(raw, version)
    except ValueError as error:
        log.error("the active model is damaged, the shipped one takes its place: %s", error, extra={"model": version})
        return None


def read(raw: bytes | None, version: str) -> Weights:
    """The model of stored bytes. Raises ValueError where they are gone or are not those of this version."""
    weights = load_model(raw or b"")
    if weights.version != version:
        raise ValueError(f"these are the bytes of {weights.version}")
    return weights
