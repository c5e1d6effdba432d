"""Files by content hash: stored once, outside the web root, told by their first bytes and never by their name."""

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from service.errors import InvalidInput

LARGEST_BYTES = 20 * 1024 * 1024
LARGEST_PIXELS = 100_000_000  # no telephone takes more; a browser needs four bytes for each
UNTOLD = "application/octet-stream"
MAGIC: tuple[tuple[bytes, int, str], ...] = (  # bytes, offset, content type: all that is let in; the first that fits
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"GIF87a", 0, "image/gif"),
    (b"GIF89a", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"#!AMR", 0, "audio/amr"),  # narrow and wide band begin alike
    (b"OggS", 0, "audio/ogg"),  # Speex among others
    (b"\x02#!SILK_V3", 0, "audio/silk"),
    (b"ID3", 0, "audio/mpeg"),
    (b"\xff\xfb", 0, "audio/mpeg"),
    (b"\xff\xf3", 0, "audio/mpeg"),
    (b"\xff\xf2", 0, "audio/mpeg"),
    (b"ftypM4A", 4, "audio/mp4"),
    (b"ftyphei", 4, "image/heic"),
    (b"ftypmif1", 4, "image/heic"),
    (b"ftyp", 4, "video/mp4"),
)
SUFFIXES: Mapping[str, str] = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "audio/amr": ".amr",
    "audio/ogg": ".ogg",
    "audio/silk": ".silk",
    "audio/speex": ".speex",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
}
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "audio/mpeg", "audio/mp4", "video/mp4"})
# markers of a JPEG that are followed by its size; C4, C8 and CC between them mean something else
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_MARKERS = 1000  # read no further: a header has some dozens


def content_type_of(content: bytes) -> str:
    """The type that the first bytes tell. Raises InvalidInput for any other file, and for one too large."""
    if len(content) > LARGEST_BYTES:
        raise InvalidInput(file=f"larger than {LARGEST_BYTES // 1024 // 1024} MB")
    for magic, offset, content_type in MAGIC:
        if content[offset : offset + len(magic)] == magic:
            return content_type
    raise InvalidInput(file="not a picture, voice or video that is accepted here")


def pixels_of(content: bytes, content_type: str) -> int:
    """How many pixels the header of a picture promises; 0 where it promises none that can be read."""
    if content_type == "image/png":
        return _area(content[16:20], content[20:24], "big")
    if content_type == "image/gif":
        return _area(content[6:8], content[8:10], "little")
    if content_type == "image/jpeg":
        return _jpeg_pixels(content)
    return 0  # a WebP side has 14 bits, and so has no file any more than a browser bears


def _jpeg_pixels(content: bytes) -> int:
    at = 2
    for _ in range(JPEG_MARKERS):
        if content[at : at + 1] != b"\xff":
            return 0
        if content[at + 1 : at + 2] == b"\xff":  # fill
            at += 1
            continue
        marker, length = content[at + 1 : at + 2], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker and marker[0] in JPEG_FRAMES:
            return _area(content[at + 5 : at + 7], content[at + 7 : at + 9], "big")
        at += 2 + max(length, 2)
    return 0


def _area(height: bytes, width: bytes, order: Literal["big", "little"]) -> int:
    return int.from_bytes(height, order) * int.from_bytes(width, order)


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
