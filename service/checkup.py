"""The self-check: what an operator looks at each morning, and what `desk check` says."""

import time
from collections.abc import Iterator
from datetime import timedelta

from flask import Flask
from redis import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from service import alerts
from service.channels.outages import Outage
from service.channels.wechat import accounts, asking
from service.channels.wechat.accounts import Account
from service.channels.wechat.cures import Words, refusal_in, said
from service.channels.wechat.readiness import Finding, findings
from service.clock import utcnow
from service.config import Settings
from service.database import db, reading
from service.messaging.inbox import InboxItem
from service.messaging.outbox import Delivery, OutboxItem
from service.rulebook import Rulebook
from service.tickets import opinions

WORKER_SILENT_SECONDS = 60
OLDEST_UNHANDLED = timedelta(minutes=2)
OLDEST_UNSENT = timedelta(minutes=5)
SEEN_TO = Words("处理后在“公众号”页标为已处理", "see to it, then mark it as done on the page of the accounts (公众号)")
TOLD = {"outage"}  # over: told, not wrong
TODO = {  # kind of alert -> what the operator does
    "halted": Words(
        "按 token 一行处理，一两分钟内自动恢复", "do what the line `token` says; sending resumes by itself"
    ),
    "certification": Words(
        "到公众平台办理认证，平台确认后提醒自动消失",
        "see to the certification in the console; the alert ends when the platform says so",
    ),
    "robot": Words(
        "按括号前后的说明处理，再到“通知渠道”页点“发送测试”",
        "do what it says, then press the test button on the page of the channels (通知渠道)",
    ),
    "mail": Words(
        "按说明处理，再到“通知渠道”页发一封测试邮件",
        "do what it says, then send a test letter from the page of the channels (通知渠道)",
    ),
    "opinion": Words(
        "按说明处理；模型应答后提醒自动消失，期间工单照常由人判断",
        "do what it says; the alert ends when the model answers, and people decide as before",
    ),
    "quota": Words("等到零点以后，或在公众平台清零", "wait until midnight, or clear the quota in the console"),
}
START = Words("运行 desk up", "start `desk up`")
NEXT_YEAR_MONTH = 12  # from December on, a calendar without the next year is wrong


def results(app: Flask, language: str = "en") -> Iterator[dict[str, object]]:
    """One result a check: {check, ok, detail}, with `account` and `todo` where there is one, in the language.

    Without a database the checks that need it are left out.
    """
    for row in checks(app):
        yield {name: value.spoken(language) if isinstance(value, Words) else value for name, value in row.items()}


def checks(app: Flask) -> Iterator[dict[str, object]]:
    database = check_database()
    yield database
    yield check_redis(app)
    yield check_worker(app)
    if database["ok"]:
        yield check_inbox()
        yield check_outbox()
        yield from check_accounts(app)
        yield check_calendar(app)
        yield check_outages()
        yield check_opinions(app)
        yield from check_alerts()


def result(check: str, ok: bool, detail: Words | str, todo: Words | None = None) -> dict[str, object]:
    return {"check": check, "ok": ok, "detail": detail} | ({"todo": todo} if todo else {})


def check_database() -> dict[str, object]:
    try:
        with reading() as session:
            session.execute(text("SELECT 1 FROM rulebook_version"))
    except SQLAlchemyError as error:
        place, why = db.engine.url.render_as_string(hide_password=True), type(error).__name__
        return result(
            "database",
            False,
            Words(f"{place} 没有应答，或还没有初始化（{why}）", f"{place}: no answer or not initialised ({why})"),
            Words(
                "核对这个终端里的 DATABASE_URL 和 DATA_DIR，再运行 desk init",
                "are DATABASE_URL and DATA_DIR of this shell right? Then run `desk init`",
            ),
        )
    return result("database", True, db.engine.dialect.name)


def check_redis(app: Flask) -> dict[str, object]:
    try:
        app.extensions["doorbell"].redis.ping()
    except (RedisError, OSError) as error:
        why = type(error).__name__
        cure = Words(
            "desk up 在运行吗？REDIS_URL 或 DATA_DIR 与它一致吗？",
            "is `desk up` running, with the same REDIS_URL or DATA_DIR?",
        )
        return result("redis", False, Words(f"没有应答（{why}）", f"no answer ({why})"), cure)
    return result("redis", True, Words("正常", "answers"))


def check_worker(app: Flask) -> dict[str, object]:
    try:
        seen = app.extensions["doorbell"].last_seen("worker")
    except (RedisError, OSError):
        seen = None
    if seen is None:
        return result("worker", False, Words("没有见到", "not seen"), START)
    silent = int(time.time()) - seen
    fine = silent < WORKER_SILENT_SECONDS
    return result("worker", fine, Words(f"{silent} 秒前见过", f"seen {silent} s ago"), None if fine else START)


def check_inbox() -> dict[str, object]:
    with reading() as session:
        query = select(func.min(InboxItem.received_at)).where(InboxItem.handled_at.is_(None))
        oldest = session.scalar(query)
    if oldest is None:
        return result("inbox", True, Words("没有待处理的消息", "nothing unhandled"))
    since, fine = oldest.isoformat(), utcnow() - oldest < OLDEST_UNHANDLED
    told = Words(f"最早一条未处理的消息在 {since}", f"oldest unhandled since {since}")
    return result("inbox", fine, told, None if fine else START)


