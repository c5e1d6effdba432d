"""What everything is called on a page, and in which tone it is shown: one table for each closed set."""

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_babel import lazy_pgettext as _p

from service.messaging.outbox import Delivery
from service.people import Permission, Role
from service.sla.clocks import ClockState
from service.sla.policy import ClockKind
from service.tickets.states import Action, Status

Labels = Mapping[str, LazyString]

STATUSES: Mapping[Status, LazyString] = {
    Status.PENDING_ACCEPTANCE: _l("待受理"),
    Status.IN_PROGRESS: _l("办理中"),
    Status.WAITING_CUSTOMER: _l("待客户回复"),
    Status.SUSPENDED: _l("已挂起"),
    Status.ANSWERED: _l("已答复"),
    Status.CLOSED: _l("已办结"),
    Status.DECLINED: _l("不予受理"),
    Status.WITHDRAWN: _l("已撤销"),
    Status.MERGED: _l("已合并"),
    Status.INVALID: _l("无效"),
}
AWAITS_FOLLOW_UP = _l("待回访")  # an answered ticket with an open follow-up: a label, no status of its own

ACTIONS: Mapping[Action, LazyString] = {
    Action.OPEN: _l("创建工单"),
    Action.ACCEPT: _l("受理"),
    Action.REPLY: _l("回复"),
    Action.ASK: _l("询问客户"),
    Action.ANSWER: _l("答复完成"),
    Action.NOTE: _l("内部备注"),
    Action.CLASSIFY: _l("分类"),
    Action.PROPOSE: _l("系统建议"),
    Action.ASSIGN: _l("分派"),
    Action.TRANSFER: _l("转办"),
    Action.SUSPEND: _l("挂起"),
    Action.RESUME: _l("恢复办理"),
    Action.CUSTOMER_WRITES: _l("客户来信"),
    Action.DECLINE: _l("不予受理"),
    Action.WITHDRAW: _l("撤销"),
    Action.INVALIDATE: _l("标为无效"),
    Action.FOLLOW_UP: _l("回访未联系上"),
    Action.SOLVED: _l("回访：已解决"),
    Action.UNSOLVED: _l("回访：未解决"),
    Action.CLOSE: _l("办结"),
    Action.REOPEN: _l("重新办理"),
    Action.MERGE: _l("合并"),
    Action.SEND_AGAIN: _l("再次发送"),
    Action.CANCEL: _l("撤回"),
    Action.DELIVERY: _l("送达情况"),
    Action.OVERDUE: _l("超时"),
    Action.CALENDAR: _l("日历变更"),
    Action.WINDOW: _l("回复窗口"),
    Action.NOTICE: _l("通知客户"),
    Action.INVITE: _l("邀请评价"),
    Action.RATE: _l("评价"),
    Action.CUSTOMER_URGE: _l("客户催单"),
    Action.URGE: _l("催办"),
    Action.ESCALATE: _l("时限预警"),
    Action.SUPERVISE: _l("督办"),
    Action.ANSWER_ORDER: _l("答复督办"),
    Action.CLOSE_ORDER: _l("结束督办"),
    Action.ASK_EXTENSION: _l("申请延期"),
    Action.EXTEND: _l("同意延期"),
    Action.REFUSE_EXTENSION: _l("不同意延期"),
    Action.LAPSE_EXTENSION: _l("延期申请失效"),
    Action.JUDGE_BREACH: _l("超时责任认定"),
    Action.APPEAL: _l("申诉"),
    Action.JUDGE_APPEAL: _l("申诉裁定"),
    Action.POLICY: _l("时限规则变更"),
    Action.HAND_BACK: _l("退回待派单"),
    Action.RECUSE: _l("回避"),
    Action.UNRECUSE: _l("解除回避"),
}

CLOCKS: Mapping[ClockKind, LazyString] = {
    ClockKind.ACCEPT: _p("clock", "受理"),
    ClockKind.FIRST_REPLY: _p("clock", "首次回复"),
    ClockKind.RESOLVE: _p("clock", "办结"),
    ClockKind.FOLLOW_UP: _p("clock", "回访"),
    ClockKind.NEXT_REPLY: _p("clock", "再次回复"),
    ClockKind.UPDATE: _p("clock", "进展告知"),
}
CLOCK_STATES: Mapping[ClockState, LazyString] = {
    ClockState.RUNNING: _l("计时中"),
    ClockState.PAUSED: _l("已暂停"),
    ClockState.MET: _l("已完成"),
    ClockState.BREACHED: _l("已超时"),
    ClockState.NONE: _l("不计时"),
}

