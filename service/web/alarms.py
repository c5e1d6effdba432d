"""What the operator has to see to: a banner on every page of those who look after accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from service import alerts
from service.alerts import Alert
from service.database import reading
from service.people import Permission

KINDS: Mapping[str, LazyString] = {
    "halted": _l("发送已暂停"),
    "certification": _l("账号认证"),
    "quota": _l("接口额度用完"),
    "outage": _l("数据库中断过"),
    "menu_drift": _l("菜单与平台不一致"),
    "privacy": _l("个人信息要求"),
    "robot": _l("群机器人"),
    "mail": _l("邮件"),
    "opinion": _l("第二意见"),
    "model": _l("分类模型"),
}
CURES: Mapping[str, LazyString] = {
    "halted": _l("处理后一两分钟内自动恢复，也可以在公众号页点“立即检查”。等待的消息不会丢失。"),
    "certification": _l("办妥后平台会通知，提醒自动消失。"),
    "quota": _l("零点后自动恢复；急用可在公众平台清零。"),
    "robot": _l("处理后到“通知渠道”页点“发送测试”；发送成功，提醒就消失。"),
    "mail": _l("处理后到“通知渠道”页发一封测试邮件；发送成功，提醒就消失。"),
    "opinion": _l("处理后自动恢复；模型应答后提醒消失。期间拿不准的工单照常由人判断。"),
    "menu_drift": _l("到“自定义菜单”页重新发布，或导入平台上的菜单。"),
    "model": _l("到“分类质量”页退回较早的模型，或重新训练；恢复后提醒自动消失。"),
    "outage": _l("请核对这段时间是否有客户没有得到回应，然后点“已处理”。"),
}
PAGES = {"robot": "admin.robots_page", "mail": "admin.robots_page", "model": "desk.quality"}  # where it is seen to
BY_ITSELF = {"halted"}  # ends when a probe succeeds, and not because somebody says so
SHOWN = 3  # in the banner; the page of the accounts has them all


@dataclass(frozen=True, slots=True)
class Alarm:
    """An open alert as a person reads it."""

    id: int
    title: LazyString | str
    account: str  # slug; "" where it concerns the installation
    detail: str
    cure: LazyString | str
    since: datetime
    times: int
    is_closable: bool
    page: str  # where it is seen to


def alarm_of(alert: Alert) -> Alarm:
    return Alarm(
        id=alert.id,
        title=KINDS.get(alert.kind, alert.kind),
        account=alert.scope.partition(":")[2],
        detail=alert.detail,
        cure=CURES.get(alert.kind, ""),
        since=alert.raised_at,
        times=alert.times,
        is_closable=alert.kind not in BY_ITSELF,
        page=PAGES.get(alert.kind, "admin.accounts"),
    )


def standing() -> Sequence[Alarm]:
    """What the person who is looking has to know on every page: nothing unless they look after accounts."""
    if not current_user.is_authenticated or not current_user.may(Permission.MANAGE_ACCOUNTS):
        return ()
    try:
        with reading() as session:
            return [alarm_of(alert) for alert in alerts.open_alerts(session, SHOWN)]
    except SQLAlchemyError:  # the page about the database being away must not fail for this
        return ()
