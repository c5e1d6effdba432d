"""Webhook bodies that nobody should send: documents, envelopes and queries changed where their structure is weakest.

Each case knows what must become of it: a message that is kept word for word, something odd that is acknowledged, or a
refusal. The same seed makes the same cases.
"""

import base64
import random
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.wechat_fakes import APP_ID, ORIGINAL_ID, TOKEN, encrypt, encrypt_raw, query_for, sha1_of

MODES = ("plain", "compat", "safe")
FORGED = "FORGED"  # stands in everything that is not signed as it should be: it may turn up nowhere
KEPT, ODD, REFUSED, TOLD = "kept", "odd", "refused", "told"
ANSWERS: Mapping[str, frozenset[int]] = {
    KEPT: frozenset({200}),  # and a row of the inbox with this very text
    ODD: frozenset({200}),  # rightly signed, whatever it is: kept raw
    REFUSED: frozenset({403, 413}),  # and no row
    TOLD: frozenset({200, 403, 413}),  # rightly signed, but the envelope itself is damaged
}

WORDS = (
    "电梯坏了",
    "谢谢/::)",
    "👨‍👩‍👧‍👦",
    "𠮷",
    "a]]>b",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s",
    "\r\n",
    "&lt;",
    "é",
    "ي",
    "\u200f",
    "'\"--",
)
ILLEGAL = ("\x00", "\x0b", "\x1d", "\ufffe", "\uffff")
NUMBERS = ("", "0", "-1", "9" * 30, "1e9", "٣٣٣", "0x10", "1795132800.5", " 1795132800 ", "NaN", "\u00b2")
TYPES = (
    "text",
    "TEXT",
    " text ",
    "event",
    "voice",
    "image",
    "location",
    "link",
    "hologram",
    "",
    "\u0131mage",
    "x" * 5000,
)
EVENTS = (
    "subscribe",
    "unsubscribe",
    "SCAN",
    "CLICK",
    "VIEW",
    "LOCATION",
    "kf_create_session",
    "teleport",
    "",
    "e" * 9000,
)
NESTS = ("ScanCodeInfo", "SendPicsInfo", "SubscribeMsgPopupEvent", "List", "item", "CopyrightCheckResult")


@dataclass(frozen=True, slots=True)
class Case:
    """A POST, what must become of it, and for a message its id and its words."""

    slug: str
    query: Mapping[str, str]
    body: bytes
    due: str
    message_id: str = ""
    text: str = ""
    made: str = ""  # how, for whoever looks into a finding


def cases(seed: int, count: int, *, at: float) -> Iterator[Case]:
    """That many cases; `at` is the time in seconds that they carry."""
    chance = random.Random(seed)
    for number in range(count):
        yield _case(chance, f"{seed}{number:07}", at)


def _case(chance: random.Random, message_id: str, at: float) -> Case:
    mode = chance.choice(MODES)
    kind = chance.choices(("whole", "document", "envelope", "query"), (30, 40, 15, 15))[0]
    if kind == "whole":
        text, nodes = _message(chance, message_id, at)
        return _signed(chance, mode, _written(chance, nodes), at, KEPT, "whole", message_id, text)
    if kind == "document":
        make = chance.choice(DOCUMENTS)
        return _signed(chance, mode, make(chance, message_id, at), at, ODD, make.__name__)
    if kind == "envelope" and mode != "plain":
        make_envelope = chance.choice(ENVELOPES)
        return make_envelope(chance, mode, _forged(message_id, at), at)
    return _unsigned(chance, mode, _forged(message_id, at), at)


