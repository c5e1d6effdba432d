"""What becomes of a matter: how many go which way, and which conversations can."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.demo.script import Conversation
from service.demo.stage import GONE, SILENT
from service.messaging.ports import DeliveryError
from service.sla.policy import ClockKind

FOLLOWED_UP = ("complaint",)  # the categories of which each answer is followed up
TIMED = ("inquiry", "help_request", "fault", "complaint")  # those that are due within days
FOREVER = timedelta(days=99)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@dataclass(frozen=True, slots=True)
class Fate:
    """One course of things. `age`: working time since its start, at least and at most, so that it shows today."""

    name: str
    count: int = 0
    age: tuple[timedelta, timedelta] = (timedelta(), FOREVER)
    stop: str = ""  # where nobody goes on: at `open` or `accept`, after `ask` or `suspend`, before `final`
    late: ClockKind | None = None  # the clock that is met too late
    trouble: DeliveryError | None = None  # what meets the final answer
    after: str = ""  # what happens after the answer
    needs: str = ""  # a kind of turn, or `again`
    categories: Sequence[str] = ()
    is_short: bool = False  # one answer, by whoever took it

    def fits(self, conversation: Conversation) -> bool:
        """Whether the conversation can go this way."""
        if self.categories and conversation.category not in self.categories:
            return False
        if self.needs == "again" and not conversation.again:
            return False
        if self.needs and self.needs != "again" and not conversation.has(self.needs):
            return False
        if self.is_short and any(turn.kind != "final" for turn in conversation.rest):
            return False
        return not (self.is_particular and conversation.has("end"))

    @property
    def is_particular(self) -> bool:
        return bool(self.stop or self.late or self.trouble or self.after)


NORMAL = Fate("normal")
FATES = (
    Fate(
        "nobody accepts", 6, (hours(1.5), hours(16)), stop="open", categories=("inquiry", "help_request", "complaint")
    ),
    Fate("no first reply", 5, (hours(2), hours(20)), stop="accept", categories=("inquiry", "complaint", "fault")),
    Fate("no answer", 11, (hours(34), FOREVER), stop="final", needs="interim", categories=TIMED),
    Fate("waits for the customer", 12, (hours(2), hours(30)), stop="ask", needs="ask"),
    Fate("suspended", 8, (hours(3), hours(24)), stop="suspend", needs="suspend"),
    Fate("accepted late", 8, (hours(10), FOREVER), late=ClockKind.ACCEPT, categories=TIMED),
    Fate("first reply late", 8, (hours(10), FOREVER), late=ClockKind.FIRST_REPLY, categories=TIMED),
    Fate("answered late", 9, (hours(30), FOREVER), late=ClockKind.RESOLVE, needs="final", categories=TIMED[:3]),
    Fate("followed up late", 4, (hours(30), FOREVER), late=ClockKind.FOLLOW_UP, categories=FOLLOWED_UP),
    Fate("no follow-up", 7, (hours(40), FOREVER), after="silence", categories=FOLLOWED_UP),
    Fate("waits for the window", 4, (hours(28), hours(60)), after="window", needs="interim", categories=TIMED),
    Fate("waited for the window", 4, (hours(36), FOREVER), after="released", needs="interim", categories=TIMED),
    Fate("called back", 4, (hours(36), FOREVER), after="called", needs="interim", categories=TIMED),
    Fate("reply failed", 3, (hours(8), FOREVER), trouble=GONE, after="stuck", needs="final"),
    Fate("reply failed, called", 3, (hours(8), FOREVER), trouble=GONE, after="phoned", needs="final"),
    Fate("reply unknown", 3, (hours(4), hours(30)), trouble=SILENT, after="stuck", needs="final"),
    Fate("reply sent again", 3, (hours(8), FOREVER), trouble=SILENT, after="sent_again", needs="final"),
    Fate("customer comes back", 8, (hours(12), FOREVER), after="reopened", needs="again"),
    Fate("follow-up unsolved", 7, (hours(24), FOREVER), after="rework", needs="again", categories=FOLLOWED_UP),
    Fate("not reached", 5, (hours(40), FOREVER), after="unreachable", categories=FOLLOWED_UP),
    Fate("not reached yet", 3, (hours(24), hours(50)), after="unreachable_yet", categories=FOLLOWED_UP),
    Fate("written again", 8, (hours(45), FOREVER), after="repeat", needs="again"),
    Fate("merged", 5, (hours(60), FOREVER), after="merged", needs="again"),
)
