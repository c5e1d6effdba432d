"""Who asks for more time and who grants it; whose lateness is confirmed, and who appeals."""

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from service.demo import people
from service.demo.matter import HOUR, Steps
from service.demo.stage import Stage
from service.errors import ServiceError
from service.people import User
from service.sla.policy import ClockKind
from service.tickets import appeals, breaches, extensions
from service.tickets.changes import Deed
from service.tickets.models import ClockRow, Ticket
from service.tickets.register import Breach, ExtensionRequest
from service.tickets.states import Status

EVERY = 2 * HOUR
SEED = 20_261_122  # chance of its own: what followers and agents do is the same with it and without it
OTHER_SUPERVISOR = "admin"
RIPE = 8 * HOUR  # a draft is judged a day later
TODAY = 8 * HOUR  # of work before now: what is asked since then may still wait
LEFT_OPEN = 3  # requests, and appeals, that wait when the play ends
WHY = (
    "需要向施工单位调取维修记录，对方答复要两个工作日",
    "配件已订货，厂家预计后天到货，到货后当天安排上门",
    "客户约定周末在家时再上门核实",
    "涉及两个部门的账单，需财务复核流水后才能答复",
    "现场情况与描述不一致，需重新勘查",
    "供应商出差，检测报告要晚一天出",
)
GRANTS = ("同意，请先告知客户进展", "同意，到期前务必办结", "情况属实，同意", "")
REFUSALS = ("现有时间足够，请今天与客户沟通", "已延过承诺时间，请先给阶段性答复")
CONFIRMED = ("情况属实", "核对时间线，超时成立", "属实，请部门提醒当班人员", "")
DISMISSED = ("当天系统升级无法登录，不计超时", "客户要求改期，已有通话记录", "重复来信造成，不计超时")
APPEALS = (
    "当天上午系统升级，十点后才能登录，已附值班记录。",
    "客户电话中明确要求第二天再联系，通话已登记，请复核。",
    "接手时工单已临近到期，转办前停留在其他部门一天多。",
    "已在到期前电话答复客户，当时忘记登记，通话记录可查。",
)
UPHELD = ("经核对通话记录，情况属实，予以撤销", "转办前已占用大部分时间，撤销对本人的登记")
REJECTED = ("升级仅影响十分钟，不影响按时回复，维持登记", "通话记录显示联系时间在到期之后，维持登记")


