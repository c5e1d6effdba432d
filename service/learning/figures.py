"""How good a classifier is, on messages that it was not trained on. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from service.learning.corpus import Example
from service.routing.classifier import Classifier, Verdict

LABELS = ("complaint", "inquiry", "request", "suggestion", "praise", "other")  # of the labelling guideline
AS_LABEL = {
    "help_request": "request",
    "report": "complaint",
    "fault": "request",
    "privacy_request": "request",
    "invalid": "other",
}
BINS = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A message, what it is, and what the classifier made of it."""

    example: Example
    verdict: Verdict

    @property
    def label(self) -> str:
        return AS_LABEL.get(self.example.category, self.example.category)

    @property
    def guess(self) -> str:
        return AS_LABEL.get(self.verdict.category, self.verdict.category)

    @property
    def is_right(self) -> bool:
        return self.label == self.guess


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares between 0 and 1. Labels are those of the guideline: related categories count as one."""

    messages: int
    accuracy: float
    macro_f1: float
    inquiry_against_complaint: float  # of both together, how many were named so
    complaint_recall: float
    silent_complaints: float  # of the complaints, how many were sent elsewhere without a person's look
    decided_alone: float
    decided_alone_accuracy: float
    calibration_error: float  # mean distance between confidence and accuracy, by bins of confidence
    urgency_recall: float
    urgency_precision: float
    recall_by_category: dict[str, tuple[float, int]]  # category -> recall, number of messages

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def judge(classifier: Classifier, examples: Iterable[Example]) -> tuple[Judged, ...]:
    """Every message with its verdict."""
    return tuple(Judged(example, classifier.classify(example.text)) for example in examples)


def figures(classifier: Classifier, examples: Iterable[Example]) -> Figures:
    """The figures of a classifier on these messages."""
    return figures_of(judge(classifier, examples))


def figures_of(rows: Sequence[Judged]) -> Figures:
    """The figures of messages that are judged already."""
    complaints = [row for row in rows if row.label == "complaint"]
    pair = [row for row in rows if row.label in ("complaint", "inquiry")]
    decided = [row for row in rows if not row.verdict.triage]
    alarms = [row for row in rows if row.verdict.priority == "urgent"]
    silent = [row for row in complaints if row.guess != "complaint" and not row.verdict.triage]
    urgent = sum(row.example.urgent for row in rows)
    found = sum(row.example.urgent for row in alarms)
    return Figures(
        messages=len(rows),
        accuracy=_accuracy(rows),
        macro_f1=statistics.fmean(_f1(rows, label) for label in LABELS),
        inquiry_against_complaint=_accuracy(pair),
        complaint_recall=_accuracy(complaints),
        silent_complaints=_ratio(len(silent), len(complaints)),
        decided_alone=_ratio(len(decided), len(rows)),
        decided_alone_accuracy=_accuracy(decided),
        calibration_error=_calibration_error(rows),
        urgency_recall=_ratio(found, urgent),
        urgency_precision=_ratio(found, len(alarms)),
        recall_by_category=_recall_by_category(rows),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _accuracy(rows: Sequence[Judged]) -> float:
    return _ratio(sum(row.is_right for row in rows), len(rows))


def _f1(rows: Sequence[Judged], label: str) -> float:
    hits = sum(row.label == label == row.guess for row in rows)
    return _ratio(2 * hits, sum(row.label == label for row in rows) + sum(row.guess == label for row in rows))


def _calibration_error(rows: Sequence[Judged]) -> float:
    bins: dict[int, list[Judged]] = {}
    for row in rows:
        bins.setdefault(min(int(row.verdict.confidence * BINS), BINS - 1), []).append(row)
    errors = (
        abs(_accuracy(inside) - statistics.fmean(row.verdict.confidence for row in inside)) * len(inside)
        for inside in bins.values()
    )
    return sum(errors) / len(rows) if rows else 0.0


def _recall_by_category(rows: Sequence[Judged]) -> dict[str, tuple[float, int]]:
    by_category: dict[str, list[bool]] = {}
    for row in rows:
        by_category.setdefault(row.example.category, []).append(row.example.category == row.verdict.category)
    return {code: (sum(right) / len(right), len(right)) for code, right in sorted(by_category.items())}
