"""Runs the real `service.runtime` with the stand-ins beside this file: `start.py HOST:PORT [--demo]`."""

import os
import sys
from pathlib import Path

from service.config import Settings
from service.runtime import up
from service.runtime.programs import Parts, Places


def prepare(places: Places) -> up.Prepared:
    """Nothing to migrate; a line and an option for the test to find again."""
    with open(os.environ["STUB_PREPARED"], "a", encoding="utf-8") as log:
        log.write(f"{places.web.url}\n")
    return up.Prepared(lines=("hello from the preparation",), simulator_options=("--config", "stub.json"))


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.exit(
        up.run(
            Settings.from_environment(os.environ),
            bind=sys.argv[1],
            demo="--demo" in sys.argv,
            environment=os.environ,
            prepare=prepare,
            parts=Parts(web="web:app", simulator="simulated", worker=here / "worker.py"),
        )
    )
