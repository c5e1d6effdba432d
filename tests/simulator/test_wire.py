"""The envelope: what an independent library encrypts we read, and damage is noticed."""

import base64

import pytest
from simulator_rig import AES_KEY, make_account
from wechatpy.crypto import WeChatCrypto

from simulator.wire import WireError, decrypt, encrypt, open_reply, parse, render

ACCOUNT = make_account()


@pytest.mark.parametrize("length", range(33))
def test_every_padding_survives_the_way_there_and_back(length: int) -> None:
    assert decrypt(ACCOUNT, encrypt(ACCOUNT, "a" * length)) == "a" * length


def test_damaged_or_foreign_envelopes_are_refused() -> None:
    sealed = encrypt(ACCOUNT, "<xml/>")
    raw = bytearray(base64.b64decode(sealed))
    raw[-1] ^= 1
    foreign = encrypt(make_account(app_id="wx-somebody-else"), "<xml/>")

    for text in ("", "not base64!", base64.b64encode(b"x" * 15).decode(), base64.b64encode(raw).decode(), foreign):
        with pytest.raises(WireError):
            decrypt(ACCOUNT, text)


def test_two_envelopes_of_one_document_differ() -> None:
    assert encrypt(ACCOUNT, "<xml/>") != encrypt(ACCOUNT, "<xml/>")


def test_we_open_what_another_library_sealed() -> None:
    document = "<xml><Content>𠮷野家</Content></xml>"

    sealed = WeChatCrypto(ACCOUNT.token, AES_KEY, ACCOUNT.app_id).encrypt_message(document, "n0nce")

    assert open_reply(ACCOUNT, parse(sealed)) == document


def test_a_reply_with_a_wrong_signature_is_refused() -> None:
    sealed = WeChatCrypto("another-token", AES_KEY, ACCOUNT.app_id).encrypt_message("<xml/>", "n0nce")

    with pytest.raises(WireError, match="MsgSignature"):
        open_reply(ACCOUNT, parse(sealed))


def test_an_end_mark_inside_a_text_comes_back_whole() -> None:
    document = render({"Content": "a]]>b\n<c>&", "CreateTime": 5})

    assert parse(document) == {"Content": "a]]>b\n<c>&", "CreateTime": "5"}


def test_entities_and_empty_documents_are_refused() -> None:
    for document in (
        '<!DOCTYPE xml [<!ENTITY a "b">]><xml><c>&a;</c></xml>',
        "<xml/>",
        "<other><a>1</a></other>",
        "hi",
    ):
        with pytest.raises(WireError):
            parse(document)
