"""What a message is answered by itself: the rule or the menu key that it hits, and what follows from that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from service.messaging.followers import Follower
from service.messaging.ports import Contact, Inbound
from service.routing.autoreply import INTENTS, Do, Hit, said
from service.routing.classifier import Verdict
from service.routing.menu_keys import tap_of
from service.rulebook import Rulebook
from service.tickets import answers, classification, hits, locks
from service.tickets.answers import Asked
from service.tickets.changes import Deed
from service.tickets.intake_statements import Met

INTENT_HOLDS = timedelta(minutes=30)  # how long a choice stands for the next message
DEFAULT_EVERY = timedelta(minutes=10)
MENU = "menu"  # kind of the published document, one a channel
NAMES = {"inquiry": "我要咨询", "complaint": "我要投诉", "suggestion": "意见建议"}  # what followers chose, in the event


@dataclass(frozen=True, slots=True)
class Case:
    """A message while it is being handled; its sender is locked."""

    message: Inbound
    follower: Met
    rules: Rulebook
    now: datetime

    @property
    def asked(self) -> Asked:
        follower = self.follower
        return Asked(follower.id, follower.open_ticket_id, self.message.channel, self.rules, self.now)


def may_hit(message: Inbound, rules: Rulebook) -> bool:
    """Whether some rule answers these words, at this time or at another."""
    return _is_word(message) and bool(answers.replies_for(rules, message.channel).hits(message.text))


def hit_of(message: Inbound, rules: Rulebook, now: datetime) -> Hit | None:
    """The rule that answers the message now."""
    if not _is_word(message):
        return None
    replies, is_open = answers.replies_for(rules, message.channel), rules.calendar.is_open(now)
    return replies.first(message.text, now.astimezone(rules.zone), is_open=is_open)


def _is_word(message: Inbound) -> bool:
    return message.kind == "text" and message.matter and message.contact is Contact.MESSAGE


def by_rule(session: Session, case: Case, hit: Hit) -> str:
    """What the rule says. A bare word that chooses a category is remembered for the next message."""
    is_bare = hit.how == "exact"
    if is_bare:
        _remember(session, case, hit.rule.action)
    own = said(hit.rule.answers, hit.rule.pick, case.message.key)
    text = answers.say(session, hit.rule.action, case.asked, own=own, is_bare=is_bare)
    hits.count(session, case.message.channel, hit.rule.id, now=case.now, zone=case.rules.zone)
    return text


def by_menu(session: Session, case: Case) -> str:
    """What the tapped key says; a key without a meaning gets the default answer."""
    key = case.message.extra.get("EventKey", "")
    tap = tap_of(case.rules.documents.get((MENU, case.message.channel), {}), key)
    if tap is None:
        return default(session, case)
    _remember(session, case, tap.action)
    return answers.say(session, tap.action, case.asked, own=tap.text, is_bare=True)


def welcome(session: Session, case: Case) -> str:
    hits.count(session, case.message.channel, hits.WELCOME, now=case.now, zone=case.rules.zone)
    return answers.welcome(case.asked)


def default(session: Session, case: Case) -> str:
    """The answer to what opened no ticket and hit no rule, now and then; whoever has an open ticket needs none."""
    earlier, is_heard = case.follower.default_answered_at, case.message.contact is not Contact.NONE
    is_early = earlier is not None and earlier > case.now - DEFAULT_EVERY
    if case.follower.open_ticket_id is not None or is_early or not is_heard:
        return ""
    text = answers.default(case.asked)
    if text:
        _set(session, case, default_answered_at=case.now)
        hits.count(session, case.message.channel, hits.DEFAULT, now=case.now, zone=case.rules.zone)
    return text


def choice_of(case: Case, hit: Hit | None) -> Verdict | None:
    """What the follower has chosen this matter to be, by the menu before it or by a word in it; None if nothing."""
    follower = case.follower
    if follower.intent is not None and follower.intent_until is not None and follower.intent_until >= case.now:
        category, because = follower.intent, f"{classification.BY_MENU}{NAMES.get(follower.intent, follower.intent)}"
    elif hit is not None and hit.rule.action in INTENTS:
        category, because = INTENTS[hit.rule.action], f"{classification.BY_WORD}{hit.word}"
    else:
        return None
    known = case.rules.categories.get(category)
    return Verdict(category, known.default_priority, 1.0, triage=False, because=(because,)) if known else None


def choose(session: Session, case: Case, ticket_id: int, chosen: Verdict) -> None:
    """Give the ticket its chosen category, as classification would: on one in hand it is a proposal."""
    deed = Deed(by=None, now=case.now, rules=case.rules)
    classification.judge(session, locks.lock_ticket(session, ticket_id), chosen, deed)


def forget_choice(session: Session, case: Case) -> None:
    """The choice was for one message."""
    if case.follower.intent is not None:
        _set(session, case, intent=None, intent_until=None)


def _remember(session: Session, case: Case, action: Do) -> None:
    if action in INTENTS:
        _set(session, case, intent=INTENTS[action], intent_until=case.now + INTENT_HOLDS)


def _set(session: Session, case: Case, **values: object) -> None:
    session.execute(update(Follower).where(Follower.id == case.follower.id).values(**values))
