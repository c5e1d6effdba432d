"""The `desk` command: each subcommand parses, calls one function, and prints what a person or a program needs."""

import json
import os
import sys
from datetime import datetime
from typing import Any

import click

from service import (
    calendar_command,
    checkup,
    create_app,
    credentials,
    learning_command,
    policy_command,
    rulebook,
    setup,
)
from service.channels.wechat import accounts
from service.clock import utcnow
from service.command import Desk, F, Mistake, at_work, session, settings, speaks_plainly
from service.database import reading
from service.demo import demonstrate
from service.people import NewUser, Role, User
from service.routing.classifier import shipped as shipped_classifier
from service.runtime import up as runtime
from service.runtime.programs import Places
from service.runtime.up import Prepared
from service.tickets import clocks
from service.tickets.cooperation import PRIORITIES
from service.web import presenting


@click.group(cls=Desk, no_args_is_help=True)
def main() -> None:
    """Gongdan Desk (工单台): a help desk for WeChat official accounts."""


@main.command()
@speaks_plainly
def init() -> None:
    """Create or migrate the database and install the default configuration."""
    with at_work() as made:
        setup.prepare(made)
    click.echo("the database is up to date and the default configuration is installed")


@main.command()
@click.option("--demo", is_flag=True, help="with a simulated platform and two weeks of example tickets")
@click.option("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", show_default=True)
@speaks_plainly
def up(demo: bool, bind: str) -> None:
    """Run everything in the foreground: migrations, web, workers, the periodic ring."""
    chosen = settings()

    def prepare(places: Places) -> Prepared:
        made = create_app(chosen)
        setup.prepare(made)
        if not demo:
            return Prepared()
        click.echo("preparing the demonstration (about 10 s the first time)")
        return demonstrate(made, places)

    sys.exit(runtime.run(chosen, bind=bind, demo=demo, environment=os.environ, prepare=prepare))


