"""When a candidate may take the place of the model in use: by table, each row with its why."""

from dataclasses import replace

import pytest

from service.learning.comparison import CANDIDATE, IN_USE, SHIPPED, Measured, allowed, objections
from service.learning.figures import Figures

SAME = Figures(
    messages=320,
    accuracy=0.9,
    macro_f1=0.9,
    inquiry_against_complaint=0.95,
    complaint_recall=0.9,
    silent_complaints=0.02,
    decided_alone=0.7,
    decided_alone_accuracy=0.95,
    calibration_error=0.05,
    urgency_recall=0.9,
    urgency_precision=0.8,
    recall_by_category={"complaint": (0.9, 40), "inquiry": (0.9, 200), "praise": (0.9, 20), "invalid": (0.8, 5)},
)


def recall(**changed: float) -> dict[str, object]:
    was = SAME.recall_by_category
    return {"recall_by_category": {code: (changed.get(code, share), n) for code, (share, n) in was.items()}}


@pytest.mark.parametrize(
    ("changes", "found", "why"),
    [
        ({}, [], "the same"),
        ({"macro_f1": 0.881}, [], "within the tolerance"),
        ({"macro_f1": 0.87}, [("macro_f1", "")], "beyond it"),
        ({"silent_complaints": 0.05}, [("silent_complaints", "")], "complaints sent elsewhere unseen"),
        ({"accuracy": 0.5}, [], "each category is looked at instead"),
        (recall(complaint=0.85), [], "two of forty: chance"),
        (recall(complaint=0.825), [("recall", "complaint")], "three of forty"),
        (recall(praise=0.8), [], "two of twenty: chance"),
        (recall(praise=0.75), [("recall", "praise")], "three of twenty"),
        (recall(inquiry=0.881), [], "of many, the tolerance counts"),
        (recall(inquiry=0.87), [("recall", "inquiry")], "beyond it"),
        (recall(invalid=0.0), [], "too few to say anything"),
    ],
)
def test_what_is_worse_on_the_fixed_part(changes: dict[str, object], found: list[tuple[str, str]], why: str):
    measured = Measured({CANDIDATE: replace(SAME, **changes), IN_USE: SAME}, {})

    assert [(each.figure, each.category) for each in objections(measured)] == found, why


@pytest.mark.parametrize(("candidate", "refused"), [(0.6, False), (0.5, False), (0.49, True)])
def test_the_newest_part_must_not_be_worse_at_all(candidate: float, refused: bool):
    measured = Measured({CANDIDATE: SAME, IN_USE: SAME}, {CANDIDATE: candidate, IN_USE: 0.5})

    assert bool(objections(measured)) is refused


def test_many_small_steps_do_not_lead_down():
    in_use = replace(SAME, macro_f1=0.885)
    candidate = replace(SAME, macro_f1=0.87)

    against = objections(Measured({CANDIDATE: candidate, IN_USE: in_use, SHIPPED: SAME}, {}))

    assert [each.against for each in against] == [SHIPPED]


def test_a_small_category_may_lose_two_messages():
    assert (allowed(20), allowed(1000)) == (0.1, 0.02)
