"""What happens once an answer is written: thanks, follow-ups, second thoughts, replies that did not arrive."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from service.demo import people
from service.demo.matter import Matter, Steps
from service.demo.script import Turn
from service.demo.stage import TICK
from service.messaging.outbox import Delivery
from service.people import Permission
from service.sla.policy import ClockKind
from service.tickets import closing, cooperation, followup, handling
from service.tickets.models import Message
from service.tickets.states import Status

THANKS = (
    "谢谢",
    "好的，谢谢",
    "收到，谢谢",
    "谢谢，辛苦了",
    "好的",
    "收到",
    "[强]",
    "太感谢了",
    "非常感谢",
    "嗯嗯好的",
)
SATISFACTIONS = (5, 5, 5, 4, 4, 3)
FOLLOW_UP_NOTES = (
    "电话回访，客户确认问题已解决",
    "微信回访，客户表示满意",
    "客户认可处理结果，希望以后响应再快一些",
    "客户表示已恢复正常，无其他意见",
    "客户对处理人员的态度表示肯定",
)
UNREACHED_NOTES = ("上午拨打无人接听", "下午再次拨打，提示已关机", "第三次拨打仍无人接听，短信已告知处理结果")
CLOSED_BECAUSE = ("客户已确认解决", "复查无误，客户无异议", "客户回复认可，办结")
ASKS_AGAIN = ("请问上次反映的事情有结果了吗", "你好，问一下处理结果", "我前几天反映的问题现在怎么样了")


def ordinary(matter: Matter) -> Steps:
    """Perhaps thanks, then the follow-up where one is due, else perhaps a head who closes it."""
    chance = matter.stage.chance
    if matter.ticket().status is not Status.ANSWERED:
        return
    if chance.random() < 0.5:
        yield matter.awake(matter.later(2, 90))
        matter.stage.says(matter.person, chance.choice(THANKS))
    if matter.ticket().follow_up_open:
        yield matter.moment(ClockKind.FOLLOW_UP, 0.1, 0.7)
        follow_up(matter, "solved", chance.choice(FOLLOW_UP_NOTES), chance.choice(SATISFACTIONS))
    elif chance.random() < 0.35:
        yield from is_closed(matter)


def is_closed(matter: Matter) -> Steps:
    """The head of the department, or the supervisor, closes what is answered."""
    yield matter.working(20, 400)
    ticket = matter.ticket()
    if ticket.status is Status.ANSWERED:
        closer = matter.dismisser(ticket)
        closer = people.SUPERVISOR if closer == people.DISPATCHER else closer
        deed = matter.deed(closer, Permission.FOLLOW_UP)
        closing.close(matter.stage.session, ticket, deed, reason=matter.stage.chance.choice(CLOSED_BECAUSE))


def follow_up(matter: Matter, result: str, note: str, satisfaction: int | None = None) -> None:
    """One attempt by the follow-up agent."""
    ticket = matter.ticket()
    if ticket.status is Status.ANSWERED:
        caller = people.SUPERVISOR if ticket.restricted else people.FOLLOW_UP_AGENT
        deed = matter.deed(caller, Permission.FOLLOW_UP)
        followup.follow_up(matter.stage.session, ticket, deed, result=result, satisfaction=satisfaction, note=note)


def silence(matter: Matter) -> Steps:
    """Nobody follows it up, though somebody should."""
    yield from ()


def stuck(matter: Matter) -> Steps:
    """The reply did not arrive, or nobody knows, and nobody has looked at it yet."""
    yield from ()


def phoned(matter: Matter) -> Steps:
    """The handler calls instead."""
    yield matter.working(10, 120)
    text = f"电话联系{matter.person.name}，告知处理结果，对方表示知晓，无其他要求。"
    if matter.ticket().status in (Status.IN_PROGRESS, Status.WAITING_CUSTOMER):
        matter.write(text, "final", "phone")
        yield from ordinary(matter)


def called(matter: Matter) -> Steps:
    """The window stays shut, so the handler calls back and takes the waiting reply back."""
    yield from phoned(matter)
    for message in replies_in(matter, Delivery.WAITING):
        ticket = matter.ticket()
        handling.cancel(matter.stage.session, ticket, message, matter.deed(matter.handler, Permission.HANDLE))


def replies_in(matter: Matter, *states: Delivery) -> Sequence[int]:
    """Ids of the ticket's replies in one of these states."""
    query = select(Message.id).where(Message.ticket_id == matter.ticket_id, Message.delivery.in_(states))
    return matter.stage.session.scalars(query.order_by(Message.id)).all()


