"""What the queue page shows: the tab, its filters, and its rows with what is due and what was said last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import g
from marshmallow import EXCLUDE, fields, validate
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.channels.wechat.accounts import listing
from service.people import User
from service.tickets import queries
from service.tickets.models import Message, Ticket
from service.tickets.queries import Search
from service.tickets.states import OURS
from service.web import chips, formats, forms, labels, schemas
from service.web.chips import DueChip, WindowChip
from service.web.naming import department_name

STEP = 50  # rows that "more" adds
MOST = 200  # rows of one page; then the next page begins
PEOPLE = 500
WORKING = ("to_accept", "mine", "department")  # what runs out first comes first
FIRST_SORT = {"all": "-received", "overdue": "due", "callback": "received", **dict.fromkeys(WORKING, "limit")}
SHUT = ("closed", "gone")
CHOICES = ("category", "priority", "department", "assignee", "account", "status")


class QueueIn(schemas.SearchIn):
    """The address of a queue page; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE

    tab = fields.String(load_default="to_accept", validate=validate.OneOf(tuple(labels.TABS)))
    sort = fields.String(load_default=None, validate=validate.OneOf(tuple(queries.SORTS)))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    ticket: Ticket
    last: Message | None
    due: DueChip | None
    window: WindowChip

    @property
    def window_comes_first(self) -> bool:
        """Whether the end of the reply window, in which we still can answer, comes before what is due."""
        closes_at = self.window.closes_at
        if self.ticket.status not in OURS or self.window.level in SHUT or closes_at is None:
            return False
        return self.ticket.due_at is None or closes_at < self.ticket.due_at


@dataclass(frozen=True, slots=True)
class Board:
    """A page of the queue; `wanted` is its address as values."""

    wanted: Mapping[str, object]
    rows: Sequence[Row]
    next_cursor: str | None

    @property
    def tab(self) -> str:
        return str(self.wanted["tab"])

    @property
    def filtered(self) -> bool:
        return any(self.wanted[name] for name in (*CHOICES, "q"))

    def address(self, **changed: object) -> str:
        """The query string of this page with some values changed; empty values are left out."""
        values = {**self.wanted, "limit": None, "cursor": None, **changed}
        return urlencode({k: v for k, v in values.items() if v not in (None, "", [])}, doseq=True)

    @property
    def here(self) -> str:
        """The query string that fetches these very rows again."""
        return self.address(limit=self.wanted["limit"], cursor=self.wanted["cursor"])

    @property
    def more(self) -> str | None:
        """The query string of these rows and the next few; beyond MOST, of the page that follows."""
        if self.next_cursor is None:
            return None
        shown = len(self.rows)
        if shown < MOST:
            return self.address(limit=min(MOST, shown + STEP), cursor=self.wanted["cursor"])
        return self.address(cursor=self.next_cursor)


def wanted_from(arguments: MultiDict[str, str]) -> dict[str, object]:
    """The address as values. Raises ValidationError for a value that no page of ours makes."""
    filled = {name: value for name, value in arguments.items() if value and name != "status"}
    status = [value for value in arguments.getlist("status") if value]
    values: dict[str, object] = QueueIn().load(filled | {"status": status})
    values["sort"] = values["sort"] or FIRST_SORT[str(values["tab"])]
    return values


def board(session: Session, user: User, wanted: Mapping[str, object]) -> Board:
    """The rows that the address asks for."""
    page = queries.search(session, user, search_of(user, wanted))
    return Board(wanted, rows_of(session, page.items), page.next_cursor)


def search_of(user: User, wanted: Mapping[str, object]) -> Search:
    values = {name: wanted[name] for name in ("status", "category", "priority", "assignee", "q", "sort")}
    department, account = wanted["department"], wanted["account"]
    found = g.rules.departments.get(department, -1) if department else None
    return Search(
        **values,  # type: ignore[arg-type]
        department_id=found,
        channel=f"wechat:{account}" if account else None,
        limit=int(str(wanted["limit"])),
        cursor=wanted["cursor"],  # type: ignore[arg-type]
        also=queries.tabs(user)[str(wanted["tab"])],
    )


def rows_of(session: Session, tickets: Sequence[Ticket]) -> list[Row]:
    """Tickets of a list with their chips and last words."""
    last = queries.last_words(session, [t.id for t in tickets])
    now, rules = formats.now(), g.rules
    return [
        Row(
            t,
            last.get(t.id),
            chips.next_due(t.clocks, rules.calendar_for(t.department_id), now),
            chips.window_chip(t.follower, now, waits=t.status in OURS),
        )
        for t in tickets
    ]


@dataclass(frozen=True, slots=True)
class Filters:
    """What can be chosen above the list."""

    departments: Sequence[tuple[str, str]]
    people: Sequence[tuple[str, str]]
    accounts: Sequence[tuple[str, str]]
    categories: Sequence[str]


def filters(session: Session) -> Filters:
    people = session.execute(select(User.username, User.name).where(User.active).order_by(User.name).limit(PEOPLE))
    return Filters(
        departments=[(d.code, department_name(d)) for d in forms.departments(session)],
        people=[(row.username, row.name) for row in people],
        accounts=[(a.slug, a.name) for a in listing(session)],
        categories=list(g.rules.categories),
    )
