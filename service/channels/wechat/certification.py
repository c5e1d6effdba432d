"""What the platform says about an account's certification (认证): the operator is told, before it is lost and after."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from service import alerts

CERTIFICATION = "certification"
CURE = "请登录公众平台，在“设置与开发 → 公众号设置 → 认证详情”中办理"


def _expiring(extra: Mapping[str, str]) -> str:
    return f"认证即将到期{_on(extra, 'ExpiredTime')}。到期后将不能主动回复粉丝。{CURE}年审。"


def _lost(extra: Mapping[str, str]) -> str:
    return (
        f"认证已过期失效{_on(extra, 'ExpiredTime')}，不能再主动回复粉丝。{CURE}重新认证；办妥之前请在本页取消“已认证”。"
    )


def _refused(extra: Mapping[str, str]) -> str:
    reason = " ".join(extra.get("FailReason", "").split())[:200] or "平台未说明"
    return f"认证未通过{_on(extra, 'FailTime')}，原因：{reason}。{CURE}，补正后重新提交。"


RAISES: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "event:annual_renew": _expiring,
    "event:verify_expired": _lost,
    "event:qualification_verify_fail": _refused,
    "event:naming_verify_fail": _refused,
}
RESOLVES = {"event:qualification_verify_success", "event:naming_verify_success"}


def note_event(session: Session, channel: str, kind: str, extra: Mapping[str, str], now: datetime) -> None:
    """Raise or resolve the alert that this event is about; does nothing for any other event."""
    if kind in RESOLVES:
        alerts.resolved(session, scope=channel, kind=CERTIFICATION, now=now)
    elif kind in RAISES:
        alerts.raised(session, scope=channel, kind=CERTIFICATION, detail=RAISES[kind](extra), now=now)


def _on(extra: Mapping[str, str], name: str) -> str:
    """The day that the event names, in brackets; "" if it names none."""
    seconds = extra.get(name, "").strip()
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return ""
    return f"（{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%d}）"