def released(matter: Matter) -> Steps:
    """The follower asks, and what waited goes out."""
    yield matter.awake(matter.later(300, 1500))
    matter.stage.says(matter.person, matter.stage.chance.choice(ASKS_AGAIN))
    yield matter.later(0.2, 1)
    yield from ordinary(matter)


def sent_again(matter: Matter) -> Steps:
    """The handler decides that the reply goes out once more."""
    yield matter.working(5, 60)
    for message in replies_in(matter, Delivery.UNKNOWN, Delivery.FAILED):
        deed = matter.deed(matter.handler, Permission.HANDLE)
        handling.send_again(matter.stage.session, matter.ticket(), message, deed)
    yield matter.stage.now + TICK
    matter.stage.deliver()
    yield from ordinary(matter)


def reopened(matter: Matter) -> Steps:
    """It was not settled after all: the follower writes on the answered ticket."""
    yield matter.awake(matter.later(40, 1400))
    matter.stage.says(matter.person, matter.fill(matter.conversation.again))
    yield from settles(matter)


def settles(matter: Matter) -> Steps:
    """The second answer."""
    yield from matter.concludes(Turn("final", (matter.conversation.redo,)))
    yield from ordinary(matter)


def rework(matter: Matter) -> Steps:
    """The follow-up hears that it is not settled."""
    yield matter.moment(ClockKind.FOLLOW_UP, 0.1, 0.7)
    note = f"客户反映：{matter.fill(matter.conversation.again)}"
    follow_up(matter, "unsolved", note, 2)
    yield from settles(matter)


def unreachable(matter: Matter, attempts: int = 3) -> Steps:
    """So many calls that nobody takes; the third closes the ticket."""
    yield matter.moment(ClockKind.FOLLOW_UP, 0.1, 0.4)
    for note in UNREACHED_NOTES[:attempts]:
        follow_up(matter, "unreachable", note)
        yield matter.working(200, 300)


def unreachable_yet(matter: Matter) -> Steps:
    yield from unreachable(matter, matter.stage.chance.randint(1, 2))


def writes_again(matter: Matter) -> Steps:
    """Closed, and a few days later the same thing: a new ticket, linked to the old one."""
    yield from ordinary(matter)
    if matter.ticket().status is Status.ANSWERED:
        yield from is_closed(matter)
    yield matter.awake(matter.later(600, 3500))
    matter.stage.says(matter.person, matter.fill(matter.conversation.again))
    matter.note_ticket()


def repeat(matter: Matter) -> Steps:
    yield from writes_again(matter)
    yield from matter.corrects()
    yield from matter.accepts()
    yield from settles(matter)


def merged(matter: Matter) -> Steps:
    """The dispatcher takes the old ticket up again and merges the new one into it."""
    first_id = matter.ticket_id
    yield from writes_again(matter)
    if matter.ticket_id == first_id:
        return
    yield from matter.corrects()
    yield matter.working(2, 10)
    session, second = matter.stage.session, matter.ticket()
    matter.ticket_id = first_id
    deed = matter.deed(people.DISPATCHER, Permission.HANDLE)
    closing.reopen(session, matter.ticket(), deed, reason="客户再次反映同一问题，继续办理")
    cooperation.merge(session, second, matter.ticket(), deed)
    yield from settles(matter)


AFTER: dict[str, Callable[[Matter], Steps]] = {
    "": ordinary,
    "silence": silence,
    "stuck": stuck,
    "window": stuck,
    "phoned": phoned,
    "called": called,
    "released": released,
    "sent_again": sent_again,
    "reopened": reopened,
    "rework": rework,
    "unreachable": unreachable,
    "unreachable_yet": unreachable_yet,
    "repeat": repeat,
    "merged": merged,
}


def course(matter: Matter) -> Steps:
    """A matter from its first word to its end, or to where it stands today."""
    stop = matter.fate.stop
    yield from matter.opens()
    if stop == "open":
        return
    yield from matter.corrects()
    yield from matter.accepts()
    if stop == "accept":
        return
    yield from matter.works()
    if not matter.is_over:
        yield from AFTER[matter.fate.after](matter)
