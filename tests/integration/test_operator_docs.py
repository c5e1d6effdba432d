"""What docs/operations tells an operator to type is what the command takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service import cli
from service.channels.wechat import cures, readiness

DOCS = sorted((Path(__file__).parents[2] / "docs/operations").glob("*.md"))
GUIDES = [path for path in DOCS if path.name.startswith("set-up-account")]


def commands(text: str) -> Iterator[list[str]]:
    """The `desk` commands of the shell blocks and of inline code."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines() + re.findall(r"`([^`\n]*desk [^`\n]*)`", text)
    for line in lines:
        found = re.search(r"(?:^|\| )desk ([a-z].*)$", line)
        if found and "…" not in line:
            yield shlex.split(found[1], comments=True)


TYPED = [(path.name, command) for path in DOCS for command in commands(path.read_text())]


@pytest.mark.parametrize(("page", "command"), TYPED, ids=[f"{page}: {' '.join(command)}" for page, command in TYPED])
def test_every_command_of_the_guides_is_one(page: str, command: list[str]):
    found: click.Command = cli.main
    context = click.Context(found)
    while isinstance(found, click.Group):
        name, *command = command
        sub = found.get_command(context, name)
        assert sub is not None, name
        found = sub

    found.make_context(found.name, command)  # raises where an option or a value is wrong


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_guides_explain_every_line_of_the_check_list(path: Path):
    text = path.read_text()

    checks = [check.__name__.removeprefix("_") for check in readiness.CHECKS]
    assert [name for name in checks if f"| `{name}` |" not in text] == []
    assert [reason for reason in [*cures.REFUSALS, *cures.MISFITS] if f"`{reason}`" not in text] == []
    assert [code for code in cures.CURES if str(code) not in text] == []


def test_both_languages_say_the_same_to_type():
    chinese, english = ([command[:2] for command in commands(path.read_text())] for path in reversed(GUIDES))

    assert len(chinese) > 10
    assert chinese == english
