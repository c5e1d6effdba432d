"""Temporary media: what the platform accepts by type, keeps for three days, and gives back. No lock of its own."""

import secrets
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from simulator.tokens import RefusedError

DAY = 86400.0
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """Largest size and accepted beginnings of one media type, and the errcode for too large a file."""

    size_bytes: int
    content_types: tuple[str, ...]
    too_large: int


RULES = {
    "image": Rule(10 * MEGABYTE, ("image/png", "image/jpeg", "image/gif"), 40009),
    "voice": Rule(2 * MEGABYTE, ("audio/amr", "audio/mpeg"), 40010),
    "video": Rule(10 * MEGABYTE, ("video/mp4",), 40011),
    "thumb": Rule(64 * 1024, ("image/jpeg",), 40012),
}
MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"#!AMR\n", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
)
SUFFIXES = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
}


@dataclass(frozen=True, slots=True)
class Media:
    """One file at the platform; it belongs to one account."""

    id: str
    account: str
    type: str
    content_type: str
    data: bytes
    created_at: float

    @property
    def filename(self) -> str:
        """The name under which the platform hands it out."""
        return f"{self.id}.{SUFFIXES[self.content_type]}"


def content_type_of(data: bytes) -> str | None:
    """The content type by the first bytes; None if the platform knows no such file."""
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((name for magic, name in MAGIC if data.startswith(magic)), None)


def make(account: str, kind: str, data: bytes, now: float) -> Media:
    """A new file after the platform's checks; raises RefusedError."""
    rule = RULES.get(kind)
    if rule is None:
        raise RefusedError(40004)
    if not data:
        raise RefusedError(44001)
    if len(data) > rule.size_bytes:
        raise RefusedError(rule.too_large)
    found = content_type_of(data)
    if found not in rule.content_types:
        raise RefusedError(40005)
    return Media(f"SIM{kind}_{secrets.token_urlsafe(30)}", account, kind, str(found), data, now)


def picture(width: int = 120, height: int = 80) -> bytes:
    """A small PNG with a soft gradient, for followers who have no picture of their own."""
    rows = b"".join(
        b"\x00" + bytes(v for x in range(width) for v in (90 + x % 120, 150 + y % 90, 200)) for y in range(height)
    )
    return _png(width, height, 2, rows)


def grey_png(lines: list[bytes], times: int) -> bytes:
    """A PNG of grey values, each line repeated so many times."""
    rows = b"".join((b"\x00" + line) * times for line in lines)
    return _png(len(lines[0]), len(lines) * times, 0, rows)


def _png(width: int, height: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _sample(name: str) -> bytes:
    """A file that `python -m simulator.recordings` made."""
    return (Path(__file__).parent / "samples" / name).read_bytes()


SAMPLES = {
    "image": picture(),
    "voice": _sample("voice.amr"),
    "video": _sample("video.mp4"),
    "thumb": _sample("thumb.jpg"),
}
