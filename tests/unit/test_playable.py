"""Voices become what every browser plays, and whatever else is sent harms nobody."""

import io

import av
import pytest

from service.files import content_type_of
from service.playable import NotPlayableError, as_mp3, is_convertible
from tests.voices import NARROW, WIDE


def seconds_of(mp3: bytes) -> float:
    with av.open(io.BytesIO(mp3)) as opened:
        return float(sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0)))


@pytest.mark.parametrize("voice", [NARROW, WIDE], ids=["narrow band", "wide band"])
def test_a_voice_of_the_platform_becomes_mp3_of_the_same_length(voice: bytes):
    mp3 = as_mp3(voice, content_type_of(voice))

    assert content_type_of(mp3) == "audio/mpeg"
    assert seconds_of(mp3) == pytest.approx(1.0, abs=0.15)


def test_of_a_voice_that_was_cut_off_the_beginning_is_kept():
    assert 0 < seconds_of(as_mp3(NARROW[: len(NARROW) // 2 + 7], "audio/amr")) < 0.8


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"#!AMR\n", "nothing in it"),
        (b"#!AMR-WB_MC1.0\n" + bytes(100), "many channels"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "a playlist that names a file of ours"),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", "a list of files to join"),
        (b"", "no bytes"),
    ],
)
def test_what_is_no_voice_is_refused_whatever_it_pretends_to_be(content: bytes, why: str):
    with pytest.raises(NotPlayableError):
        as_mp3(content, "audio/amr")


def test_an_ogg_without_sound_is_refused():
    with pytest.raises(NotPlayableError):
        as_mp3(b"OggS" + bytes(200), "audio/ogg")


def test_a_voice_that_takes_too_long_is_given_up():
    with pytest.raises(NotPlayableError, match="too long"):
        as_mp3(NARROW, "audio/amr", seconds=0.001)


def test_a_voice_longer_than_any_person_speaks_is_not_converted():
    with pytest.raises(NotPlayableError):
        as_mp3(b"#!AMR\n" + (b"\x04" + bytes(12)) * 50 * 60 * 16, "audio/amr")  # 16 minutes at 4.75 kbit/s


def test_only_voices_that_browsers_do_not_play_are_converted():
    assert [kind for kind in ("audio/amr", "audio/ogg", "audio/mpeg", "image/png", None) if is_convertible(kind)] == [
        "audio/amr",
        "audio/ogg",
    ]
