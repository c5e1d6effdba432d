"""Why a clock is due when it is: the steps from its start to its due time. Pure: no clock, no database."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from service.sla.calendar import MINUTE, Calendar, Piece
from service.sla.clocks import Clock, Pause, counting_of, derived_due
from service.sla.pieces import PieceKind
from service.sla.policy import Target, Unit
from service.sla.words import STEPS, UNCONFIRMED, Lang, day_words, instant_words, name_words, reason_words

NOTHING = timedelta()
HALF_A_MINUTE = MINUTE / 2
Part = tuple[datetime, datetime, Pause | None]


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of time on the way to a due time, the minutes of it that count, and why."""

    start: datetime
    end: datetime
    minutes: int
    why: str


@dataclass(slots=True)
class Span:
    """A step before its minutes are known; `day` is the working day that it is part of."""

    start: datetime
    end: datetime
    counted: timedelta
    why: str
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What the spans of one explanation have in common."""

    target: Target
    calendar: Calendar  # the one on which the target is counted
    lang: Lang
    counts_from: datetime
    extended: int = 0  # working days of the target that were granted beyond its policy
    worked_days: list[date] = field(default_factory=list)  # the working days counted so far

    def words(self, step: str, **values: object) -> str:
        """The text of a kind of step."""
        return STEPS[self.lang][step].format(**values)


def explain(clock: Clock, calendar: Calendar, lang: Lang = "zh", *, extended: int = 0) -> list[Step]:
    """Consecutive steps from the clock's start to its due time whose minutes add up to the target.

    Each counted day of a target in days is one step; pauses and closed times have 0 minutes. A pause that lasts is a
    step without length, as it has not moved the due time yet. Empty for a clock without target.
    `extended`: working days that were granted, which the target has in it.
    """
    target, started_at, due_at = clock.target, clock.started_at, clock.due_at
    if target is None or started_at is None or due_at is None:
        return []
    counting = counting_of(target, calendar)
    in_days = target.unit is Unit.WORKING_DAYS
    counts_from = counting.midnight_after(started_at) if in_days else started_at
    course = Course(target, counting, lang, counts_from, extended)
    derived, _ = derived_due(target, started_at, clock.pauses, calendar)
    ends = min(derived, due_at)
    spans = [span for part in parts(clock.pauses, started_at, ends) for span in spans_of(part, course)]
    steps = numbered(spans, budget_of(course, started_at))
    if derived < due_at:  # the calendar has changed so that it would be due earlier: what was promised stands
        at = instant_words(derived.astimezone(calendar.zone), lang)
        steps.append(Step(derived, due_at, 0, course.words("promise_kept", at=at)))
    elif derived > due_at:
        steps.append(Step(due_at, due_at, 0, course.words("calendar_changed")))
    if extended and not in_days:
        steps.append(Step(due_at, due_at, 0, course.words("extended", extra=extended)))
    return steps


def parts(pauses: tuple[Pause, ...], start: datetime, end: datetime) -> Iterator[Part]:
    """[start, end] cut into running parts (None) and pauses; one that lasts has no length."""
    for pause in pauses:
        if pause.start > end:
            continue
        begins = max(start, pause.start)
        yield start, begins, None
        start = begins if pause.end is None else min(end, max(begins, pause.end))
        yield begins, start, pause
    yield start, end, None


def spans_of(part: Part, course: Course) -> Iterator[Span]:
    """The spans of a running part or of a pause; none for a part without length, unless the pause lasts."""
    start, end, pause = part
    if pause is not None and pause.end is None:
        yield Span(start, end, NOTHING, course.words("open_pause", reason=reason_words(pause.reason, course.lang)))
    if start == end:
        return
    if pause is not None:
        yield Span(start, end, NOTHING, course.words("pause", reason=reason_words(pause.reason, course.lang)))
        return
    if start < course.counts_from:
        yield Span(start, min(end, course.counts_from), NOTHING, course.words("arrival"))
    pieces = course.calendar.pieces(max(start, course.counts_from), end, course.lang)
    in_days = course.target.unit is Unit.WORKING_DAYS
    yield from day_spans(pieces, course) if in_days else map(span_of, pieces)


def span_of(piece: Piece) -> Span:
    """A piece of the calendar as a span."""
    return Span(piece.start, piece.end, piece.end - piece.start if piece.is_open else NOTHING, piece.why)


def day_spans(pieces: list[Piece], course: Course) -> list[Span]:
    """Pieces as spans, those of one working day, lunch included, made one."""
    spans: list[Span] = []
    for piece in (part for whole in pieces for part in days_of(whole, course.calendar)):
        span, day = span_of(piece), course.calendar.day_of(piece.start)
        if not piece.is_open and piece.kind is not PieceKind.LUNCH:
            spans.append(span)
        elif spans and spans[-1].day == day:
            spans[-1].end = span.end
            spans[-1].counted += span.counted
        else:
            span.day, span.why = day, working_day_words(piece, day, course)
            spans.append(span)
    return spans


def days_of(piece: Piece, calendar: Calendar) -> Iterator[Piece]:
    """An open piece cut at midnight, as working days may touch there; a closed one whole."""
    while piece.is_open and (midnight := calendar.midnight_after(piece.start)) < piece.end:
        yield replace(piece, end=midnight)
        piece = replace(piece, start=midnight)
    yield piece


def working_day_words(piece: Piece, day: date, course: Course) -> str:
    """Which working day it is; those beyond the target make good what pauses took."""
    if day not in course.worked_days:
        course.worked_days.append(day)
    number = course.worked_days.index(day) + 1
    step, extra = (
        "makeup_day" if piece.kind is PieceKind.MAKEUP else "day",
        number - course.target.amount + course.extended,
    )
    if number > course.target.amount:
        step = "made_good"
    elif course.extended and extra > 0:
        step = f"extended_{step}"
    name = name_words(piece.name, course.lang)
    words = course.words(step, k=number, extra=extra, day=day_words(day, course.lang), name=name)
    provisional = course.calendar.is_provisional(piece.start, piece.start)
    return words + (UNCONFIRMED[course.lang].format(year=day.year) if provisional else "")


def budget_of(course: Course, started_at: datetime) -> timedelta:
    """The counted time of a target: for days, the working time of those that follow the day of arrival."""
    target, calendar = course.target, course.calendar
    if target.unit is not Unit.WORKING_DAYS:
        return target.amount * MINUTE
    return calendar.working_time(course.counts_from, calendar.end_of_working_day(started_at, target.amount))


def numbered(spans: list[Span], budget: timedelta) -> list[Step]:
    """Steps with whole minutes that add up to the budget; what exceeds it makes good a pause and counts nothing.

    It is the sum so far that is rounded, so that no step is more than a minute off and the last sum is the budget.
    """
    steps, counted, before = [], NOTHING, 0
    for span in spans:
        counted += span.counted
        so_far = (min(counted, budget) + HALF_A_MINUTE) // MINUTE
        steps.append(Step(span.start, span.end, so_far - before, span.why))
        before = so_far
    return steps
