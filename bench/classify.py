"""Figures of the shipped classifier: `python bench/classify.py [FILE.jsonl] [--misses]`.

Without a file on the messages that the project keeps aside. A line has `text`, and either `category` and `urgent` or,
in the words of the labelling guideline, `label` and `urgency` (high normal low). Nothing of a file that measures may
find its way into the rules or the messages that are trained on.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from service.learning.corpus import Example, fixed_examples
from service.learning.figures import LABELS, Judged, figures_of, judge
from service.routing.classifier import Classifier, shipped
from service.routing.keywords import CATEGORIES

GOALS = {  # figure -> what it should be: at least, or where it is negative at most
    "macro_f1": 0.80,
    "inquiry_against_complaint": 0.92,
    "decided_alone": 0.60,
    "decided_alone_accuracy": 0.92,
    "silent_complaints": -0.03,
    "calibration_error": -0.08,
    "urgency_recall": 0.85,
    "urgency_precision": 0.70,
}
LOADING = """
import service, time
begun = time.perf_counter()
from service.routing.classifier import shipped
shipped()
print(time.perf_counter() - begun)
"""
COPIES = 200_000  # messages of the long run


def read(path: Path) -> tuple[Example, ...]:
    """The messages of a file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return tuple(
        Example(row["text"], row.get("category") or row["label"], row.get("urgent", row.get("urgency") == "high"))
        for row in rows
    )


def print_figures(rows: Sequence[Judged]) -> None:
    """Each figure with its goal where it has one."""
    for name, value in figures_of(rows).as_dict().items():
        if isinstance(value, float):
            goal = GOALS.get(name)
            note = "" if goal is None else f"   goal {'≥' if goal > 0 else '≤'} {abs(goal):.2f}"
            print(f"{name:<28}{value:.3f}{note}")
        elif isinstance(value, int):
            print(f"{name:<28}{value}")
        else:
            known = [(code, *found) for code, found in value.items() if code in CATEGORIES]
            print("recall  " + "  ".join(f"{code} {share:.2f}/{number}" for code, share, number in known))


def print_confusion(rows: Sequence[Judged]) -> None:
    pairs = Counter((row.label, row.guess) for row in rows)
    print("\n" + " " * 12 + "".join(f"{guess:>12}" for guess in LABELS) + "   (columns: guess)")
    for label in LABELS:
        print(f"{label:<12}" + "".join(f"{pairs[label, guess]:>12}" for guess in LABELS))


def print_speed(classifier: Classifier, texts: Sequence[str]) -> None:
    """Loading in a process of its own, the median of one message, and a long run through `desk classify`."""
    loading = subprocess.run([sys.executable, "-c", LOADING], check=True, capture_output=True, text=True).stdout
    spent = []
    for text in texts:
        begun = time.perf_counter()
        classifier.classify(text)
        spent.append(time.perf_counter() - begun)
    lines = "\n".join(json.dumps({"text": texts[at % len(texts)]}) for at in range(COPIES))
    begun = time.perf_counter()
    desk = Path(sys.executable).with_name("desk")
    done = subprocess.run([desk, "classify"], input=lines, text=True, capture_output=True, check=True)
    seconds = time.perf_counter() - begun
    print(f"\nloading {float(loading):.2f} s, one message {statistics.median(spent) * 1000:.2f} ms (median)")
    print(f"desk classify: {done.stdout.count(chr(10)):,} messages in {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--misses", action="store_true", help="also print what was judged wrongly, with the reasons")
    parser.add_argument("--speed", action="store_true", help=f"also the time, and {COPIES:,} messages in a run")
    options = parser.parse_args()
    classifier = shipped()
    examples = read(options.file) if options.file else fixed_examples()
    rows = judge(classifier, examples)
    print_figures(rows)
    print_confusion(rows)
    for row in rows:
        if options.misses and not row.is_right:
            verdict = row.verdict
            print(f"{row.label} -> {row.guess} {verdict.confidence} {row.example.text!r} {verdict.because}")
    if options.speed:
        print_speed(classifier, [example.text for example in examples])


if __name__ == "__main__":
    main()
