"""The words of the receipt: the passive reply to a message that opened a ticket."""

from collections.abc import Mapping
from datetime import datetime

from service.rulebook import Rulebook


def receipt(
    rules: Rulebook, query_code: str, promise: datetime | None, *, closes_at: datetime | None, now: datetime
) -> str:
    """Number and promise; out of hours says so, and asks for a word later where the window shuts before we open.

    {number} still stands in it: the number is given out last.
    """
    opening = rules.calendar.next_opening(now)
    values = {
        "query_code": query_code,
        "promise": local(promise or opening, now, rules),
        "opening": local(opening, now, rules),
    }
    key = "receipt_open" if opening <= now else "receipt_closed"
    text = filled(rules.texts[key], values)
    if opening > now and closes_at is not None and closes_at <= opening:
        text += "\n" + filled(rules.texts["receipt_window"], values)
    return text


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its {names} replaced; an unknown name stays as it is, since administrators edit these texts."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def local(at: datetime, now: datetime, rules: Rulebook) -> str:
    """今天 09:30, 明天 09:30, else 2月24日 09:15, in the service's zone."""
    there, here = at.astimezone(rules.zone), now.astimezone(rules.zone)
    days = (there.date() - here.date()).days
    day = {0: "今天", 1: "明天"}.get(days, f"{there.month}月{there.day}日")
    return f"{day} {there:%H:%M}"
