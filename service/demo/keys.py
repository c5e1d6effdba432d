"""Secrets of the demonstration, derived from the installation's own key: printed at every start, stored nowhere."""

import hashlib
import hmac
import string
from itertools import count

from service.credentials import check_password
from service.errors import InvalidInput

_WORDS = (
    "amber apple autumn bamboo berry birch blossom breeze bridge bright brook canvas castle cedar cherry cloud "
    "clover copper coral cotton crane dawn delta dune eagle ember falcon fern field flint forest garden "
    "ginger glacier grove harbor hazel honey island ivory jasmine juniper lake lantern lemon linen lotus maple "
    "marble meadow mint morning orchid pebble pepper pine planet plum rain reed ripple river rocket saffron"
)
WORDS = tuple(_WORDS.split())
ALPHANUMERIC = string.ascii_letters + string.digits
# the last of 43 characters of base64 carries four bits of 32 bytes, so that only each fourth letter is possible
LAST_OF_AES_KEY = "AEIMQUYcgkosw048"


def password_of(secret: str, username: str) -> str:
    """A password like `lotus-river-4217`: the same at every start, another in each installation."""
    for attempt in count():
        stream = _bytes_of(secret, f"password:{username}:{attempt}")
        first, second = (WORDS[byte % len(WORDS)] for byte in stream[:2])
        password = f"{first}-{second}-{int.from_bytes(stream[2:6], 'big') % 10_000:04}"
        try:
            check_password(username, password)
        except InvalidInput:
            continue
        return password
    raise AssertionError("count() does not end")


def letters_of(secret: str, purpose: str, length: int, alphabet: str = ALPHANUMERIC) -> str:
    """So many characters for one purpose."""
    return "".join(alphabet[byte % len(alphabet)] for byte in _bytes_of(secret, purpose, length))


def aes_key_of(secret: str, purpose: str) -> str:
    """An EncodingAESKey: 43 letters and digits that decode to 32 bytes."""
    return letters_of(secret, purpose, 42) + letters_of(secret, f"{purpose}:last", 1, LAST_OF_AES_KEY)


def _bytes_of(secret: str, purpose: str, length: int = 32) -> bytes:
    key = hmac.new(secret.encode(), f"gongdan demo {purpose}".encode(), hashlib.sha256).digest()
    return hashlib.shake_256(key).digest(length)
