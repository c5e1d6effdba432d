"""One training from end to end: gather, train, measure, publish or refuse. No transaction is open while it computes."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import trained_models
from service.clock import utcnow
from service.database import reading, transaction
from service.keyword_rules import OFF
from service.learning import comparison, corrections, runs, shelf
from service.learning.comparison import CANDIDATE, IN_USE, SHIPPED, Measured, Objection
from service.learning.corpus import Example, fixed_examples, shipped_examples
from service.learning.corrections import Own
from service.learning.figures import figures, judge
from service.learning.shelf import Candidate
from service.routing.classifier import Classifier, classifier_from
from service.routing.keywords import Keywords, keywords_from
from service.routing.model import Model, load_model, shipped_model
from service.rulebook import RulebookRow
from service.tickets import judgements
from service.trained_models import ACTIVE

Rows = Sequence[dict[str, object]]
Train = Callable[[Sequence[Example], Keywords], bytes]
Say = Callable[[str], None]  # told the name of each stage
LEASH = Path(__file__).parent / "runtime" / "leash.py"
KEPT = timedelta(days=3 * 365)  # texts of examples, as closed tickets are
FIGURES = {
    "macro_f1": "固定测试集宏平均 F1",
    "recall": "召回率",
    "silent_complaints": "被悄悄归错的投诉",
    "accuracy": "最新更正准确率",
}
AGAINST = {IN_USE: "启用中的模型", SHIPPED: "随程序发布的模型"}
SAME_AS = "训练结果与已有的模型相同"
NOTHING = "还没有可学的更正：先在工单里更正分类"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a training starts from, read once: examples, rules, and the model in use."""

    own: Own
    keywords: Rows
    categories: Rows
    in_use: Model

    def classifier(self, model: Model) -> Classifier:
        """What classifies if this model is in use, with the rules of the moment."""
        return classifier_from(self.keywords, self.categories, model)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A model that was trained and measured, and what speaks against it. None of it is stored."""

    start: Ground
    raw: bytes
    version: str
    measured: Measured
    objections: tuple[Objection, ...]

    @property
    def refused(self) -> str:
        """Why it may not be published; "" where it may."""
        names = {str(row["code"]): str(row["name_zh"]) for row in self.start.categories}
        return "；".join(told(objection, names) for objection in self.objections)

    @property
    def candidate(self) -> Candidate:
        shipped = {"shipped": shipped_model().version}
        listed = {"objections": [asdict(objection) for objection in self.objections]}
        examples = {"shipped": len(shipped_examples())} | self.start.own.counts()
        figures_of_all = self.measured.as_dict() | shipped | listed
        return Candidate(self.raw, self.version, examples, figures_of_all, self.start.in_use.version)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training: one of runs.PUBLISHED, REFUSED, SAME, SKIPPED, and why."""

    state: str
    because: str
    attempt: Attempt | None = None


def told(objection: Objection, names: Mapping[str, str]) -> str:
    """投诉召回率 92.0% → 85.0%（对比启用中的模型）."""
    what = f"{names.get(objection.category, objection.category)}{FIGURES[objection.figure]}"
    return f"{what} {objection.before:.1%} → {objection.after:.1%}（对比{AGAINST[objection.against]}）"


def ground(session: Session) -> Ground:
    """What is there to learn, and from where."""
    rows: dict[str, list[dict[str, object]]] = {"keywords": [], "categories": []}
    query = select(RulebookRow).where(RulebookRow.section.in_(rows))
    for row in session.scalars(query.order_by(RulebookRow.position, RulebookRow.id)):
        if not row.value.get(OFF):
            rows[row.section].append(row.value)
    own, model = corrections.gather(session), trained_models.in_use(session).weights
    return Ground(own, rows["keywords"], rows["categories"], model)


def by_library(examples: Sequence[Example], keywords: Keywords) -> bytes:
    """The real trainer; its library takes a second to import, which only a training has to pay."""
    from service.learning.trainer import train  # noqa: PLC0415 - that second

    return train(examples, keywords)


