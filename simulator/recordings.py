"""Sounds and films: making the samples that followers send, and turning any sound into one that a browser plays.

`python -m simulator.recordings` writes the samples anew into simulator/samples.
"""

import array
import io
import math
import sys
import wave
from fractions import Fraction
from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
RATE, FRAME = 8000, 160
NOTES = (440.0, 554.37, 659.25, 554.37)  # half a second each
WIDTH, HEIGHT, FRAMES_A_SECOND, FILM_SECONDS = 160, 120, 10, 2
LONGEST_SECONDS = 120


class UnplayableError(ValueError):
    """The file holds no sound that can be decoded."""


def as_wav(data: bytes) -> bytes:
    """The sound as WAV, mono, 8 kHz, two minutes at most; raises UnplayableError."""
    import av  # noqa: PLC0415 (large, and most runs never need it)

    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.audio:
                raise UnplayableError("no sound in it")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
            sound = bytearray()
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    sound += bytes(part.planes[0])[: part.samples * 2]
                if len(sound) > LONGEST_SECONDS * RATE * 2:
                    break
    except av.FFmpegError as error:
        raise UnplayableError(str(error)) from error
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(sound))
    return out.getvalue()


def _melody(start: int) -> bytes:
    """One frame of samples of the four notes, beginning with this sample."""
    values = []
    for number in range(start, start + FRAME):
        note, place = divmod(number, RATE // 2)
        fade = math.sin(math.pi * place / (RATE // 2))
        values.append(int(9000 * fade * math.sin(2 * math.pi * NOTES[note % len(NOTES)] * number / RATE)))
    return array.array("h", values).tobytes()


def make_voice() -> bytes:
    """Two seconds of AMR as a phone records them."""
    import av  # noqa: PLC0415

    out = io.BytesIO()
    with av.open(out, "w", format="amr") as container:
        stream = container.add_stream("libopencore_amrnb", rate=RATE, layout="mono")
        stream.bit_rate = 4750
        for start in range(0, len(NOTES) * RATE // 2, FRAME):
            frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
            frame.planes[0].update(_melody(start))
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _picture(number: int) -> bytes:
    """A grey gradient with a light bar that moves on from picture to picture, as planes of yuv420p."""
    bar = number * WIDTH // (FRAMES_A_SECOND * FILM_SECONDS)
    light = bytes(230 if abs(x - bar) < 6 else 60 + x // 2 for x in range(WIDTH))
    return light * HEIGHT


def make_film() -> bytes:
    """Two seconds of MP4 without sound."""
    import av  # noqa: PLC0415

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAMES_A_SECOND)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES_A_SECOND * FILM_SECONDS):
            container.mux(stream.encode(_frame(number)))
        container.mux(stream.encode(None))
    return out.getvalue()


def make_thumb() -> bytes:
    """A JPEG of the film's beginning."""
    import av  # noqa: PLC0415

    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
    codec.time_base = Fraction(1, FRAMES_A_SECOND)
    frame = _frame(0).reformat(format="yuvj420p")
    return b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])


def _frame(number: int):  # type: ignore[no-untyped-def]  # av.VideoFrame, which is imported where it is needed
    import av  # noqa: PLC0415

    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, values in zip(frame.planes, (_picture(number), None, None), strict=True):
        lines = values or b"\x80" * (WIDTH * HEIGHT // 4)
        width = len(lines) // plane.height
        padding = bytes(plane.line_size - width)
        plane.update(b"".join(lines[at : at + width] + padding for at in range(0, len(lines), width)))
    frame.pts = number
    return frame


MADE = {"voice.amr": make_voice, "video.mp4": make_film, "thumb.jpg": make_thumb}


def main() -> int:
    """Write every sample anew."""
    SAMPLES.mkdir(exist_ok=True)
    for name, make in MADE.items():
        (SAMPLES / name).write_bytes(make())
        sys.stdout.write(f"{SAMPLES / name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
