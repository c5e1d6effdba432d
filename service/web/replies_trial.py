"""What would be answered to a message: the same decisions as at the webhook, for a follower who has no ticket."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from service.routing.autoreply import Do, How, said
from service.routing.noise import noise_kind
from service.rulebook import Rulebook
from service.tickets import answers, clocks, intake, receipts
from service.tickets.answers import KIND, Asked
from service.web.replies_words import Content

WINDOW = timedelta(hours=48)
OWN = frozenset({Do.PROGRESS, Do.RATE, Do.HUMAN})  # each follower is told about their own tickets


@dataclass(frozen=True, slots=True)
class Tried:
    """`rule` is "" where none was hit; `reply` is the whole text, "" for silence."""

    rule: str
    how: How | None
    word: str
    reply: str
    opens: bool
    is_own: bool  # the text depends on the follower's tickets

    @property
    def size_bytes(self) -> int:
        return len(self.reply.encode())


def tried(session: Session, content: Content, text: str, at: datetime, *, channel: str, rules: Rulebook) -> Tried:
    """Try the message on the document, whatever is in force."""
    rules = rules.speaking_for(channel)
    rules = replace(rules, documents={**rules.documents, (KIND, channel): content})
    replies, asked = answers.replies_for(rules, channel), Asked(0, None, channel, rules, at)
    hit = replies.first(text, at.astimezone(rules.zone), is_open=rules.calendar.is_open(at))
    opens = hit.opens if hit else noise_kind(text) is None
    answer = ""
    if hit is not None:
        own = said(hit.rule.answers, hit.rule.pick, text)
        is_shown = not (opens and hit.rule.action is Do.HUMAN)
        answer = answers.say(session, hit.rule.action, asked, own=own, is_bare=hit.how is How.EXACT and is_shown)
    elif not opens and noise_kind(text) not in intake.ENDINGS:
        answer = answers.default(asked)
    receipt = _receipt(rules, at) if opens else ""
    return Tried(
        rule=hit.rule.name if hit else "",
        how=hit.how if hit else None,
        word=hit.word if hit else "",
        reply=receipts.joined("", answer, receipt, room=None),
        opens=opens,
        is_own=hit is not None and hit.rule.action in OWN,
    )


def _receipt(rules: Rulebook, at: datetime) -> str:
    """The receipt of a ticket that is opened then, with a number and a code made up."""
    started = clocks.at_intake(rules.policies.policy_for(None, "normal"), at, rules.calendar)
    text = receipts.receipt(rules, "123456", intake.due_of(started), closes_at=at + WINDOW, now=at)
    return text.replace("{number}", f"GD{at.astimezone(rules.zone):%Y%m%d}-0001")
