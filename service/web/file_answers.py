"""Kept files as answers: never as a page of ours, and in no cache but the browser's own."""

from flask import current_app, send_file
from werkzeug.wrappers import Response

from service.errors import NotFound
from service.files import SHOWN, SUFFIXES

KEPT_SECONDS = 3600  # by the browser: a conversation that is open fetches its pictures once


def file_answer(digest: str, content_type: str, name: object) -> Response:
    """The file: its own type, no sniffing, a sandbox; what no browser shows is downloaded. Raises NotFound."""
    path = current_app.extensions["files"].path(digest)
    if not path.is_file():
        raise NotFound("the file is not on this machine")
    made = send_file(
        path,
        mimetype=content_type,
        conditional=True,
        etag=digest,
        max_age=KEPT_SECONDS,
        as_attachment=content_type not in SHOWN,
        download_name=f"{name}{SUFFIXES.get(content_type, '')}",
    )
    # `send_file` calls it public, and a proxy would give it to whoever asks
    made.cache_control.public, made.cache_control.private = False, True
    made.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return made
