"""How a follower learns that an answer waits: subscription notice, template message, else a call.

What an account may send stands in its `notices`: {"subscription": {"id", "fields": {key: variable}, "url": bool},
"template": {…}, "invite": bool}; nothing but the invitation is sent unless it is there.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.messaging import grants, outbox
from service.messaging.followers import Follower
from service.messaging.outbox import Delivery, OutboxItem, Part
from service.messaging.ports import NOTICES, Inbound, Limits
from service.rulebook import Rulebook
from service.tickets import locks
from service.tickets.changes import mention
from service.tickets.models import Message, Ticket
from service.tickets.states import Action

RUNGS = ("subscription", "template")  # in this order: what the follower asked for comes first
CALL = "call"  # the last: somebody telephones
NAMES = {"subscription": "订阅通知", "template": "模板消息"}
OUTCOMES = {
    Delivery.SENT: "已被平台接收",
    Delivery.FAILED: "没有送达",
    Delivery.UNKNOWN: "可能已送达，平台没有回应",
}
LONGEST_VALUE = 20  # characters; the shortest of the platform's field types for words
LOOKED_THROUGH = 10  # of a follower's newest notices
RECEIPTS = ("event:templatesendjobfinish", "event:subscribe_msg_sent_event")
ABOUT = (*RECEIPTS, "event:subscribe_msg_popup_event", "event:subscribe_msg_change_event")
VARIABLES = ("number", "subject", "time", "status")  # what a field of a notice may be filled with
LimitsOf = Callable[[str], Limits | None]  # by channel; None where its account is gone


def send_due(session: Session, *, now: datetime, rules: Rulebook, limits_of: LimitsOf) -> int:
    """Try the next rung for tickets whose answer waits; returns how many it were. Safe beside others."""
    due = locks.lock_due(session, Ticket.notice_at, now=now)
    for ticket in due:
        ticket.notice_at = None
        if ticket.awaits_window and ticket.callback_due_at is not None:  # nobody has called meanwhile
            _next_rung(session, ticket, limits_of(ticket.channel), now, rules)
    return len(due)


def _next_rung(session: Session, ticket: Ticket, limits: Limits | None, now: datetime, rules: Rulebook) -> None:
    """Send one notice, or leave it to the call-back that is due anyway."""
    tried = list(ticket.notices_tried or [])
    follower = session.get_one(Follower, ticket.follower_id)
    offered: Mapping[str, object] = limits.notices if limits and limits.can_send and follower.following else {}
    for rung in RUNGS:
        settings = offered.get(rung)
        if rung in tried or not isinstance(settings, Mapping) or not settings.get("id"):
            continue
        if rung == "subscription" and not grants.has(session, follower.id, str(settings["id"])):
            continue
        ticket.notices_tried = [*tried, rung]
        _send(session, ticket, follower, rung, settings, now, rules)
        return
    if CALL not in tried:
        ticket.notices_tried = [*tried, CALL]
        _say(session, ticket, CALL, "没有其他方式通知客户，请电话联系", now)


def _send(
    session: Session,
    ticket: Ticket,
    follower: Follower,
    rung: str,
    settings: Mapping[str, object],
    now: datetime,
    rules: Rulebook,
) -> None:
    query = select(Message.id).where(Message.ticket_id == ticket.id, Message.delivery == Delivery.WAITING.value)
    waiting = session.scalar(query.order_by(Message.id.desc()).limit(1))
    if waiting is None:
        return
    content = content_of(settings, ticket, now, rules) | {"client_id": f"{waiting}-{rung}"}
    text = f"您的工单 {ticket.number} 有新的答复，给我们发一条消息即可收到"
    outbox.put(session, follower, [Part(text, rung, content)], reference_id=waiting, now=now)
    _say(session, ticket, rung, f"{NAMES[rung]}已提交，请客户来信收取答复", now)


def content_of(settings: Mapping[str, object], ticket: Ticket, now: datetime, rules: Rulebook) -> dict[str, object]:
    """Template, filled fields and link, as ports.Outbound has it."""
    values = {
        "number": ticket.number,
        "subject": ticket.subject,
        "time": now.astimezone(rules.zone).strftime("%Y-%m-%d %H:%M"),
        "status": "已有答复",
    }
    fields = settings.get("fields")
    named = fields.items() if isinstance(fields, Mapping) else ()
    data = {key: {"value": " ".join(values.get(str(name), "").split())[:LONGEST_VALUE]} for key, name in named}
    return {"template_id": settings["id"], "data": data, "url": link_to(ticket, rules) if settings.get("url") else ""}


def link_to(ticket: Ticket, rules: Rulebook) -> str:
    """The follower's page of this ticket."""
    return f"{rules.public_url.rstrip('/')}/my/{ticket.channel.partition(':')[2]}/{ticket.number}"


