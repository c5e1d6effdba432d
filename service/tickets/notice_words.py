"""What a notification says, in Chinese and English, made from its facts when somebody reads it. No database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.audit import FOLLOWER, SYSTEM
from service.rulebook import Rulebook
from service.tickets.register import Notification

Lang = Literal["zh", "en"]
OUTSIDERS = (FOLLOWER, SYSTEM)  # who urges where no colleague does
MOST_LINES = 10  # of one message; the rest is in the app

KINDS: Mapping[str, Mapping[Lang, str]] = {
    "escalation": {"zh": "时限预警", "en": "Deadline"},
    "supervision": {"zh": "督办", "en": "Supervision"},
    "urge": {"zh": "催办", "en": "Urged"},
    "extension": {"zh": "延期", "en": "Extension"},
    "suspension": {"zh": "挂起", "en": "Suspension"},
    "breach": {"zh": "超时责任", "en": "Breach"},
    "appeal": {"zh": "申诉", "en": "Appeal"},
    "unread": {"zh": "上级未查看", "en": "Not looked at"},
    "incident": {"zh": "同类集中", "en": "Same matter"},
    "handover": {"zh": "交接班", "en": "Handover"},
    "assigned": {"zh": "派单", "en": "Assigned"},
    "urgent": {"zh": "紧急", "en": "Urgent"},
}
TITLES: Mapping[tuple[str, str], Mapping[Lang, str]] = {  # by kind and what of it
    ("supervision", "opened"): {"zh": "{level}：请答复", "en": "{level}: please answer"},
    ("supervision", "raised"): {"zh": "升级为{level}", "en": "Raised to {level}"},
    ("supervision", "missed"): {"zh": "{level}到期未答复", "en": "{level} not answered in time"},
    ("supervision", "answered"): {"zh": "{level}已答复，请审核", "en": "{level} answered, please judge"},
    ("supervision", "closed"): {"zh": "{level}已结束", "en": "{level} closed"},
    ("supervision", "standing"): {"zh": "{level}尚未结束", "en": "{level} still open"},
    ("extension", "asked"): {
        "zh": "申请延期 {days} 个工作日，请审批",
        "en": "{days} more workday(s) asked, please decide",
    },
    ("extension", "granted"): {"zh": "延期 {days} 个工作日已同意", "en": "{days} more workday(s) granted"},
    ("extension", "refused"): {"zh": "延期申请未获同意", "en": "Extension refused"},
    ("extension", "lapsed"): {"zh": "延期申请已失效", "en": "Extension request lapsed"},
    ("suspension", "remind"): {"zh": "挂起中，请再次联系客户", "en": "Suspended: ask the customer again"},
    ("breach", "confirmed"): {"zh": "超时责任已认定：{clock}", "en": "Breach confirmed: {clock}"},
    ("appeal", "filed"): {"zh": "收到申诉，请裁定：{clock}", "en": "Appeal to decide: {clock}"},
    ("appeal", "upheld"): {"zh": "申诉成立，责任已撤销", "en": "Appeal upheld, breach revoked"},
    ("appeal", "rejected"): {"zh": "申诉未成立", "en": "Appeal rejected"},
    ("assigned", "given"): {"zh": "新工单派给您，请受理", "en": "A new ticket for you to accept"},
    ("urgent", "found"): {"zh": "来信像是紧急事项，请马上查看", "en": "Seems urgent now, please look at once"},
    ("handover", "handed"): {"zh": "同事下班，工单交给您，请确认", "en": "Tickets handed to you at shift end"},
    ("incident", "many"): {
        "zh": "一小时内 {count} 位客户反映同一件事",
        "en": "{count} customers tell of the same thing within an hour",
    },
    ("appeal", "unanswered"): {"zh": "申诉到期未裁定", "en": "Appeal not decided in time"},
}
ESCALATED: Mapping[Lang, str] = {"zh": "{rung}：{clock}", "en": "{rung}: {clock}"}
UNREAD: Mapping[Lang, str] = {"zh": "督办员未查看：{of}", "en": "No supervisor has looked at: {of}"}
URGED: Mapping[Lang, str] = {"zh": "第 {count} 次催办", "en": "Urged, {count} time(s) so far"}
CUSTOMER_URGED: Mapping[Lang, str] = {
    "zh": "客户第 {count} 次催单",
    "en": "The customer asks for haste, {count} time(s) so far",
}
LEVELS: Mapping[str, Mapping[Lang, str]] = {
    "ordinary": {"zh": "普通督办", "en": "supervision"},
    "yellow": {"zh": "黄牌督办", "en": "yellow card"},
    "red": {"zh": "红牌督办", "en": "red card"},
}
CLOCKS: Mapping[str, Mapping[Lang, str]] = {
    "accept": {"zh": "受理", "en": "accept"},
    "first_reply": {"zh": "首次回复", "en": "first reply"},
    "next_reply": {"zh": "再次回复", "en": "next reply"},
    "resolve": {"zh": "办结", "en": "resolve"},
    "follow_up": {"zh": "回访", "en": "follow-up"},
    "update": {"zh": "进展告知", "en": "update"},
}


@dataclass(frozen=True, slots=True)
class Line:
    """What leaves the house of one notification: no word of a customer, nor of a colleague."""

    title: str
    number: str  # of its ticket, "" where it has none
    due_at: datetime | None
    link: str


def kind_name(kind: str, lang: Lang) -> str:
    return KINDS[kind][lang] if kind in KINDS else kind


def title_of(kind: str, facts: Mapping[str, object], rules: Rulebook, lang: Lang) -> str:
    """What happened, in a few words."""
    if kind == "unread":
        return UNREAD[lang].format(of=title_of(str(facts.get("of", "escalation")), facts, rules, lang))
    if kind == "escalation":
        return ESCALATED[lang].format(rung=_rung(facts, rules, lang), clock=_named(CLOCKS, facts.get("clock"), lang))
    if kind == "urge":
        words = CUSTOMER_URGED if facts.get("actor") in OUTSIDERS else URGED
        return words[lang].format(count=facts.get("count", 1))
    pattern = TITLES.get((kind, str(facts.get("what"))))
    if pattern is None:
        return kind_name(kind, lang)
    said = pattern[lang].format(
        level=_named(LEVELS, facts.get("level"), lang),
        clock=_named(CLOCKS, facts.get("clock"), lang),
        days=facts.get("days", ""),
        count=facts.get("count", ""),
    )
    return said[:1].upper() + said[1:]


def due_of(facts: Mapping[str, object]) -> datetime | None:
    """The due time that it is about."""
    text = facts.get("due_at") or facts.get("due_after")
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def line_of(row: Notification, number: str, rules: Rulebook) -> Line:
    """A row as it goes out by mail or robot, in Chinese; `number`: of its ticket."""
    path = f"/tickets/{number}" if number else "/notifications"
    title = title_of(row.kind, row.facts, rules, "zh")
    return Line(title, number, due_of(row.facts), rules.public_url.rstrip("/") + path)


def subject_of(lines: Sequence[Line], *, is_digest: bool) -> str:
    if len(lines) == 1 and not is_digest:
        return f"【工单台】{lines[0].title} {lines[0].number}".strip()
    return f"【工单台】{'提醒汇总' if is_digest else '工单提醒'}，共 {len(lines)} 项"


def text_of(lines: Sequence[Line], rules: Rulebook, *, is_digest: bool, longest: int | None = None) -> str:
    """The whole message, the oldest first; `longest`: bytes that it may have."""
    for shown in range(min(len(lines), MOST_LINES), -1, -1):
        text = _text(lines, shown, rules, is_digest=is_digest)
        if longest is None or len(text.encode()) <= longest:
            break
    return text


def _text(lines: Sequence[Line], shown: int, rules: Rulebook, *, is_digest: bool) -> str:
    parts = [subject_of(lines, is_digest=is_digest)] if len(lines) > 1 or is_digest else []
    for number, line in enumerate(lines[:shown], 1):
        head = line.title if parts else f"【工单台】{line.title}"
        parts.append(f"{number}. {head}" if len(lines) > 1 else head)
        due = f"时限 {line.due_at.astimezone(rules.zone):%m-%d %H:%M}" if line.due_at else ""
        told = "，".join(part for part in (f"工单 {line.number}" if line.number else "", due) if part)
        parts += [part for part in (told, line.link) if part]
    if len(lines) > shown:
        parts.append(f"另有 {len(lines) - shown} 项：{rules.public_url.rstrip('/')}/notifications")
    return "\n".join(parts)


def _rung(facts: Mapping[str, object], rules: Rulebook, lang: Lang) -> str:
    """The rung's name of today; that of its kind where it is gone from the ladder."""
    names = next((rung.names for rung in rules.ladder.rungs if rung.key == facts.get("rung")), None)
    return names[lang] if names else kind_name("escalation", lang)


def _named(names: Mapping[str, Mapping[Lang, str]], key: object, lang: Lang) -> str:
    return names[str(key)][lang] if str(key) in names else ""
