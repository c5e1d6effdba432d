"""What ships with the program as data: words, spellings, and rows before an installation edits them. Pure."""

import json
from importlib import resources
from typing import Any


def shipped_json(name: str) -> Any:
    """What a file of `service/defaults` says, read anew each time."""
    return json.loads(resources.files("service.defaults").joinpath(name).read_text(encoding="utf-8"))
