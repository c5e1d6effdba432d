"""Whose calendar a row belongs to: the announced days, the company's own over them, a department's over both."""

import re
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

from service.sla.calendar import SHANGHAI, Calendar, calendar_from
from service.sla.rows import Row, text_in
from service.sla.shifts import SHIFT_DAY, Shifts, shifts_from

COMPANY = "*"  # "*:2026-05-04" is the company's own day, whatever was announced; "QGB:hours" are a department's hours
SCOPED = re.compile(r"(\*|[A-Z][A-Z0-9]{1,9}):(.+)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Rows = Mapping[str, Row]


def split(key: str) -> tuple[str, str]:
    """Whose a row is and what it is: ("QGB", "hours"); "" stands for what was announced or is everybody's."""
    found = SCOPED.fullmatch(key)
    return (found[1], found[2]) if found else ("", key)


def key_of(scope: str, name: str) -> str:
    """The key of a row: "QGB:hours", "2026-02-14"."""
    return f"{scope}:{name}" if scope else name


def layers_from(rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Rows by scope and by their name within it. Raises ValueError for what a scope cannot have of its own."""
    layers: dict[str, dict[str, Row]] = {"": {}}
    for row in rows:
        scope, name = split(text_in(row, "key"))
        is_own = name in ("hours", "duty") or SHIFT_DAY.fullmatch(name) is not None
        if scope and not DAY.fullmatch(name) and (scope == COMPANY or not is_own):
            raise ValueError(
                f"{scope}:{name}: a department has hours, duty, shifts and days of its own, the company days"
            )
        layers.setdefault(scope, {})[name] = {**row, "key": name}
    return layers


def calendars_from(rows: Iterable[Row], zone: ZoneInfo = SHANGHAI) -> tuple[Calendar, dict[str, Calendar]]:
    """The company's calendar, and that of each department (by code) that differs from it."""
    layers = layers_from(rows)
    common = layers.pop("") | layers.pop(COMPANY, {})
    own = {code: calendar_from(laid_over(common, layer).values(), zone) for code, layer in layers.items()}
    return calendar_from(common.values(), zone), own


def laid_over(common: Rows, layer: Rows) -> dict[str, Row]:
    """A department's rows over everybody's; its shifts come beside theirs and take none away."""
    rows = {**common, **layer}
    for name in common.keys() & layer.keys():
        both = [common[name].get("shifts"), layer[name].get("shifts")]
        if SHIFT_DAY.fullmatch(name) and isinstance(both[0], list) and isinstance(both[1], list):
            rows[name] = {**layer[name], "shifts": [*both[0], *both[1]]}
    return rows


def shifts_by_scope(rows: Iterable[Row]) -> dict[str, Shifts]:
    """Everybody's shifts (""), and those of each department that has its own, by code."""
    layers = layers_from(rows)
    return {scope: found for scope, layer in layers.items() if (found := shifts_from(layer.values()))}