def concluded(session: Session, item: OutboxItem, *, now: datetime) -> None:
    """A send of a notice has ended; its ticket is locked. One that failed makes way for the next rung."""
    template_id = str((item.content or {}).get("template_id", ""))
    if item.kind == "subscription" and item.state == Delivery.SENT:
        grants.spend(session, item.follower_id, template_id, now=now)
    if item.kind == "subscription" and item.state == Delivery.FAILED:
        # refused, withdrawn or used up: asking again is of no use before the follower agrees again
        grants.withdraw(session, item.follower_id, template_id, now=now)
    if item.state in (Delivery.SENT, Delivery.FAILED, Delivery.UNKNOWN):
        _became(session, item, now)


def receipt(session: Session, channel: str, vendor_id: str, status: str, now: datetime) -> bool:
    """The platform says what became of a notice; "" for all is well. False for one that is not ours."""
    if not vendor_id:
        return False
    known = select(OutboxItem).where(OutboxItem.channel == channel, OutboxItem.vendor_id == vendor_id)
    known = known.where(OutboxItem.kind.in_(NOTICES)).order_by(OutboxItem.id.desc())
    return _receipt_for(session, session.scalar(known.limit(1)), status, now)


def unnamed_receipt(session: Session, follower_id: int, template_id: str, status: str, now: datetime) -> bool:
    """The same for a notice that was taken without an id: the newest of this follower and template."""
    query = select(OutboxItem).where(OutboxItem.follower_id == follower_id, OutboxItem.kind == "subscription")
    query = query.where(OutboxItem.vendor_id.is_(None)).order_by(OutboxItem.id.desc())
    newest = session.scalars(query.limit(LOOKED_THROUGH)).all()
    item = next((item for item in newest if (item.content or {}).get("template_id") == template_id), None)
    return _receipt_for(session, item, status, now)


def early_receipt(session: Session, follower_id: int, status: str, now: datetime) -> bool:
    """The same for a template message whose id is not noted yet, or was never learnt: the follower's newest."""
    query = select(OutboxItem).where(OutboxItem.follower_id == follower_id, OutboxItem.kind == "template")
    newest = session.scalar(query.order_by(OutboxItem.id.desc()).limit(1))
    is_out = newest and newest.vendor_id is None and newest.attempts and newest.state != Delivery.FAILED
    return _receipt_for(session, newest if is_out else None, status, now)


def _receipt_for(session: Session, found: OutboxItem | None, status: str, now: datetime) -> bool:
    ticket_id = session.scalar(select(Message.ticket_id).where(Message.id == found.reference_id)) if found else None
    if found is None or ticket_id is None:
        return False
    ticket = locks.lock_ticket(session, ticket_id)
    item = session.get_one(OutboxItem, found.id, with_for_update={"key_share": True}, populate_existing=True)
    if status:
        item.state, item.detail, item.settled_at = Delivery.FAILED, f"平台回执：{status}", now
        _became(session, item, now)
    else:
        _say(session, ticket, item.kind, f"{NAMES[item.kind]}已送达客户", now)
    return True


def heard(session: Session, message: Inbound, follower_id: int, *, now: datetime) -> None:
    """An event about notices: a receipt, an agreement, or its withdrawal. The follower is locked."""
    extra = message.extra
    rows = _rows(extra.get("List", ""))
    if message.kind == RECEIPTS[0]:
        status = extra.get("Status", "")
        status = "" if status == "success" else status or "?"
        if not receipt(session, message.channel, extra.get("MsgID", ""), status, now):
            early_receipt(session, follower_id, status, now)
    elif message.kind == RECEIPTS[1]:
        for row in rows:
            failed = str(row.get("ErrorCode", "0")) not in ("0", "")
            status = str(row.get("ErrorStatus") or row.get("ErrorCode")) if failed else ""
            if not receipt(session, message.channel, str(row.get("MsgID", "")), status, now):
                unnamed_receipt(session, follower_id, str(row.get("TemplateId", "")), status, now)
    else:
        for row in rows:
            change = grants.add if row.get("SubscribeStatusString") == "accept" else grants.withdraw
            if row.get("TemplateId"):
                change(session, follower_id, str(row["TemplateId"]), now=now)


def _rows(text: str) -> list[Mapping[str, object]]:
    try:
        rows = json.loads(text or "[]")
    except ValueError:
        return []
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _became(session: Session, item: OutboxItem, now: datetime) -> None:
    ticket_id = session.scalar(select(Message.ticket_id).where(Message.id == item.reference_id))
    if ticket_id is None:
        return
    ticket = session.get_one(Ticket, ticket_id)
    became = OUTCOMES[Delivery(item.state)] + (f"：{item.detail}" if item.detail else "")
    _say(session, ticket, item.kind, NAMES[item.kind] + became, now)
    if item.state == Delivery.FAILED and ticket.awaits_window:
        ticket.notice_at = now


def _say(session: Session, ticket: Ticket, rung: str, because: str, now: datetime) -> None:
    """An event for what was tried, and for what became of it."""
    mention(session, ticket, Action.NOTICE, now=now, because=because, after={"notice": rung})