DELIVERIES: Mapping[Delivery, LazyString] = {
    Delivery.QUEUED: _l("发送中"),
    Delivery.SENDING: _l("发送中"),
    Delivery.SENT: _l("已送达"),
    Delivery.WAITING: _l("待送达，客户来信后自动发出"),
    Delivery.FAILED: _l("未送达"),
    Delivery.UNKNOWN: _l("结果未知，可能已送达"),
    Delivery.CANCELLED: _l("已撤回"),
}
DELIVERY_ICONS: Mapping[Delivery, str] = {
    Delivery.QUEUED: "send",
    Delivery.SENDING: "send",
    Delivery.SENT: "checks",
    Delivery.WAITING: "hourglass",
    Delivery.FAILED: "alert-circle",
    Delivery.UNKNOWN: "help",
    Delivery.CANCELLED: "ban",
}

CATEGORIES: Labels = {  # as shipped; a renamed category goes by the rulebook's name
    "inquiry": _l("咨询"),
    "complaint": _l("投诉"),
    "suggestion": _l("建议"),
    "help_request": _l("求助"),
    "report": _l("举报"),
    "praise": _l("表扬"),
    "privacy_request": _l("个人信息请求"),
    "fault": _l("内容差错/系统故障"),
    "invalid": _l("无效"),
}
PRIORITIES: Labels = {"low": _l("低"), "normal": _l("普通"), "high": _l("高"), "urgent": _l("紧急")}

ROLES: Mapping[Role, LazyString] = {
    Role.AGENT: _l("坐席"),
    Role.DEPT_HEAD: _l("部门负责人"),
    Role.DISPATCHER: _l("派单员"),
    Role.FOLLOW_UP_AGENT: _l("回访员"),
    Role.SUPERVISOR: _l("督办员"),
    Role.REVIEWER: _l("内容审核员"),
    Role.ACCOUNT_ADMIN: _l("公众号管理员"),
    Role.ADMIN: _l("系统管理员"),
    Role.AUDITOR: _l("审计员"),
}
PERMISSIONS: Mapping[Permission, LazyString] = {
    Permission.SEE: _l("查看工单"),
    Permission.HANDLE: _l("办理工单"),
    Permission.NOTE: _l("写内部备注"),
    Permission.TRANSFER: _l("转办"),
    Permission.ASSIGN_SELF: _l("分派给自己"),
    Permission.ASSIGN: _l("分派给他人"),
    Permission.DISMISS: _l("不予受理、撤销、标为无效"),
    Permission.FOLLOW_UP: _l("回访"),
    Permission.SEE_RESTRICTED: _l("查看受限工单"),
    Permission.DECIDE_EXTENSION: _l("审批延期申请"),
    Permission.OVERSEE: _l("查看超时看板和督办"),
    Permission.URGE: _l("催办"),
    Permission.SUPERVISE: _l("督办、超时责任认定"),
    Permission.MANAGE_PEOPLE: _l("管理人员和部门"),
    Permission.MANAGE_RULES: _l("管理工作日历与时限规则"),
    Permission.MANAGE_ACCOUNTS: _l("管理公众号"),
    Permission.EDIT_CONTENT: _l("编写自动回复与菜单"),
    Permission.REVIEW_CONTENT: _l("审核并发布自动回复与菜单"),
    Permission.MANAGE_FOLLOWERS: _l("管理粉丝"),
    Permission.READ_AUDIT: _l("查看审计日志"),
}

