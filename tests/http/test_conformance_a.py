"""The platform's conformance cases 1 to 12: who may speak at the webhook, each by its number."""

import base64
import logging
import time

import pytest

from service.channels.wechat.webhook import MAX_BODY
from tests.webhook_rig import Platform, is_acknowledged, running_webhook, stored
from tests.wechat_fakes import ORIGINAL_ID, TOKEN, document, encrypt, encrypt_raw, envelope_of, query_for, sha1_of

ECHO = "5837405820<&\"'>%E4 \u5b57"


@pytest.fixture
def app(tmp_path):
    with running_webhook(tmp_path) as running:
        yield running


@pytest.fixture
def platform(app):
    return Platform(app)


def verification(**changes):
    return query_for(time.time()) | {"echostr": ECHO} | changes


def sealed_push(platform, sealed, **changes):
    return platform.post("safe", query_for(time.time(), sealed) | changes, envelope_of(sealed))


def test_case_01_a_verification_gets_its_own_text_back_byte_for_byte(platform):
    response = platform.get("safe", verification())

    assert (response.status_code, response.data) == (200, ECHO.encode())
    assert response.mimetype == "text/plain"


@pytest.mark.parametrize("missing", ["signature", "timestamp", "nonce", "echostr"])
def test_case_02_a_verification_with_something_missing_is_refused(platform, missing):
    query = verification()
    del query[missing]

    response = platform.get("safe", query)

    assert (response.status_code, response.data) == (403, b"")


@pytest.mark.parametrize("token", ["", "wrongtoken"])
def test_case_02_a_verification_that_is_signed_with_another_token_or_none_is_refused(platform, token):
    query = query_for(time.time(), token=token) | {"echostr": "<script>alert(1)</script>"}

    response = platform.get("safe", query)

    assert (response.status_code, response.data) == (403, b"")


def test_case_03_the_same_verification_twice_is_answered_twice(platform):
    query = verification()

    assert [platform.get("safe", query).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
def test_case_04_a_push_with_a_bad_signature_is_refused_and_not_kept(platform, app, mode):
    assert platform.push(document(), mode=mode, signature=sha1_of("other", "1", "n")).status_code == 403
    assert stored(app) == []


@pytest.mark.parametrize("age", [600, -600])
def test_case_05_a_push_ten_minutes_off_is_refused_and_logged(platform, app, caplog, age):
    caplog.set_level(logging.WARNING)

    response = platform.post("plain", query_for(time.time() - age), document().encode())

    assert response.status_code == 403
    assert "stale timestamp" in caplog.text
    assert stored(app) == []


def test_case_06_a_sealed_push_is_opened_and_kept(platform, app):
    assert is_acknowledged(platform.push(document(Content="\u7535\u68af\u574f\u4e86", MsgId="6")))
    assert [row.text for row in stored(app)] == ["\u7535\u68af\u574f\u4e86"]


def test_case_07_the_plain_signature_in_place_of_the_sealed_one_is_refused(platform, app):
    sealed = encrypt(document().encode())
    query = query_for(time.time(), sealed)

    assert sealed_push(platform, sealed, msg_signature=query["signature"]).status_code == 403
    assert stored(app) == []


def test_case_08_another_accounts_appid_inside_is_refused(platform, app):
    sealed = encrypt(document().encode(), app_id="wxforeign000000000")

    assert sealed_push(platform, sealed).status_code == 403
    assert stored(app) == []


def test_case_09_every_length_of_padding_is_opened(platform, app):
    bodies = [document(Content="x" * length, MsgId=str(100 + length)) for length in range(33)]
    pads = {32 - (20 + len(body.encode()) + 18) % 32 for body in bodies}

    answers = [is_acknowledged(platform.push(body)) for body in bodies]

    assert pads == set(range(1, 33))
    assert all(answers)
    assert len(stored(app)) == 33


BROKEN = {
    "not base64": "***" * 20,
    "15 bytes": base64.b64encode(bytes(15)).decode(),
    "64 random bytes": base64.b64encode(bytes(range(64))).decode(),
    "no bytes": base64.b64encode(b"").decode(),
    "tampered": encrypt(document().encode())[:-24] + "A" * 22 + "==",
    "padding of 0": encrypt_raw(bytes(64)),
    "a length beyond the end": encrypt_raw(b"r" * 16 + b"\xff\xff\xff\xff" + b"x" * 43 + b"\x01"),
}


@pytest.mark.parametrize("sealed", BROKEN.values(), ids=BROKEN.keys())
def test_case_10_a_broken_ciphertext_is_refused_though_it_is_signed(platform, app, sealed):
    assert sealed_push(platform, sealed).status_code == 403
    assert stored(app) == []


def test_case_11_a_safe_account_takes_no_plaintext(platform, app):
    query = query_for(time.time())
    fake = f"<xml><ToUserName>{ORIGINAL_ID}</ToUserName><Encrypt></Encrypt><MsgType>text</MsgType></xml>"

    assert platform.post("safe", query, document(MsgId="11").encode()).status_code == 403
    assert platform.post("safe", query | {"encrypt_type": "raw"}, document(MsgId="11").encode()).status_code == 403
    assert platform.post("safe", query, fake.encode()).status_code == 403
    assert stored(app) == []


def test_case_12_a_body_of_five_megabytes_is_refused_before_it_is_parsed(platform, app):
    body = document(Content="x" * 5 * MAX_BODY, MsgId="12")

    assert platform.post("plain", query_for(time.time(), token=TOKEN), body.encode()).status_code == 413
    assert stored(app) == []
