"""What followers think of how their matter was handled: the first vote counts, a bad one is called back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from service import audit
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.rulebook import Rulebook
from service.sla.policy import ClockKind, Target, Unit
from service.tickets import access, locks, receipts
from service.tickets.changes import Deed, change
from service.tickets.models import Rating, Ticket
from service.tickets.states import Action, Status

SCORES = range(1, 6)  # 1 very dissatisfied to 5 very satisfied
BAD = 2  # this score and those below it
TAGS = ("slow", "unsolved", "attitude", "expertise", "channel")
LONGEST_COMMENT = 200  # characters
RATED_WHEN = (Status.ANSWERED, Status.CLOSED)
CALL_WITHIN = Target(1, Unit.WORKING_DAYS)  # how soon somebody contacts a follower who is not content
BAD_SHOWN = 100
LONGEST_MENU_ID = 19  # digits: a row's id and the score


@dataclass(frozen=True, slots=True)
class Vote:
    """What a follower says about a ticket; `solved` None: they did not say."""

    score: int
    solved: bool | None = None
    tags: tuple[str, ...] = ()
    comment: str = ""

    @property
    def is_bad(self) -> bool:
        return self.score <= BAD or self.solved is False


def find(session: Session, ticket: Ticket) -> Rating | None:
    """The ticket's rating; None while there is none."""
    return session.get(Rating, ticket.id)


def may_rate(ticket: Ticket) -> bool:
    """Whether there is an answer to rate."""
    return ticket.status in RATED_WHEN


def is_called_back(ticket: Ticket, vote: Vote) -> bool:
    """Whether somebody contacts a follower who is not content; a closed ticket is over, unless they write again."""
    return vote.is_bad and ticket.status is Status.ANSWERED


def rate(
    session: Session, ticket: Ticket, follower_id: int, vote: Vote, *, via: str, now: datetime, rules: Rulebook
) -> bool:
    """Keep the vote; False, and nothing is changed, if there was one before. The ticket is locked by the caller.

    Raises Forbidden for anybody but the ticket's follower, IllegalTransition before the answer, InvalidInput.
    """
    _refuse_foreign(ticket, follower_id)
    _refuse_nonsense(vote)
    if find(session, ticket) is not None:
        return False
    if not may_rate(ticket):
        raise IllegalTransition("a ticket is rated once it is answered", ticket_status=ticket.status.value)
    deed = Deed(by=None, now=now, rules=rules, actor_name=audit.FOLLOWER)
    also: dict[str, object] = {"satisfaction": vote.score, "via": via}
    if vote.solved is not None:
        also["solved"] = vote.solved
    calls = is_called_back(ticket, vote)
    if calls:
        also["follow_up"] = True
    with change(session, ticket, Action.RATE, deed, because=vote.comment, also=also) as clocks:
        if calls:
            ticket.follow_up_open, ticket.wake_at = True, None
            if clocks.get(ClockKind.FOLLOW_UP) is None:
                clocks.start(ClockKind.FOLLOW_UP, CALL_WITHIN, at=now)
        rating = Rating(ticket_id=ticket.id, follower_id=follower_id, at=now, score=vote.score, solved=vote.solved)
        rating.tags, rating.comment, rating.via = list(vote.tags), vote.comment, via
        session.add(rating)
    session.flush()
    return True


def add_comment(
    session: Session, ticket: Ticket, follower_id: int, text: str, *, now: datetime, rules: Rulebook
) -> bool:
    """Something more to say after the vote, once; False if it was said before, or there is no vote."""
    _refuse_foreign(ticket, follower_id)
    rating = find(session, ticket)
    if rating is None or rating.added is not None:
        return False
    if not 0 < len(text) <= LONGEST_COMMENT:
        raise InvalidInput(comment=f"1 to {LONGEST_COMMENT} characters")
    deed = Deed(by=None, now=now, rules=rules, actor_name=audit.FOLLOWER)
    with change(session, ticket, Action.RATE, deed, also={"added": text}):
        rating.added, rating.added_at = text, now
    return True


def tapped(session: Session, follower_id: int, menu_id: str, *, now: datetime, rules: Rulebook) -> str:
    """A tap on the invitation to rate: the text of the passive reply, "" where the tap means nothing.

    `menu_id` is the ticket's id and the score as one digit. The follower is locked by the caller.
    """
    if not (menu_id.isascii() and menu_id.isdigit() and 1 < len(menu_id) <= LONGEST_MENU_ID):
        return ""
    ticket_id, score = int(menu_id[:-1]), int(menu_id[-1])
    ticket = session.get(Ticket, ticket_id)
    if ticket is None or ticket.follower_id != follower_id or score not in SCORES:
        return ""
    ticket = locks.lock_ticket(session, ticket_id)
    if not may_rate(ticket):
        return ""
    vote = Vote(score)
    first = rate(session, ticket, follower_id, vote, via="msgmenu", now=now, rules=rules)
    sorry = "rating_sorry" if is_called_back(ticket, vote) else "rating_closed"
    text = rules.texts["rating_again" if not first else sorry if vote.is_bad else "rating_thanks"]
    return receipts.filled(text, {"number": ticket.number})


@dataclass(frozen=True, slots=True)
class Summary:
    """What followers thought since a day: how many gave each score, and the bad ones, newest first."""

    counts: Mapping[int, int]
    solved: int
    unsolved: int
    bad: Sequence[tuple[Rating, Ticket]]

    @property
    def whole(self) -> int:
        return sum(self.counts.values())

    @property
    def average(self) -> float | None:
        """None where nobody rated."""
        return sum(score * count for score, count in self.counts.items()) / self.whole if self.whole else None

    @property
    def largest(self) -> int:
        return max(self.counts.values(), default=0)


def summary(session: Session, user: User, since: datetime) -> Summary:
    """Ratings of the tickets that the user may see."""
    seen = (Rating.at >= since, access.visible_to(user))
    grouped = select(Rating.score, Rating.solved, func.count(Rating.ticket_id))
    grouped = grouped.join(Ticket, Ticket.id == Rating.ticket_id).where(*seen).group_by(Rating.score, Rating.solved)
    rows = session.execute(grouped).all()
    bad = select(Rating, Ticket).join(Ticket, Ticket.id == Rating.ticket_id)
    bad = bad.where(*seen, or_(Rating.score <= BAD, Rating.solved.is_(False)))
    bad = bad.options(joinedload(Ticket.follower), joinedload(Ticket.department), joinedload(Ticket.assignee))
    found = session.execute(bad.order_by(Rating.at.desc(), Rating.ticket_id.desc()).limit(BAD_SHOWN)).all()
    return Summary(
        counts={score: sum(count for given, _, count in rows if given == score) for score in reversed(SCORES)},
        solved=sum(count for _, solved, count in rows if solved is True),
        unsolved=sum(count for _, solved, count in rows if solved is False),
        bad=[(rating, ticket) for rating, ticket in found],
    )


def _refuse_foreign(ticket: Ticket, follower_id: int) -> None:
    if ticket.follower_id != follower_id:
        raise Forbidden("this ticket is another follower's")


def _refuse_nonsense(vote: Vote) -> None:
    if vote.score not in SCORES:
        raise InvalidInput(score="a whole number from 1 to 5")
    if not set(vote.tags) <= set(TAGS):
        raise InvalidInput(tags=f"of {', '.join(TAGS)}")
    if len(vote.comment) > LONGEST_COMMENT:
        raise InvalidInput(comment=f"at most {LONGEST_COMMENT} characters")
