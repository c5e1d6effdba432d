"""What routing looks at, of many tickets at once, and the place that it gives a ticket."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.routing.rules import Destination, Matter, looks_at, route
from service.rulebook import Rulebook
from service.tickets import judgements
from service.tickets.clocks import follower_of
from service.tickets.models import Message, Ticket

TAP_HOLDS = timedelta(minutes=30)  # a tap on the menu is about what is written within that time
MOST_TAPS = 2000  # of the followers of one batch
MOST_COLLEAGUES = 1000


@dataclass(frozen=True, slots=True)
class Heard:
    """What a ticket's row does not say: the follower's words, and the menu key that they tapped before."""

    text: str = ""
    menu_key: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What a matter is taken for. `is_said`: a person named the priority, and no row gives another."""

    category: str
    priority: str
    subcategory: str | None = None
    is_said: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What the ticket is to be, and where."""

    category: str
    priority: str
    subcategory: str | None
    targets: str | None
    row: str | None  # name of the routing row that decided
    department_id: int

    def is_of(self, ticket: Ticket) -> bool:
        """Whether the ticket is that already; who has it now is not asked, a colleague may have passed it on."""
        mine = (self.category, self.priority, self.subcategory, self.targets, self.row)
        return mine == (ticket.category, ticket.priority, ticket.subcategory, ticket.targets_as, ticket.routed_by)

    @property
    def told(self) -> dict[str, object]:
        """What its event says beside what every event compares."""
        told = {"subcategory": self.subcategory, "targets_as": self.targets, "routed_by": self.row}
        return {name: value for name, value in told.items() if value is not None}


def heard(
    session: Session, tickets: Sequence[Ticket], rules: Rulebook, texts: Mapping[int, str] | None = None
) -> dict[int, Heard]:
    """By ticket; texts that are not given are read. Menu keys cost a query, and only where a row asks for one."""
    if texts is None:
        texts = {ticket.id: judgements.text_of(session, ticket) for ticket in tickets}
    taps = _taps(session, tickets) if looks_at(rules.routing, "menu_key") else {}
    return {ticket.id: Heard(texts[ticket.id], taps.get(ticket.id)) for ticket in tickets}


def of_one(session: Session, ticket: Ticket, rules: Rulebook) -> Heard:
    return heard(session, [ticket], rules)[ticket.id]


def _taps(session: Session, tickets: Sequence[Ticket]) -> dict[int, str]:
    """The menu key that each follower tapped last before their matter began."""
    if not tickets:
        return {}
    first, last = min(t.received_at for t in tickets), max(t.received_at for t in tickets)
    query = select(Message.follower_id, Message.at, Message.extra).where(
        Message.follower_id.in_({t.follower_id for t in tickets}),
        Message.at.between(first - TAP_HOLDS, last),
        Message.kind == "click",
    )
    newest = session.execute(query.order_by(Message.at.desc(), Message.id.desc()).limit(MOST_TAPS)).all()
    found: dict[int, str] = {}
    for ticket in tickets:
        until, since = ticket.received_at, ticket.received_at - TAP_HOLDS
        mine = (t for t in newest if t.follower_id == ticket.follower_id and since <= t.at <= until)
        tap = next(mine, None)
        if tap is not None and tap.extra:
            found[ticket.id] = str(tap.extra.get("EventKey", ""))
    return found


def account_of(channel: str) -> str:
    """Slug of the account behind a channel's name: "wechat:main" -> "main"."""
    return channel.partition(":")[2]


def matter_of(ticket: Ticket, kind: Kind, heard: Heard, rules: Rulebook) -> Matter:
    """The ticket as the table sees it, were it of that kind."""
    return Matter(
        category=kind.category,
        priority=kind.priority,
        account=account_of(ticket.channel),
        text=heard.text,
        subcategory=kind.subcategory,
        menu_key=heard.menu_key,
        scene=ticket.source,
        tags=tuple(follower_of(ticket).tags or ()),
        at=ticket.received_at.astimezone(rules.zone),
        is_open=rules.calendar.is_open(ticket.received_at),
    )


def place_for(session: Session, ticket: Ticket, kind: Kind, heard: Heard, rules: Rulebook) -> Place:
    """Where a ticket of that kind goes, and as what."""
    goal = routed(rules, matter_of(ticket, kind, heard, rules))
    department_id = rules.departments.get(goal.department, rules.intake_department_id)
    if not may_go_to(session, kind.category, department_id, rules):
        department_id = rules.intake_department_id
    return Place(
        category=kind.category,
        priority=kind.priority if kind.is_said else goal.priority or kind.priority,
        subcategory=kind.subcategory,
        targets=goal.targets,
        row=goal.row,
        department_id=department_id,
    )


def routed(rules: Rulebook, matter: Matter) -> Destination:
    return route(rules.routing, matter, intake=rules.department_codes[rules.intake_department_id])


def may_go_to(session: Session, category: str, department_id: int, rules: Rulebook) -> bool:
    """Whether somebody there may see such a ticket: a restricted one goes nowhere else but to intake."""
    known = rules.categories.get(category)
    if known is None or not known.restricted or department_id == rules.intake_department_id:
        return True
    return department_id in departments_that_see_restricted(session, [department_id])


def departments_that_see_restricted(session: Session, department_ids: Iterable[int]) -> set[int]:
    """Those of the departments in which somebody may see restricted tickets."""
    query = select(User).where(User.department_id.in_(set(department_ids)), User.active).order_by(User.id)
    people = session.scalars(query.limit(MOST_COLLEAGUES))
    return {person.department_id for person in people if person.may(Permission.SEE_RESTRICTED)}
