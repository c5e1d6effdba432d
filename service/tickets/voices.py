"""How long a voice is, counted from its frames; the file is only walked through, nothing is decoded. Pure."""

from collections.abc import Callable, Mapping

AMR_HEAD = b"#!AMR\n"  # narrow band: the only kind that telephones are known to exchange
AMR_FRAME = 0.02  # seconds
AMR_BYTES = (13, 14, 16, 18, 20, 21, 27, 32, 6)  # of a frame with its head, by its type; others hold nothing more
BIT_RATES = {  # of MPEG layer III, in kbit/s, by the header's four bits
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version
MPEG_1 = 3


def seconds_of(content: bytes, content_type: str) -> float | None:
    """The length of an AMR or MP3; None if it is no whole voice of that kind, or none that can be counted."""
    count = COUNTERS.get(content_type)
    return count(content) if count else None


def _amr_seconds(content: bytes) -> float | None:
    if not content.startswith(AMR_HEAD):
        return None
    at, frames = len(AMR_HEAD), 0
    while at < len(content):
        kind = content[at] >> 3 & 0x0F
        at += AMR_BYTES[kind] if kind < len(AMR_BYTES) else 1
        frames += 1
    return frames * AMR_FRAME or None


def _mp3_seconds(content: bytes) -> float | None:
    at, seconds = _after_tag(content), 0.0
    while at + 4 <= len(content):
        frame = _mp3_frame(content[at : at + 4])
        if frame is None:  # a tag at the end, or what is no sound
            break
        size, length = frame
        at, seconds = at + size, seconds + length
    return seconds or None


def _after_tag(content: bytes) -> int:
    """Where the sound begins: behind an ID3 tag, whose size is written in four times seven bits."""
    if content[:3] != b"ID3" or len(content) < 10:
        return 0
    size = 0
    for byte in content[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if content[5] & 0x10 else 0)


def _mp3_frame(head: bytes) -> tuple[int, float] | None:
    """Bytes and seconds of the frame that begins so; None if none does."""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate_code, sample_code, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if head[0] != 0xFF or head[1] >> 5 != 7 or layer != 1 or version not in SAMPLE_RATES:
        return None
    if sample_code == 3 or rate_code in (0, 15):
        return None
    samples = 1152 if version == MPEG_1 else 576
    sample_rate = SAMPLE_RATES[version][sample_code]
    size = samples // 8 * BIT_RATES[version == MPEG_1][rate_code] * 1000 // sample_rate + padding
    return size, samples / sample_rate


COUNTERS: Mapping[str, Callable[[bytes], float | None]] = {"audio/amr": _amr_seconds, "audio/mpeg": _mp3_seconds}
