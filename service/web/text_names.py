"""What people call the texts that followers are sent, in the groups in which the page shows them."""

from collections.abc import Iterable, Iterator, Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

GROUPS: tuple[tuple[LazyString, Mapping[str, LazyString]], ...] = (
    (
        _l("登记回执"),
        {
            "receipt_open": _l("工作时间的回执"),
            "receipt_closed": _l("非工作时间的回执"),
            "receipt_window": _l("回执的补充：窗口将在上班前关闭"),
            "window_reminder": _l("窗口将关闭时的提醒（由经办人发送）"),
            "extension_notice": _l("延期告知（由经办人发送）"),
            "suspension_reminder": _l("挂起期间的提醒（由经办人发送）"),
        },
    ),
    (
        _l("邀请留言与找人工"),
        {
            "ask_inquiry": _l("请客户写下咨询"),
            "ask_complaint": _l("请客户写下投诉"),
            "ask_suggestion": _l("请客户写下建议"),
            "human_ask": _l("找人工：还没有工单"),
            "human_ask_closed": _l("找人工：还没有工单，非工作时间"),
            "human_joined": _l("找人工：已有工单"),
            "human_joined_late": _l("找人工：已有工单，已过承诺时间"),
            "human_joined_closed": _l("找人工：已有工单，非工作时间"),
        },
    ),
    (
        _l("查进度"),
        {
            "progress_head": _l("进度的开头"),
            "progress_link": _l("结尾的链接"),
            "progress_none": _l("没有在办的工单"),
            "progress_urged": _l("再次来问时：已转告经办人"),
            "progress_pending_acceptance": _l("一件工单：等待受理"),
            "progress_pending_acceptance_late": _l("一件工单：等待受理，已过承诺时间"),
            "progress_in_progress": _l("一件工单：办理中"),
            "progress_in_progress_late": _l("一件工单：办理中，已过承诺时间"),
            "progress_waiting_customer": _l("一件工单：等客户补充"),
            "progress_suspended": _l("一件工单：挂起"),
            "progress_answered": _l("一件工单：已答复"),
            "progress_closed": _l("一件工单：已办结"),
            "progress_declined": _l("一件工单：不予受理"),
            "progress_withdrawn": _l("一件工单：已撤销"),
            "progress_merged": _l("一件工单：已合并"),
            "progress_invalid": _l("一件工单：无效"),
        },
    ),
    (
        _l("评价"),
        {
            "invite_head": _l("邀请评价：开头"),
            "invite_tail": _l("邀请评价：结尾"),
            "rate": _l("来要评价时：打分的链接"),
            "rate_none": _l("来要评价时：没有可评价的工单"),
            "rating_thanks": _l("收到评价后：满意"),
            "rating_sorry": _l("收到评价后：不满意"),
            "rating_closed": _l("收到评价后：不满意，而工单已办结"),
            "rating_again": _l("已评价过"),
        },
    ),
    (
        _l("菜单与关键词的答复"),
        {
            "tickets": _l("“我的工单”的链接"),
            "help": _l("使用帮助"),
            "privacy": _l("隐私说明"),
            "no_gift": _l("没有礼包"),
        },
    ),
)


def grouped(keys: Iterable[str]) -> Iterator[tuple[LazyString, list[tuple[str, LazyString | str]]]]:
    """The keys with their names, group by group; what has no name yet stands last under its key."""
    left = list(keys)
    for group, names in GROUPS:
        found: list[tuple[str, LazyString | str]] = [(key, name) for key, name in names.items() if key in left]
        left = [key for key in left if key not in names]
        if found:
            yield group, found
    if left:
        yield _l("其他"), [(key, key) for key in left]
