"""Runs `desk` commands one after the other in one process, as most of a command's time is its imports.

A line of JSON in, arguments and what is typed; a line of JSON out, how the command ended.
"""

import contextlib
import io
import json
import sys
import traceback

from service.cli import main


def run(arguments: list[str], typed: str) -> dict[str, object]:
    """Exit code and both outputs of one command, as a shell would see them."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.stdin = io.StringIO(typed)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:
            traceback.print_exc()
            code = 1
    return {"code": code, "out": out.getvalue(), "err": err.getvalue()}


def serve() -> None:
    """Until standard input ends."""
    orders, answers = sys.stdin, sys.stdout
    for line in orders:
        answers.write(json.dumps(run(*json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