REPLY_KINDS: Labels = {
    "interim": _l("阶段性答复"),
    "final": _l("最终答复"),
    "ask": _l("询问客户"),
    "note": _l("内部备注"),
}
CONTACTS: Labels = {  # what a follower does, as far as the right to answer goes
    "message": _l("来信"),
    "follow": _l("关注"),
    "menu": _l("点菜单"),
    "scan": _l("扫码"),
    "tap": _l("点选消息中的选项"),
}
NOTICES: Labels = {"subscription": _l("订阅通知"), "template": _l("模板消息"), "call": _l("电话")}
VIAS: Labels = {"wechat": _l("微信"), "phone": _l("电话"), "in_person": _l("当面")}
RESULTS: Labels = {"solved": _l("已解决"), "unsolved": _l("未解决"), "unreachable": _l("未联系上")}
SATISFACTIONS: Mapping[int, LazyString] = {
    5: _l("非常满意"),
    4: _l("满意"),
    3: _l("基本满意"),
    2: _l("不满意"),
    1: _l("非常不满意"),
}
RATING_TAGS: Labels = {
    "slow": _l("回复慢"),
    "unsolved": _l("没解决"),
    "attitude": _l("态度"),
    "expertise": _l("专业"),
    "channel": _l("渠道不便"),
}
RATING_VIAS: Labels = {"msgmenu": _l("微信评价邀请"), "page": _l("粉丝页面")}
SOURCES: Labels = {"keyword": _l("关键词识别"), "model": _l("模型识别"), "staff": _l("人工判定")}
OPINION_ENDS: Labels = {  # what became of a second opinion
    "agreed": _l("与系统判断一致"),
    "moved": _l("已按此归类"),
    "shown": _l("仅供参考"),
    "proposed": _l("已作为建议"),
    "overtaken": _l("其间情况有变，未采用"),
}
MODES: Labels = {"plain": _l("明文"), "compat": _l("兼容"), "safe": _l("安全（加密）")}
ACCOUNT_KINDS: Labels = {"service": _l("服务号"), "subscription": _l("订阅号")}
ACTORS: Labels = {"system": _l("系统"), "follower": _l("客户")}

EXTENSION_STATES: Labels = {
    "pending": _l("待审批"),
    "granted": _l("已同意"),
    "refused": _l("未同意"),
    "lapsed": _l("已失效"),
}
BREACH_STATES: Labels = {
    "draft": _l("待认定"),
    "confirmed": _l("已认定"),
    "appealed": _l("申诉中"),
    "rejected": _l("申诉未获支持"),
    "revoked": _l("申诉成立，已撤销"),
    "dismissed": _l("不计超时"),
}
BREACH_TABS: Labels = {
    "draft": _l("待认定"),
    "confirmed": _l("已认定"),
    "appealed": _l("申诉待裁定"),
    "settled": _l("已撤销或不计"),
}
ORDER_LEVELS: Labels = {"ordinary": _l("普通督办"), "yellow": _l("黄牌督办"), "red": _l("红牌督办")}
ORDER_TAGS: Labels = {"ordinary": _p("order", "督办"), "yellow": _p("order", "黄牌"), "red": _p("order", "红牌")}
ORDER_TABS: Labels = {
    "open": _l("未结督办"),
    "missed": _l("到期未答复"),
    "answered": _l("已答复，待结论"),
    "closed": _l("已结束"),
}

ASSIGNMENT_MODES: Labels = {"off": _l("不自动派单"), "load": _l("按在手数量"), "round_robin": _l("轮流")}
ASSIGNMENT_HINTS: Labels = {
    "off": _l("新工单进公共池，由坐席自己受理"),
    "load": _l("派给在手最少的人"),
    "round_robin": _l("派给最久没有接到新工单的人"),
}
PRESENCES: Labels = {"present": _l("在岗"), "away": _l("暂离")}
OWED: Labels = {  # what somebody who goes home still has to do
    "promise": _l("承诺答复"),
    "callback": _l("电话回复客户"),
    "waiting": _l("答复待送达"),
    "clock": _l("时限"),
}
OWED_ICONS: Mapping[str, str] = {
    "promise": "flag",
    "callback": "phone-outgoing",
    "waiting": "hourglass",
    "clock": "clock-exclamation",
}