def attempted(*, say: Say, train: Train = by_library) -> Outcome:
    """Train on all that is known by now and measure; changes nothing."""
    say("gathering")
    with reading() as session:
        start = ground(session)
    if not start.own.training and start.in_use.version == shipped_model().version:
        return Outcome(runs.SKIPPED, NOTHING)
    say("training")
    raw = train((*shipped_examples(), *start.own.training), keywords_from(start.keywords))
    model = load_model(raw)
    say("measuring")
    measured = measure(start, model)
    tried = Attempt(start, raw, model.version, measured, comparison.objections(measured))
    if model.version in (start.in_use.version, shipped_model().version):
        return Outcome(runs.SAME, SAME_AS, tried)
    return Outcome(runs.REFUSED if tried.objections else runs.PUBLISHED, tried.refused, tried)


def measure(start: Ground, candidate: Model) -> Measured:
    """The candidate, the model in use and the shipped one on the fixed part; the first two on the newest."""
    models = {CANDIDATE: candidate, IN_USE: start.in_use}
    if start.in_use.version != shipped_model().version:
        models[SHIPPED] = shipped_model()
    classifiers = {whose: start.classifier(model) for whose, model in models.items()}
    fixed = {whose: figures(each, fixed_examples()) for whose, each in classifiers.items()}
    newest: dict[str, float] = {}
    if start.own.newest:
        pair = (CANDIDATE, IN_USE)
        newest = {whose: comparison.share_right(judge(classifiers[whose], start.own.newest)) for whose in pair}
    return Measured(fixed, newest)


def perform(run_id: int, *, by: str, say: Say = lambda _: None, train: Train = by_library) -> Outcome:
    """Do a run that is ours: what comes of it stands in its row, also where it fails."""

    def heard(stage: str) -> None:
        say(stage)
        with transaction() as session:
            runs.tell(session, run_id, stage, now=utcnow())

    try:
        outcome = attempted(say=heard, train=train)
        heard("publishing")
        with transaction() as session:
            outcome = concluded(session, outcome, by=by)
            version = outcome.attempt.version if outcome.attempt else None
            runs.finish(session, run_id, outcome.state, now=utcnow(), because=outcome.because, version=version)
    except Exception as error:
        with transaction() as session:
            because = f"训练失败（{type(error).__name__}），请查看日志"
            runs.finish(session, run_id, runs.FAILED, now=utcnow(), because=because)
        raise
    return outcome


def concluded(session: Session, outcome: Outcome, *, by: str) -> Outcome:
    """Put the model on the shelf, published or refused."""
    tried = outcome.attempt
    if tried is None or outcome.state == runs.SAME:
        return outcome
    if shelf.find(session, tried.version) is not None:  # a person may have gone back from it: that is theirs to undo
        return Outcome(runs.SAME, SAME_AS, tried)
    made = shelf.put(session, tried.candidate, by=by, now=utcnow(), refused=outcome.because)
    return Outcome(runs.PUBLISHED if made.state == ACTIVE else runs.REFUSED, made.because, tried)


def fade_texts() -> None:
    """Take away the texts of examples whose term is over, whether or not there is anything to train on."""
    while True:
        with transaction() as session:
            if judgements.fade(session, before=utcnow() - KEPT) < judgements.FADED:
                return


_children: list[subprocess.Popen[bytes]] = []  # of this worker: asked after, so that none stays behind as a zombie


def begin(run_id: int) -> None:
    """Train in a process of its own, which dies with this one; a worker has other things to do meanwhile."""
    _children[:] = [child for child in _children if child.poll() is None]
    command = [sys.executable, "-m", "service.cli", "train", "--run", str(run_id)]
    _children.append(subprocess.Popen([sys.executable, str(LEASH), str(os.getpid()), *command]))  # noqa: S603
