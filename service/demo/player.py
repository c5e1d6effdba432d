"""Plays two weeks: who writes when, about what, and everything in order of time until now."""

import heapq
import logging
import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, islice

from service.demo import followers, oversight, register
from service.demo.aftermath import THANKS, course
from service.demo.fates import FATES, NORMAL, Fate
from service.demo.followers import Person
from service.demo.matter import Matter, Steps
from service.demo.script import Conversation, conversations
from service.demo.stage import TICK, Stage
from service.errors import ServiceError
from service.sla.calendar import Calendar

log = logging.getLogger(__name__)

TICKETS = 306
DAYS = 14
FRESH, TODAY = 9, 9  # of them in the last hour, and in the hours before
WEIGHT_OF_DAY_OFF = 0.3  # against a working day
HOURS = ((8, 2), (9, 10), (10, 12), (11, 9), (12, 4), (13, 6), (14, 10), (15, 10), (16, 9), (17, 7), (18, 4), (19, 4),
         (20, 5), (21, 4), (22, 2), (23, 1), (0, 0.5), (2, 0.3), (6, 0.6), (7, 1.5))  # hour, weight  # fmt: skip
SETTLED = Fate("settled", categories=("inquiry",), is_short=True)
TALKS = 12  # words that open no ticket
SHARE_OF_KNOWN = 0.16  # matters of followers who have written before
GREETINGS = ("你好", "在吗", "早上好", "辛苦了")
ADVERTS = (
    "低息贷款，无抵押，当天放款，最高 50 万，加微信 loan6688",
    "招刷单兼职，在家日赚 300，零投入，扫码进群",
)


