"""Targets by category and priority: how soon each clock is due. Pure: no clock, no database."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from service.sla.rows import Row, number_in, row_in, text_in, whole_in

ANY_PRIORITY = "any"
# until a message is classified it has the targets of an ordinary inquiry
UNCLASSIFIED = ("inquiry", "normal")


class ClockKind(StrEnum):
    """The clocks of a ticket. NEXT_REPLY and UPDATE begin anew with each round: a message, a word of ours."""

    ACCEPT = "accept"
    FIRST_REPLY = "first_reply"
    RESOLVE = "resolve"
    FOLLOW_UP = "follow_up"
    NEXT_REPLY = "next_reply"  # from the follower's oldest message without a word of ours, after the first reply
    UPDATE = "update"  # from our last word: the follower hears from us while the matter is open


class Unit(StrEnum):
    """In what a target counts; natural minutes run in duty hours."""

    WORKING_MINUTES = "working_minutes"
    WORKING_DAYS = "working_days"
    NATURAL_MINUTES = "natural_minutes"


@dataclass(frozen=True, slots=True)
class Target:
    """A length of time: "30 working minutes". Raises ValueError unless the amount is at least 1."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        """Refuse a target that would be due at once."""
        if self.amount < 1:
            raise ValueError(f"a target is at least 1, not {self.amount}")

    def __str__(self) -> str:
        words = self.unit.replace("_", " ")
        return f"{self.amount} {words.removesuffix('s') if self.amount == 1 else words}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The targets of one category and priority; None: no such clock."""

    category: str
    priority: str  # "any": all priorities of the category
    accept: Target | None
    first_reply: Target | None
    resolve: Target | None
    follow_up: Target | None
    update_every: Target | None
    follow_up_share: float  # 0..1, the share of answered tickets that get a follow-up
    next_reply: Target | None = None
    tag: str | None = None  # only for followers who carry it

    def __post_init__(self) -> None:
        """Refuse a share that is no share, and a follow-up that would never be due."""
        if not 0 <= self.follow_up_share <= 1:
            raise ValueError(
                f"{self.category}/{self.priority}: a share lies between 0 and 1, not {self.follow_up_share}"
            )
        if self.follow_up_share and not self.follow_up:
            raise ValueError(f"{self.category}/{self.priority}: a share of follow-ups needs a follow-up target")

    def target(self, kind: ClockKind) -> Target | None:
        """How long a clock of that kind may take; None: there is no such clock."""
        found: Target | None = self.update_every if kind is ClockKind.UPDATE else getattr(self, kind.value)
        return found


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """All policies of an installation. Raises ValueError where two stand for the same category and priority."""

    policies: tuple[Policy, ...]
    _found: dict[tuple[str, str], Policy] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the policies."""
        for policy in self.policies:
            key = (policy.category, policy.priority)
            if key in self._found:
                raise ValueError(f"two policies for {policy.category}/{policy.priority}")
            self._found[key] = policy
        policies_of = Counter(policy.category for policy in self.policies)
        alone = (policy for policy in self.policies if policies_of[policy.category] == 1)
        self._found.update({(policy.category, ANY_PRIORITY): policy for policy in alone})

    def policy_for(self, category: str | None, priority: str) -> Policy:
        """The policy of a category and priority; unclassified (None) has that of inquiry/normal, whatever the priority.

        A category with a single policy has it for all priorities. Raises ValueError where there is none.
        """
        key = UNCLASSIFIED if category is None else (category, priority)
        policy = self._found.get(key) or self._found.get((key[0], ANY_PRIORITY))
        if policy is None:
            known = ", ".join(dict.fromkeys(policy.category for policy in self.policies))
            raise ValueError(f"no policy for category {key[0]!r}, priority {key[1]!r}; categories are {known}")
        return policy


def target_from(row: Row | None) -> Target | None:
    """A target from a row like {"amount": 30, "unit": "working_minutes"}; None stays None."""
    return None if row is None else Target(whole_in(row, "amount"), Unit(text_in(row, "unit")))


def policy_from(row: Row) -> Policy:
    """A policy from its row. Raises ValueError that names what is wrong."""
    return Policy(
        category=text_in(row, "category"),
        priority=text_in(row, "priority"),
        accept=target_from(row_in(row, "accept")),
        first_reply=target_from(row_in(row, "first_reply")),
        resolve=target_from(row_in(row, "resolve")),
        follow_up=target_from(row_in(row, "follow_up")),
        update_every=target_from(row_in(row, "update_every")),
        follow_up_share=number_in(row, "follow_up_share"),
        next_reply=target_from(row_in(row, "next_reply" if "next_reply" in row else "first_reply")),
        tag=text_in(row, "tag") if row.get("tag") else None,
    )


def policies_from(rows: Iterable[Row]) -> PolicyTable:
    """All policies from their rows. Raises ValueError that names what is wrong."""
    return PolicyTable(tuple(policy_from(row) for row in rows))
