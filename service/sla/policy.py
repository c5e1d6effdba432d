"""Targets by category, priority and follower's tag: how soon each clock is due. Pure: no clock, no database."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from service.sla.rows import Row, number_in, row_in, text_in, whole_in

ANY_PRIORITY = "any"
PRIORITIES = ("low", "normal", "high", "urgent")
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


TARGETS = ("accept", "first_reply", "next_reply", "update_every", "resolve", "follow_up")  # fields of a policy


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
            raise ValueError(f"{self.name}: a share lies between 0 and 1, not {self.follow_up_share}")
        if self.follow_up_share and not self.follow_up:
            raise ValueError(f"{self.name}: a share of follow-ups needs a follow-up target")

    @property
    def name(self) -> str:
        """Its key: "inquiry/normal", "complaint/high/VIP"."""
        return "/".join(filter(None, (self.category, self.priority, self.tag)))

    def target(self, kind: ClockKind) -> Target | None:
        """How long a clock of that kind may take; None: there is no such clock."""
        found: Target | None = self.update_every if kind is ClockKind.UPDATE else getattr(self, kind.value)
        return found


@dataclass(frozen=True, slots=True)
class PolicyTable:
    """All policies of an installation.

    Raises ValueError where two stand for the same category, priority and tag, and where one with a tag has none
    beside it for everybody else.
    """

    policies: tuple[Policy, ...]
    _found: dict[tuple[str, str], Policy] = field(default_factory=dict, init=False, repr=False, compare=False)
    _tagged: dict[str, list[Policy]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the policies."""
        names = [policy.name for policy in self.policies]
        if twice := next((name for name, count in Counter(names).items() if count > 1), None):
            raise ValueError(f"two policies for {twice}")
        tagged: dict[str, list[Policy]] = defaultdict(list)
        for policy in self.policies:
            if policy.tag:
                tagged[policy.category].append(policy)
            else:
                self._found[policy.category, policy.priority] = policy
        self._tagged.update(tagged)
        policies_of = Counter(category for category, _ in self._found)
        alone = [policy for policy in self._found.values() if policies_of[policy.category] == 1]
        self._found.update({(policy.category, ANY_PRIORITY): policy for policy in alone})
        if missing := next(self._missing(), None):
            raise ValueError(missing)

    def _missing(self) -> Iterator[str]:
        for policy in (policy for policies in self._tagged.values() for policy in policies):
            for priority in PRIORITIES if policy.priority == ANY_PRIORITY else (policy.priority,):
                if self.find(policy.category, priority) is None:
                    name = f"{policy.category}/{priority}"
                    yield f"{policy.name} needs a policy without a tag beside it: {name} is missing"

    @property
    def has_tags(self) -> bool:
        """Whether followers' tags make a difference at all."""
        return bool(self._tagged)

    def find(self, category: str, priority: str) -> Policy | None:
        """The policy for followers without a tag; a category with a single one has it for all priorities."""
        return self._found.get((category, priority)) or self._found.get((category, ANY_PRIORITY))

    def named(self, key: str | None) -> tuple[str, str] | None:
        """Category and priority of a key like "complaint/urgent"; None where the table has no such targets."""
        category, _, priority = (key or "").partition("/")
        return (category, priority) if self.find(category, priority) else None

    def all_for(self, category: str | None, priority: str) -> list[Policy]:
        """Every policy that a category and priority may have, whatever the follower's tags."""
        key = UNCLASSIFIED if category is None else (category, priority)
        tagged = [p for p in self._tagged.get(key[0], ()) if category and p.priority in (priority, ANY_PRIORITY)]
        return [*tagged, self.policy_for(*key)]

    def policy_for(self, category: str | None, priority: str, tags: Collection[str] = ()) -> Policy:
        """The policy of a category and priority: the first with one of the follower's tags, else the one without.

        Unclassified (None) is an inquiry/normal, whatever the priority and the tags. Raises ValueError where there is
        none.
        """
        if category is not None and tags:
            for tagged in self._tagged.get(category, ()):
                if tagged.tag in tags and tagged.priority in (priority, ANY_PRIORITY):
                    return tagged
        key = UNCLASSIFIED if category is None else (category, priority)
        policy = self.find(*key)
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


def row_of(policy: Policy) -> dict[str, object]:
    """The row of a policy: `policy_from` gives the same policy again."""
    row: dict[str, object] = {"key": policy.name, "category": policy.category, "priority": policy.priority}
    if policy.tag:
        row["tag"] = policy.tag
    for name in TARGETS:
        target: Target | None = getattr(policy, name)
        row[name] = {"amount": target.amount, "unit": target.unit.value} if target else None
    return row | {"follow_up_share": policy.follow_up_share}


def policies_from(rows: Iterable[Row]) -> PolicyTable:
    """All policies from their rows. Raises ValueError that names what is wrong."""
    return PolicyTable(tuple(policy_from(row) for row in rows))
