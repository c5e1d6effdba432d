"""Versions of the targets: a ticket keeps the one it started with."""

from datetime import datetime

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Model


class PolicyVersion(Model):
    """One version of the whole table of targets; version 0 is what was shipped and stands in the rulebook."""

    __tablename__ = "policy_versions"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rows: Mapped[list[dict[str, object]]] = mapped_column(JSON)  # as in defaults/sla_policies.json
    at: Mapped[datetime]
    by: Mapped[str]
    note: Mapped[str]
    carried: Mapped[int | None]  # open tickets that go over to it; None: only new ones have it
    carried_at: Mapped[datetime | None]  # when the last of them had