def secret(name: str) -> str:
    """The next line of standard input; a person at a terminal is asked for it, and it is not shown."""
    if sys.stdin.isatty():
        return str(click.prompt(name, hide_input=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@main.group()
def user() -> None:
    """People who work here."""


@user.command("add")
@click.argument("username")
@click.option("--name", required=True)
@click.option("--role", "roles", required=True, multiple=True, help=", ".join(Role))
@click.option("--department", required=True, help="code, such as QGB")
@click.option("--email", default="", help="where notices go")
@click.option("--password-stdin", is_flag=True, required=True, help="read the password from standard input")
@speaks_plainly
def user_add(username: str, password_stdin: bool, **fields: Any) -> None:
    """Let a person in."""
    new = NewUser(username, password=secret("password"), **fields)
    with session() as opened:
        credentials.add_user(opened, new, now=utcnow())
    click.echo(f"added {username}")


@user.command("list")
@speaks_plainly
def user_list() -> None:
    """JSON lines, one a person."""
    with at_work(), reading() as opened:
        for person in credentials.users(opened):
            click.echo(json.dumps(user_out(person), ensure_ascii=False))


def user_out(person: User) -> dict[str, object]:
    return {
        "username": person.username,
        "name": person.name,
        "department": person.department.code,
        "roles": person.roles,
        "email": person.email,
        "active": person.active,
    }


@user.command("disable")
@click.argument("username")
@speaks_plainly
def user_disable(username: str) -> None:
    """Shut a person out: sessions and tokens end at once."""
    with session() as opened:
        credentials.disable(opened, credentials.get_user(opened, username))
    click.echo(f"disabled {username}")


@user.command("password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, required=True)
@speaks_plainly
def user_password(username: str, password_stdin: bool) -> None:
    """Set a new password."""
    password = secret("password")
    with session() as opened:
        credentials.set_password(credentials.get_user(opened, username), password, now=utcnow())
    click.echo(f"changed the password of {username}")


@user.command("email")
@click.argument("username")
@click.argument("address")
@speaks_plainly
def user_email(username: str, address: str) -> None:
    """Where notices to this person go; "" for nowhere."""
    with session() as opened:
        credentials.set_email(credentials.get_user(opened, username), address)
    click.echo(f"changed the address of {username}")


@main.group()
def token() -> None:
    """Bearer tokens for the API."""


@token.command("add")
@click.argument("username")
@speaks_plainly
def token_add(username: str) -> None:
    """Print a new token of that person, and nothing else."""
    with session() as opened:
        made = credentials.add_token(opened, credentials.get_user(opened, username), now=utcnow())
    click.echo(made)


@token.command("list")
@speaks_plainly
def token_list() -> None:
    """JSON lines, one a token."""
    with at_work(), reading() as opened:
        for row in credentials.tokens(opened):
            state = {"id": row.id, "username": row.user.username, "hint": row.hint}
            click.echo(json.dumps(state | {"revoked": row.revoked_at is not None}, ensure_ascii=False))


@token.command("revoke")
@click.argument("token_id", type=int)
@speaks_plainly
def token_revoke(token_id: int) -> None:
    """End a token by its id."""
    with session() as opened:
        credentials.revoke(opened, token_id, now=utcnow())
    click.echo(f"revoked {token_id}")


@main.group()
def account() -> None:
    """WeChat official accounts."""


SECRETS = {"app_secret": "--app-secret", "token": "--token", "aes_key": "--aes-key"}
ACCOUNT_OPTIONS = (
    click.option("--name"),
    click.option("--app-id"),
    click.option("--app-secret", help="`-`: read a line of standard input"),
    click.option("--token", help="`-`: read a line of standard input"),
    click.option("--aes-key", help="`-`: read a line of standard input"),
    click.option("--mode", type=click.Choice([m.value for m in accounts.Mode])),
    click.option("--original-id", help="gh_…"),
    click.option("--kind", type=click.Choice([k.value for k in accounts.Kind])),
    click.option("--certified/--uncertified", default=None),
)


def account_options(function: F) -> F:
    for option in reversed(ACCOUNT_OPTIONS):
        function = option(function)
    return function


def given(fields: dict[str, object]) -> dict[str, object]:
    """The options that were given; each secret that is `-` is the next line of standard input."""
    kept = {name: value for name, value in fields.items() if value is not None}
    for name in SECRETS:
        if kept.get(name) == "-":
            kept[name] = secret(name).strip()
    return kept


@account.command("add")
@click.argument("slug")
@account_options
@speaks_plainly
def account_add(slug: str, **fields: object) -> None:
    """Register an account."""
    fields = given(fields)
    wanted = ("name", "app_id", "app_secret", "token", "mode", "original_id", "kind")
    missing = [f"--{name.replace('_', '-')}" for name in wanted if name not in fields]
    if missing:
        raise Mistake(f"missing {', '.join(missing)}")
    with session() as opened:
        accounts.add(opened, slug=slug, **fields)  # type: ignore[arg-type]
    click.echo(f"added {slug}; the platform pushes to {settings().public_url}/wechat/{slug}")


@account.command("list")
@speaks_plainly
def account_list() -> None:
    """JSON lines, one an account; no secrets."""
    shown = ("slug", "name", "app_id", "original_id", "mode", "kind", "certified", "active", "halted_reason", "texts")
    with at_work(), reading() as opened:
        for row in accounts.listing(opened):
            click.echo(json.dumps({name: getattr(row, name) for name in shown}, ensure_ascii=False))


@account.command("set")
@click.argument("slug")
@account_options
@click.option("--active/--inactive", default=None)
@click.option("--text", "texts", multiple=True, metavar="KEY=WORDS", help="this account's own words; KEY= ends them")
@speaks_plainly
def account_set(slug: str, texts: tuple[str, ...], **fields: object) -> None:
    """Change what is given."""
    pairs = [text.partition("=") for text in texts]
    own = {key: words for key, _, words in pairs}
    with session() as opened:
        known = {str(row["key"]) for row in rulebook.shipped("texts.json")}
        if wrong := sorted(key for key, equals, _ in pairs if not equals or key not in known):
            raise Mistake(f"--text {wrong[0]}: write KEY=WORDS, the key one of {', '.join(sorted(known))}")
        accounts.change(opened, slug, **given(fields))  # type: ignore[arg-type]
        if own:
            accounts.say(opened, slug, own)
            rulebook.bump(opened)
    click.echo(f"changed {slug}")


@main.command()
@speaks_plainly
def classify() -> None:
    """Classify JSON lines with `text` from standard input; needs no database."""
    classifier = shipped_classifier()
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        row = parsed(line, number)
        verdict = classifier.classify(row["text"])
        row |= {"category": verdict.category, "priority": verdict.priority, "triage": verdict.triage}
        row |= {"confidence": round(verdict.confidence, 4), "because": list(verdict.because)}
        click.echo(json.dumps(row, ensure_ascii=False))


def parsed(line: str, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise Mistake(f"line {number} is not JSON; write one object with `text` a line") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise Mistake(f"line {number} has no string `text`")
    return row


main.add_command(calendar_command.calendar)
main.add_command(policy_command.policy)
main.add_command(learning_command.train)


@main.group()
def sla() -> None:
    """Deadlines."""


@sla.command("explain")
@click.option("--category", required=True)
@click.option("--priority", required=True, type=click.Choice(PRIORITIES))
@click.option("--at", required=True, help="ISO 8601 with an offset, such as 2026-02-13T17:45+08:00")
@speaks_plainly
def sla_explain(category: str, priority: str, at: str) -> None:
    """Print why each due time of such a matter would be what it is."""
    start = instant(at)
    with at_work() as made, reading() as opened:
        rules = made.extensions["rulebook"].current(opened)
        if category not in rules.categories:
            raise Mistake(f"unknown category {category!r}; one of {', '.join(rules.categories)}")
        started = clocks.at_intake(rules.policies.policy_for(category, priority), start, rules.calendar)
        click.echo(json.dumps(presenting.explanation(started, rules.calendar), ensure_ascii=False, indent=2))


def instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Mistake(f"--at {text!r} is not ISO 8601; write 2026-02-13T17:45+08:00") from None
    return at if at.tzinfo else at.replace(tzinfo=settings().time_zone)


@main.command()
@click.option("--language", type=click.Choice(["zh", "en"]), help="of what it says; else that of the shell")
@speaks_plainly
def check(language: str | None) -> None:
    """Self-check: JSON lines, exit 1 if anything is wrong."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    with at_work() as made:
        here = "zh" if next(filter(None, named), "").startswith("zh") else "en"
        results = list(checkup.results(made, language or here))
    for result in results:
        click.echo(json.dumps(result, ensure_ascii=False))
    sys.exit(0 if all(result["ok"] for result in results) else 1)


if __name__ == "__main__":
    main()
