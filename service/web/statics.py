"""Page assets are cached by browsers for as long as they stay the same: their address carries their content's hash."""

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask

STATIC = Path(__file__).parent.parent / "static"


def init_app(app: Flask) -> None:
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 30 * 24 * 3600
    app.url_defaults(add_version)


def add_version(endpoint: str, values: dict[str, object]) -> None:
    if endpoint == "static" and "filename" in values:
        values["v"] = version_of(str(values["filename"]))


@cache
def version_of(filename: str) -> str:
    """Eight characters that change with the file; "" if there is none."""
    path = STATIC / filename
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8] if path.is_file() else ""
