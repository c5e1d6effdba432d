"""The self-check: what an operator looks at each morning, and what `desk check` says."""

import time
from collections.abc import Iterator
from datetime import timedelta

from flask import Flask
from redis import RedisError
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from service.channels.outages import Outage
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import db, reading
from service.messaging.inbox import InboxItem
from service.rulebook import Rulebook

WORKER_SILENT_SECONDS = 60
OLDEST_UNHANDLED = timedelta(minutes=2)
NEXT_YEAR_MONTH = 12  # from December on, a calendar without the next year is wrong


def results(app: Flask) -> Iterator[dict[str, object]]:
    """One result a check: {check, ok, detail}. Without a database the checks that need it are left out."""
    database = check_database()
    yield result("database", database == "", database or db.engine.dialect.name)
    yield check_redis(app)
    yield check_worker(app)
    if not database:
        yield check_inbox()
        yield from check_accounts()
        yield check_calendar(app)
        yield check_outages()


def result(check: str, ok: bool, detail: object) -> dict[str, object]:
    return {"check": check, "ok": ok, "detail": detail}


def check_database() -> str:
    """ "" or what is wrong."""
    try:
        with reading() as session:
            session.execute(text("SELECT 1 FROM rulebook_version"))
    except SQLAlchemyError as error:
        return f"no answer or not initialised ({type(error).__name__}): check DATABASE_URL, run `desk init`"
    return ""


def check_redis(app: Flask) -> dict[str, object]:
    try:
        app.extensions["doorbell"].redis.ping()
    except (RedisError, OSError) as error:
        return result("redis", False, f"no answer ({type(error).__name__}): is `desk up` running, is REDIS_URL right?")
    return result("redis", True, "answers")


def check_worker(app: Flask) -> dict[str, object]:
    try:
        seen = app.extensions["doorbell"].last_seen("worker")
    except (RedisError, OSError):
        seen = None
    silent = None if seen is None else int(time.time()) - seen
    fine = silent is not None and silent < WORKER_SILENT_SECONDS
    return result("worker", fine, f"seen {silent} s ago" if silent is not None else "not seen: start a worker")


def check_inbox() -> dict[str, object]:
    with reading() as session:
        query = select(func.min(InboxItem.received_at)).where(InboxItem.handled_at.is_(None))
        oldest = session.scalar(query)
    fine = oldest is None or utcnow() - oldest < OLDEST_UNHANDLED
    return result(
        "inbox", fine, "nothing unhandled" if oldest is None else f"oldest unhandled since {oldest.isoformat()}"
    )


def check_accounts() -> Iterator[dict[str, object]]:
    with reading() as session:
        rows = accounts.listing(session)
    for row in rows:
        detail = row.halted_reason or ("sends" if row.certified else "answers in passive replies")
        yield result(f"account {row.slug}", not row.halted_reason, detail)


def check_calendar(app: Flask) -> dict[str, object]:
    with reading() as session:
        rules: Rulebook = app.extensions["rulebook"].current(session)
    today = utcnow().astimezone(rules.zone).date()
    wanted = {today.year} | ({today.year + 1} if today.month >= NEXT_YEAR_MONTH else set())
    missing = sorted(wanted - set(rules.calendar.confirmed_years))
    years = ", ".join(map(str, sorted(rules.calendar.confirmed_years)))
    return result("calendar", not missing, f"confirmed: {years}" + (f"; import {missing}" if missing else ""))


def check_outages() -> dict[str, object]:
    """When the database was away and pushes were turned away: told, not wrong, as the platform repeated them."""
    with reading() as session:
        last = session.scalar(select(Outage).order_by(Outage.ended_at.desc()).limit(1))
    if last is None:
        return result("outages", True, "none on record")
    span = f"{last.began_at.isoformat(timespec='seconds')} to {last.ended_at.isoformat(timespec='seconds')}"
    return result("outages", True, f"last: {span}, {last.refused} pushes refused")
