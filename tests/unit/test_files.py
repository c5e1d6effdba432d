"""A file is what its first bytes say, and a picture that would fill a browser's memory is told from its header."""

import struct

import pytest

from service.errors import InvalidInput
from service.files import LARGEST_PIXELS, SHOWN, SUFFIXES, content_type_of, pixels_of

PNG_OF_A_WALL = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + struct.pack(">II", 60_000, 50_000) + bytes(5)
GIF_OF_A_WALL = b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + bytes(5)


def jpeg(height: int, width: int, *, before: bytes = b"") -> bytes:
    return b"\xff\xd8" + before + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + bytes(12)


EXIF = b"\xff\xe1" + struct.pack(">H", 2 + 300) + b"Exif" + bytes(296)


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        (b"#!AMR\n", "audio/amr"),
        (b"#!AMR-WB\n", "audio/amr"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x02#!SILK_V3", "audio/silk"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(begins: bytes, expected: str):
    assert content_type_of(begins + bytes(20)) == expected


@pytest.mark.parametrize("begins", [b"<svg", b"%PDF-1.7", b"MZ", b"PK\x03\x04", b"#EXTM3U", b"<!doctype html>", b""])
def test_nothing_else_is_let_in(begins: bytes):
    with pytest.raises(InvalidInput):
        content_type_of(begins + bytes(20))


@pytest.mark.parametrize("picture", [PNG_OF_A_WALL, GIF_OF_A_WALL, jpeg(65_000, 65_000, before=EXIF)])
def test_a_picture_too_large_for_a_browser_is_found_by_its_header(picture: bytes):
    assert pixels_of(picture, content_type_of(picture + bytes(4))) > LARGEST_PIXELS


@pytest.mark.parametrize(
    ("picture", "pixels"),
    [
        (jpeg(3000, 4000, before=EXIF), 12_000_000),
        (jpeg(3000, 4000, before=b"\xff\xff\xff" + EXIF[1:]), 12_000_000),
        (b"\xff\xd8\xff\xc4\x00\x05abc" + jpeg(10, 10)[2:], 100),
        (b"\xff\xd8\xff\xe0", 0),
        (b"\xff\xd8\xff\xe0\x00\x00" * 50_000, 0),
        (b"\xff\xd8" + b"\xff" * 500_000, 0),
    ],
)
def test_the_size_of_a_jpeg_stands_behind_other_markers_or_nowhere(picture: bytes, pixels: int):
    assert pixels_of(picture, "image/jpeg") == pixels


def test_what_a_browser_shows_has_an_ending_and_is_no_program():
    assert set(SUFFIXES) >= SHOWN
    assert not {kind for kind in SHOWN if "svg" in kind or "html" in kind or "xml" in kind}
