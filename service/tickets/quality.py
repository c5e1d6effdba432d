"""How good the classification is by people's word: counts, words that misled it, the tickets behind a number."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, extract, func, or_, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.sql.elements import True_

from service.people import User
from service.tickets import access, queries
from service.tickets.judgements import IS_CORRECTED, Judgement
from service.tickets.models import Ticket
from service.tickets.queries import Page

WEEK = timedelta(days=7)
BINS = 10  # of confidence
WORDS_FROM = 2000  # corrected tickets, the newest
WORDS_SHOWN = 12
OPINION = "opinion"  # source of a verdict that a language model gave
AROUND = " ,.?!;:，。？！；：、…～~"  # a word; what stands beside it is none
TARGETS_SHOWN = 3
PAGE = 50


@dataclass(frozen=True, slots=True)
class Tally:
    """How many were right, of how many."""

    right: int = 0
    whole: int = 0

    @property
    def share(self) -> float | None:
        """None of none."""
        return self.right / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Summary:
    """Settled verdicts of a period. `confidence` of a bin is the mean of what the classifier said there."""

    all: Tally
    triage: Tally  # what went to a person at once
    alone: Tally  # what did not
    weeks: Sequence[Tally]
    pairs: Mapping[tuple[str, str], int]  # (as judged, as settled) -> how many
    bins: Sequence[Tally]
    confidences: Sequence[float]


@dataclass(frozen=True, slots=True)
class Word:
    """A word that led the classifier to what people corrected."""

    word: str
    number: int
    targets: Sequence[tuple[str, int]]  # what it was corrected to, the most frequent first


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the settled tickets; None and "" want all. `kind`: confirmed, corrected."""

    since: datetime
    category: str = ""
    final: str = ""
    kind: str = ""
    triage: bool | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket with what the classifier had thought of it."""

    judgement: Judgement
    ticket: Ticket


def summary(session: Session, user: User, *, since: datetime, weeks: int) -> Summary:
    """All the numbers of the page in one look: counts by week, pair, triage and bin of confidence."""
    start = int(since.timestamp())
    week = (cast(extract("epoch", Judgement.settled_at), BigInteger) - start) // int(WEEK.total_seconds())
    bin_of = case(*((Judgement.confidence < (at + 1) / BINS, at) for at in range(BINS - 1)), else_=BINS - 1)
    pair = (Judgement.category, Judgement.final_category)
    keys = (week.label("week"), *pair, Judgement.triage, bin_of.label("bin"))
    query = select(*keys, func.count(), func.sum(Judgement.confidence)).where(Judgement.settled_at >= since)
    rows = session.execute(_seen(query, user).group_by(*keys)).all()
    tallies: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    pairs: Counter[tuple[str, str]] = Counter()
    sums: defaultdict[int, float] = defaultdict(float)
    for at, judged, final, in_triage, number_of_bin, number, confidence in rows:
        for name, place in (("all", 0), ("week", at), ("bin", number_of_bin), ("triage", int(in_triage))):
            tally = tallies[name, place]
            tally[0] += number if judged == final else 0
            tally[1] += number
        pairs[judged, final or ""] += number
        sums[number_of_bin] += confidence
    bins = [Tally(*tallies["bin", at]) for at in range(BINS)]
    return Summary(
        all=Tally(*tallies["all", 0]),
        triage=Tally(*tallies["triage", 1]),
        alone=Tally(*tallies["triage", 0]),
        weeks=[Tally(*tallies["week", at]) for at in range(weeks)],
        pairs=pairs,
        bins=bins,
        confidences=[sums[at] / tally.whole if tally.whole else 0.0 for at, tally in enumerate(bins)],
    )


def words(session: Session, user: User, *, since: datetime) -> list[Word]:
    """What the classifier went by most often where it was wrong, in the newest WORDS_FROM corrections."""
    ours = Judgement.source != OPINION  # which gives reasons of its own, in sentences
    query = select(Judgement.because, Judgement.final_category).where(IS_CORRECTED, Judgement.settled_at >= since, ours)
    query = _seen(query, user).order_by(Judgement.settled_at.desc(), Judgement.ticket_id.desc())
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for because, final in session.execute(query.limit(WORDS_FROM)):
        for word in dict.fromkeys(reason.partition("（")[0].strip(AROUND) for reason in because):
            found[word][final or ""] += 1
    found.pop("", None)
    heaviest = sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0]))[:WORDS_SHOWN]
    return [Word(word, finals.total(), finals.most_common(TARGETS_SHOWN)) for word, finals in heaviest]


def tickets(session: Session, user: User, wanted: Wanted) -> Page[Found]:
    """The settled tickets that the person may see, the last settled first."""
    query = select(Judgement, Ticket).join(Ticket, Ticket.id == Judgement.ticket_id)
    query = query.where(Judgement.settled_at >= wanted.since, access.visible_to(user), *_narrowed(wanted))
    if wanted.cursor:
        at, ticket_id = queries.decode_cursor(wanted.cursor)
        last = and_(Judgement.settled_at == at, Judgement.ticket_id < ticket_id)
        query = query.where(or_(Judgement.settled_at < at, last))
    query = query.options(joinedload(Ticket.department), joinedload(Ticket.assignee), joinedload(Ticket.follower))
    query = query.order_by(Judgement.settled_at.desc(), Judgement.ticket_id.desc()).limit(PAGE + 1)
    found = [Found(judgement, ticket) for judgement, ticket in session.execute(query)]
    if len(found) <= PAGE:
        return Page(found, None)
    end = found[PAGE - 1].judgement
    return Page(found[:PAGE], queries.encode_cursor(end.settled_at, end.ticket_id))


def _narrowed(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.category:
        conditions.append(Judgement.category == wanted.category)
    if wanted.final:
        conditions.append(Judgement.final_category == wanted.final)
    if wanted.kind:
        conditions.append(IS_CORRECTED if wanted.kind == "corrected" else Judgement.kind == wanted.kind)
    if wanted.triage is not None:
        conditions.append(Judgement.triage.is_(wanted.triage))
    return conditions


def _seen(query: Select, user: User) -> Select:  # type: ignore[type-arg]
    """Only of tickets that the person may see; whoever sees all is spared the look at each of them."""
    visible = access.visible_to(user)
    if isinstance(visible, True_):
        return query
    return query.join(Ticket, Ticket.id == Judgement.ticket_id).where(visible)
