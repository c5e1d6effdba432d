"""Every channel by its name. A new vendor is a folder and a line in VENDORS."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from sqlalchemy.orm import Session

from service.channels.wechat import accounts, certification, errcodes, faces, sender
from service.errors import NotFound
from service.messaging.ports import Channel


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a folder below channels/ offers beside its webhook. A slug is what follows the colon of a channel's name."""

    channel: Callable[[str], Channel | None]  # by slug, as its account stands now
    probe: Callable[[str], None]  # asks the vendor whether the credentials are good; raises DeliveryError
    halt: Callable[[Session, str, str], None]
    still_halted: Callable[[Session, str, str], None]
    resume: Callable[[Session, str], None]
    halted: Callable[..., Sequence[str]]  # slugs whose next probe is due
    own_texts: Callable[[Session], Mapping[str, Mapping[str, str]]]  # by slug
    note_event: Callable[[Session, str, str, Mapping[str, str], datetime], None]  # what concerns the account itself
    advice: Callable[[int, str], str]  # error code and language -> what a person should do
    pieces: Callable[[str], Iterable[tuple[str, str]]]  # a text as (words, "") and (code of a face, emoji)


VENDORS: Mapping[str, Vendor] = {
    "wechat": Vendor(
        channel=sender.channel_for,
        probe=sender.probe,
        halt=accounts.halt,
        still_halted=accounts.still_halted,
        resume=accounts.resume,
        halted=accounts.halted,
        own_texts=accounts.own_texts,
        note_event=certification.note_event,
        advice=errcodes.advice,
        pieces=faces.pieces,
    ),
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
    """Pause sending on this channel until the operator has acted, and tell them; a send meanwhile is HALTED at once."""
    vendor, slug = _vendor_of(name)
    vendor.halt(session, slug, reason)


def still_halted(session: Session, name: str, reason: str) -> None:
    """A probe of the halted channel failed, for this reason."""
    vendor, slug = _vendor_of(name)
    vendor.still_halted(session, slug, reason)


def halted(session: Session, *, now: datetime) -> list[str]:
    """Channels whose sending pauses and that should be probed now."""
    return [f"{name}:{slug}" for name, vendor in VENDORS.items() for slug in vendor.halted(session, now=now)]


def resume(session: Session, name: str) -> None:
    """Let the channel send again."""
    vendor, slug = _vendor_of(name)
    vendor.resume(session, slug)


def own_texts(session: Session) -> dict[str, Mapping[str, str]]:
    """The texts that each channel says in its own way."""
    return {
        f"{name}:{slug}": texts for name, vendor in VENDORS.items() for slug, texts in vendor.own_texts(session).items()
    }


def note_event(session: Session, name: str, kind: str, extra: Mapping[str, str], now: datetime) -> None:
    """What an event says about the account itself, such as its certification, becomes an alert or ends one."""
    vendor, _ = _vendor_of(name)
    vendor.note_event(session, name, kind, extra, now)


def advice(name: str, code: int, language: str) -> str:
    """What a person should do about a channel's error code, in zh or en."""
    vendor, _ = _vendor_of(name)
    return vendor.advice(code, language)


def pieces(name: str, text: str) -> Iterable[tuple[str, str]]:
    """A text of this channel as it is shown there: words, and codes with the emoji that stands for each."""
    vendor = VENDORS.get(name.partition(":")[0])
    return vendor.pieces(text) if vendor is not None else [(text, "")]


def _vendor_of(name: str) -> tuple[Vendor, str]:
    vendor, _, slug = name.partition(":")
    if vendor not in VENDORS:
        raise NotFound(f"no channel {name}")
    return VENDORS[vendor], slug


def _registered() -> dict[str, Channel]:
    found: dict[str, Channel] = current_app.extensions.setdefault("channels", {})
    return found
