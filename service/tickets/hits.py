"""How often each automatic answer was given: a number a rule and day."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import Executable, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import Model

WELCOME, DEFAULT = "welcome", "default"  # counted beside the rules


class AutoreplyHit(Model):
    __tablename__ = "autoreply_hits"

    channel: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)  # a rule's id, or one of the names above
    day: Mapped[str] = mapped_column(primary_key=True)  # 20261120, in the service's zone
    hits: Mapped[int]


def count(session: Session, channel: str, rule: str, *, now: datetime, zone: ZoneInfo) -> None:
    """One more of today. Called last in its transaction: all who hit the rule today lock this row."""
    values = {"channel": channel, "rule": rule, "day": day_of(now, zone), "hits": 1}
    session.connection().execute(_counting(session.get_bind().dialect.name), values)


def lately(session: Session, channel: str, *, now: datetime, zone: ZoneInfo, days: int = 30) -> Mapping[str, int]:
    """Hits by rule of the last days, today among them."""
    since = day_of(now - timedelta(days=days - 1), zone)
    query = select(AutoreplyHit.rule, func.sum(AutoreplyHit.hits)).where(AutoreplyHit.channel == channel)
    rows = session.execute(query.where(AutoreplyHit.day >= since).group_by(AutoreplyHit.rule))
    return {rule: int(hits) for rule, hits in rows}


def day_of(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y%m%d")


@cache
def _counting(dialect: str) -> Executable:
    build = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = cast(Table, AutoreplyHit.__table__)
    upsert = build(table)
    return upsert.on_conflict_do_update(
        index_elements=["channel", "rule", "day"], set_={"hits": table.c.hits + upsert.excluded.hits}
    )
