"""Codes with a scene: qrcode/create, and the picture that showqrcode gives. Raises RefusedError."""

import hashlib
import secrets

from simulator.book import QrCode
from simulator.config import Account
from simulator.endpoints import Endpoint
from simulator.media import grey_png
from simulator.state import State
from simulator.tokens import RefusedError
from simulator.values import Values, inner, text, whole

LONGEST_SECONDS, SHORTEST_SECONDS, DEFAULT_SECONDS = 2_592_000, 60, 60
MOST_PERMANENT = 100_000
LARGEST_PERMANENT, LARGEST_TEMPORARY = 100_000, 2**32 - 1
SCENE_CHARACTERS = 64
MODULES, MODULE_PIXELS, QUIET = 29, 10, 4
# action name -> whether the scene is a number, whether the code is for ever
ACTIONS = {
    "QR_SCENE": (True, False),
    "QR_STR_SCENE": (False, False),
    "QR_LIMIT_SCENE": (True, True),
    "QR_LIMIT_STR_SCENE": (False, True),
}


def create(state: State, account: Account, values: Values) -> dict[str, object]:
    """A code for the scene; the same permanent scene has the same ticket for ever."""
    action = ACTIONS.get(text(values, "action_name"))
    if action is None:
        raise RefusedError(40052)
    is_number, is_permanent = action
    scene = _scene(inner(inner(values, "action_info"), "scene"), is_number, is_permanent)
    codes = state.book(account).qr_codes
    if is_permanent:
        permanent = [code for code in codes.values() if code.expires_at is None]
        again = next((c for c in permanent if (c.scene, c.is_number) == (scene, is_number)), None)
        if again:
            return {"ticket": again.ticket, "url": again.url}
        if len(permanent) >= MOST_PERMANENT:
            raise RefusedError(45029)
    seconds = None if is_permanent else _seconds(values)
    ticket = "gQ" + secrets.token_urlsafe(60) + "=="
    url = f"http://weixin.qq.com/q/{secrets.token_urlsafe(15)}"
    codes[ticket] = QrCode(ticket, scene, is_number, None if seconds is None else state.now() + seconds, url)
    return {"ticket": ticket, **({} if seconds is None else {"expire_seconds": seconds}), "url": url}


def _scene(scene: Values, is_number: bool, is_permanent: bool) -> str:
    if is_number:
        number = whole(scene, "scene_id")
        if number is None or not 1 <= number <= (LARGEST_PERMANENT if is_permanent else LARGEST_TEMPORARY):
            raise RefusedError(40053)
        return str(number)
    name = text(scene, "scene_str")
    if not 1 <= len(name) <= SCENE_CHARACTERS:
        raise RefusedError(40053)
    return name


def _seconds(values: Values) -> int:
    seconds = whole(values, "expire_seconds") if "expire_seconds" in values else DEFAULT_SECONDS
    if seconds is None or not 1 <= seconds <= LONGEST_SECONDS:
        raise RefusedError(40097)
    return max(seconds, SHORTEST_SECONDS)


def find(state: State, ticket: str) -> QrCode | None:
    """The code that the ticket stands for while it works; None otherwise."""
    found = next((book.qr_codes[ticket] for book in state.books.values() if ticket in book.qr_codes), None)
    if found is None or (found.expires_at is not None and state.now() >= found.expires_at):
        return None
    return found


def picture(code: QrCode) -> bytes:
    """A PNG that looks like a code and differs from code to code; no camera reads it, the phone's button does."""
    bits = int.from_bytes(hashlib.shake_256(code.ticket.encode()).digest(MODULES * MODULES // 8 + 1), "big")
    dark = [[_is_dark(bits, row, column) for column in range(MODULES)] for row in range(MODULES)]
    edge = [False] * QUIET
    blank = [False] * (MODULES + 2 * QUIET)
    grid = [blank] * QUIET + [edge + row + edge for row in dark] + [blank] * QUIET
    return grey_png(
        [bytes(0 if cell else 255 for cell in row for _ in range(MODULE_PIXELS)) for row in grid], MODULE_PIXELS
    )


def _is_dark(bits: int, row: int, column: int) -> bool:
    """Three corner eyes of seven modules, each within a light frame; elsewhere what the ticket's digest says."""
    far = MODULES - 8
    for top, left in ((0, 0), (0, far), (far, 0)):
        if top <= row < top + 8 and left <= column < left + 8:
            up, side = row - top - (1 if top else 0), column - left - (1 if left else 0)
            if not (0 <= up <= 6 and 0 <= side <= 6):
                return False
            return up in (0, 6) or side in (0, 6) or (2 <= up <= 4 and 2 <= side <= 4)
    return bool(bits >> (row * MODULES + column) & 1)


ENDPOINTS = {"qrcode/create": Endpoint("POST", create, access="service")}
