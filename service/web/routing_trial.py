"""What would happen to a message: what intake, classification and routing would decide, and nothing is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.routing.autoreply import INTENTS, Hit
from service.routing.classifier import Verdict
from service.routing.menu_keys import tap_of
from service.routing.noise import noise_kind
from service.routing.rules import Matter, RoutingRow, in_order, misfits
from service.routing.subcategories import Picked
from service.rulebook import Rulebook
from service.sla.clocks import Clock
from service.sla.policy import Policy
from service.tickets import answers, clocks, matters
from service.tickets.answering import MENU
from service.tickets.classification import BY_MENU, BY_WORD, category_of


@dataclass(frozen=True, slots=True)
class Asked:
    """The message and its circumstances."""

    text: str
    account: str
    channel: str
    menu_key: str | None
    scene: str | None
    tags: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """A row that was looked at; `misfit`: the first condition that did not hold, None: it decided."""

    row: RoutingRow
    misfit: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of it. `is_chosen`: the follower's own choice decided the category."""

    opens: bool
    verdict: Verdict
    is_chosen: bool
    category: str
    picked: Picked | None
    matter: Matter
    steps: Sequence[Step]
    priority: str
    department: str
    stays: bool  # a restricted matter that nobody there may see: it stays with intake
    policy: Policy
    clocks: Sequence[Clock]

    @property
    def row(self) -> RoutingRow | None:
        """The row that decided."""
        return self.steps[-1].row if self.steps and self.steps[-1].misfit is None else None


def tried(session: Session, asked: Asked, rules: Rulebook) -> Tried:
    """Try it on the table in force."""
    local, is_open = asked.at.astimezone(rules.zone), rules.calendar.is_open(asked.at)
    hit = answers.replies_for(rules, asked.channel).first(asked.text, local, is_open=is_open) if asked.text else None
    judged, chosen = rules.classifier.classify(asked.text), _choice(asked, hit, rules)
    stands = chosen is not None and (judged.priority != "urgent" or judged.triage)  # as classification has it
    verdict = chosen if chosen is not None and stands else judged
    category = category_of(verdict)
    picked = rules.subcategories.pick(category, asked.text)
    matter = Matter(
        category=category,
        priority=verdict.priority,
        account=asked.account,
        text=asked.text,
        subcategory=picked.subcategory.code if picked else None,
        menu_key=asked.menu_key,
        scene=asked.scene,
        tags=asked.tags,
        at=local,
        is_open=is_open,
    )
    goal = matters.routed(rules, matter)
    department_id = rules.departments.get(goal.department, rules.intake_department_id)
    stays = not matters.may_go_to(session, category, department_id, rules)
    policy = _policy(rules, category, goal.priority or verdict.priority, goal.targets, asked.tags)
    here = rules.intake_department_id if stays else department_id
    return Tried(
        opens=hit.opens if hit else noise_kind(asked.text) is None,
        verdict=verdict,
        is_chosen=stands,
        category=category,
        picked=picked,
        matter=matter,
        steps=_steps(rules, matter),
        priority=goal.priority or verdict.priority,
        department=rules.department_codes[here],
        stays=stays,
        policy=policy,
        clocks=clocks.at_intake(policy, asked.at, rules.calendar_for(here)),
    )


def _choice(asked: Asked, hit: Hit | None, rules: Rulebook) -> Verdict | None:
    """What the follower chose, by the menu before it or by a word in it."""
    document = rules.documents.get((MENU, asked.channel), {})
    tap = tap_of(document, asked.menu_key) if asked.menu_key else None
    if tap is not None and tap.action in INTENTS:
        category, because = INTENTS[tap.action], f"{BY_MENU}{tap.name or asked.menu_key}"
    elif hit is not None and hit.rule.action in INTENTS:
        category, because = INTENTS[hit.rule.action], f"{BY_WORD}{hit.word}"
    else:
        return None
    known = rules.categories.get(category)
    return Verdict(category, known.default_priority, 1.0, triage=False, because=(because,)) if known else None


def _steps(rules: Rulebook, matter: Matter) -> list[Step]:
    """The rows down to the one that decided."""
    steps = []
    for row in in_order(rules.routing):
        steps.append(Step(row, next(misfits(row, matter), None)))
        if steps[-1].misfit is None:
            break
    return steps


def _policy(rules: Rulebook, category: str, priority: str, targets: str | None, tags: tuple[str, ...]) -> Policy:
    table = rules.policies
    return table.policy_for(*(table.named(targets) or (category, priority)), tags)
