"""The words of the receipt: the passive reply to a message that opened a ticket."""

from collections.abc import Mapping
from datetime import datetime

from service.rulebook import Rulebook

GAP = "\n\n"  # between the parts of one reply
ELLIPSIS = "…"
VALUES_BYTES = 100  # by how much the values of a receipt are longer than their names in it


def receipt(
    rules: Rulebook, query_code: str, promise: datetime | None, *, closes_at: datetime | None, now: datetime
) -> str:
    """Number and promise; out of hours says so, and asks for a word later where the window shuts before we open.

    {number} still stands in it: the number is given out last.
    """
    opening = rules.calendar_for(rules.intake_department_id).next_opening(now)
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


def most_bytes(rules: Rulebook) -> int:
    """What the longest receipt takes of a passive reply, with the gap before it."""
    sizes = {key: len(rules.texts[key].encode()) for key in ("receipt_open", "receipt_closed", "receipt_window")}
    longest = max(sizes["receipt_open"], sizes["receipt_closed"] + len("\n") + sizes["receipt_window"])
    return longest + VALUES_BYTES + len(GAP)


def joined(handed: str, answer: str, receipt: str, *, room: int | None) -> str:
    """One passive reply of at most `room` bytes: a colleague's words, the automatic answer, the receipt.

    Only the answer gives way; then it ends in an ellipsis.
    """
    if room is not None:
        answer = shortened(answer, room - sum(len(text.encode()) + len(GAP) for text in (handed, receipt) if text))
    return GAP.join(text for text in (handed, answer, receipt) if text)


def shortened(text: str, room: int) -> str:
    """The text in so many bytes of UTF-8, never cut inside a link; "" where there is no room for anything."""
    data = text.encode()
    if len(data) <= room:
        return text
    head = data[: max(room - len(ELLIPSIS.encode()), 0)].decode("utf-8", "ignore")
    if head.rfind("<a ") > head.rfind("</a>"):
        head = head[: head.rfind("<a ")]
    return head.rstrip() + ELLIPSIS if head.strip() else ""


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
