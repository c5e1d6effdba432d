"""XML, signatures and the AES envelope of the push protocol. Pure but for random bytes.

Written from the protocol and not with the library that services use, so that a shared mistake cannot hide.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections.abc import Mapping
from urllib.parse import urlencode
from xml.parsers.expat import ExpatError

import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulator.config import Account

BLOCK = 32
Nodes = Mapping[str, object]


class WireError(ValueError):
    """A document that the platform would not understand; the message says why."""


def cdata(text: str) -> str:
    """The text as CDATA, split where it holds the end mark itself."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def render(nodes: Nodes, root: str = "xml") -> str:
    """XML of nested nodes: texts as CDATA, numbers bare, a list as repeated siblings."""
    return f"<{root}>{''.join(_node(name, value) for name, value in nodes.items())}</{root}>"


def _node(name: str, value: object) -> str:
    if isinstance(value, Mapping):
        return render(value, name)
    if isinstance(value, list):
        return "".join(_node(name, item) for item in value)
    return f"<{name}>{cdata(value) if isinstance(value, str) else value}</{name}>"


def parse(document: str) -> dict[str, object]:
    """The nodes under `<xml>`; raises WireError if the document is no such XML or declares entities."""
    try:
        nodes = xmltodict.parse(document, disable_entities=True, strip_whitespace=False).get("xml")
    except (ExpatError, ValueError) as error:
        raise WireError(f"not XML: {error}") from error
    if not isinstance(nodes, dict):
        raise WireError("no nodes under <xml>")
    return {name: value for name, value in nodes.items() if name != "#text"}


def signature(*parts: str) -> str:
    """Lower-case hex SHA-1 over the parts, sorted and joined."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(account: Account, document: str) -> str:
    """The document in the account's AES envelope as base64, with fresh random bytes in front."""
    body = document.encode("utf-8", "replace")
    plain = secrets.token_bytes(16) + struct.pack(">I", len(body)) + body + account.app_id.encode()
    padding = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(account).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()


def decrypt(account: Account, text: str) -> str:
    """The document in an AES envelope; raises WireError if it is damaged or meant for another account."""
    try:
        decryptor = _cipher(account).decryptor()
        padded = decryptor.update(base64.b64decode(text, validate=True)) + decryptor.finalize()
    except (binascii.Error, ValueError) as error:
        raise WireError(f"cannot decrypt: {error}") from error
    padding = padded[-1] if padded else 0
    if not 1 <= padding <= BLOCK or padded[-padding:] != bytes([padding]) * padding or len(padded) < 20 + padding:
        raise WireError("cannot decrypt: bad padding")
    plain = padded[:-padding]
    (length,) = struct.unpack(">I", plain[16:20])
    if plain[20 + length :] != account.app_id.encode():
        raise WireError("decrypted for another appid")
    try:
        return plain[20 : 20 + length].decode()
    except UnicodeDecodeError as error:
        raise WireError("decrypted text is not UTF-8") from error


def _cipher(account: Account) -> Cipher[modes.CBC]:
    key = base64.b64decode(account.aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def envelope(account: Account, document: str, *, openid: str, timestamp: int) -> tuple[str, bytes]:
    """Query string and body of one push attempt in the account's mode; nonce and random bytes are fresh each time."""
    nonce = str(secrets.randbelow(10**10))
    stamp = str(timestamp)
    query = {"signature": signature(account.token, stamp, nonce), "timestamp": stamp, "nonce": nonce, "openid": openid}
    if account.mode == "plain":
        return urlencode(query), document.encode("utf-8", "replace")
    sealed = encrypt(account, document)
    query |= {"encrypt_type": "aes", "msg_signature": signature(account.token, stamp, nonce, sealed)}
    return urlencode(query), _sealed_body(account, document, sealed).encode("utf-8", "replace")


def _sealed_body(account: Account, document: str, sealed: str) -> str:
    node = f"<Encrypt>{cdata(sealed)}</Encrypt>"
    if account.mode == "compat":
        head, closing, tail = document.rpartition("</xml>")
        return f"{head}{node}{closing}{tail}"
    return f"<xml><ToUserName>{cdata(account.original_id)}</ToUserName>{node}</xml>"


def open_reply(account: Account, nodes: Nodes) -> str:
    """The reply inside an encrypted answer; raises WireError on a wrong signature or a damaged envelope."""
    sealed, stamp, nonce, signed = (_text(nodes, n) for n in ("Encrypt", "TimeStamp", "Nonce", "MsgSignature"))
    if not hmac.compare_digest(signature(account.token, stamp, nonce, sealed).encode(), signed.encode()):
        raise WireError("MsgSignature does not fit")
    return decrypt(account, sealed)


def _text(nodes: Nodes, name: str) -> str:
    value = nodes.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WireError(f"{name} is missing")
    return value.strip()
