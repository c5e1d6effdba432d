"""Who may push to us, and that no ciphertext, however broken, does more than be refused."""

import base64
import os
from datetime import UTC, datetime

import pytest

from service.channels.wechat import envelope
from service.channels.wechat.accounts import Mode
from service.channels.wechat.envelope import Query, RefusedError
from tests.wechat_fakes import (
    AES_KEY,
    APP_ID,
    TOKEN,
    decrypt,
    document,
    encrypt,
    encrypt_raw,
    envelope_of,
    make_account,
    nodes_of,
    query_for,
    sha1_of,
)

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
AT = int(NOW.timestamp())


def opened(account=None, *, query=None, body=b"", now=NOW):
    return envelope.open_push(account or make_account(), Query.of(query or {}), body, now=now)


def safe_push(sealed: str, **changes: str):
    return {"query": query_for(AT, sealed) | changes, "body": envelope_of(sealed)}


def test_a_right_signature_within_five_minutes_is_accepted():
    for seconds in (0, 300, -300):
        envelope.check(make_account(), Query.of(query_for(AT + seconds)), now=NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signature": sha1_of(TOKEN, str(AT), "other")}, "wrong signature"),
        ({"signature": sha1_of(TOKEN, str(AT), "n0nce").upper()}, "wrong signature"),
        ({"signature": "é" * 40}, "wrong signature"),
        ({"signature": ""}, "a parameter is missing"),
        ({"timestamp": ""}, "a parameter is missing"),
        ({"nonce": ""}, "a parameter is missing"),
    ],
)
def test_a_query_that_is_not_the_platforms_is_refused(changes, why):
    query = query_for(AT) | changes

    with pytest.raises(RefusedError, match=why):
        envelope.check(make_account(), Query.of(query), now=NOW)


@pytest.mark.parametrize("stamp", [str(AT - 301), str(AT + 301), f"{AT}.0", "-1", "٣٣٣", "9" * 5000])
def test_a_stale_timestamp_is_told_only_of_a_right_signature(stamp):
    forged = query_for(AT) | {"timestamp": stamp}
    signed = forged | {"signature": sha1_of(TOKEN, stamp, forged["nonce"])}

    for query, why in ((forged, "wrong signature"), (signed, "stale timestamp")):
        with pytest.raises(RefusedError, match=why):
            envelope.check(make_account(), Query.of(query), now=NOW)


def test_an_account_without_a_token_lets_nobody_in():
    query = query_for(AT, token="")

    with pytest.raises(RefusedError):
        envelope.check(make_account(token=""), Query.of(query), now=NOW)


@pytest.mark.parametrize("length", range(34))
def test_every_padding_from_1_to_32_is_read(length):
    message = b"m" * length

    assert envelope.decrypt(make_account(), encrypt(message)) == message


def test_what_a_safe_push_holds_is_read_character_for_character():
    text = document(Content="谢谢😀👨‍👩‍👧 𠮷野家 /::) [捂脸] <b>&amp;</b> %s {x}")

    assert opened(**safe_push(encrypt(text.encode()))) == text


def test_blanks_around_the_ciphertext_do_not_matter():
    sealed = encrypt(document(Content="在吗").encode())
    body = f"<xml><Encrypt>\n {sealed} \n</Encrypt></xml>".encode()

    assert "在吗" in opened(query=query_for(AT, sealed), body=body)


def test_the_plain_signature_does_not_stand_for_the_signature_of_the_body():
    sealed = encrypt(b"<xml/>")
    query = query_for(AT, sealed)

    with pytest.raises(RefusedError, match="msg_signature"):
        opened(query=query | {"msg_signature": query["signature"]}, body=envelope_of(sealed))
    with pytest.raises(RefusedError, match="msg_signature"):
        opened(query=query | {"msg_signature": ""}, body=envelope_of(sealed))


def test_a_signed_body_cannot_be_exchanged_for_another():
    sealed, other = encrypt(b"<xml>a</xml>"), encrypt(b"<xml>b</xml>")

    with pytest.raises(RefusedError, match="msg_signature"):
        opened(query=query_for(AT, sealed), body=envelope_of(other))


@pytest.mark.parametrize("foreign", ["wxother0123456789ab", "", APP_ID + "x", APP_ID[:-1]])
def test_a_foreign_appid_is_refused_though_the_signature_is_right(foreign):
    with pytest.raises(RefusedError, match="foreign appid"):
        opened(**safe_push(encrypt(b"<xml/>", app_id=foreign)))


