"""`desk policy`: the targets as JSON, and a file of them as the next version."""

import json
from pathlib import Path

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from service import policies
from service.clock import utcnow
from service.command import Mistake, at_work, session, speaks_plainly
from service.database import reading
from service.people import Permission, User
from service.policies import Difference, Edit, Version
from service.sla.drafts import rows_of
from service.sla.policy import TARGETS
from service.sla.rows import Row
from service.sla.target_words import share_text, target_text
from service.tickets import policy_moves

LARGEST_BYTES = 1024 * 1024
LARGEST_VERSION = 2**31 - 1


@click.group()
def policy() -> None:
    """The targets by category, priority and tag."""


@policy.command("show")
@click.option("--version", type=click.IntRange(0, LARGEST_VERSION), help="an older one; else that of new tickets")
@speaks_plainly
def policy_show(version: int | None) -> None:
    """Print a version as JSON that `import` reads; whose it is stands on standard error."""
    with at_work(), reading() as opened:
        found = policies.newest(opened) if version is None else policies.get_version(opened, version)
    click.echo(told(found), err=True)
    click.echo("[\n " + ",\n ".join(json.dumps(row, ensure_ascii=False) for row in rows_of(found.table)) + "\n]")


def told(version: Version) -> str:
    if version.at is None:
        return f"version {version.version}: as shipped"
    return (
        f"version {version.version}, saved {version.at.isoformat(timespec='seconds')} by {version.by}: {version.note}"
    )


@policy.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--by", "username", required=True, metavar="USER", help="the administrator who answers for it")
@click.option("--note", required=True, help="why the targets are changed")
@click.option("--open-tickets", is_flag=True, help="for open tickets too; no promise is shortened")
@click.option("--dry-run", is_flag=True, help="say what would change, and change nothing")
@speaks_plainly
def policy_import(file: Path, username: str, note: str, open_tickets: bool, dry_run: bool) -> None:
    """Save a file of all targets as the next version: JSON like that of `desk policy show`."""
    rows = rows_in(file)
    with session() as opened:
        person = administrator(opened, username)
        before = policies.newest(opened)
        for difference in policies.differences(before.table, policies.check(opened, rows)):
            click.echo(line_of(difference))
        if dry_run:
            click.echo(f"would be version {before.version + 1}; nothing was changed")
            return
        carry = sum(policy_moves.open_by_version(opened).values()) if open_tickets else None
        made = policies.save(opened, rows, Edit(person.username, utcnow(), note), carry=carry)
        where = f"new tickets and {carry} open ones" if carry else "new tickets"
        done = f"saved version {made.version}, for {where}"
    click.echo(done)


def rows_in(file: Path) -> list[Row]:
    """The rows of a file. Raises Mistake."""
    if file.stat().st_size > LARGEST_BYTES:
        raise Mistake(f"{file.name} is larger than 1 MB: this is no table of targets")
    try:
        rows = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        raise Mistake(f"{file.name} is not JSON; `desk policy show` prints what is wanted") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Mistake(f"{file.name} is not a list of objects; `desk policy show` prints what is wanted")
    return rows


def administrator(opened: Session, username: str) -> User:
    """Who may change rules. Raises Mistake."""
    person = opened.scalar(select(User).where(User.username == username))
    if person is None or not person.may(Permission.MANAGE_RULES):
        raise Mistake(f"--by {username}: no active person of that name may change rules; name an administrator")
    return person


def line_of(difference: Difference) -> str:
    """A row that is other: "~ complaint/high accept 15 min -> 5 min"."""
    before, after = difference.before, difference.after
    name = difference.policy.name
    if before is None or after is None:
        return f"{'+' if after else '-'} {name}"
    cells = [
        f"{column} {target_text(was, 'en')} -> {target_text(now_is, 'en')}"
        for column in TARGETS
        if (was := getattr(before, column)) != (now_is := getattr(after, column))
    ]
    if before.follow_up_share != after.follow_up_share:
        cells.append(f"follow_up_share {share_text(before.follow_up_share)} -> {share_text(after.follow_up_share)}")
    return f"~ {name} {', '.join(cells)}"
