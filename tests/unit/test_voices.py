"""The length of a voice is counted from its frames, whatever its head promises."""

import pytest

from service.tickets.voices import seconds_of

AMR_FRAME = b"\x3c" + bytes(31)  # 12.2 kbit/s
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1 layer III, 128 kbit/s, 44.1 kHz
LOW_FRAME = b"\xff\xf3\x48\xc0" + bytes(140)  # MPEG 2 layer III, 32 kbit/s, 16 kHz
TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)


@pytest.mark.parametrize(
    ("content", "content_type", "seconds"),
    [
        (b"#!AMR\n" + AMR_FRAME * 50, "audio/amr", 1.0),
        (b"#!AMR\n" + b"\x7c" * 50, "audio/amr", 1.0),
        (b"#!AMR\n" + AMR_FRAME * 3001, "audio/amr", 60.02),
        (b"#!AMR-WB\n" + AMR_FRAME * 50, "audio/amr", None),
        (b"#!AMR\n", "audio/amr", None),
        (MP3_FRAME * 100, "audio/mpeg", 2.612),
        (TAG + MP3_FRAME * 100, "audio/mpeg", 2.612),
        (MP3_FRAME * 100 + b"TAG" + bytes(125), "audio/mpeg", 2.612),
        (LOW_FRAME * 100, "audio/mpeg", 3.6),
        (b"ID3", "audio/mpeg", None),
        (b"\xff\xfb\xf0\x00" + bytes(500), "audio/mpeg", None),
        (b"\xff\xfb", "audio/mpeg", None),
        (b"\x89PNG\r\n\x1a\n", "image/png", None),
    ],
)
def test_a_voice_is_as_long_as_its_frames(content: bytes, content_type: str, seconds: float | None):
    found = seconds_of(content, content_type)

    assert found == (None if seconds is None else pytest.approx(seconds, abs=0.001))