FIELDS: Labels = {  # what an event compares, and what stands beside it
    "status": _l("状态"),
    "category": _l("类别"),
    "subcategory": _l("子类"),
    "targets_as": _l("按哪一行时限计时"),
    "priority": _l("优先级"),
    "department": _l("部门"),
    "assignee": _l("经办人"),
    "recused": _l("回避的人"),
    "overdue": _l("超时"),
    "wake_at": _l("自动恢复时间"),
    "kind": _l("类型"),
    "via": _l("方式"),
    "delivery": _l("送达情况"),
    "result": _l("回访结果"),
    "satisfaction": _l("满意度"),
    "into": _l("并入"),
    "merged": _l("并入本单"),
    "refer_to": _l("建议去处"),
    "promise_at": _l("承诺时间"),
    "source": _l("依据"),
    "follow_up": _l("需要回访"),
    "clocks": _l("时限"),
    "accept_due_at": _l("受理时限"),
    "first_reply_due_at": _l("首次回复时限"),
    "resolve_due_at": _l("办结时限"),
    "follow_up_due_at": _l("回访时限"),
    "next_reply_due_at": _l("再次回复时限"),
    "update_due_at": _l("进展告知时限"),
    "policy_version": _l("时限规则版本"),
    "provisional": _l("时限暂定"),
    "notice": _l("通知方式"),
    "closes_at": _l("窗口关闭时间"),
    "solved": _l("问题解决"),
    "added": _l("补充评价"),
    "level": _l("督办级别"),
    "answer_due_at": _l("督办答复期限"),
    "urges": _l("催办次数"),
    "customer_urges": _l("催单次数"),
    "days": _l("延期工作日"),
    "clock": _l("时限类型"),
    "breach": _l("超时登记"),
}
YES, NO, NOBODY = _l("是"), _l("否"), _l("无")

TABS: Labels = {
    "to_accept": _l("待受理"),
    "mine": _l("我的"),
    "department": _l("部门"),
    "overdue": _l("超时"),
    "callback": _l("待回电"),
    "all": _l("全部"),
}
SORTS: Labels = {
    "-received": _l("最新收到"),
    "received": _l("最早收到"),
    "due": _l("最早到期"),
    "limit": _l("先到期"),
    "updated": _l("最近更新"),
}

MENU: Labels = {
    "queue": _l("工作台"),
    "follow_up": _l("回访"),
    "calls": _l("先联系谁"),
    "overdue": _l("超时看板"),
    "supervision": _l("督办"),
    "extensions": _l("延期审批"),
    "breaches": _l("超时登记"),
    "quality": _l("分类质量"),
    "people": _l("人员"),
    "departments": _l("部门管理"),
    "calendar": _l("工作日历"),
    "policies": _l("时限规则"),
    "routing": _l("分派规则"),
    "rules": _l("分类关键词"),
    "robots": _l("通知渠道"),
    "accounts": _l("公众号"),
    "replies": _l("自动回复"),
    "menus": _l("自定义菜单"),
    "followers": _l("粉丝"),
    "handover": _l("交接班"),
    "duty": _l("值守"),
    "assignment": _l("人员派单"),
}

TONES: Mapping[str, str] = {  # colour of a tag; never the only sign, a word stands in it
    **{f"status:{status.value}": "mute" for status in Status},
    "status:pending_acceptance": "orange",
    "status:in_progress": "blue",
    "status:waiting_customer": "purple",
    "status:suspended": "grey",
    "status:answered": "lime",
    "status:closed": "green",
    "category:inquiry": "blue",
    "category:complaint": "red",
    "category:suggestion": "cyan",
    "category:help_request": "orange",
    "category:report": "darkred",
    "category:praise": "green",
    "category:privacy_request": "purple",
    "category:fault": "amber",
    "category:invalid": "mute",
    "priority:low": "mute",
    "priority:normal": "grey",
    "priority:high": "orange",
    "priority:urgent": "red",
    "clock:running": "grey",
    "clock:paused": "purple",
    "clock:met": "green",
    "clock:breached": "red",
    "delivery:sent": "green",
    "delivery:waiting_for_window": "amber",
    "delivery:failed": "red",
    "delivery:unknown": "orange",
    "extension:pending": "amber",
    "extension:granted": "green",
    "extension:refused": "red",
    "extension:lapsed": "mute",
    "breach:draft": "amber",
    "breach:confirmed": "red",
    "breach:appealed": "purple",
    "breach:rejected": "darkred",
    "breach:revoked": "green",
    "breach:dismissed": "mute",
}


def tone(kind: str, value: object) -> str:
    """The tone of a value of a kind ("status", "category" …); grey for what has none of its own."""
    return TONES.get(f"{kind}:{value}", "grey")
