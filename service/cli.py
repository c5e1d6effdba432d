"""The `desk` command: each subcommand parses, calls one function, and prints what a person or a program needs."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service import checkup, create_app, credentials, setup
from service.channels.wechat import accounts
from service.clock import utcnow
from service.config import ConfigError, Settings
from service.database import db, reading, transaction
from service.demo import demonstrate
from service.errors import ServiceError
from service.people import NewUser, Role, User
from service.routing.classifier import shipped as shipped_classifier
from service.runtime import up as runtime
from service.runtime.programs import Places
from service.runtime.up import Prepared
from service.tickets import clocks
from service.tickets.cooperation import PRIORITIES
from service.web import presenting

F = TypeVar("F", bound=Callable[..., object])


class Mistake(click.ClickException):
    """One line on standard error and exit 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"desk: {self.message}", err=True)


def settings() -> Settings:
    try:
        return Settings.from_environment(os.environ)
    except ConfigError as error:
        raise Mistake(" ".join(error.mistakes)) from None


def app() -> Flask:
    return create_app(settings())


def speaks_plainly(function: F) -> F:
    """Turn what the service refuses into one line; anything else is a fault of ours and keeps its traceback."""

    @wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        try:
            return function(*args, **kwargs)
        except ServiceError as error:
            raise Mistake(str(error)) from None
        except (LookupError, ValueError) as error:
            raise Mistake(str(error).strip("'\"")) from None
        except SQLAlchemyError as error:
            first = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise Mistake(f"the database refused: {first}; is DATABASE_URL right, and has `desk init` run?") from None

    return run  # type: ignore[return-value]


@contextmanager
def at_work() -> Iterator[Flask]:
    """The application in its context; its connections are closed afterwards."""
    made = app()
    with made.app_context():
        try:
            yield made
        finally:
            db.engine.dispose()


@contextmanager
def session() -> Iterator[Session]:
    """A transaction of the installation's database."""
    with at_work(), transaction() as opened:
        yield opened


class Desk(click.Group):
    """Usage errors are one line that says what would be right."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.Abort:
            sys.exit(130)
        except click.UsageError as error:
            click.echo(f"desk: {error.format_message()} (see `desk --help`)".replace("\n", " "), err=True)
            sys.exit(2)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)


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


@main.group()
def user() -> None:
    """People who work here."""


@user.command("add")
@click.argument("username")
@click.option("--name", required=True)
@click.option("--role", "roles", required=True, multiple=True, help=", ".join(Role))
@click.option("--department", required=True, help="code, such as QGB")
@click.option("--password-stdin", is_flag=True, required=True, help="read the password from standard input")
@speaks_plainly
def user_add(username: str, name: str, roles: tuple[str, ...], department: str, password_stdin: bool) -> None:
    """Let a person in."""
    password = sys.stdin.readline().rstrip("\r\n")
    with session() as opened:
        credentials.add_user(opened, NewUser(username, name, department, roles, password), now=utcnow())
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
    password = sys.stdin.readline().rstrip("\r\n")
    with session() as opened:
        credentials.set_password(credentials.get_user(opened, username), password, now=utcnow())
    click.echo(f"changed the password of {username}")


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
            kept[name] = sys.stdin.readline().strip()
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
    shown = ("slug", "name", "app_id", "original_id", "mode", "kind", "certified", "active", "halted_reason")
    with at_work(), reading() as opened:
        for row in accounts.listing(opened):
            click.echo(json.dumps({name: getattr(row, name) for name in shown}, ensure_ascii=False))


@account.command("set")
@click.argument("slug")
@account_options
@click.option("--active/--inactive", default=None)
@speaks_plainly
def account_set(slug: str, **fields: object) -> None:
    """Change what is given."""
    with session() as opened:
        accounts.change(opened, slug, **given(fields))  # type: ignore[arg-type]
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
@speaks_plainly
def check() -> None:
    """Self-check: JSON lines, exit 1 if anything is wrong."""
    with at_work() as made:
        results = list(checkup.results(made))
    for result in results:
        click.echo(json.dumps(result, ensure_ascii=False))
    sys.exit(0 if all(result["ok"] for result in results) else 1)


if __name__ == "__main__":
    main()