def _flipped(sealed: str, position: int) -> str:
    data = bytearray(base64.b64decode(sealed))
    data[position] ^= 0x55
    return base64.b64encode(bytes(data)).decode()


GOOD = encrypt(document(Content="改").encode())
BROKEN = {
    "empty": "",
    "not base64": "!!!! not base64 !!!!",
    "base64 of another alphabet": "____----",
    "15 bytes": base64.b64encode(b"x" * 15).decode(),
    "16 bytes": base64.b64encode(b"x" * 16).decode(),
    "33 bytes": base64.b64encode(b"x" * 33).decode(),
    "64 random bytes": base64.b64encode(bytes(range(64))).decode(),
    "last block changed": _flipped(GOOD, -1),
    "length block changed": _flipped(GOOD, 17),
    "cut": base64.b64encode(base64.b64decode(GOOD)[:-32]).decode(),
    "another key": encrypt(b"<xml/>", aes_key=AES_KEY[::-1]),
    "padding 0": encrypt(b"", pad=bytes(10)),
    "padding 33": encrypt_raw(b"0123456789abcdef" + bytes(15) + bytes([33]) * 33),
    "padding of unequal bytes": encrypt_raw(b"0123456789abcdef" + bytes(13) + bytes([1, 2, 3])),
    "only padding": encrypt_raw(bytes([32]) * 32),
    "length beyond the end": encrypt_raw(b"0123456789abcdef" + b"\xff\xff\xff\xff" + bytes([12]) * 12),
    "no room for a length": encrypt_raw(b"0123456789abcdef" + b"ab" + bytes([14]) * 14),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_ciphertext_with_a_right_signature_is_refused_and_nothing_else(name):
    with pytest.raises(RefusedError):
        opened(**safe_push(BROKEN[name]))


def test_random_ciphertexts_are_refused_and_nothing_else():
    for size in range(32, 32 * 12, 16):
        with pytest.raises(RefusedError):
            opened(**safe_push(base64.b64encode(os.urandom(size)).decode()))


@pytest.mark.parametrize(
    "body",
    [
        document(Content="明文").encode(),
        b"",
        b"\xff\xfe\x00",
        b"<xml><Encrypt></Encrypt></xml>",
        b"<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>",
        b'<!DOCTYPE xml [<!ENTITY e "x">]><xml><Encrypt>&e;</Encrypt></xml>',
    ],
)
def test_a_safe_account_takes_nothing_that_is_not_encrypted(body):
    for query in (query_for(AT), query_for(AT) | {"encrypt_type": "raw"}, query_for(AT, "x")):
        with pytest.raises(RefusedError):
            opened(query=query, body=body)


def test_a_compatible_account_reads_the_encrypted_part_if_there_is_one():
    account = make_account(mode=Mode.COMPAT)
    sealed = encrypt(document(Content="密").encode())
    body = document(Content="明", Encrypt=sealed).encode()

    assert "密" in opened(account, query=query_for(AT, sealed), body=body)
    with pytest.raises(RefusedError):
        opened(account, query=query_for(AT, sealed) | {"msg_signature": "0" * 40}, body=body)


def test_a_compatible_or_plain_account_reads_plaintext():
    body = document(Content="明文")
    for mode in (Mode.COMPAT, Mode.PLAIN):
        account = make_account(mode=mode)

        assert opened(account, query=query_for(AT), body=body.encode()) == body
        with pytest.raises(RefusedError):
            opened(account, query=query_for(AT) | {"signature": "0" * 40}, body=body.encode())


def test_bytes_that_are_no_text_become_replacement_characters():
    account = make_account(mode=Mode.PLAIN)

    assert opened(account, query=query_for(AT), body=b"\xef\xbb\xbf <xml>\xff\x00\x1d</xml>") == "<xml>�</xml>"


def test_a_sealed_reply_is_readable_for_the_platform():
    account = make_account()
    for length in range(33):
        reply = "<xml>" + "字" * length + "</xml>"

        texts = nodes_of(envelope.seal(account, reply, timestamp=str(AT), nonce="n"))

        assert decrypt(texts["Encrypt"]) == (reply, APP_ID)
        assert texts["MsgSignature"] == sha1_of(TOKEN, str(AT), "n", texts["Encrypt"])
        assert (texts["TimeStamp"], texts["Nonce"]) == (str(AT), "n")


def test_two_sealed_replies_differ():
    account = make_account()

    assert envelope.seal(account, "<xml/>", timestamp="1", nonce="n") != envelope.seal(
        account, "<xml/>", timestamp="1", nonce="n"
    )