@dataclass(slots=True)
class Player:
    """The matters that are on the stage, each with the instant of its next step."""

    stage: Stage
    until: datetime
    newcomers: Iterator[Person]
    _waiting: list[tuple[datetime, int, Steps]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _known: list[Person] = field(default_factory=list)
    _busy: set[str] = field(default_factory=set)

    def begin(self, at: datetime, steps: Steps) -> None:
        heapq.heappush(self._waiting, (at, next(self._numbers), steps))

    def run(self) -> None:
        """Everything that happens before now, in order of time."""
        while (at := self._next()) is not None and at <= self.until:
            self.stage.now = max(at, self.stage.now)
            if self._waiting and self._waiting[0][0] <= at:
                _, _, steps = heapq.heappop(self._waiting)
                following = self._step(steps)
                if following is not None:
                    self.begin(max(following, self.stage.now), steps)
            else:
                self.stage.work_off()
        self.stage.now = self.until
        self.stage.next_due()
        self.stage.work_off()

    def _step(self, steps: Steps) -> datetime | None:
        """When the matter goes on; None where it has ended, or where the desk refuses what was to come."""
        try:
            return next(steps, None)
        except ServiceError as error:
            log.warning("a matter of the demonstration ends early: %s", error)
            return None

    def _next(self) -> datetime | None:
        """The next step of a matter, or what falls due by itself before it."""
        step = self._waiting[0][0] if self._waiting else None
        due = self.stage.next_due()
        if due is not None and (step is None or due + TICK <= step):
            return max(due + TICK, self.stage.now)
        return step

    def matter(self, conversation: Conversation, fate: Fate, people: Sequence[Person]) -> Steps:
        """A matter of the first of these who has no other one open, else of somebody known or new."""
        person = next(filter(self._is_free, people), None) or self._somebody()
        self._busy.add(person.openid)
        yield from course(Matter(self.stage, conversation, fate, person))
        self._busy.discard(person.openid)

    def talk(self) -> Steps:
        """A word that opens no ticket."""
        self.stage.says(self._somebody(), self.stage.chance.choice((*GREETINGS, *ADVERTS, *THANKS)))
        yield self.stage.now

    def _somebody(self) -> Person:
        chance = self.stage.chance
        if chance.random() < SHARE_OF_KNOWN:
            for person in chance.sample(self._known, min(8, len(self._known))):
                if self._is_free(person):
                    return person
        self._known.append(next(self.newcomers))
        return self._known[-1]

    def _is_free(self, person: Person) -> bool:
        follower = self.stage.follower(person)
        return person.openid not in self._busy and (follower is None or follower.open_ticket_id is None)


def play(stage: Stage, app_id: str, *, until: datetime, tickets: int = TICKETS) -> None:
    """Two weeks up to `until`, with at least so many tickets."""
    chance, calendar = stage.chance, stage.rules.calendar
    people = followers.people(app_id, chance)
    at_ease, waiting = (list(islice(people, len(names))) for names in (followers.AT_EASE, followers.WAITING))
    player = Player(stage, until, people)
    starts = sorted(start_times(until, calendar, chance, tickets))
    fates = deal(starts, until, calendar, chance)
    deck = deque(chance.sample(conversations(), len(conversations())))
    recent = starts[-len(waiting)]
    for at, fate in zip(starts, fates, strict=True):
        if at_ease and fate is NORMAL and is_long_settled(at, until, calendar):
            player.begin(at, player.matter(draw(deck, SETTLED), SETTLED, [at_ease.pop()]))
        else:
            player.begin(at, player.matter(draw(deck, fate), fate, waiting if at >= recent else ()))
    for at in chance.sample(starts, TALKS):
        player.begin(at + timedelta(minutes=7), player.talk())
    player.begin(starts[0], oversight.rounds(stage, until))
    player.begin(starts[0], register.rounds(stage, until))
    player.run()


def is_long_settled(at: datetime, until: datetime, calendar: Calendar) -> bool:
    """Whether an inquiry of that instant has been answered, and closed by itself a week later."""
    answered = at + timedelta(days=3)
    return until - answered > timedelta(days=7.5) and calendar.working_time(at, answered) > calendar.normal_day


def start_times(
    until: datetime, calendar: Calendar, chance: random.Random, tickets: int = TICKETS
) -> Iterator[datetime]:
    """When the matters begin: mostly in the day, some at night and on days off, a good number right now."""
    for _ in range(FRESH):
        yield until - timedelta(minutes=chance.uniform(2, 58))
    for _ in range(TODAY):
        yield until - timedelta(hours=chance.uniform(1, 7))
    days = [until.astimezone(calendar.zone) - timedelta(days=ago) for ago in range(DAYS + 1)]
    weights = [1.0 if calendar.intervals_on(day.date()) else WEIGHT_OF_DAY_OFF for day in days]
    hours, shares = zip(*HOURS, strict=True)
    wanted = tickets - FRESH - TODAY
    while wanted:
        day = chance.choices(days, weights)[0]
        hour, minute, second = chance.choices(hours, shares)[0], chance.randrange(60), chance.randrange(60)
        at = day.replace(hour=hour, minute=minute, second=second, microsecond=0)
        if until - timedelta(days=DAYS) < at < until - timedelta(minutes=30):
            wanted -= 1
            yield at.astimezone(until.tzinfo)


def deal(starts: list[datetime], until: datetime, calendar: Calendar, chance: random.Random) -> list[Fate]:
    """A fate for each start: the particular ones among those of the right age, the rest ordinary."""
    dealt = [NORMAL] * len(starts)
    ages = [calendar.working_time(at, until) for at in starts]
    for fate in FATES:
        free = [place for place, taken in enumerate(dealt) if taken is NORMAL]
        least, most = fate.age
        # after a long holiday nothing may have the right age: the oldest then, the rest of the work is the same
        right = [place for place in free if least <= ages[place] <= most] or free[: fate.count]
        for place in chance.sample(right, min(fate.count, len(right))):
            dealt[place] = fate
    return dealt


def draw(deck: deque[Conversation], fate: Fate) -> Conversation:
    """The conversation that has not been played for longest among those that fit. Raises ValueError if none does."""
    for conversation in deck:
        if fate.fits(conversation):
            deck.remove(conversation)
            deck.append(conversation)
            return conversation
    raise ValueError(f"no conversation can have the fate {fate.name!r}")
