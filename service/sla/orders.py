"""When a supervision order opens or rises by itself, and by when it is answered. Pure: no clock, no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from service.sla.ladder import LEVELS
from service.sla.policy import Target, target_from
from service.sla.rows import Row, text_in, whole_in


@dataclass(frozen=True, slots=True)
class Trigger:
    """So many times something happens, and an order of this level opens, or an open one is raised to it."""

    times: int
    level: str

    def __post_init__(self) -> None:
        """Refuse what could never happen, and a level that there is none of."""
        if self.times < 1:
            raise ValueError(f"an order opens after at least 1 time, not {self.times}")
        if self.level not in LEVELS:
            raise ValueError(f"{self.level!r} is none of {', '.join(LEVELS)}")

    def level_at(self, count: int) -> str | None:
        """The level once it has happened so often, and again after as many times more; None in between."""
        return self.level if count and count % self.times == 0 else None


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The numbers of supervision. Raises ValueError where somebody could never urge again, or always."""

    answer: Target  # time that the handler has
    urge_again: timedelta  # after which the same person may urge the same ticket again
    customer_urges: Trigger
    urges: Trigger  # by colleagues
    repeated_complaints: Trigger  # complaints about the same matter, this one included
    unanswered: Trigger  # an order's due time has passed

    def __post_init__(self) -> None:
        """Refuse a pause of no length."""
        if self.urge_again <= timedelta():
            raise ValueError("'urge_again' is at least 1 minute")


def rank(level: str) -> int:
    """How grave a level is: ordinary 0, yellow 1, red 2. Raises ValueError for any other word."""
    return LEVELS.index(level)


def order_rules_from(rows: Iterable[Row]) -> OrderRules:
    """The rules from their rows, of two with one key the later. Raises ValueError that names what is wrong."""
    by_key = {text_in(row, "key"): row for row in rows}
    wanted = set(OrderRules.__dataclass_fields__)
    if set(by_key) != wanted:
        raise ValueError(f"the rows of supervision are {sorted(wanted)}, not {sorted(by_key)}")
    answer = target_from(by_key["answer"])
    assert answer is not None  # noqa: S101 - only of a row that is None
    counted = ("customer_urges", "urges", "repeated_complaints", "unanswered")
    triggers = {key: Trigger(whole_in(by_key[key], "times"), text_in(by_key[key], "level")) for key in counted}
    return OrderRules(answer, timedelta(minutes=whole_in(by_key["urge_again"], "minutes")), **triggers)
