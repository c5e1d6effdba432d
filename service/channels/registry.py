"""Every channel by its name. A new vendor is a folder and a line in VENDORS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import current_app
from sqlalchemy.orm import Session

from service.channels.wechat import accounts, errcodes, sender
from service.errors import NotFound
from service.messaging.ports import Channel


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a folder below channels/ offers beside its webhook. A slug is what follows the colon of a channel's name."""

    channel: Callable[[str], Channel | None]  # by slug, as its account stands now
    probe: Callable[[str], None]  # asks the vendor whether the credentials are good; raises DeliveryError
    halt: Callable[[Session, str, str], None]
    resume: Callable[[Session, str], None]
    advice: Callable[[int, str], str]  # error code and language -> what a person should do


VENDORS: Mapping[str, Vendor] = {
    "wechat": Vendor(sender.channel_for, sender.probe, accounts.halt, accounts.resume, errcodes.advice),
}


def channel_named(name: str) -> Channel:
    """The channel as its account stands now, give or take a second. Raises NotFound."""
    made = _registered().get(name)
    if made is not None:
        return made
    vendor, slug = _vendor_of(name)
    found = vendor.channel(slug)
    if found is None:
        raise NotFound(f"no channel {name}")
    return found


def register(channel: Channel) -> None:
    """Let this object stand for its name in the current app, whatever the accounts say."""
    _registered()[channel.name] = channel


def probe(name: str) -> None:
    """Ask the vendor whether the channel's credentials are good. Raises NotFound, DeliveryError."""
    vendor, slug = _vendor_of(name)
    vendor.probe(slug)


def halt(session: Session, name: str, reason: str) -> None:
    """Pause sending on this channel until the operator has acted; what is sent meanwhile fails as HALTED at once."""
    vendor, slug = _vendor_of(name)
    vendor.halt(session, slug, reason)


def resume(session: Session, name: str) -> None:
    """Let the channel send again."""
    vendor, slug = _vendor_of(name)
    vendor.resume(session, slug)


def advice(name: str, code: int, language: str) -> str:
    """What a person should do about a channel's error code, in zh or en."""
    vendor, _ = _vendor_of(name)
    return vendor.advice(code, language)


def _vendor_of(name: str) -> tuple[Vendor, str]:
    vendor, _, slug = name.partition(":")
    if vendor not in VENDORS:
        raise NotFound(f"no channel {name}")
    return VENDORS[vendor], slug


def _registered() -> dict[str, Channel]:
    found: dict[str, Channel] = current_app.extensions.setdefault("channels", {})
    return found