def check_outbox() -> dict[str, object]:
    """Messages that are due go out within seconds; those of a halted account are put off, and told there."""
    with reading() as session:
        oldest = session.scalar(select(func.min(OutboxItem.due_at)).where(OutboxItem.state == Delivery.QUEUED))
    if oldest is None or utcnow() - oldest < OLDEST_UNSENT:
        return result("outbox", True, Words("没有该发未发的消息", "nothing overdue"))
    todo = Words(
        "处理 delivery 队列的进程在运行吗？desk up 会启动它",
        "is a worker for the queue `delivery` running? `desk up` starts one",
    )
    since = oldest.isoformat()
    return result("outbox", False, Words(f"最早一条未发出的消息在 {since}", f"oldest unsent since {since}"), todo)


def check_accounts(app: Flask) -> Iterator[dict[str, object]]:
    """For each account whether it sends, and the steps of setting it up; asks the platform for a token."""
    with reading() as session:
        found = [accounts.copy(row) for row in accounts.listing(session)]
    if not found:
        yield result(
            "accounts",
            False,
            Words("还没有公众号", "there is no official account yet"),
            Words(
                "登记一个：desk account add，或网页“公众号”",
                "add one: `desk account add`, or the page of the accounts (公众号)",
            ),
        )
    for account in found:
        yield {"check": f"account {account.slug}", "ok": not account.halted_reason, "detail": _sending(account)}
        if account.active:
            facts = asking.facts(account, app.config["SETTINGS"], asked=True, now=utcnow())
            yield from (_line(account.slug, finding) for finding in findings(account, facts))


def _sending(account: Account) -> Words:
    if not account.active:
        return Words("已停用", "switched off")
    if account.halted_reason:
        return said(refusal_in(account.halted_reason))
    if account.certified:
        return Words("发送没有暂停", "sending is not paused")
    return Words("答复随被动回复送达", "answers in passive replies")


def _line(slug: str, finding: Finding) -> dict[str, object]:
    return result(finding.check, finding.ok, finding.detail, finding.todo) | {"account": slug}


def check_alerts() -> Iterator[dict[str, object]]:
    """What the operator was told and has not seen to."""
    with reading() as session:
        rows = alerts.open_alerts(session)
    for row in rows:
        since, times = row.raised_at.isoformat(timespec="seconds"), row.times
        told = Words(
            f"{row.kind}：{row.detail}（自 {since} 起，{times} 次）",
            f"{row.kind}: {row.detail} (since {since}, {times} times)",
        )
        line = result("alert", row.kind in TOLD, told, TODO.get(row.kind, SEEN_TO))
        about = row.kind if row.kind in ("robot", "mail") else "account"
        yield line | ({about: row.scope.partition(":")[2]} if ":" in row.scope else {})


def check_calendar(app: Flask) -> dict[str, object]:
    with reading() as session:
        rules: Rulebook = app.extensions["rulebook"].current(session)
    today = utcnow().astimezone(rules.zone).date()
    wanted = {today.year} | ({today.year + 1} if today.month >= NEXT_YEAR_MONTH else set())
    missing = sorted(wanted - set(rules.calendar.confirmed_years))
    years = ", ".join(map(str, sorted(rules.calendar.confirmed_years)))
    told = Words(f"已确认的年份：{years}", f"confirmed: {years}")
    todo = Words(f"导入 {missing}", f"import {missing}") if missing else None
    return result("calendar", not missing, told, todo)


def check_opinions(app: Flask) -> dict[str, object]:
    """Whether a language model is asked, and how it does: a failing one is told by its alert, and holds up nothing."""
    settings: Settings = app.config["SETTINGS"]
    if settings.opinion_url is None:
        return result("opinions", True, Words("未启用第二意见", "second opinions are off"))
    with reading() as session:
        rules: Rulebook = app.extensions["rulebook"].current(session)
        use = opinions.use(session, now=utcnow(), rules=rules)
    last = use.succeeded_at.isoformat(timespec="seconds") if use.succeeded_at else None
    paused = use.paused_until if use.paused_until and use.paused_until > utcnow() else None
    until = paused.isoformat(timespec="seconds") if paused else ""
    daily = settings.opinion_daily
    told = Words(
        f"{settings.opinion_model}：今日已用 {use.asked}/{daily} 次，最近成功 {last or '无'}"
        + (f"，暂停到 {until}" if paused else ""),
        f"{settings.opinion_model}: {use.asked} of {daily} requests used today, last answer {last or 'none'}"
        + (f", paused until {until}" if paused else ""),
    )
    return result("opinions", True, told)


def check_outages() -> dict[str, object]:
    """When the database was away and pushes were turned away: told, not wrong, as the platform repeated them."""
    with reading() as session:
        last = session.scalar(select(Outage).order_by(Outage.ended_at.desc()).limit(1))
    if last is None:
        return result("outages", True, Words("没有记录", "none on record"))
    began, ended = (at.isoformat(timespec="seconds") for at in (last.began_at, last.ended_at))
    told = Words(
        f"最近一次：{began} 至 {ended}，退回推送 {last.refused} 条",
        f"last: {began} to {ended}, {last.refused} pushes refused",
    )
    return result("outages", True, told)
