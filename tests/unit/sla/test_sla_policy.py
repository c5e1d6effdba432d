"""Targets: the shipped table row by row, what stands for what, and mistakes in the rows."""

import pytest
from sla_makers import shipped_policies

from service.sla.policy import Policy, PolicyTable, Target, Unit, policies_from, policy_from, row_of

TABLE = shipped_policies()
PRIORITIES = ("low", "normal", "high", "urgent")


SHORT = {Unit.WORKING_MINUTES: "wm", Unit.WORKING_DAYS: "wd", Unit.NATURAL_MINUTES: "nm"}


def short(target: Target | None) -> str:
    return f"{target.amount} {SHORT[target.unit]}" if target else "-"


@pytest.mark.parametrize(
    ("category", "priority", "accept", "first_reply", "update", "resolve", "follow_up", "share"),
    [
        ("inquiry", "low", "60 wm", "120 wm", "-", "2 wd", "1 wd", 0.05),
        ("inquiry", "normal", "30 wm", "30 wm", "1 wd", "1 wd", "1 wd", 0.1),
        ("inquiry", "high", "15 wm", "30 wm", "240 wm", "240 wm", "1 wd", 0.2),
        ("inquiry", "urgent", "10 nm", "15 nm", "60 nm", "120 nm", "1 wd", 1),
        ("complaint", "low", "30 wm", "120 wm", "2 wd", "7 wd", "2 wd", 1),
        ("complaint", "normal", "30 wm", "30 wm", "2 wd", "5 wd", "1 wd", 1),
        ("complaint", "high", "15 wm", "30 wm", "1 wd", "3 wd", "1 wd", 1),
        ("complaint", "urgent", "10 nm", "30 nm", "240 nm", "1440 nm", "1440 nm", 1),
        ("suggestion", "normal", "1 wd", "2 wd", "-", "10 wd", "-", 0),
        ("help_request", "high", "15 wm", "30 wm", "240 wm", "1 wd", "1 wd", 0.2),
        ("report", "high", "1 wd", "2 wd", "5 wd", "15 wd", "-", 0),
        ("privacy_request", "high", "1 wd", "1 wd", "-", "15 wd", "-", 0),
        ("fault", "high", "30 nm", "60 nm", "120 nm", "720 nm", "-", 0),
        ("praise", "normal", "-", "-", "-", "-", "-", 0),
        ("invalid", "normal", "-", "-", "-", "-", "-", 0),
    ],
)  # fmt: skip
def test_shipped_targets(
    category: str, priority: str, accept: str, first_reply: str, update: str, resolve: str, follow_up: str, share: float
) -> None:
    found = TABLE.policy_for(category, priority)

    targets = (found.accept, found.first_reply, found.update_every, found.resolve, found.follow_up)
    assert [short(target) for target in targets] == [accept, first_reply, update, resolve, follow_up]
    assert found.follow_up_share == share


@pytest.mark.parametrize("priority", PRIORITIES)
def test_an_unclassified_message_has_the_targets_of_an_ordinary_inquiry(priority: str) -> None:
    assert TABLE.policy_for(None, priority) == TABLE.policy_for("inquiry", "normal")


@pytest.mark.parametrize(
    "category", ["suggestion", "help_request", "report", "privacy_request", "fault", "praise", "invalid"]
)
def test_a_category_with_one_row_has_it_for_all_priorities(category: str) -> None:
    assert len({TABLE.policy_for(category, priority) for priority in PRIORITIES}) == 1


def test_a_single_row_for_one_priority_stands_for_all() -> None:
    only = TABLE.policy_for("complaint", "high")

    assert PolicyTable((only,)).policy_for("complaint", "low") == only


@pytest.mark.parametrize(("category", "priority"), [("spam", "normal"), ("inquiry", "extreme")])
def test_no_policy_is_an_error_that_names_the_categories(category: str, priority: str) -> None:
    with pytest.raises(ValueError, match=f"{category}.*{priority}.*categories are inquiry, complaint"):
        TABLE.policy_for(category, priority)


