"""Which department a matter belongs to: the first row that fits. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

INTAKE = "QGB"


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """A row of the table; what is None fits anything. `set_priority` overrides the priority of what it routes."""

    position: int
    category: str | None
    priority: str | None
    account: str | None
    department: str
    keyword: str | None = None
    set_priority: str | None = None


@dataclass(frozen=True, slots=True)
class Matter:
    """What routing looks at; category is None until classified."""

    category: str | None
    priority: str
    account: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where it goes and why; `priority` is None where the matter keeps its own."""

    department: str
    because: str
    priority: str | None = None


def fits(row: RoutingRow, matter: Matter) -> bool:
    """Whether every condition of the row holds."""
    return (
        row.category in (None, matter.category)
        and row.priority in (None, matter.priority)
        and row.account in (None, matter.account)
        and (row.keyword is None or row.keyword.lower() in matter.text.lower())
    )


def route(rows: Sequence[RoutingRow], matter: Matter, *, intake: str = INTAKE) -> Destination:
    """The destination of the first fitting row in order of position, else the intake department."""
    for row in sorted(rows, key=lambda row: row.position):
        if fits(row, matter):
            return Destination(row.department, f"row {row.position}: {_conditions(row)}", row.set_priority)
    return Destination(intake, "no row fits: intake")


def _conditions(row: RoutingRow) -> str:
    named = (
        ("category", row.category),
        ("priority", row.priority),
        ("account", row.account),
        ("keyword", row.keyword),
    )
    return ", ".join(f"{name} {value}" for name, value in named if value is not None) or "any matter"