def section(text: str) -> str:
    """The text in CDATA, as the platform writes it."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _message(chance: random.Random, message_id: str, at: float) -> tuple[str, dict[str, str]]:
    """A text message that has to survive, and its nodes: strange words, unknown nodes, any order."""
    said = (
        "".join(chance.choices(WORDS, k=chance.randint(1, 12))).strip("\r\n").replace("\r\n", "\n").replace("\r", "\n")
    )
    noise = "".join(chance.choices(ILLEGAL, k=chance.randint(0, 3)))
    cut = chance.randint(0, len(said))
    nodes = {"ToUserName": ORIGINAL_ID, "FromUserName": f"oFuzz{chance.randint(0, 50):05}", "MsgType": "text"}
    nodes |= {"CreateTime": str(int(at)), "MsgId": message_id, "Content": said[:cut] + noise + said[cut:]}
    for _ in range(chance.randint(0, 3)):
        nodes[f"Unknown{chance.randint(0, 9)}"] = chance.choice(WORDS)
    names = list(nodes)
    chance.shuffle(names)
    return said, {name: nodes[name] for name in names}


def _written(chance: random.Random, nodes: Mapping[str, str]) -> str:
    gap = chance.choice(("", "\n", "\r\n  ", "<!-- -->"))
    escaped = chance.random() < 0.3
    lines = [f"<{name}>{_escaped(text) if escaped else section(text)}</{name}>" for name, text in nodes.items()]
    return chance.choice(("", "\ufeff", "\n ")) + f"<xml>{gap}{gap.join(lines)}{gap}</xml>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _forged(message_id: str, at: float) -> str:
    common = (
        f"<ToUserName>{ORIGINAL_ID}</ToUserName><FromUserName>oForger</FromUserName><CreateTime>{int(at)}</CreateTime>"
    )
    return f"<xml>{common}<MsgType>text</MsgType><MsgId>{message_id}</MsgId><Content>{FORGED}</Content></xml>"


# --- documents, rightly signed


def node_values(chance: random.Random, message_id: str, at: float) -> str:
    """Every node with a value that its name does not promise."""
    _, nodes = _message(chance, message_id, at)
    values = {
        "MsgType": TYPES,
        "Event": EVENTS,
        "CreateTime": NUMBERS,
        "MsgId": NUMBERS,
        "FromUserName": (*NUMBERS, "o" * 9000),
    }
    for name in (
        "Event",
        "EventKey",
        "Ticket",
        "MediaId",
        "Location_X",
        "Location_Y",
        "Url",
        "bizmsgmenuid",
        "Recognition",
    ):
        if chance.random() < 0.4:
            nodes[name] = chance.choice((*NUMBERS, *WORDS, "qrscene_", "x" * 3000))
    for name, choices in values.items():
        if chance.random() < 0.5:
            nodes[name] = chance.choice(choices)
    return _written(chance, nodes)


def node_structure(chance: random.Random, message_id: str, at: float) -> str:
    """Nodes lost, doubled, nested, renamed, with attributes or a prefix."""
    _, nodes = _message(chance, message_id, at)
    text = _written(chance, nodes)
    name = chance.choice(list(nodes))
    changes: tuple[Callable[[], str], ...] = (
        lambda: text.replace(f"<{name}>", "").replace(f"</{name}>", ""),
        lambda: text.replace(f"<{name}>", f"<{name}>x</{name}><{name}>"),
        lambda: text.replace(f"<{name}>", f"<{name}><{name}>").replace(f"</{name}>", f"</{name}></{name}>"),
        lambda: text.replace(f"<{name}>", f"<{name} a='1' b='&#x41;'>"),
        lambda: text.replace("<xml>", "<xml xmlns:a='urn:a'>").replace(f"<{name}>", f"<a:{name}>"),
        lambda: text.replace("</xml>", f"{_nested(chance)}</xml>"),
        lambda: text.replace("xml>", chance.choice(("XML>", "msg>", "x:xml>"))),
        lambda: text + text,
    )
    return chance.choice(changes)()


def _nested(chance: random.Random) -> str:
    inner = chance.choice(WORDS[:3])
    for _ in range(chance.choice((1, 3, 8, 40))):
        name = chance.choice(NESTS)
        inner = f"<{name}>{inner}</{name}>" * chance.choice((1, 1, 2))
        if len(inner) > 20_000:
            break
    return inner


def raw_text(chance: random.Random, message_id: str, at: float) -> str:
    """The written document cut, joined or sprinkled anywhere."""
    _, nodes = _message(chance, message_id, at)
    text = _written(chance, nodes)
    for _ in range(chance.randint(1, 4)):
        place = chance.randint(0, len(text))
        insert = chance.choice(
            ("<", ">", "&", "]]>", "<![CDATA[", "&#0;", "&#xD800;", "&nope;", "<!--", "-->", "<?xml?>", "\x00", *WORDS)
        )
        text = chance.choice(
            (text[:place], text[place:], text[:place] + insert + text[place:], text[:place] + text[place + 3 :])
        )
    return text


def declarations(chance: random.Random, message_id: str, at: float) -> str:
    """DTDs, entities, encodings and processing instructions before an ordinary message."""
    _, nodes = _message(chance, message_id, at)
    bomb = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 8))
    before = chance.choice(
        (
            "<!DOCTYPE xml>",
            f"<!DOCTYPE xml [<!ENTITY e0 'ha'>{bomb}]>",
            "<!DOCTYPE xml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
            "<!DOCTYPE xml SYSTEM 'http://127.0.0.1:9/x.dtd'>",
            "<!DOCTYPE xml [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/'> %p;]>",
            f"<?xml version='1.0' encoding='{chance.choice(('UTF-16', 'UTF-7', 'GBK', 'nope', 'utf-8'))}'?>",
            "<?xml version='2.0'?>",
            "<?php system('id') ?>",
        )
    )
    used = chance.choice(("&e7;", "&x;", "words"))
    return before + _written(chance, nodes).replace("</xml>", f"<Note>{used}</Note></xml>")


def large(chance: random.Random, message_id: str, at: float) -> str:
    """Below the limit of a body, and as much work as fits into it."""
    size = chance.choice((20_000, 100_000, 300_000, 600_000))
    _, nodes = _message(chance, message_id, at)
    filling = chance.choice(
        (
            "<a/>" * (size // 4),
            "<a>" * (size // 3),
            "<List><TemplateId>t</TemplateId></List>" * (size // 40),
            f"<Note>{'é' * (size // 2)}</Note>",
            f"<Note>{'&#x41;' * (size // 6)}</Note>",
            f"<Note>{'<![CDATA[]]>' * (size // 12)}</Note>",
            f"<{'n' * size}/>",
            "<Note " + " ".join(f"a{n}=''" for n in range(size // 10)) + "/>",
            "\x1d" * size,
        )
    )
    return _written(chance, nodes).replace("</xml>", f"{filling}</xml>")


def noise(chance: random.Random, message_id: str, at: float) -> str:
    """No document at all."""
    return chance.choice(
        ("", "{}", "null", "<xml/>", "success", "\ufeff", "<", "\x00" * 50, chance.randbytes(60).decode("latin-1"))
    )


DOCUMENTS = (node_values, node_values, node_structure, node_structure, raw_text, raw_text, declarations, large, noise)


# --- signatures and envelopes


def _signed(
    chance: random.Random,
    mode: str,
    document: str,
    at: float,
    due: str,
    made: str,
    message_id: str = "",
    text: str = "",
) -> Case:
    """As the platform pushes it in that mode."""
    nonce = chance.choice(("n0nce", "0", "9" * 60, "汉字", "a b&c=d"))
    if mode == "plain":
        return Case(mode, query_for(at, nonce=nonce), document.encode("utf-8", "replace"), due, message_id, text, made)
    sealed = encrypt(document.encode("utf-8", "replace"))
    body = _envelope(mode, sealed)
    return Case(mode, query_for(at, sealed, nonce=nonce), body, due, message_id, text, made)


def _envelope(mode: str, sealed: str) -> bytes:
    # compat mode carries the words in the open too; those are not signed, and so must not be what is read
    open_words = (
        ""
        if mode == "safe"
        else f"<MsgType>text</MsgType><Content>{FORGED}</Content><FromUserName>oForger</FromUserName>"
    )
    return f"<xml><ToUserName>{ORIGINAL_ID}</ToUserName>{open_words}<Encrypt>{section(sealed)}</Encrypt></xml>".encode()


def damaged_ciphertext(chance: random.Random, mode: str, document: str, at: float) -> Case:
    """Rightly signed, and no ciphertext of ours inside: only somebody who has the token could send it."""
    sealed = chance.choice(
        (
            "",
            "!" * 44,
            base64.b64encode(chance.randbytes(15)).decode(),
            base64.b64encode(chance.randbytes(64)).decode(),
            base64.b64encode(chance.randbytes(4096)).decode(),
            badly_padded(document, chance.choice((0, 33, 255))),
            encrypt(document.encode(), app_id="wxforeign"),
            encrypt(document.encode(), app_id=""),
            encrypt_raw(b"r" * 16 + struct.pack(">I", 2**32 - 1) + document.encode()[:12] + b"\x20" * 32),
            encrypt(document.encode(), aes_key="A" * 43),
            encrypt(document.encode())[:-8] + "AAAAAAA=",
        )
    )
    return Case(
        mode,
        query_for(at, sealed) if sealed else _empty_query(at),
        _envelope(mode, sealed),
        REFUSED,
        made="damaged_ciphertext",
    )


def badly_padded(document: str, byte: int) -> str:
    """A ciphertext whose last byte is no padding that there can be."""
    whole = b"r" * 16 + struct.pack(">I", len(document.encode())) + document.encode() + APP_ID.encode()
    return encrypt_raw(whole + bytes([byte]) * (32 - len(whole) % 32))


def _empty_query(at: float) -> dict[str, str]:
    return query_for(at) | {"encrypt_type": "aes", "msg_signature": sha1_of(TOKEN, str(int(at)), "n0nce", "")}


def damaged_envelope(chance: random.Random, mode: str, document: str, at: float) -> Case:
    """The signature is that of the ciphertext, and the document around it is something else."""
    sealed = encrypt(document.replace(FORGED, "told").encode())
    body = _envelope(mode, sealed).replace(FORGED.encode(), b"told")
    changed = chance.choice(
        (
            body.replace(b"<Encrypt>", b"<Encrypt>x</Encrypt><Encrypt>"),
            body.replace(b"Encrypt>", b"encrypt>"),
            body.replace(b"<xml>", b"<!DOCTYPE xml><xml>"),
            body[: chance.randint(0, len(body))],
            body.replace(b"<Encrypt>", b"<Encrypt>\n "),
            body.replace(b"<xml>", b"<xml>" + b"<a>" * 20),
            document.replace(FORGED, "told").encode(),
        )
    )
    return Case(mode, query_for(at, sealed), changed, TOLD, made="damaged_envelope")


def swapped_ciphertext(chance: random.Random, mode: str, document: str, at: float) -> Case:
    """Signed for one ciphertext, sent with another; or with the signature that does not cover it."""
    signed, sent = encrypt(b"<xml/>"), encrypt(document.encode())
    query = query_for(at, signed)
    if chance.random() < 0.5:
        query = query_for(at, sent)
        query["msg_signature"] = query["signature"]
    return Case(mode, query, _envelope(mode, sent), REFUSED, made="swapped_ciphertext")


ENVELOPES = (damaged_ciphertext, damaged_ciphertext, damaged_envelope, swapped_ciphertext)


def _unsigned(chance: random.Random, mode: str, document: str, at: float) -> Case:
    """A query that the platform would not have made."""
    sealed = encrypt(document.encode()) if mode != "plain" else ""
    query = query_for(at, sealed)
    which = "signature" if mode == "plain" or chance.random() < 0.5 else "msg_signature"
    changes: tuple[dict[str, str | None], ...] = (
        {which: None},
        {which: ""},
        {which: "0" * 40},
        {which: query[which].upper()},
        {which: query[which][:-1]},
        {which: query[which] + "0"},
        {which: "é" * 40},
        {which: sha1_of("", query["timestamp"], query["nonce"], *([sealed] if which != "signature" else []))},
        {"timestamp": None},
        {"timestamp": str(int(at) + 1)},
        {"timestamp": chance.choice(NUMBERS)},
        {"nonce": None},
        {"nonce": "other"},
        _aged(mode, sealed, at - 3600),
        _aged(mode, sealed, at + 3600),
    )
    for name, value in chance.choice(changes).items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    body = _envelope(mode, sealed) if sealed else document.encode()
    return Case(mode, query, body, REFUSED, made="unsigned")


def _aged(mode: str, sealed: str, at: float) -> dict[str, str | None]:
    return dict(query_for(at, sealed))
