"""Files by content hash: stored once, outside the web root, told by their first bytes and never by their name."""

import hashlib
import os
import tempfile
from pathlib import Path

from service.errors import InvalidInput

LARGEST_BYTES = 20 * 1024 * 1024
MAGIC: tuple[tuple[bytes, int, str], ...] = (  # bytes, offset, content type: all that is let in
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"#!AMR", 0, "audio/amr"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"\xff\xf3", 0, "audio/mpeg"),
    (b"ftyp", 4, "video/mp4"),
)


def content_type_of(content: bytes) -> str:
    """The type that the first bytes tell. Raises InvalidInput for any other file, and for one too large."""
    if len(content) > LARGEST_BYTES:
        raise InvalidInput(file=f"larger than {LARGEST_BYTES // 1024 // 1024} MB")
    for magic, offset, content_type in MAGIC:
        if content[offset : offset + len(magic)] == magic:
            return content_type
    raise InvalidInput(file="not a picture, voice or video that is accepted here")


class FileStore:
    """A folder of files named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Keep the content and return its digest; written whole or not at all."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        return digest

    def path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest
