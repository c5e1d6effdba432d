"""The page of somebody who goes home: what they owe, who takes it over, and what was handed to themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, fields, validate
from sqlalchemy.orm import Session
from wtforms import TextAreaField
from wtforms.validators import Length

from service.clock import utcnow
from service.database import transaction
from service.errors import ServiceError
from service.people import Permission, User
from service.tickets import handovers, queries
from service.tickets.handovers import InHand, Passing, Receiver
from service.tickets.models import Handover, Ticket
from service.web import formats, problems, schemas
from service.web.auth import me, needs
from service.web.board_acts import Failure, why
from service.web.endpoints import acting
from service.web.forms import StaffForm
from service.web.pages import Answer, desk, go, looking
from service.web.schemas import LONGEST_REASON

P = Permission
KEEP, POOL, AS_ALL = "keep", "pool", ""
SHOWN_SINCE = timedelta(days=2)  # what was handed to me and I know of


class HandoverForm(StaffForm):
    """One note for all that goes on."""

    note = TextAreaField(_l("交接说明"), validators=[Length(max=LONGEST_REASON)])


class AcknowledgeForm(schemas.In):
    """Id of the newest that was shown."""

    class Meta:
        unknown = EXCLUDE

    up_to = fields.Integer(required=True, validate=validate.Range(1, schemas.LARGEST_ID))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to become of a ticket: kept, back to the pool, or to a colleague by username."""

    number: str
    own: str  # as chosen for this ticket, AS_ALL: as for all
    to: str
    version: int


@dataclass(frozen=True, slots=True)
class Line:
    """A ticket of mine, and who could take it."""

    in_hand: InHand
    receivers: Sequence[Receiver]


@dataclass(frozen=True, slots=True)
class Leaving:
    """My tickets: those on which something is owed, and the others."""

    owed: Sequence[Line]
    others: Sequence[Line]
    until: datetime  # when I am back

    @property
    def due_before(self) -> int:
        """How many have something due before I am back."""
        return sum(1 for line in self.owed if line.in_hand.due_at is not None and line.in_hand.due_at <= self.until)

    @property
    def receivers(self) -> Sequence[Receiver]:
        """Everybody who could take one of those on which something is owed."""
        return list({r.username: r for line in self.owed for r in line.receivers}.values())


@dataclass(frozen=True, slots=True)
class Received:
    """What one colleague handed to me at once."""

    giver: User
    at: datetime
    note: str
    tickets: Sequence[Ticket]
    last_id: int
    is_new: bool


@desk.get("/handover")
@needs(P.HANDLE)
def handover() -> Answer:
    return page(HandoverForm(formdata=None)), 200


@desk.post("/handover")
@needs(P.HANDLE)
def hand_over() -> Answer:
    """Each ticket in a transaction of its own: what cannot be handed over holds nothing else up."""
    form, choices = HandoverForm(), chosen()
    going = [choice for choice in choices if choice.to != KEEP]
    note = (form.note.data or "").strip()
    if form.validate() and going and not note:
        form.note.errors = [_("请写交接说明：接手的同事靠它了解情况")]
    if form.errors or form.note.errors or not going:
        form.note.errors = form.note.errors or [_("请至少为一件工单选择交给谁或退回公共池")]
        return page(form, choices=choices), 422
    failures = list(done_with(going, note))
    told = _("已交接 %(number)d 件", number=len(going) - len(failures))
    if not failures:
        return go(url_for("desk.handover"), told)
    is_partly = len(failures) < len(going)
    return page(form, choices=choices, failures=failures, told=told if is_partly else ""), 200 if is_partly else 409


@desk.post("/handover/acknowledge")
@needs(P.HANDLE)
def acknowledge_handover() -> Answer:
    up_to = AcknowledgeForm().load(request.form.to_dict())["up_to"]
    with transaction() as session:
        handovers.acknowledge(session, me(), up_to=up_to, now=utcnow())
    return go(url_for("desk.handover"), _("已确认接手"))


def chosen() -> list[Choice]:
    """What the form asks for; what is owed and has no choice of its own follows that for all."""
    of_all = request.form.get("all", KEEP) or KEEP
    numbers = list(dict.fromkeys(request.form.getlist("number")))[: handovers.MOST]
    own = {number: request.form.get(f"to-{number}", AS_ALL) for number in numbers}
    return [Choice(number, own[number], own[number] or of_all, version_of(number)) for number in numbers]


def version_of(number: str) -> int:
    text = request.form.get(f"version-{number}", "")
    return int(text) if text.isdecimal() and len(text) <= queries.LONGEST_ID else 0


def done_with(going: Sequence[Choice], note: str) -> Iterator[Failure]:
    """Hand each of them over; yields those that could not be."""
    batch = utcnow().isoformat()
    for choice in going:
        try:
            with acting(choice.number, P.HANDLE) as (session, ticket, deed):
                problems.remember(deed.rules)
                passing = Passing(note, choice.version, batch)
                if choice.to == POOL:
                    handovers.return_to_pool(session, ticket, deed, passing)
                else:
                    handovers.hand_over(session, ticket, deed, passing, to=choice.to)
        except ServiceError as error:
            yield Failure(choice.number, why(error))


def page(
    form: HandoverForm, *, choices: Sequence[Choice] = (), failures: Sequence[Failure] = (), told: str = ""
) -> str:
    with looking() as session:
        return render_template(
            "desk/handover.html",
            form=form,
            leaving=leaving(session, me()),
            received=received(session, me()),
            chosen={choice.number: choice.own for choice in choices},
            chosen_for_all=request.form.get("all", KEEP),
            failures=failures,
            told=told,
            most=handovers.MOST,
        )


def leaving(session: Session, user: User) -> Leaving:
    now = formats.now()
    until = handovers.next_start(user, g.rules, now)
    found = handovers.in_hand(session, user, until=until)
    places = {each.ticket.department_id for each in found}
    free = handovers.receivers(session, places, without=user, now=now, rules=g.rules)
    lines = [Line(each, _takers(each, free[each.ticket.department_id])) for each in found]
    owed = [line for line in lines if line.in_hand.promises]
    return Leaving(owed, [line for line in lines if not line.in_hand.promises], until)


def _takers(each: InHand, free: Sequence[Receiver]) -> list[Receiver]:
    return [receiver for receiver in free if handovers.can_take(receiver, each.ticket)]


def received(session: Session, user: User) -> list[Received]:
    """What I was handed, a colleague's at once in one."""
    rows = handovers.received(session, user, since=formats.now() - SHOWN_SINCE)
    groups: dict[tuple[int, str, bool], list[tuple[Handover, Ticket, User]]] = {}
    for row in rows:
        groups.setdefault((row[0].from_user_id, row[0].note, row[0].acknowledged_at is None), []).append(row)
    return [
        Received(of[0][2], of[0][0].at, note, [ticket for _row, ticket, _giver in of], of[0][0].id, is_new)
        for (_giver_id, note, is_new), of in groups.items()
    ]
