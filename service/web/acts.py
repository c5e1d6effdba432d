"""What can be done with a ticket from its page: one row an action, with its right, its form and its words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from service.people import Permission, User
from service.tickets import access, closing, cooperation, followup, handling
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.states import LIVE, WORKABLE, Action, Status, allows
from service.web import custody_forms, extensions_forms, forms, policy_forms, supervision_forms
from service.web.auth import me
from service.web.forms import StaffForm

P = Permission
Run = Callable[[Session, Ticket, Deed, StaffForm], object]


@dataclass(frozen=True, slots=True)
class Act:
    """An action with its form; `hint` says what will follow."""

    action: Action
    permission: Permission
    label: LazyString
    icon: str
    form: type[StaffForm]
    run: Run
    done: LazyString
    hint: LazyString
    grave: bool = False
    when: Callable[[Ticket], bool] | None = None  # in place of the table of the ticket's life
    apart: bool = False  # offered elsewhere than in the list of actions


def _accept(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    handling.accept(session, ticket, deed, promise_at=forms.moment_of(form.promise_at), plan=form.plan.data or "")


def _assign(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    cooperation.assign(session, ticket, deed, assignee=form.assignee.data)


def _transfer(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    cooperation.transfer(session, ticket, deed, department=form.department.data, reason=form.reason.data)


def _classify(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    chosen = {"category": form.category.data, "priority": form.priority.data, "reason": form.reason.data}
    cooperation.classify(session, ticket, deed, **chosen, subcategory=form.chosen_subcategory)


def _suspend(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    handling.suspend(session, ticket, deed, reason=form.reason.data, until=form.until.data)


def _resume(session: Session, ticket: Ticket, deed: Deed, _form: StaffForm) -> None:
    handling.resume(session, ticket, deed)


def _merge(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    into = access.ticket_for(session, me(), form.into.data, P.HANDLE)
    cooperation.merge(session, ticket, into, deed)


def _decline(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    closing.decline(session, ticket, deed, reason=form.reason.data, refer_to=form.refer_to.data or "")


def _withdraw(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    closing.withdraw(session, ticket, deed, reason=form.reason.data)


def _invalidate(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    closing.invalidate(session, ticket, deed, reason=form.reason.data)


def _follow_up(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    note = form.note.data or ""
    followup.follow_up(session, ticket, deed, result=form.result.data, satisfaction=form.satisfaction.data, note=note)


def _close(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    closing.close(session, ticket, deed, reason=form.reason.data or "")


def _reopen(session: Session, ticket: Ticket, deed: Deed, form: StaffForm) -> None:
    closing.reopen(session, ticket, deed, reason=form.reason.data)


ACTS: Mapping[str, Act] = {
    "accept": Act(
        Action.ACCEPT,
        P.HANDLE,
        _l("受理"),
        "check",
        forms.AcceptForm,
        _accept,
        _l("已受理，工单归您办理"),
        _l("受理后您就是经办人，受理时限同时完成。"),
    ),
    "follow-up": Act(
        Action.FOLLOW_UP,
        P.FOLLOW_UP,
        _l("登记回访"),
        "phone-call",
        forms.FollowUpForm,
        _follow_up,
        _l("回访结果已登记"),
        _l("已解决：办结；未解决：退回办理，最多两次；未联系上：计一次，第三次办结。"),
    ),
    "assign": Act(
        Action.ASSIGN,
        P.ASSIGN_SELF,
        _l("分派"),
        "user-share",
        forms.AssignForm,
        _assign,
        _l("已分派"),
        _l("只改变经办人，时限照常计算。"),
    ),
    "hand-back": Act(
        Action.HAND_BACK,
        P.ASSIGN_SELF,
        _l("退回待派单"),
        "inbox",
        custody_forms.HandBackForm,
        custody_forms.hand_back,
        _l("已退回，由同事接手"),
        _l("工单回到本部门，没有经办人；时限照常计算，不会马上再派给同一个人。"),
        when=custody_forms.can_hand_back,
    ),
    "recuse": Act(
        Action.RECUSE,
        P.ASSIGN_SELF,
        _l("回避"),
        "user-x",
        custody_forms.RecuseForm,
        custody_forms.recuse,
        _l("已登记回避"),
        _l("与此事有关的人不能办理：不再派给他，手上的退回待派单。督办员可以解除。"),
        when=custody_forms.can_recuse,
    ),
    "unrecuse": Act(
        Action.UNRECUSE,
        P.SUPERVISE,
        _l("解除回避"),
        "user-check",
        custody_forms.UnrecuseForm,
        custody_forms.unrecuse,
        _l("已解除回避"),
        _l("解除后此人可以办理；系统不会再因姓名要求回避。"),
        when=lambda ticket: ticket.status in LIVE,
        apart=True,
    ),
    "classify": Act(
        Action.CLASSIFY,
        P.HANDLE,
        _l("更正分类"),
        "category",
        forms.ClassifyForm,
        _classify,
        _l("分类已更正"),
        _l("时限按新的类别和优先级重算，工单会转到相应部门。"),
    ),
    "transfer": Act(
        Action.TRANSFER,
        P.TRANSFER,
        _l("转办"),
        "arrows-exchange",
        forms.TransferForm,
        _transfer,
        _l("已转办"),
        _l("转办不会重新计算时限，请写清原因，便于对方接手。"),
    ),
    "suspend": Act(
        Action.SUSPEND,
        P.HANDLE,
        _l("挂起"),
        "player-pause",
        forms.SuspendForm,
        _suspend,
        _l("已挂起"),
        _l("办结时限暂停；到时间或客户来信后自动恢复。"),
    ),
    "extend": Act(
        Action.ASK_EXTENSION,
        P.HANDLE,
        _l("申请延期"),
        "calendar-plus",
        extensions_forms.ExtensionForm,
        extensions_forms.ask,
        _l("延期申请已提交，等待审批"),
        _l("须在办结到期前申请。部门负责人审批，再次延期由督办员审批；批准后由您告知客户，草稿会放在回复框上方。"),
        when=extensions_forms.may_be_asked,
    ),
    "resume": Act(
        Action.RESUME,
        P.HANDLE,
        _l("恢复办理"),
        "player-play",
        forms.ConfirmForm,
        _resume,
        _l("已恢复办理"),
        _l("办结时限从现在起继续计时。"),
    ),
    "merge": Act(
        Action.MERGE,
        P.HANDLE,
        _l("合并"),
        "git-merge",
        forms.MergeForm,
        _merge,
        _l("已合并"),
        _l("只能并入同一客户的未结工单；消息随之移过去，对方的时限不变。"),
    ),
    "close": Act(
        Action.CLOSE,
        P.FOLLOW_UP,
        _l("办结"),
        "circle-check",
        forms.CloseForm,
        _close,
        _l("已办结"),
        _l("办结后不再计时；投诉须先有最终答复。"),
        grave=True,
    ),
    "reopen": Act(
        Action.REOPEN,
        P.HANDLE,
        _l("重新办理"),
        "restore",
        forms.ReasonForm,
        _reopen,
        _l("已重新办理"),
        _l("办结时限按剩余时间继续，至少为原来的一半。"),
    ),
    "urge": Act(
        Action.URGE,
        P.URGE,
        _l("催办"),
        "speakerphone",
        supervision_forms.UrgeForm,
        supervision_forms.urge,
        _l("已催办，经办人会收到提醒"),
        _l("提醒经办人和部门负责人尽快办理，次数会记入工单。"),
        when=lambda ticket: ticket.status in WORKABLE,
    ),
    "supervise": Act(
        Action.SUPERVISE,
        P.SUPERVISE,
        _l("督办"),
        "gavel",
        supervision_forms.SuperviseForm,
        supervision_forms.supervise,
        _l("督办已发出，等待答复"),
        _l("经办人须在期限内答复；到期未答复自动升为黄牌，并上报。"),
        when=lambda ticket: ticket.status in LIVE and ticket.supervision is None,
    ),
    "raise-order": Act(
        Action.SUPERVISE,
        P.SUPERVISE,
        _l("提高督办级别"),
        "arrow-bar-up",
        supervision_forms.RaiseOrderForm,
        supervision_forms.raise_order,
        _l("督办级别已提高"),
        _l("级别只升不降；黄牌和红牌会报告公司领导。"),
        when=lambda ticket: ticket.supervision in ("ordinary", "yellow"),
        apart=True,
    ),
    "answer-order": Act(
        Action.ANSWER_ORDER,
        P.HANDLE,
        _l("答复督办"),
        "message-2",
        supervision_forms.AnswerOrderForm,
        supervision_forms.answer,
        _l("督办已答复，等待督办员结论"),
        _l("写明现在办到哪一步、为什么慢、何时办完。答复只给督办员看，不会发给客户。"),
        when=lambda ticket: ticket.supervision is not None,
        apart=True,
    ),
    "close-order": Act(
        Action.CLOSE_ORDER,
        P.SUPERVISE,
        _l("结束督办"),
        "circle-check",
        supervision_forms.CloseOrderForm,
        supervision_forms.close,
        _l("督办已结束"),
        _l("结束后工单上不再显示督办，记录保留。"),
        when=lambda ticket: ticket.supervision is not None,
        apart=True,
    ),
    "policy": Act(
        Action.POLICY,
        P.SUPERVISE,
        _l("改用最新时限"),
        "hourglass",
        policy_forms.PolicyForm,
        policy_forms.move,
        _l("已改用最新版本的时限"),
        _l("没有完成的时限从原来的起点按最新版本重算；已完成的不变。"),
        when=policy_forms.can_move,
    ),
    "decline": Act(
        Action.DECLINE,
        P.DISMISS,
        _l("不予受理"),
        "ban",
        forms.DeclineForm,
        _decline,
        _l("已登记为不予受理"),
        _l("请写明原因，能指引客户去处更好。系统不会自动通知客户。"),
        grave=True,
    ),
    "withdraw": Act(
        Action.WITHDRAW,
        P.DISMISS,
        _l("撤销"),
        "arrow-back-up",
        forms.ReasonForm,
        _withdraw,
        _l("已撤销"),
        _l("客户主动撤回诉求时使用。"),
        grave=True,
    ),
    "invalid": Act(
        Action.INVALIDATE,
        P.DISMISS,
        _l("标为无效"),
        "trash",
        forms.ReasonForm,
        _invalidate,
        _l("已标为无效"),
        _l("广告、骚扰、误触等没有诉求的工单。"),
        grave=True,
    ),
}


def acts_for(user: User, ticket: Ticket) -> Sequence[str]:
    """Names of what this person may do with the ticket as it stands."""
    return [name for name, act in ACTS.items() if not act.apart and is_open(user, ticket, act)]


def is_open(user: User, ticket: Ticket, act: Act) -> bool:
    fits = act.when(ticket) if act.when else allows(ticket.status, act.action)
    if not fits or not access.may(user, act.permission, ticket):
        return False
    if act.action is Action.CLOSE and ticket.category == "complaint":
        return ticket.answered_at is not None
    return True


def kinds_for(user: User, ticket: Ticket) -> list[str]:
    """What this person may write on the ticket: replies, a question, a note."""
    handles = access.may(user, P.HANDLE, ticket)
    kinds = ["interim", "final"] if handles and allows(ticket.status, Action.REPLY) else []
    if handles and allows(ticket.status, Action.ASK):
        kinds.append("ask")
    if access.may(user, P.NOTE, ticket) and ticket.status is not Status.MERGED:
        kinds.append("note")
    return kinds
