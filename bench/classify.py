"""Figures of a classifier on labelled messages: `python bench/classify.py FILE.jsonl [--misses]`.

Each line has `text`, `label` (complaint inquiry request suggestion praise other) and `urgency` (high normal low).
The file is for evaluation only: nothing in it may find its way into the rules.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from service.routing.classifier import Verdict, shipped

LABELS = ("complaint", "inquiry", "request", "suggestion", "praise", "other")
AS_LABEL = {
    "help_request": "request",
    "report": "complaint",
    "fault": "request",
    "privacy_request": "request",
    "invalid": "other",
}


@dataclass(frozen=True, slots=True)
class Judged:
    text: str
    label: str
    urgent: bool
    verdict: Verdict
    seconds: float

    @property
    def guess(self) -> str:
        return AS_LABEL.get(self.verdict.category, self.verdict.category)


def judge(path: Path) -> list[Judged]:
    """Every message of the file with its verdict and the time that took."""
    classifier = shipped()
    classifier.classify("热身")
    judged = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        begun = time.perf_counter()
        verdict = classifier.classify(row["text"])
        seconds = time.perf_counter() - begun
        judged.append(Judged(row["text"], row["label"], row.get("urgency") == "high", verdict, seconds))
    return judged


def ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def f1(rows: Sequence[Judged], label: str) -> float:
    hits = sum(row.label == label == row.guess for row in rows)
    return ratio(2 * hits, sum(row.label == label for row in rows) + sum(row.guess == label for row in rows))


def calibration_error(rows: Sequence[Judged], bins: int = 10) -> float:
    """Expected calibration error: mean distance between confidence and accuracy, by bins of confidence."""
    error = 0.0
    for step in range(bins):
        inside = [
            row
            for row in rows
            if step <= row.verdict.confidence * bins < step + 1 or (step == bins - 1 and row.verdict.confidence == 1)
        ]
        if inside:
            accuracy = ratio(sum(row.label == row.guess for row in inside), len(inside))
            confidence = statistics.fmean(row.verdict.confidence for row in inside)
            error += abs(accuracy - confidence) * len(inside) / len(rows)
    return error


def figures(rows: Sequence[Judged]) -> dict[str, float]:
    """What the closing note quotes, by name."""
    complaints = [row for row in rows if row.label == "complaint"]
    pair = [row for row in rows if row.label in ("complaint", "inquiry")]
    decided = [row for row in rows if not row.verdict.triage]
    found = [row for row in rows if row.verdict.priority == "urgent"]
    both = sum(row.urgent for row in found)
    return {
        "messages": len(rows),
        "accuracy": ratio(sum(row.label == row.guess for row in rows), len(rows)),
        "macro_f1": statistics.fmean(f1(rows, label) for label in LABELS),
        "inquiry_against_complaint": ratio(sum(row.label == row.guess for row in pair), len(pair)),
        "complaint_recall": ratio(sum(row.guess == "complaint" for row in complaints), len(complaints)),
        "complaints_silently_elsewhere": ratio(
            sum(row.guess != "complaint" and not row.verdict.triage for row in complaints), len(complaints)
        ),
        "decided_alone": ratio(len(decided), len(rows)),
        "decided_alone_accuracy": ratio(sum(row.label == row.guess for row in decided), len(decided)),
        "urgency_recall": ratio(both, sum(row.urgent for row in rows)),
        "urgency_precision": ratio(both, len(found)),
        "calibration_error": calibration_error(rows),
        "median_ms": statistics.median(row.seconds for row in rows) * 1000,
    }


def print_confusion(rows: Sequence[Judged]) -> None:
    pairs = Counter((row.label, row.guess) for row in rows)
    print("\n" + " " * 12 + "".join(f"{guess:>12}" for guess in LABELS) + "   (columns: guess)")
    for label in LABELS:
        print(f"{label:<12}" + "".join(f"{pairs[label, guess]:>12}" for guess in LABELS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--misses", action="store_true", help="also print what was judged wrongly, with the reasons")
    options = parser.parse_args()
    rows = judge(options.file)
    for name, value in figures(rows).items():
        print(f"{name:<32}{value:.3f}" if name != "messages" else f"{name:<32}{value:.0f}")
    print_confusion(rows)
    if options.misses:
        for row in rows:
            if row.label != row.guess:
                print(f"{row.label} -> {row.guess} {row.verdict.confidence} {row.text!r} {row.verdict.because}")


if __name__ == "__main__":
    main()
