"""Codes with a scene at the platform: made, and their picture. Only certified service accounts may."""

from dataclasses import dataclass
from datetime import timedelta

from service.channels.wechat import calls
from service.channels.wechat.accounts import Account, Kind
from service.channels.wechat.calls import OTHER, RefusedError

LONGEST_LIFE = timedelta(days=30)
LARGEST_PICTURE = 512 * 1024  # bytes
API, PICTURES = "https://api.weixin.qq.com", "https://mp.weixin.qq.com"  # the platform draws at another host
TYPES = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Made:
    """What the platform gives. `life` is None for a permanent code."""

    ticket: str
    url: str
    life: timedelta | None


def can_make(account: Account) -> bool:
    """Whether the platform makes codes for this account."""
    return account.active and account.certified and account.kind is Kind.SERVICE


def make(account: Account, scene: str, life: timedelta | None) -> Made:
    """A code of that scene; permanent without `life`. Raises RefusedError."""
    body: dict[str, object] = {
        "action_name": "QR_LIMIT_STR_SCENE" if life is None else "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": scene}},
    }
    if life is not None:
        body["expire_seconds"] = int(min(life, LONGEST_LIFE).total_seconds())
    answer = calls.post(account, "qrcode/create", body)
    if not answer.text("ticket"):
        raise RefusedError(None, OTHER)
    seconds = answer.seconds("expire_seconds")
    lasts = timedelta(seconds=seconds) if seconds else life
    return Made(answer.text("ticket"), answer.text("url"), None if life is None else lasts)


def picture(ticket: str) -> bytes:
    """The code as PNG or JPEG. Raises RefusedError."""
    base = PICTURES if calls.base_url() == API else calls.base_url()
    content = calls.fetch(f"{base}/cgi-bin/showqrcode", {"ticket": ticket}, largest=LARGEST_PICTURE)
    if type_of(content) is None:
        raise RefusedError(None, OTHER)
    return content


def type_of(content: bytes) -> str | None:
    """The media type of a picture; None for what is none."""
    return next((kind for magic, kind in TYPES.items() if content.startswith(magic)), None)
