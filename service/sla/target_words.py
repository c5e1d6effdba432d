"""Targets as people write them: "30 分钟", "1 工作日", "2 小时自然". No arithmetic on time."""

import re
from collections.abc import Mapping

from service.sla.policy import Target, Unit
from service.sla.words import Lang

HOUR = 60
MOST_DAYS = 400  # what is longer is a slip of the pen, and no calendar reaches far enough for all of it
MOST_MINUTES = 60 * 24 * 366
LONGEST = 40  # characters of a cell
NOTHING = frozenset({"", "-", "–", "—", "无", "不计", "none", "no"})
NATURAL = re.compile(r"\(?(自然(?:时间)?|natural)\)?", re.IGNORECASE)
WORKING = re.compile(r"\(?(工作(?:时间)?(?!日)|working(?!\s*d))\)?", re.IGNORECASE)
DAYS = re.compile(r"(\d+)\s*(?:个)?\s*(?:工作日|workdays?|working\s*days?|wd)", re.IGNORECASE)
HOURS_MINUTES = re.compile(
    r"(?:(\d+(?:\.\d+)?)\s*(?:个)?\s*(?:小时|时|hours?|hrs?|h))?\s*(?:(\d+)\s*(?:分钟|分|minutes?|mins?|m))?",
    re.IGNORECASE,
)
BARE_DAYS = re.compile(r"\d+\s*(?:个)?\s*(?:天|日|days?|d)", re.IGNORECASE)
SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?)\s*[%％]?")
UNITS: Mapping[Lang, Mapping[str, str]] = {
    "zh": {"days": "{n} 工作日", "hours": "{n} 小时", "minutes": "{n} 分钟", "natural": "{text} 自然", "none": "—"},
    "en": {"days": "{n} workdays", "hours": "{n} h", "minutes": "{n} min", "natural": "{text} natural", "none": "—"},
}


class Unreadable(ValueError):
    """A text that is no target; `code` says why, in the words of `drafts`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def target_text(target: Target | None, lang: Lang = "zh") -> str:
    """A target as an editor shows it; `target_in` reads it again. Working time is what is meant unless it says else."""
    words = UNITS[lang]
    if target is None:
        return words["none"]
    if target.unit is Unit.WORKING_DAYS:
        text = words["days"].format(n=target.amount)
        return "1 workday" if (lang, target.amount) == ("en", 1) else text
    hours, minutes = divmod(target.amount, HOUR)
    parts = [words["hours"].format(n=hours)] if hours else []
    parts += [words["minutes"].format(n=minutes)] if minutes else []
    text = " ".join(parts)
    return words["natural"].format(text=text) if target.unit is Unit.NATURAL_MINUTES else text


def target_in(text: str) -> Target | None:
    """The target that somebody has written; None for nothing or a dash. Raises Unreadable."""
    written = " ".join(text.replace("（", "(").replace("）", ")").split())
    if len(written) > LONGEST:
        raise Unreadable("unreadable")
    if written.lower() in NOTHING:
        return None
    rest, natural = NATURAL.subn("", written)
    rest, working = WORKING.subn("", rest)
    rest = rest.strip()
    if natural and working:
        raise Unreadable("both")
    if found := DAYS.fullmatch(rest):
        if natural:
            raise Unreadable("natural_days")
        return checked(int(found[1]), Unit.WORKING_DAYS)
    if BARE_DAYS.fullmatch(rest):
        raise Unreadable("natural_days" if natural else "days")
    return checked(minutes_in(rest), Unit.NATURAL_MINUTES if natural else Unit.WORKING_MINUTES)


def minutes_in(text: str) -> int:
    if text.isdigit():
        raise Unreadable("unit")
    found = HOURS_MINUTES.fullmatch(text) if text else None
    if found is None:
        raise Unreadable("unreadable")
    minutes = float(found[1] or 0) * HOUR + int(found[2] or 0)
    if minutes != int(minutes):
        raise Unreadable("fraction")
    return int(minutes)


def checked(amount: int, unit: Unit) -> Target:
    """A target that is neither nothing nor beyond every calendar. Raises Unreadable."""
    if amount < 1:
        raise Unreadable("zero")
    if amount > (MOST_DAYS if unit is Unit.WORKING_DAYS else MOST_MINUTES):
        raise Unreadable("large")
    return Target(amount, unit)


def share_text(share: float) -> str:
    """A share of follow-ups in percent: "5%"; a dash for none."""
    return f"{share * 100:g}%" if share else "—"


def share_in(text: str) -> float:
    """The share that somebody has written, in percent. Raises Unreadable."""
    written = text.strip()
    if written.lower() in NOTHING:
        return 0.0
    found = SHARE.fullmatch(written)
    if found is None or len(written) > LONGEST:
        raise Unreadable("share")
    percent = float(found[1])
    if percent > 100:
        raise Unreadable("share")
    return round(percent / 100, 4)
