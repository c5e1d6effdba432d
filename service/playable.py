"""Voices that no browser plays become MP3. Run as a script, this file is the short-lived child that decodes.

The decoder is a large C library and reads what strangers sent: it gets a process of its own with little memory, little
time, a named format (a guessed one could be a playlist that opens files and addresses), and no way to reach us.
"""

import io
import resource
import subprocess
import sys
from collections.abc import Mapping

FORMATS: Mapping[str, str] = {"audio/amr": "amr", "audio/ogg": "ogg"}  # content type -> demuxer
CONTENT_TYPE = "audio/mpeg"
MAX_SECONDS = 10.0
MAX_MEMORY = 1024 * 1024 * 1024  # address space; the library alone maps a third of it
LONGEST_AUDIO = 15 * 60  # seconds; the platform's own limit for a voice is one minute
RATE = 16_000  # Hz, mono: as much as the best of these formats holds
BIT_RATE = 32_000


class NotPlayableError(Exception):
    """The voice could not be converted; the original is all there is. The text names no content."""


def is_convertible(content_type: str | None) -> bool:
    return content_type in FORMATS


def as_mp3(content: bytes, content_type: str, *, seconds: float = MAX_SECONDS) -> bytes:
    """The voice as MP3. Raises NotPlayableError, within `seconds`, whatever the content is."""
    command = [sys.executable, "-I", __file__, FORMATS[content_type]]
    try:
        child = subprocess.run(command, input=content, capture_output=True, timeout=seconds, env={}, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise NotPlayableError("decoding took too long") from error
    except OSError as error:
        raise NotPlayableError(f"no decoder: {type(error).__name__}") from error
    if child.returncode or not child.stdout:
        raise NotPlayableError(f"decoding failed ({child.returncode})")
    return child.stdout


def convert(content: bytes, demuxer: str) -> bytes:
    """The audio of `content`, as far as it can be read; b"" if there is none. For the child only."""
    import av  # noqa: PLC0415 (a third of a second, which only the child has to pay)

    out = io.BytesIO()
    with av.open(io.BytesIO(content), "r", format=demuxer) as source, av.open(out, "w", format="mp3") as target:
        stream = target.add_stream("libmp3lame", rate=RATE)
        stream.layout, stream.bit_rate = "mono", BIT_RATE
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=RATE)
        heard = 0
        try:
            for frame in source.decode(audio=0):
                for part in resampler.resample(frame):
                    heard += part.samples
                    target.mux(stream.encode(part))
                if heard > LONGEST_AUDIO * RATE:
                    return b""
        except av.FFmpegError:  # cut short or damaged: what was heard before is better than nothing
            if not heard:
                return b""
        for part in resampler.resample(None):
            target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return out.getvalue() if heard else b""


def main() -> int:
    """Standard input to standard output; the exit status tells whether it worked."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(MAX_SECONDS), int(MAX_SECONDS)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # a pipe is no file
    made = convert(sys.stdin.buffer.read(), sys.argv[1])
    sys.stdout.buffer.write(made)
    return 0 if made else 1


if __name__ == "__main__":
    sys.exit(main())
