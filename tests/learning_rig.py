"""Models without a training: those of the program, a little or badly changed; and tickets that people have settled."""

from dataclasses import replace
from datetime import datetime

import numpy as np
from sqlalchemy import select

from service import retraining
from service.database import reading, transaction
from service.learning import runs
from service.people import User
from service.retraining import Outcome
from service.routing.model import load_model, packed, shipped_model
from service.tickets import cooperation
from service.tickets.judgements import Judgement
from service.tickets.models import Ticket
from service.trained_models import TrainedModel
from tests.factories import INQUIRY, Desk

WHY = "看内容是故障"


def like_shipped(number: int = 1) -> bytes:
    """A model that judges as the shipped one does; each number gives other bytes."""
    return packed(replace(shipped_model(), about={"number": number}))


def hopeless() -> bytes:
    """A model to which everything is the same."""
    model = shipped_model()
    nothing = np.zeros_like(model.weights), np.zeros_like(model.signal_weights)
    return packed(replace(model, weights=nothing[0], signal_weights=nothing[1]))


def version_of(raw: bytes) -> str:
    return load_model(raw).version


def corrected(
    desk: Desk, by: User, *, text: str = INQUIRY, to: str = "fault", follower: str = "oFollower0001"
) -> Ticket:
    """A ticket that was judged and that somebody says is something else."""
    return correct(desk, desk.ticket(text, follower=follower), by, to=to)


def correct(desk: Desk, ticket: Ticket, by: User, *, to: str, priority: str | None = None) -> Ticket:
    with desk.doing(ticket, by) as d:
        cooperation.classify(d.session, d.ticket, d.deed, category=to, priority=priority, reason=WHY)
    return desk.reread(ticket)


def judgement(ticket: Ticket) -> Judgement | None:
    """What is kept of it."""
    with reading() as session:
        found = session.scalar(select(Judgement).where(Judgement.ticket_id == ticket.id))
        session.expunge_all()
    return found


def trained(raw: bytes, *, now: datetime, by: str = "boss") -> Outcome:
    """A training from the wish to the shelf, whose library gives this model."""
    with transaction() as session:
        runs.ask(session, by=by, now=now)
        run = runs.claim(session, now=now)
        assert run is not None
        run_id = run.id
    return retraining.perform(run_id, by=by, train=lambda _examples, _keywords: raw)


def models() -> dict[str, str]:
    """State by version."""
    with reading() as session:
        return dict(session.execute(select(TrainedModel.version, TrainedModel.state)).all())
