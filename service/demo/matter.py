"""One matter on the stage: a generator that yields the instant of its next step, then takes the step."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from service.demo import people
from service.demo.fates import Fate
from service.demo.followers import Person
from service.demo.script import CUSTOMER, Conversation, Turn, dates, filled, slots
from service.demo.stage import TICK, Stage
from service.messaging.ports import Contact
from service.people import Permission
from service.sla.policy import ClockKind
from service.tickets import closing, cooperation, handling
from service.tickets.changes import Deed
from service.tickets.handling import Draft
from service.tickets.models import Message, Ticket
from service.tickets.states import WORKABLE, Status

Steps = Iterator[datetime]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SHARE_OF_RESOLVE = {"quick": (0.06, 0.3), "day": (0.3, 0.65), "days": (0.5, 0.85)}  # of the time that is left
SLOWEST = timedelta(hours=22)  # of working time until an answer, where the target is generous
SUSPENDED_DAYS = 5
SHUT = ("window", "released", "called")  # fates in which the answer comes too late for the window
WINDOW = timedelta(hours=47)  # since the follower's last word; then a reply would have to wait
SHARE_IN_TIME = 0.9  # of those whose window would shut before the answer, how many write once more
URGES = (
    "请问有进展了吗？",
    "麻烦问下处理到哪一步了",
    "还没消息吗，催一下",
    "你好，上次说的事怎么样了",
    "你们上班了吗，麻烦看一下我前面发的",
    "在等你们回复",
)
WHY = {
    "complaint": "来信表达不满并要求处理，按投诉办理",
    "inquiry": "只是询问办理方法，按咨询答复",
    "help_request": "需要上门或人工处理，按求助办理",
    "fault": "系统或页面问题，转技术排查",
    "suggestion": "属于改进建议",
    "report": "反映工作人员违规，按举报受理并限制查看范围",
    "praise": "对服务表示肯定",
    "privacy_request": "涉及个人信息权利，由专人办理",
    "invalid": "广告或误发，与服务无关",
}


class Matter:
    """A conversation, a follower and a fate."""

    def __init__(self, stage: Stage, conversation: Conversation, fate: Fate, person: Person) -> None:
        self.stage, self.conversation, self.fate, self.person = stage, conversation, fate, person
        self.values = slots(stage.chance, person.name)
        self.ticket_id = 0
        self.handler = ""
        self.is_over = False

    def opens(self) -> Steps:
        """The follower's first messages; afterwards `ticket_id` is known."""
        chance = self.stage.chance
        if self.stage.follower(self.person) is None and chance.random() < 0.3:
            self.stage.says(self.person, "[关注]", kind="subscribe", contact=Contact.FOLLOW)
            yield self.later(0.5, 4)
        for place, turn in enumerate(self.conversation.opening):
            if place:
                yield self.stage.now + timedelta(seconds=chance.randint(4, 50))
            self.customer(turn)
        self.note_ticket()

    def note_ticket(self) -> None:
        """Find the ticket that the follower's messages opened or joined."""
        follower = self.stage.follower(self.person)
        if follower is None or follower.open_ticket_id is None:
            raise ValueError(f"{self.conversation.key}: its opening opens no ticket")
        self.ticket_id = follower.open_ticket_id
        follower.remark = follower.remark or self.person.remark

    def corrects(self) -> Steps:
        """A dispatcher puts right what the keywords got wrong, where nobody has the ticket yet."""
        yield self.later(0.2, 0.5)  # the keywords have had their say
        wanted, is_wrong = self.conversation, self.ticket().category != self.conversation.category
        if not is_wrong and wanted.priority in (None, self.ticket().priority):
            return
        yield self.working(0.5, 5)
        why = self.fill(wanted.why) or (WHY[wanted.category] if is_wrong else "按影响范围调整紧急程度")
        deed = self.deed(people.DISPATCHER, Permission.HANDLE)
        session, ticket = self.stage.session, self.ticket()
        cooperation.classify(session, ticket, deed, category=wanted.category, priority=wanted.priority, reason=why)

    def accepts(self) -> Steps:
        """Somebody of the department takes it; now and then the head or the dispatcher says who."""
        chance = self.stage.chance
        yield self.moment(ClockKind.ACCEPT, 0.15, 0.75)
        ticket = self.ticket()
        if ticket.status is not Status.PENDING_ACCEPTANCE:
            return
        self.handler = (
            people.DISPATCHER if ticket.restricted else chance.choice(self.stage.agents(ticket.department_id))
        )
        if not ticket.restricted and chance.random() < 0.15:
            yield from self.is_assigned()
        calendar = self.stage.rules.calendar
        promise = calendar.end_of_working_day(self.stage.now, chance.randint(1, 2)) if chance.random() < 0.3 else None
        deed = self.deed(self.handler, Permission.HANDLE)
        plan = self.fill(self.conversation.plan)
        handling.accept(self.stage.session, self.ticket(), deed, promise_at=promise, plan=plan)

    def is_assigned(self) -> Steps:
        """The dispatcher says who handles it."""
        deed = self.deed(people.DISPATCHER, Permission.ASSIGN)
        cooperation.assign(self.stage.session, self.ticket(), deed, assignee=self.handler)
        yield self.later(0.3, 2)

    def works(self) -> Steps:
        """The rest of the conversation, up to where the fate stops it."""
        for turn in self.conversation.rest:
            if self.fate.stop == "final" and turn.kind in ("final", "phone"):
                self.is_over = True
            if self.is_over:
                return
            yield from TURNS[turn.kind](self, turn)
            self.is_over = self.is_over or turn.kind == self.fate.stop

    def customer(self, turn: Turn) -> None:
        """The follower writes, or sends a picture."""
        if turn.kind == "picture":
            self.stage.sends_picture(self.person, turn.mark)
        else:
            self.stage.says(self.person, self.fill(self.stage.chance.choice(turn.texts)))

    def answers_us(self, turn: Turn) -> Steps:
        """The follower goes on, in their own time and not at night."""
        yield self.awake(self.later(3, 150) if self.stage.chance.random() < 0.8 else self.later(200, 900))
        self.customer(turn)

    def replies(self, turn: Turn) -> Steps:
        """A reply that is not the last: soon if it is the first, else as the work goes."""
        yield self.moment(ClockKind.FIRST_REPLY, 0.15, 0.7) if not self.is_replied() else self.working(5, 60)
        yield from self.says_urgently(turn)

    def says_urgently(self, turn: Turn) -> Steps:
        """Write the reply, having resumed what stood still; the worker sends it."""
        yield from self.keeps_window()
        ticket = self.ticket()
        if ticket.status not in WORKABLE:
            self.is_over = True
            return
        if ticket.status is Status.SUSPENDED:
            handling.resume(self.stage.session, ticket, self.deed(self.handler, Permission.HANDLE))
        via = "phone" if turn.kind == "phone" else "wechat"
        kind = "final" if turn.kind == "phone" else turn.kind
        message = self.write(self.fill(turn.texts[0]), kind, via)
        if kind == "final" and self.fate.trouble is not None:
            self.stage.trouble[message.id] = self.fate.trouble
        yield self.stage.now + TICK
        self.stage.deliver()

    def keeps_window(self) -> Steps:
        """Most followers write once more where the platform would not let the reply through any longer."""
        chance, silent = self.stage.chance, self.stage.now - self.ticket().last_inbound_at
        if silent > WINDOW and self.fate.after not in SHUT and chance.random() < SHARE_IN_TIME:
            self.stage.says(self.person, chance.choice(URGES))
            yield self.later(1, 6)

    def write(self, text: str, kind: str, via: str = "wechat") -> Message:
        draft = Draft(text, kind, via=via, seen=None, force=True)
        deed = self.deed(self.handler, Permission.HANDLE)
        return handling.reply(self.stage.session, self.ticket(), draft, deed, limits=self.stage.limits)

    def concludes(self, turn: Turn) -> Steps:
        """The final answer, in the time that the pace and the fate give it."""
        at = self.time_of_answer()
        if at - self.stage.now > timedelta(hours=26) and self.stage.chance.random() < 0.3:
            yield self.awake(self.stage.now + (at - self.stage.now) / 2)
            self.stage.says(self.person, self.stage.chance.choice(URGES))
        yield max(at, self.stage.now + MINUTE)
        yield from self.says_urgently(turn)

    def time_of_answer(self) -> datetime:
        """When the answer is ready."""
        if self.fate.after in SHUT:
            shut = self.ticket().last_inbound_at + timedelta(hours=48)
            return self.stage.rules.calendar.add(max(shut, self.stage.now), self.stage.chance.uniform(10, 90) * MINUTE)
        if not self.is_replied():
            return self.moment(ClockKind.FIRST_REPLY, 0.3, 0.85)
        at = self.moment(ClockKind.RESOLVE, *SHARE_OF_RESOLVE[self.conversation.pace])
        slowest = self.stage.rules.calendar.add(self.stage.now, SLOWEST * self.stage.chance.uniform(0.6, 1))
        return at if self.fate.late is ClockKind.RESOLVE else min(at, slowest)

    def notes(self, turn: Turn) -> Steps:
        yield self.working(2, 30)
        handling.note(
            self.stage.session, self.ticket(), self.fill(turn.texts[0]), self.deed(self.handler, Permission.NOTE)
        )

    def transfers(self, turn: Turn) -> Steps:
        """Another department takes over, and somebody there accepts."""
        yield self.working(3, 25)
        ticket = self.ticket()
        if ticket.status not in WORKABLE or self.stage.rules.departments[turn.mark] == ticket.department_id:
            return
        deed = self.deed(self.handler, Permission.TRANSFER)
        cooperation.transfer(self.stage.session, ticket, deed, department=turn.mark, reason=self.fill(turn.texts[0]))
        yield self.working(3, 30)
        self.handler = self.stage.chance.choice(self.stage.agents(self.ticket().department_id))
        if self.ticket().restricted:  # nobody there sees it until it is theirs
            yield from self.is_assigned()
        handling.accept(self.stage.session, self.ticket(), self.deed(self.handler, Permission.HANDLE))

    def suspends(self, turn: Turn) -> Steps:
        yield self.working(5, 40)
        ticket = self.ticket()
        if ticket.status not in (Status.IN_PROGRESS, Status.WAITING_CUSTOMER):
            return
        until = self.stage.rules.calendar.end_of_working_day(self.stage.now, SUSPENDED_DAYS)
        deed = self.deed(self.handler, Permission.HANDLE)
        handling.suspend(self.stage.session, ticket, deed, reason=self.fill(turn.texts[0]), until=until)
        if self.fate.stop != "suspend":
            yield self.working(300, 900)

    def ends(self, turn: Turn) -> Steps:
        """Declined, withdrawn or invalid."""
        yield self.working(2, 20)
        ticket = self.ticket()
        deed = self.deed(self.dismisser(ticket), Permission.DISMISS)
        ENDINGS[turn.mark](self.stage.session, ticket, deed, reason=self.fill(turn.texts[0]))
        self.is_over = True

    def dismisser(self, ticket: Ticket) -> str:
        """The department's head where it has one, else the dispatcher."""
        heads = {user.department_id: name for name, user in self.stage.staff.items() if "dept_head" in user.roles}
        return heads.get(ticket.department_id, people.DISPATCHER) if not ticket.restricted else people.DISPATCHER

    # time

    def moment(self, kind: ClockKind, low: float, high: float) -> datetime:
        """When a clock is met: before it is due, at some share of what is left; or after, where that is the fate."""
        calendar, due = self.stage.rules.calendar, self.stage.due_at(self.ticket_id, kind)
        if due is not None and self.fate.late is kind:
            return calendar.add(max(due, self.stage.now), self.stage.chance.uniform(10, 150) * MINUTE)
        left = calendar.working_time(self.stage.now, due) if due else 90 * MINUTE
        return calendar.add(self.stage.now, max(left * self.stage.chance.uniform(low, high), MINUTE))

    def working(self, low: float, high: float) -> datetime:
        """So many minutes of working time later."""
        return self.stage.rules.calendar.add(self.stage.now, self.stage.chance.uniform(low, high) * MINUTE)

    def later(self, low: float, high: float) -> datetime:
        """So many minutes later."""
        return self.stage.now + self.stage.chance.uniform(low, high) * MINUTE

    def awake(self, at: datetime) -> datetime:
        """That instant, or a while after seven in the morning if people sleep then."""
        here = at.astimezone(self.stage.rules.zone)
        return at if here.hour >= 7 else at + (7 - here.hour) * HOUR

    # small questions

    def ticket(self) -> Ticket:
        return self.stage.ticket(self.ticket_id)

    def is_replied(self) -> bool:
        return self.ticket().first_replied_at is not None

    def deed(self, username: str, permission: Permission) -> Deed:
        return self.stage.deed(username, self.ticket(), permission)

    def fill(self, text: str) -> str:
        now, calendar = self.stage.now, self.stage.rules.calendar
        staff = self.stage.staff[self.handler].name if self.handler else ""
        return filled(text, self.values | dates(now, calendar) | {"staff": staff})


TURNS: dict[str, Callable[[Matter, Turn], Steps]] = {
    **dict.fromkeys(CUSTOMER, Matter.answers_us),
    "interim": Matter.replies,
    "ask": Matter.replies,
    "final": Matter.concludes,
    "phone": Matter.concludes,
    "note": Matter.notes,
    "transfer": Matter.transfers,
    "suspend": Matter.suspends,
    "end": Matter.ends,
}
ENDINGS = {"decline": closing.decline, "withdraw": closing.withdraw, "invalid": closing.invalidate}
