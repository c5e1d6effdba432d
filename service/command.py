"""What every group of the `desk` command shares: the application at work, and mistakes said in one line."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service import create_app
from service.config import ConfigError, Settings
from service.database import db, transaction
from service.errors import ServiceError

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
