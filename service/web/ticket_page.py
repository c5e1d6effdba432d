"""Everything that a ticket's page shows, gathered once for the page and for its live parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import g
from sqlalchemy.orm import Session

from service.channels.registry import channel_named
from service.errors import NotFound
from service.people import Permission, User
from service.tickets import access, opinions, queries, ratings
from service.tickets.models import Rating, Ticket
from service.tickets.opinions import Opinion
from service.tickets.states import OURS, Status
from service.web import (
    acts,
    alike_view,
    breaches_view,
    chips,
    custody_view,
    extensions,
    formats,
    supervision_view,
    window_help,
)
from service.web.alike_view import Alike
from service.web.breaches_view import BreachView
from service.web.chips import DueChip, WindowChip
from service.web.clock_view import ClockView, views_of
from service.web.custody_view import Custody
from service.web.extensions import TicketExtensions
from service.web.supervision_view import OrderView
from service.web.talk import Happened, Talk, happened, known_names, talk_of
from service.web.window_help import WindowHelp

OTHERS = 10  # tickets of the same follower that the page names
HISTORY = 100


@dataclass(frozen=True, slots=True)
class TicketPage:
    ticket: Ticket
    due: DueChip | None
    window: WindowChip
    help: WindowHelp
    clocks: Sequence[ClockView]
    talk: Talk
    history: Sequence[Happened]  # newest first
    history_is_whole: bool
    others: Sequence[Ticket]
    acts: Sequence[str]
    kinds: Sequence[str]
    merged_into: Ticket | None
    repeat_of: Ticket | None
    rating: Rating | None
    opinion: Opinion | None
    order: OrderView | None
    more_time: TicketExtensions
    breaches: Sequence[BreachView]
    alike: Alike
    custody: Custody | None  # None: nothing to say of it
    part_bytes: int  # longest text of one message; 0: no limit

    @property
    def main_act(self) -> str | None:
        """The one thing that stands beside the number; None where replying is what comes next."""
        if "accept" in self.acts:
            return "accept"
        if self.ticket.follow_up_open and "follow-up" in self.acts:
            return "follow-up"
        return None

    @property
    def is_answered(self) -> bool:
        return self.ticket.status is Status.ANSWERED


def page_of(session: Session, user: User, ticket: Ticket) -> TicketPage:
    """The page of a ticket that the user may see."""
    ticket = queries.loaded(session, ticket)
    now, calendar = formats.now(), g.rules.calendar_for(ticket.department_id)
    events = queries.newest_events(session, ticket, HISTORY)
    names = known_names(session, [], events.items)
    held = custody_view.view_of(session, user, ticket, now)
    is_recused = held is not None and held.is_recused
    handles = access.may(user, Permission.HANDLE, ticket) and not is_recused
    return TicketPage(
        ticket=ticket,
        due=chips.next_due(ticket.clocks, calendar, now),
        window=chips.window_chip(ticket.follower, now, waits=ticket.status in OURS),
        help=window_help.help_of(session, ticket, now),
        clocks=views_of(ticket.clocks, calendar, now),
        talk=talk_of(session, ticket, cursor=None, may_handle=handles, history=events.items),
        history=list(reversed(happened(events.items, names))),
        history_is_whole=events.next_cursor is None,
        others=[t for t in queries.tickets_of(session, user, ticket.follower, OTHERS + 1) if t.id != ticket.id],
        acts=() if is_recused else acts.acts_for(user, ticket),
        kinds=[kind for kind in acts.kinds_for(user, ticket) if kind == "note" or not is_recused],
        merged_into=seen(session, user, ticket.merged_into_id),
        repeat_of=seen(session, user, ticket.repeat_of_id),
        rating=ratings.find(session, ticket),
        opinion=opinions.newest(session, ticket),
        order=supervision_view.view_of(session, user, ticket),
        more_time=extensions.of_ticket(session, user, ticket, now),
        breaches=breaches_view.of_ticket(session, user, ticket),
        alike=alike_view.of_ticket(session, user, ticket, now),
        custody=held,
        part_bytes=part_bytes(ticket.channel),
    )


def seen(session: Session, user: User, ticket_id: int | None) -> Ticket | None:
    """Another ticket that this one points to, if the user may see it."""
    if ticket_id is None:
        return None
    return queries.visible_ticket(session, user, ticket_id)


def part_bytes(channel: str) -> int:
    """Longest text of one message of the channel; 0 where there is no limit, or no such account any more."""
    try:
        return channel_named(channel).limits.text_bytes or 0
    except NotFound:
        return 0
