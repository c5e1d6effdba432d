"""What administrators do with the targets: every saved table is a version of its own, and none is ever changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from service import audit, rulebook
from service.doorbell import ring
from service.errors import NotFound
from service.policy_versions import PolicyVersion
from service.rulebook import RulebookRow
from service.sla.drafts import Mistake, UnusableTable, rows_of, table_from
from service.sla.policy import Policy, PolicyTable, policies_from
from service.sla.rows import Row

SHIPPED = 0  # the version that stands in the rulebook
PAGE = 20


@dataclass(frozen=True, slots=True)
class Edit:
    """Who saves a version, when, and why."""

    actor: str
    now: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Version:
    """A table as it was saved; the shipped one has no author. `before` is the table that it took the place of."""

    version: int
    table: PolicyTable
    before: PolicyTable | None
    at: datetime | None
    by: str | None
    note: str
    carried: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that one table has and another has not (None), or has with other targets."""

    before: Policy | None
    after: Policy | None

    @property
    def policy(self) -> Policy:
        """The row that is there."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - one of them is
        return found


def newest(session: Session) -> Version:
    """The version of new tickets."""
    return get_version(session, newest_number(session))


def newest_number(session: Session) -> int:
    query = select(PolicyVersion.version).order_by(PolicyVersion.version.desc()).limit(1)
    return session.scalar(query) or SHIPPED


def get_version(session: Session, version: int) -> Version:
    """One version. Raises NotFound."""
    found = versions(session, before=version + 1, most=1)
    if not found or found[0].version != version:
        raise NotFound(f"no version {version} of the targets")
    return found[0]


def versions(session: Session, *, before: int | None = None, most: int = PAGE) -> list[Version]:
    """Versions, the newest first, from below `before` on; the last one is that which was shipped."""
    query = select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(most + 1)
    if before is not None:
        query = query.where(PolicyVersion.version < before)
    rows = list(session.scalars(query))
    tables = [policies_from(row.rows) for row in rows]
    found = []
    if len(rows) <= most:
        tables.append(shipped(session))
    for row, table, earlier in zip(rows, tables, [*tables[1:], None], strict=False):
        found.append(Version(row.version, table, earlier, row.at, row.by, row.note, row.carried))
    if len(found) < most and (before is None or before > SHIPPED):
        found.append(Version(SHIPPED, tables[-1], None, None, None, ""))
    return found[:most]


def shipped(session: Session) -> PolicyTable:
    """Version 0, as it stands in the rulebook."""
    query = select(RulebookRow.value).where(RulebookRow.section == "sla_policies")
    return policies_from(session.scalars(query.order_by(RulebookRow.position, RulebookRow.id)))


def check(session: Session, rows: Sequence[Row]) -> PolicyTable:
    """The table of rows that somebody has written. Raises UnusableTable with everything that is wrong with it."""
    query = select(RulebookRow.value).where(RulebookRow.section == "categories")
    found = session.scalars(query.order_by(RulebookRow.position, RulebookRow.id))
    return table_from(rows, [str(row["code"]) for row in found])


def save(
    session: Session, rows: Sequence[Row], edit: Edit, *, base: int | None = None, carry: int | None = None
) -> PolicyVersion:
    """The next version. Raises UnusableTable where it cannot be one, or is the same as now.

    `base`: the version that the author began with; another by now is refused. `carry`: how many open tickets are to go
    over to it; None: none does.
    """
    rulebook.lock(session)
    now_is = newest(session)
    if base not in (None, now_is.version):
        raise UnusableTable([Mistake("other", values={"version": now_is.version})])
    table = check(session, rows)
    changed = list(differences(now_is.table, table))
    if not changed and tagged(table) == tagged(now_is.table):
        raise UnusableTable([Mistake("unchanged")])
    if not edit.note.strip():
        raise UnusableTable([Mistake("note", column="note")])
    made = PolicyVersion(version=now_is.version + 1, rows=rows_of(table), at=edit.now, by=edit.actor, note=edit.note)
    made.carried, made.carried_at = carry, edit.now if carry == 0 else None
    session.add(made)
    rulebook.bump(session)
    told = {"version": made.version, "rows": [each.policy.name for each in changed], "open_tickets": carry}
    audit.record(
        session,
        at=edit.now,
        actor=edit.actor,
        action="policies_saved",
        before={"version": now_is.version},
        after=told,
        because=edit.note,
    )
    if carry:
        ring(session, "carry_policies")
    return made


def tagged(table: PolicyTable) -> list[str]:
    """The rows for followers with a tag, of which the first that fits holds."""
    return [policy.name for policy in table.policies if policy.tag]


def differences(before: PolicyTable, after: PolicyTable) -> Iterator[Difference]:
    """What is other in the second table, in its order; what it no longer has comes last."""
    known = {policy.name: policy for policy in before.policies}
    kept = {policy.name for policy in after.policies}
    for policy in after.policies:
        if known.get(policy.name) != policy:
            yield Difference(known.get(policy.name), policy)
    for policy in before.policies:
        if policy.name not in kept:
            yield Difference(policy, None)