@dataclass(frozen=True, slots=True)
class Office:
    stage: Stage
    until: datetime
    chance: random.Random

    def rounds(self) -> Steps:
        """Every two hours of a working day: requests, their decisions, judgements, appeals and their answers."""
        while True:
            yield self.stage.rules.calendar.next_opening(self.stage.now + EVERY)
            self.stage.session.flush()
            now, rules = self.stage.now, self.stage.rules
            extensions.lapse_due(self.stage.session, now=now, rules=rules)
            self.decide()
            self.ask()
            self.judge()
            self.appeal()
            self.answer()

    def deed(self, user: User) -> Deed:
        return Deed(by=user, now=self.stage.now, rules=self.stage.rules)

    def person(self, user_id: int | None) -> User | None:
        return next((user for user in self.stage.staff.values() if user.id == user_id), None)

    @property
    def is_today(self) -> bool:
        return self.stage.rules.calendar.working_time(self.stage.now, self.until) < TODAY

    # more time

    def ask(self) -> None:
        """Whoever has a ticket that is due within a day, now and then."""
        session, now = self.stage.session, self.stage.now
        query = select(Ticket.id).join(ClockRow, ClockRow.ticket_id == Ticket.id)
        query = query.where(ClockRow.kind == ClockKind.RESOLVE.value, ClockRow.state == "running")
        query = query.where(ClockRow.due_at.between(now + HOUR, now + timedelta(days=1 + 4 * self.is_today)))
        query = query.where(Ticket.status == Status.IN_PROGRESS, Ticket.first_replied_at.is_not(None))
        for ticket_id in session.scalars(query.order_by(Ticket.id)).all():
            ticket = self.stage.ticket(ticket_id)
            by = self.person(ticket.assignee_id)
            if by is None or ticket.restricted or self.chance.random() > (0.5 if self.is_today else 0.12):
                continue
            days = self.chance.choice((1, 2, 2, 3)) if ticket.category == "complaint" else 1
            with suppress(ServiceError):
                extensions.ask(session, ticket, self.deed(by), days=days, reason=self.chance.choice(WHY))

    def decide(self) -> None:
        """The head of the department, else the supervisor, soon; the last few wait for whoever looks at the play."""
        session = self.stage.session
        query = select(ExtensionRequest).where(ExtensionRequest.state == extensions.PENDING)
        pending = session.scalars(query.order_by(ExtensionRequest.at, ExtensionRequest.id)).all()
        for request in pending[LEFT_OPEN:] if self.is_today else pending:
            ticket = self.stage.ticket(request.ticket_id)
            heads = [user for user in self.stage.staff.values() if breaches.heads(user, ticket.department_id)]
            judge = next((u for u in heads if extensions.may_decide(session, u, request, ticket)), None)
            granted = self.chance.random() < 0.75
            note = self.chance.choice(GRANTS if granted else REFUSALS)
            deed = self.deed(judge or self.stage.staff[people.SUPERVISOR])
            with suppress(ServiceError):
                extensions.decide(session, request, ticket, deed, granted=granted, note=note)

    # the register

    def judge(self) -> None:
        """The supervisor works through drafts that are a day old, and leaves the newest."""
        session, boss = self.stage.session, self.stage.staff[people.SUPERVISOR]
        query = select(Breach.id).where(Breach.state == breaches.DRAFT, Breach.at < self.stage.now - RIPE)
        for breach_id in session.scalars(query.order_by(Breach.at, Breach.id).limit(4)).all():
            breach = breaches.breach_for(session, boss, breach_id)
            if not appeals.may_judge(session, breach, boss):
                continue
            confirmed = self.chance.random() < 0.8
            note = self.chance.choice(CONFIRMED if confirmed else DISMISSED)
            appeals.judge(session, breach, self.deed(boss), confirmed=confirmed, note=note)

    def appeal(self) -> None:
        """One in some objects within the period."""
        session, now = self.stage.session, self.stage.now
        query = select(Breach.id, Breach.user_id).where(Breach.state == breaches.CONFIRMED, ~breaches.OPEN_APPEAL)
        recent = query.where(Breach.judged_at > now - timedelta(days=3), Breach.user_id.is_not(None))
        for breach_id, user_id in session.execute(recent.order_by(Breach.id)).all():
            by = self.person(user_id)
            if by is None or self.chance.random() > 0.008:
                continue
            breach = breaches.breach_for(session, by, breach_id)
            if appeals.may_appeal(breach, by, self.stage.rules, now):
                appeals.appeal(session, breach, self.deed(by), text=self.chance.choice(APPEALS))

    def answer(self) -> None:
        """Another than who confirmed, after a day; the last few are open still."""
        session, judge = self.stage.session, self.stage.staff[OTHER_SUPERVISOR]
        if self.open_appeals() <= LEFT_OPEN:
            return
        query = select(Breach.id).where(breaches.OPEN_APPEAL).order_by(Breach.judged_at, Breach.id).limit(2)
        for breach_id in session.scalars(query).all():
            breach = breaches.breach_for(session, judge, breach_id)
            upheld = self.chance.random() < 0.5
            note = self.chance.choice(UPHELD if upheld else REJECTED)
            with suppress(ServiceError):
                appeals.answer(session, breach, self.deed(judge), upheld=upheld, note=note)

    def open_appeals(self) -> int:
        return self.stage.session.scalar(select(func.count(Breach.id)).where(breaches.OPEN_APPEAL)) or 0


def rounds(stage: Stage, until: datetime) -> Steps:
    return Office(stage, until, random.Random(SEED)).rounds()  # noqa: S311 - the same demonstration each time
