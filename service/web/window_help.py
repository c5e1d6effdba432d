"""What a ticket's page says of the reply window: its ledger, the platform's word on it, and what can be done now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g
from sqlalchemy.orm import Session

from service.channels import registry
from service.channels.registry import channel_named
from service.errors import NotFound
from service.messaging import outbox
from service.messaging.followers import can_reach, window_left
from service.messaging.ports import Limits
from service.tickets import windows
from service.tickets.models import Ticket
from service.tickets.states import OURS
from service.tickets.windows import STEPS, Draft, Entry
from service.web.auth import me
from service.web.languages import language


@dataclass(frozen=True, slots=True)
class WindowHelp:
    """`hours`: the warning that stands, 12, 4 or 1; None while there is time. `reminder`: a draft, "" for none."""

    hours: int | None
    reminder: str
    drafts: Sequence[Draft]  # replies that wait
    is_last: bool  # one message is left: it is kept for the final answer
    correction: Entry | None  # the platform's last word on this window
    advice: str  # and what it means, "" without one
    ledger: Sequence[Entry]
    grants: dict[str, tuple[int, timedelta]]  # contact -> messages and for how long
    refreshes: bool


def limits_of(channel: str) -> Limits | None:
    """None where the account is gone."""
    try:
        return channel_named(channel).limits
    except NotFound:
        return None


def help_of(session: Session, ticket: Ticket, now: datetime) -> WindowHelp:
    """The window as it stands for this ticket; `ticket.follower` is loaded."""
    follower, limits = ticket.follower, limits_of(ticket.channel)
    entries = windows.ledger(session, me(), follower, limits)
    open_now = limits is not None and limits.can_send and can_reach(follower, now)
    hours = hours_left(window_left(follower, now)) if open_now and ticket.status in OURS else None
    correction = windows.standing_correction(entries)
    left = follower.messages_left - outbox.count_promised(session, follower.id)
    return WindowHelp(
        hours=hours,
        reminder=windows.reminder(ticket, g.rules) if hours == STEPS[0] and left > 0 else "",
        drafts=windows.waiting_drafts(session, ticket),
        is_last=open_now and left == 1 and ticket.status in OURS,
        correction=correction,
        advice=advice_on(ticket.channel, correction),
        ledger=entries,
        grants={contact.value: grant for contact, grant in limits.windows.items()} if limits else {},
        refreshes=limits is None or limits.refreshes,
    )


def advice_on(channel: str, correction: Entry | None) -> str:
    """What the platform's refusal means, in the language of the page."""
    if correction is None or correction.code is None:
        return ""
    try:
        return registry.advice(channel, correction.code, language())
    except NotFound:
        return correction.text


def hours_left(left: timedelta) -> int | None:
    """The smallest step that the time left has reached."""
    return next((hours for hours in STEPS if left <= timedelta(hours=hours)), None)
