"""Who keeps an eye on the work: the ladder, heads who urge, a supervisor who asks, followers who ask again."""

import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from service.demo import people
from service.demo.followers import AT_EASE, Person
from service.demo.matter import HOUR, Steps
from service.demo.stage import Stage
from service.errors import ServiceError
from service.messaging.followers import Follower
from service.people import Permission
from service.tickets import access, escalation, orders, supervision, urging
from service.tickets.models import Ticket
from service.tickets.register import SupervisionOrder
from service.tickets.states import WORKABLE, Status

P = Permission
EVERY = timedelta(minutes=30)
QUIET = 7 * HOUR  # before now: what is answered since then still waits for its verdict
SEED = 20_261_121  # chance of its own: what followers and agents do is the same with it and without it
MOST_URGES = 3
ASKS = ("进度", "查询进度")
URGED = (
    "客户一直在等，请今天给个答复",
    "请先告知客户进展，再继续办理",
    "这件已经超时，请抓紧，有困难马上说",
    "",
)
DEMANDS = {
    "complaint": "投诉多日没有实质进展，请说明原因、责任人和完成时间",
    "inquiry": "简单咨询拖到现在还没有答复，请说明情况",
    "help_request": "住户反映影响生活，请说明何时能处理好",
    "fault": "系统问题影响面较大，请说明修复计划",
}
DEMAND = "请说明办理进展和下一步安排"
ANSWERS = (
    "已联系施工单位，材料今天到，明天上午完工后电话告知客户。",
    "前期等供应商报价耽误了，现已确认方案，两个工作日内办结。",
    "上午已与客户通话说明情况，客户同意周五前处理完毕。",
    "现场已勘查，需更换配件，已加急采购，预计明天到货当天安装。",
    "交接时漏看，是我们的疏忽。已安排专人跟进，今天下班前给客户答复。",
    "需要财务部核对两个月的流水，已约好今天下午核完，核完即答复。",
)
VERDICTS = (
    "措施明确，按承诺时间办结，办结后请回访确认。",
    "情况属实，同意。以后遇到等料要先告知客户。",
    "已与客户核实，客户认可，督办结束。",
    "本次接受说明，请部门在周会上复盘漏单原因。",
)
NOT_NEEDED = "客户已在电话中确认解决，无需再作书面答复"


@dataclass(frozen=True, slots=True)
class Oversight:
    stage: Stage
    until: datetime
    chance: random.Random

    def rounds(self) -> Steps:
        """Every half hour of a working day: what has become due, then what people do about it."""
        while True:
            yield self.stage.rules.calendar.next_opening(self.stage.now + EVERY)
            self.ladder()
            supervised = self.tickets(Ticket.supervision.is_not(None))
            for ticket in supervised:
                self.look_after(ticket)
            for ticket in self.tickets(Ticket.overdue.expression, Ticket.status.in_(WORKABLE)):
                self.push(ticket)

    def ladder(self) -> None:
        """What the sweep does about rungs and about orders that nobody answered."""
        self.stage.session.flush()
        for sweep in (escalation.escalate_due, supervision.miss_due):
            sweep(self.stage.session, now=self.stage.now, rules=self.stage.rules)

    def tickets(self, *conditions: object) -> list[Ticket]:
        query = select(Ticket.id).where(*conditions).order_by(Ticket.id)  # type: ignore[arg-type]
        return [self.stage.ticket(ticket_id) for ticket_id in self.stage.session.scalars(query).all()]

    def look_after(self, ticket: Ticket) -> None:
        """The handler answers sooner or later, one in six not at all; the supervisor judges."""
        order = orders.find_open(self.stage.session, ticket)
        if order is None:
            return
        if order.answered_at is None:
            if order.id % 6 and self.stage.now > order.opened_at + HOUR and self.chance.random() < 0.3:
                self.answer(ticket)
            elif not order.id % 9 and self.may_be_judged(order) and self.chance.random() < 0.1:
                self.judge(ticket, reason=NOT_NEEDED)
        elif self.may_be_judged(order) and self.chance.random() < 0.1:
            self.judge(ticket, verdict=self.chance.choice(VERDICTS))

    def may_be_judged(self, order: SupervisionOrder) -> bool:
        at = order.answered_at or order.due_at
        return self.stage.now > at + HOUR and at < self.until - QUIET

    def answer(self, ticket: Ticket) -> None:
        by = next((name for name, user in self.stage.staff.items() if user.id == ticket.assignee_id), None)
        if by is not None and access.may(self.stage.staff[by], P.HANDLE, ticket):
            deed = self.stage.deed(by, ticket, P.HANDLE)
            with suppress(ServiceError):
                supervision.answer(self.stage.session, ticket, deed, text=self.chance.choice(ANSWERS))

    def judge(self, ticket: Ticket, **words: str) -> None:
        deed = self.stage.deed(people.SUPERVISOR, ticket, P.SUPERVISE)
        with suppress(ServiceError):
            supervision.close(self.stage.session, ticket, deed, **words)

    def push(self, ticket: Ticket) -> None:
        """Now and then somebody urges, the follower asks, or the supervisor does not wait for the ladder."""
        luck = self.chance.random()
        if luck < 0.014 and ticket.urges < MOST_URGES:
            self.urge(ticket)
        elif luck < 0.022 and not ticket.restricted:
            self.ask(ticket)
        elif luck < 0.028 and ticket.supervision is None:
            deed = self.stage.deed(people.SUPERVISOR, ticket, P.SUPERVISE)
            level = "yellow" if ticket.category == "complaint" and ticket.priority == "urgent" else "ordinary"
            reason = DEMANDS.get(ticket.category or "", DEMAND)
            supervision.open_order(self.stage.session, ticket, deed, level=level, reason=reason)

    def urge(self, ticket: Ticket) -> None:
        """The head of the ticket's department, else the dispatcher."""
        heads = [name for name, user in self.stage.staff.items() if access.may(user, P.URGE, ticket)]
        own = [name for name in heads if "dept_head" in self.stage.staff[name].roles and not ticket.restricted]
        deed = self.stage.deed((own or [people.DISPATCHER])[0], ticket, P.URGE)
        with suppress(ServiceError):
            urging.urge(self.stage.session, ticket, deed, text=self.chance.choice(URGED))

    def ask(self, ticket: Ticket) -> None:
        """The follower taps for the progress; not where that would send what waits."""
        follower = self.stage.session.get_one(Follower, ticket.follower_id)
        if (
            follower.following
            and follower.remark not in AT_EASE
            and follower.open_ticket_id == ticket.id
            and not follower.waiting_items
            and ticket.status is not Status.WAITING_CUSTOMER
        ):
            name = follower.remark or ""
            self.stage.says(Person(follower.address, name, follower.remark), self.chance.choice(ASKS))


def rounds(stage: Stage, until: datetime) -> Steps:
    return Oversight(stage, until, random.Random(SEED)).rounds()  # noqa: S311 - the same demonstration each time
