"""The pictures that followers send: drawn here, so that no file of anybody else is needed."""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache

WIDTH, HEIGHT = 480, 360
Colour = tuple[int, int, int]


class Canvas:
    """Rows of pixels, painted over with filled shapes."""

    def __init__(self, above: Colour, below: Colour) -> None:
        self._rows = [bytearray(bytes(_between(above, below, y / HEIGHT)) * WIDTH) for y in range(HEIGHT)]

    def box(self, left: int, top: int, right: int, bottom: int, colour: Colour) -> None:
        left, right = max(left, 0), min(right, WIDTH)
        for y in range(max(top, 0), min(bottom, HEIGHT)):
            self._rows[y][left * 3 : right * 3] = bytes(colour) * (right - left)

    def disc(self, x: int, y: int, across: int, down: int, colour: Colour) -> None:
        """An ellipse around a point."""
        for offset in range(-down, down + 1):
            reach = int(across * (1 - (offset / down) ** 2) ** 0.5)
            self.box(x - reach, y + offset, x + reach, y + offset + 1, colour)

    def png(self) -> bytes:
        header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
        lines = b"".join(b"\0" + row for row in self._rows)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _between(above: Colour, below: Colour, share: float) -> tuple[int, ...]:
    return tuple(round(a + (b - a) * share) for a, b in zip(above, below, strict=True))


@cache
def leak() -> bytes:
    """Brown rings on a white ceiling, drops on the wall."""
    canvas = Canvas((236, 233, 226), (214, 209, 198))
    canvas.box(0, 250, WIDTH, HEIGHT, (201, 205, 205))
    rings = (
        (190, 110, (214, 198, 160)),
        (150, 84, (196, 172, 122)),
        (138, 74, (212, 196, 158)),
        (70, 38, (176, 148, 96)),
    )
    for across, down, colour in rings:
        canvas.disc(250, 120, across, down, colour)
    for x, length in ((180, 46), (232, 96), (268, 70), (320, 30)):
        canvas.box(x, 190, x + 5, 230 + length, (176, 160, 128))
        canvas.disc(x + 2, 232 + length, 6, 9, (160, 168, 172))
    return canvas.png()


@cache
def lift() -> bytes:
    """Closed lift doors, a red sign on the display."""
    canvas = Canvas((188, 184, 176), (150, 146, 138))
    canvas.box(110, 60, 370, HEIGHT, (92, 94, 98))
    canvas.box(124, 74, 238, HEIGHT, (176, 180, 184))
    canvas.box(242, 74, 356, HEIGHT, (168, 172, 176))
    canvas.box(190, 20, 290, 50, (24, 24, 26))
    canvas.box(204, 30, 230, 40, (226, 52, 44))
    canvas.box(250, 30, 276, 40, (226, 52, 44))
    canvas.box(396, 180, 428, 250, (120, 122, 126))
    canvas.disc(412, 200, 9, 9, (236, 236, 232))
    canvas.disc(412, 228, 9, 9, (240, 180, 60))
    canvas.box(150, 190, 330, 262, (250, 246, 226))
    for y, right in ((204, 300), (222, 312), (240, 260)):
        canvas.box(168, y, right, y + 8, (186, 40, 36))
    return canvas.png()


@cache
def bill() -> bytes:
    """A sheet with lines and a marked sum, on a table."""
    canvas = Canvas((150, 112, 78), (122, 88, 58))
    canvas.box(96, 24, 388, HEIGHT, (250, 250, 246))
    canvas.box(120, 46, 300, 60, (60, 72, 96))
    for row in range(9):
        y = 84 + row * 26
        canvas.box(120, y, 210 + row * 17 % 60, y + 7, (120, 124, 130))
        canvas.box(310, y, 364, y + 7, (120, 124, 130))
        canvas.box(120, y + 15, 364, y + 16, (220, 220, 216))
    canvas.disc(338, 295, 48, 18, (216, 60, 52))
    canvas.disc(338, 295, 44, 14, (250, 250, 246))
    canvas.box(312, 291, 364, 299, (60, 62, 66))
    return canvas.png()


@cache
def screen() -> bytes:
    """A phone whose app shows an error."""
    canvas = Canvas((206, 212, 218), (180, 186, 194))
    canvas.box(150, 10, 330, 350, (28, 30, 34))
    canvas.box(158, 26, 322, 336, (244, 246, 248))
    canvas.box(158, 26, 322, 64, (7, 160, 90))
    canvas.box(174, 40, 240, 50, (236, 250, 242))
    canvas.disc(240, 150, 34, 34, (232, 84, 72))
    canvas.box(236, 128, 244, 158, (255, 255, 255))
    canvas.box(236, 164, 244, 172, (255, 255, 255))
    canvas.box(190, 206, 290, 216, (90, 94, 100))
    canvas.box(202, 226, 278, 234, (160, 164, 170))
    canvas.box(190, 270, 290, 300, (7, 160, 90))
    return canvas.png()


@cache
def car() -> bytes:
    """A car across two parking spaces."""
    canvas = Canvas((112, 116, 120), (86, 90, 94))
    for x in (60, 240, 420):
        canvas.box(x, 120, x + 8, HEIGHT, (236, 232, 214))
    canvas.disc(238, 212, 150, 66, (64, 66, 70))
    canvas.box(96, 180, 380, 246, (186, 40, 44))
    canvas.disc(238, 182, 96, 56, (186, 40, 44))
    canvas.disc(238, 178, 78, 40, (170, 196, 210))
    canvas.box(234, 138, 242, 182, (186, 40, 44))
    for x in (150, 326):
        canvas.disc(x, 248, 32, 32, (30, 30, 32))
        canvas.disc(x, 248, 14, 14, (180, 182, 186))
    canvas.box(352, 200, 380, 214, (250, 236, 170))
    return canvas.png()


@cache
def bins() -> bytes:
    """Full bins with bags beside them."""
    canvas = Canvas((176, 198, 212), (150, 166, 150))
    canvas.box(0, 260, WIDTH, HEIGHT, (146, 142, 134))
    for x, colour in ((70, (52, 112, 176)), (190, (56, 136, 80)), (310, (90, 92, 96))):
        canvas.box(x, 130, x + 96, 290, colour)
        canvas.box(x - 6, 118, x + 102, 134, tuple(part - 24 for part in colour))  # type: ignore[arg-type]
        canvas.disc(x + 22, 300, 11, 11, (30, 30, 32))
        canvas.disc(x + 74, 300, 11, 11, (30, 30, 32))
    bags = ((240, 116, 40), (130, 108, 34), (60, 300, 44), (176, 312, 38), (300, 306, 46), (420, 310, 40))
    for x, y, size in bags:
        canvas.disc(x, y, size, size * 3 // 4, (48, 50, 54))
        canvas.box(x - 4, y - size * 3 // 4 - 8, x + 4, y - size // 2, (70, 72, 76))
    return canvas.png()


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "leak": leak,
    "lift": lift,
    "bill": bill,
    "screen": screen,
    "car": car,
    "bins": bins,
}
