"""Targets that a test may change: a saved version is gone with the tables after the test."""

from collections.abc import Mapping
from dataclasses import replace

from service import policies, rulebook
from service.database import transaction
from service.messaging.followers import Follower
from service.policies import Edit
from service.sla.drafts import rows_of
from service.sla.policy import Policy, PolicyTable, policies_from
from service.sla.target_words import target_in
from service.tickets import policy_moves
from service.tickets.models import Ticket
from tests.calendar_rig import fresh
from tests.factories import Desk

SHIPPED = policies_from(rulebook.shipped("sla_policies.json"))
Changes = Mapping[str, Mapping[str, str]]  # "inquiry/normal" -> {"accept": "10 分钟"}


def table(changes: Changes, of: PolicyTable = SHIPPED) -> PolicyTable:
    """A table with some other targets; a name with a tag that is not there yet begins as the row without it."""
    found = {policy.name: policy for policy in of.policies}
    for name, cells in changes.items():
        category, priority, *tag = name.split("/")
        start = found.get(name) or replace(found[f"{category}/{priority}"], tag=tag[0])
        found[name] = replace(start, **{column: target_in(text) for column, text in cells.items()})
    return PolicyTable(tuple(found.values()))


def rows(changes: Changes, of: PolicyTable = SHIPPED) -> list[dict[str, object]]:
    return rows_of(table(changes, of))


def saved(desk: Desk, changes: Changes, *, also_open: bool = False, by: str = "boss", note: str = "试行") -> int:
    """A version on top of the newest one; returns its number."""
    with transaction() as session:
        carry = sum(policy_moves.open_by_version(session).values()) if also_open else None
        of = policies.newest(session).table
        made = policies.save(session, rows(changes, of), Edit(by, desk.now, note), carry=carry).version
    fresh(desk.app)
    return made


def policy(changes: Changes, name: str) -> Policy:
    return next(policy for policy in table(changes).policies if policy.name == name)


def tag_follower(ticket: Ticket, *tags: str) -> None:
    with transaction() as session:
        session.get_one(Follower, ticket.follower_id).tags = list(tags)