def row(**changes: object) -> dict[str, object]:
    minutes = {"amount": 30, "unit": "working_minutes"}
    targets = dict.fromkeys(("accept", "first_reply", "resolve", "follow_up", "update_every"), minutes)
    return {"category": "inquiry", "priority": "normal", **targets, "follow_up_share": 0.5, **changes}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row(category="")], "'category' must be a text"),
        ([row(accept="30 min")], "'accept' must be an object or null"),
        ([row(accept={"amount": "30", "unit": "working_days"})], "'amount' must be a whole number"),
        ([row(accept={"amount": 30, "unit": "hours"})], "'hours' is not a valid Unit"),
        ([row(accept={"amount": 0, "unit": "working_days"})], "at least 1"),
        ([row(follow_up_share="10 %")], "'follow_up_share' must be a number"),
        ([row(follow_up_share=10)], "between 0 and 1"),
        ([row(follow_up=None)], "needs a follow-up target"),
        ([row(), row()], "two policies for inquiry/normal"),
        ([{name: value for name, value in row().items() if name != "resolve"}], "'resolve' must be"),
    ],
)
def test_a_mistake_in_the_rows_is_named(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        policies_from(rows)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(30, Unit.WORKING_MINUTES), "30 working minutes"),
        (Target(1, Unit.WORKING_DAYS), "1 working day"),
        (Target(1440, Unit.NATURAL_MINUTES), "1440 natural minutes"),
    ],
)
def test_a_target_reads_as_words(target: Target, words: str) -> None:
    assert str(target) == words


def test_null_means_no_such_clock() -> None:
    policy: Policy = policies_from([row(accept=None)]).policy_for("inquiry", "normal")

    assert policy.accept is None
    assert policy.resolve == Target(30, Unit.WORKING_MINUTES)


def tagged(priority: str, tag: str, minutes: int) -> dict[str, object]:
    accept = {"amount": minutes, "unit": "working_minutes"}
    return row(category="complaint", priority=priority, tag=tag, accept=accept)


TAGGED = policies_from(
    [
        row(category="complaint", priority="normal", accept={"amount": 30, "unit": "working_minutes"}),
        row(category="complaint", priority="high", accept={"amount": 15, "unit": "working_minutes"}),
        tagged("high", "VIP", 5),
        tagged("high", "经销商", 6),
        tagged("normal", "VIP", 7),
        row(category="fault", priority="any", accept={"amount": 40, "unit": "working_minutes"}),
        tagged("any", "VIP", 8) | {"category": "fault"},
        row(),
        row(tag="VIP", accept={"amount": 1, "unit": "working_minutes"}),
    ]
)


@pytest.mark.parametrize(
    ("category", "priority", "tags", "minutes", "why"),
    [
        ("complaint", "high", (), 15, "no tag: the row for everybody"),
        ("complaint", "high", ("老客户",), 15, "no row has this tag"),
        ("complaint", "high", ("VIP",), 5, "the row with the tag"),
        ("complaint", "high", ("经销商", "VIP"), 5, "two tags: the first row of the table"),
        ("complaint", "high", ("经销商",), 6, "the other row"),
        ("complaint", "normal", ("VIP",), 7, "another priority has its own"),
        ("complaint", "normal", ("经销商",), 30, "only high has this tag"),
        ("fault", "urgent", ("VIP",), 8, "a row for any priority"),
        ("fault", "urgent", ("经销商",), 40, "the only row without a tag stands for all priorities"),
        (None, "high", ("VIP",), 30, "unclassified: an ordinary inquiry, whatever the tags"),
    ],
)
def test_the_first_row_with_a_tag_of_the_follower_holds(
    category: str | None, priority: str, tags: tuple[str, ...], minutes: int, why: str
) -> None:
    assert TAGGED.policy_for(category, priority, tags).accept == Target(minutes, Unit.WORKING_MINUTES)


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        ([row(), tagged("high", "VIP", 5)], "complaint/high is missing"),
        ([tagged("any", "VIP", 5), row(category="complaint"), row(category="complaint", priority="low")], "high"),
    ],
)
def test_a_row_with_a_tag_needs_one_without(rows: list[dict[str, object]], missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        policies_from(rows)


def test_a_row_gives_its_policy_again() -> None:
    assert [policy_from(row_of(policy)) for policy in TAGGED.policies] == list(TAGGED.policies)
