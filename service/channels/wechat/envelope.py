"""Who sent a push, and what is inside: signatures, time window, AES. Pure: no clock, no database."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Self

from wechatpy.crypto import PrpCrypto

from service.channels.wechat.accounts import Account, Mode
from service.channels.wechat.document import DocumentError, cleaned, read

TIME_WINDOW = 300  # seconds a push may be older or younger than our clock
PREFIX_BYTES = 16  # random bytes in front of the length field
LENGTH_BYTES = 4
AES_BLOCK = 16
PAD_BLOCK = 32  # the platform pads to 32 bytes, not to the 16 of AES


class RefusedError(Exception):
    """A push that is not from the platform, or not for this account. `reason` names no content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Query:
    """The query parameters of a push; "" for one that is missing."""

    signature: str = ""
    timestamp: str = ""
    nonce: str = ""
    msg_signature: str = ""
    encrypt_type: str = ""

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> Self:
        return cls(
            signature=arguments.get("signature", ""),
            timestamp=arguments.get("timestamp", ""),
            nonce=arguments.get("nonce", ""),
            msg_signature=arguments.get("msg_signature", ""),
            encrypt_type=arguments.get("encrypt_type", ""),
        )


class Cipher(PrpCrypto):  # type: ignore[misc]  # wechatpy has no types
    """AES-256-CBC as the platform uses it; the random prefix is a secret-grade one here."""

    def get_random_string(self) -> str:
        return secrets.token_hex(PREFIX_BYTES // 2)


def signature_of(*parts: str) -> str:
    """The platform's signature: SHA-1 of the parts in byte order, as lower-case hex."""
    joined = b"".join(sorted(part.encode("utf-8", "replace") for part in parts))
    return hashlib.sha1(joined).hexdigest()  # noqa: S324 (the platform's choice)


def check(account: Account, query: Query, *, now: datetime) -> None:
    """Raise RefusedError unless the query was signed with the account's token, less than five minutes from now."""
    if not (account.token and query.signature and query.timestamp and query.nonce):
        raise RefusedError("a parameter is missing")
    if not _is_same(signature_of(account.token, query.timestamp, query.nonce), query.signature):
        raise RefusedError("wrong signature")
    if not _is_fresh(query.timestamp, now):  # of a signed one: this tells the operator of a wrong clock
        raise RefusedError("stale timestamp")


def open_push(account: Account, query: Query, body: bytes, *, now: datetime) -> str:
    """The document inside a push, cleaned of characters that no XML may hold. Raises RefusedError."""
    check(account, query, now=now)
    document = cleaned(body)
    wants_aes = account.mode is Mode.SAFE or (account.mode is Mode.COMPAT and query.encrypt_type == "aes")
    if not wants_aes:
        return document
    sealed = _sealed_part(document)
    expected = signature_of(account.token, query.timestamp, query.nonce, sealed)
    if not (query.msg_signature and _is_same(expected, query.msg_signature)):
        raise RefusedError("wrong msg_signature")
    return cleaned(decrypt(account, sealed))


def decrypt(account: Account, sealed: str) -> bytes:
    """The message in the base64 text of an Encrypt node. Raises RefusedError, whatever is wrong with it."""
    try:
        data = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedError("ciphertext is not base64") from error
    if len(data) < PAD_BLOCK or len(data) % AES_BLOCK:
        raise RefusedError("ciphertext has an impossible length")
    padded: bytes = _cipher(account.aes_key).cipher.decrypt(data)
    pad = padded[-1]
    if not 1 <= pad <= PAD_BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise RefusedError("padding is wrong")
    content = padded[PREFIX_BYTES:-pad]
    length = int.from_bytes(content[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    if len(content) < LENGTH_BYTES or end > len(content):
        raise RefusedError("length field is wrong")
    if not hmac.compare_digest(content[end:], account.app_id.encode()):
        raise RefusedError("foreign appid")
    return content[LENGTH_BYTES:end]


def seal(account: Account, document: str, *, timestamp: str, nonce: str) -> str:
    """The encrypted form of a passive reply."""
    sealed = _cipher(account.aes_key).encrypt(document, account.app_id).decode("ascii")
    signature = signature_of(account.token, timestamp, nonce, sealed)
    return (
        f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )


def _sealed_part(document: str) -> str:
    try:
        sealed = read(document).top.get("Encrypt", "").strip()
    except DocumentError as bad:
        raise RefusedError("not an encrypted push") from bad
    if not sealed:
        raise RefusedError("plaintext where encryption is due")
    return sealed


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TIME_WINDOW


def _is_same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace"))


@lru_cache(maxsize=256)
def _cipher(aes_key: str) -> Cipher:
    # 43 characters carry 258 bits: the last two are meaningless, and b64decode ignores them
    return Cipher(base64.b64decode(aes_key + "="))
