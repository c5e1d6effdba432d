"""Hours as people write them: "09:00-12:00, 13:30-18:00". No arithmetic."""

import re
from collections.abc import Iterable

from service.sla.hours import MIDNIGHT, Interval, check_intervals, intervals_from

TIME = r"(\d{1,2})[:：](\d{2})"
SPAN = re.compile(rf"{TIME}\s*(?:-|–|—|~|～|至|到|to)\s*{TIME}")
BETWEEN = re.compile(r"[\s,，、;；]*")


def hours_in(text: str) -> list[list[str]]:
    """The intervals of a text as rows keep them; none for an empty one. Raises ValueError on anything else."""
    found = [[f"{int(a):02}:{b}", f"{int(c):02}:{d}"] for a, b, c, d in SPAN.findall(text)]
    if not BETWEEN.fullmatch(SPAN.sub("", text)):
        raise ValueError(f"hours are written like 09:00-12:00, 13:30-18:00, not {text!r}")
    check_intervals(intervals_from(found))
    return found


def hours_text(intervals: Iterable[Interval]) -> str:
    """Intervals as a person writes them; "" where there are none."""
    return ", ".join(f"{opens:%H:%M}-{'24:00' if ends == MIDNIGHT else f'{ends:%H:%M}'}" for opens, ends in intervals)
