"""What a follower reads about a ticket, in plain words: one table for each closed set, and the lines of a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _p

from service.channels.wechat.oauth import Outcome
from service.messaging.outbox import Delivery
from service.tickets import progress
from service.tickets.models import Attachment, Message, Ticket
from service.tickets.progress import Promise, Step
from service.tickets.states import Status
from service.web import formats, labels

TALKED = ("phone", "in_person")  # what staff wrote down of a call is not what the follower was told in writing


@dataclass(frozen=True, slots=True)
class Words:
    """A title and what it means for the reader."""

    title: LazyString
    text: LazyString
    tone: str = "calm"  # calm, wait (the follower's turn), good, over


STATUSES: Mapping[Status, Words] = {
    Status.PENDING_ACCEPTANCE: Words(_l("已收到，等待受理"), _l("工作人员受理后，这里会显示进展。")),
    Status.IN_PROGRESS: Words(_l("正在办理"), _l("工作人员正在处理您的问题，有进展会在这里和微信里告诉您。")),
    Status.WAITING_CUSTOMER: Words(_l("等您补充"), _l("我们需要您再提供一些信息，请看下面的对话并回复。"), "wait"),
    Status.SUSPENDED: Words(_l("暂缓办理"), _l("需要等待其他条件，之后会继续办理。您随时可以补充。")),
    Status.ANSWERED: Words(_l("已答复"), _l("请看下面的答复。还有疑问直接补充，我们会继续办理。"), "good"),
    Status.CLOSED: Words(_l("已办结"), _l("问题没有解决的话，可以在下面告诉我们。"), "over"),
    Status.DECLINED: Words(_l("不属于我们的受理范围"), _l("原因请看下面的对话。有新的情况可以在下面补充。"), "over"),
    Status.WITHDRAWN: Words(_l("已撤销"), _l("需要重新办理的话，可以在下面告诉我们。"), "over"),
    Status.MERGED: Words(_l("已并入您的另一个工单"), _l("后续进展请看合并后的工单。"), "over"),
    Status.INVALID: Words(_l("已结束"), _l("如有需要，可以在下面告诉我们。"), "over"),
}
OUTSIDE_TEXTS: Mapping[Status, LazyString] = {  # on the progress page, which shows no conversation
    Status.WAITING_CUSTOMER: _l("我们需要您再提供一些信息，请到公众号对话里回复。"),
    Status.ANSWERED: _l("答复已发到您的微信；没能送达的会显示在下面。还有疑问请在公众号留言。"),
    Status.CLOSED: _l("如有需要，请在公众号留言。"),
    Status.DECLINED: _l("原因已在公众号对话里说明。"),
    Status.WITHDRAWN: _l("如有需要，请在公众号留言。"),
    Status.INVALID: _l("如有需要，请在公众号留言。"),
}
STEPS: Mapping[str, LazyString] = {
    "received": _l("已收到"),
    "accepted": _l("已受理"),
    "answered": _l("已给出答复"),
    "closed": _l("已办结"),
    "ended": _l("已结束"),
}
AHEAD: Mapping[str, LazyString] = {  # the same while they are still to come
    "accepted": _p("step", "受理"),
    "answered": _p("step", "答复"),
    "closed": _p("step", "办结"),
}
DELIVERIES: Mapping[str, LazyString] = {
    Delivery.QUEUED.value: _l("正在发到您的微信"),
    Delivery.SENDING.value: _l("正在发到您的微信"),
    Delivery.WAITING.value: _l("还没能发到您的微信，您下次在公众号留言时会自动发出"),
    Delivery.FAILED.value: _l("没能发到您的微信，请在这里查看"),
}
SCORES: Mapping[int, LazyString] = {
    5: _l("非常满意"),
    4: _l("满意"),
    3: _l("基本满意"),
    2: _l("不满意"),
    1: _l("非常不满意"),
}
TAGS = labels.RATING_TAGS
ARRIVALS: Mapping[Outcome, Words] = {  # how a visit ended that did not lead in
    Outcome.STRANGER: Words(
        _l("您还没有留言"), _l("回到公众号对话，直接把问题发给我们；登记后就能在这里看到进展。"), "calm"
    ),
    Outcome.SNAPSHOT: Words(
        _l("这是微信的预览页"),
        _l("预览页里看不到您的工单。请点页面上的“使用完整服务”，或回到公众号，从菜单重新打开“我的工单”。"),
    ),
    Outcome.RETRY: Words(_l("请重新打开"), _l("这次打开已经失效，点下面的按钮再来一次就好。")),
    Outcome.BUSY: Words(_l("正在打开…"), _l("请稍候，页面会自动继续。")),
    Outcome.AWAY: Words(_l("微信暂时没有回应"), _l("请过一会儿再打开；也可以用工单号和查询码查看进度。")),
}
OUTSIDE = Words(
    _l("请在微信里打开"), _l("“我的工单”只能在微信里查看。请在微信中打开公众号，从菜单或消息里的链接进入。")
)
NO_RIGHT = Words(
    _l("请用工单号查询"),
    _l("这个公众号不支持直接登录。请用受理回执里的工单号和查询码查看进度，补充内容请在公众号留言。"),
)
PROBLEMS: Mapping[str, Words] = {  # by the code of an error; ANY_PROBLEM for the rest
    "not_found": Words(_l("没有找到"), _l("请检查链接是否完整，或回到公众号重新打开。")),
    "bad_request": Words(_l("页面已过期"), _l("请返回上一页，刷新后再提交。写下的内容可以先复制下来。")),
    "too_large": Words(_l("图片太大"), _l("请返回上一页，减少图片后再提交。每张不超过 10 MB，最多 3 张。")),
    "too_many_requests": Words(_l("操作太频繁"), _l("请等几分钟再试。")),
    "database_away": Words(_l("系统正在维护"), _l("内容没有丢失，请过一会儿再试。")),
}
ANY_PROBLEM = Words(_l("暂时无法处理"), _l("请过一会儿再试，或在公众号直接留言。"))


def problem(code: str) -> Words:
    """What a follower reads when something did not work."""
    return PROBLEMS.get(code, ANY_PROBLEM)


@dataclass(frozen=True, slots=True)
class Line:
    """Something said; `note` is what became of a reply that has not arrived."""

    message: Message
    is_own: bool
    text: str
    note: LazyString | str

    @property
    def files(self) -> Sequence[Attachment]:
        return self.message.attachments

    @property
    def at(self) -> datetime:
        return self.message.at


@dataclass(frozen=True, slots=True)
class TicketView:
    """A ticket as a page shows it."""

    ticket: Ticket
    words: Words
    steps: Sequence[Step]
    promise: Promise | None

    @property
    def has_ended(self) -> bool:
        return self.words.tone == "over"


def view_of(ticket: Ticket) -> TicketView:
    """Needs the ticket's clocks loaded."""
    return TicketView(ticket, STATUSES[ticket.status], progress.steps(ticket), progress.promise(ticket, formats.now()))


def outside_view_of(ticket: Ticket) -> TicketView:
    """As the progress page shows it."""
    view = view_of(ticket)
    text = OUTSIDE_TEXTS.get(ticket.status, view.words.text)
    return replace(view, words=replace(view.words, text=text))


def line_of(message: Message) -> Line:
    """Words of the follower, or words to them."""
    own = message.direction == "inbound"
    text = message.text
    if message.via in TALKED:
        text = _("工作人员已打电话与您沟通。") if message.via == "phone" else _("工作人员已当面与您沟通。")
    elif message.attachments and message.text.startswith("[") and message.text.endswith("]"):
        text = ""  # the file itself is shown
    return Line(message, own, text, DELIVERIES.get(message.delivery or "", ""))
