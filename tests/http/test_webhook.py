"""The webhook from outside: who is turned away, what is kept, what is answered."""

import logging
import threading
import time

import pytest
from prometheus_client import REGISTRY

from service.channels.wechat import accounts
from service.channels.wechat.webhook import MAX_BODY
from service.database import transaction
from tests.webhook_rig import CountingStream, Platform, is_acknowledged, running_webhook, stored
from tests.wechat_fakes import (
    APP_ID,
    OPENID,
    ORIGINAL_ID,
    TOKEN,
    decrypt,
    document,
    encrypt,
    envelope_of,
    nodes_of,
    query_for,
    sha1_of,
)


@pytest.fixture
def app(tmp_path):
    with running_webhook(tmp_path) as running:
        yield running


@pytest.fixture
def desk(app):
    return app.extensions["intake"]


@pytest.fixture
def platform(app):
    return Platform(app)


# --- verification


def test_the_echo_comes_back_byte_for_byte_as_often_as_it_is_asked(platform):
    query = query_for(time.time()) | {"echostr": "583 <b>字&"}

    for _ in range(2):
        response = platform.get("safe", query)

        assert (response.status_code, response.data) == (200, "583 <b>字&".encode())
        assert response.mimetype == "text/plain"


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "0" * 40},
        {"signature": ""},
        {"nonce": "other"},
        {"nonce": ""},
        {"timestamp": ""},
        {"echostr": ""},
        {"timestamp": "1", "signature": sha1_of(TOKEN, "1", "n0nce")},
    ],
)
def test_a_verification_that_is_not_the_platforms_is_refused_and_nothing_comes_back(platform, changes):
    response = platform.get("safe", query_for(time.time()) | {"echostr": "<script>alert(1)</script>"} | changes)

    assert (response.status_code, response.data) == (403, b"")


@pytest.mark.parametrize("slug", ["nobody", "SAFE", "safe%00", "..%2fsafe"])
def test_an_unknown_account_is_not_found(platform, slug):
    query = query_for(time.time())

    assert platform.get(slug, query | {"echostr": "1"}).status_code == 404
    assert platform.post(slug, query, b"<xml/>").status_code == 404


def test_an_account_that_was_switched_off_is_not_found(platform, app):
    with app.app_context(), transaction() as session:
        accounts.change(session, "safe", active=False)

    assert platform.push(document()).status_code == 404


# --- what is turned away


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
@pytest.mark.parametrize(
    "changes", [{"signature": "0" * 40}, {"signature": ""}, {"timestamp": "1795000000"}, {"nonce": ""}]
)
def test_a_push_with_a_wrong_query_is_refused_and_not_kept(platform, app, mode, changes):
    response = platform.push(document(Content="假的"), mode=mode, **changes)

    assert response.status_code == 403
    assert stored(app) == []


def test_a_push_ten_minutes_old_is_refused_though_it_is_signed(platform, app):
    sealed = encrypt(document().encode())

    assert platform.post("safe", query_for(time.time() - 600, sealed), envelope_of(sealed)).status_code == 403
    assert stored(app) == []


def test_a_refusal_is_one_log_line_without_the_body(platform, caplog):
    caplog.set_level(logging.INFO)

    platform.push(document(Content="机密内容"), msg_signature="0" * 40)

    assert [record.message for record in caplog.records] == ["push refused: wrong msg_signature"]
    assert caplog.records[0].account == "safe"
    assert "机密" not in caplog.text


def test_a_safe_account_takes_no_plaintext_and_no_foreign_appid(platform, app):
    now = time.time()
    sealed = encrypt(document().encode(), app_id="wxforeign")

    assert platform.post("safe", query_for(now), document().encode()).status_code == 403
    assert platform.post("safe", query_for(now, sealed), document().encode()).status_code == 403
    assert platform.post("safe", query_for(now, sealed), envelope_of(sealed)).status_code == 403
    assert stored(app) == []


@pytest.mark.parametrize("size", [MAX_BODY + 1, 5 * 1024 * 1024])
def test_a_body_that_is_too_large_is_turned_away_unread(platform, size):
    body = CountingStream(size)

    response = platform.app.test_client().post(
        "/wechat/plain",
        query_string=query_for(time.time()),
        environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": str(size)},
    )

    assert response.status_code == 413
    assert body.taken == 0


def test_a_body_that_hides_its_size_is_read_no_further_than_the_limit(platform):
    body = CountingStream(5 * 1024 * 1024)

    response = platform.app.test_client().post(
        "/wechat/plain",
        query_string=query_for(time.time()),
        headers={"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
    )

    assert response.status_code == 413
    assert body.taken <= MAX_BODY + 64 * 1024


def test_a_body_of_just_the_limit_is_read(platform, desk):
    text = document(Content="x", MsgId="1")
    filled = text.replace("<Content>", "<Filler>" + "f" * (MAX_BODY - len(text) - 17) + "</Filler><Content>")

    assert len(filled.encode()) == MAX_BODY
    assert is_acknowledged(platform.push(filled, mode="plain"))
    assert desk.messages[0].text == "x"


# --- what is kept and answered


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
def test_a_message_is_kept_before_it_is_acknowledged(platform, app, desk, mode):
    response = platform.push(document(Content="电梯坏了", MsgId="11"), mode=mode)

    assert is_acknowledged(response)
    [row] = stored(app)
    assert (row.channel, row.follower, row.text) == (f"wechat:{mode}", OPENID, "电梯坏了")
    assert row.handled_at is not None
    assert [message.text for message in desk.messages] == ["电梯坏了"]


@pytest.mark.parametrize("mode", ["plain", "compat", "safe"])
def test_the_reply_goes_back_in_the_mode_of_the_account(platform, desk, mode):
    desk.answer = "已收到 a]]>b 😀"

    response = platform.push(document(Content="在吗", MsgId="12"), mode=mode)

    assert (response.status_code, response.mimetype) == (200, "application/xml")
    nodes = nodes_of(response.data)
    if mode == "safe":
        signed = sha1_of(TOKEN, nodes["TimeStamp"], nodes["Nonce"], nodes["Encrypt"])
        inner, app_id = decrypt(nodes["Encrypt"])
        assert (nodes["MsgSignature"], app_id) == (signed, APP_ID)
        nodes = nodes_of(inner)
    assert (nodes["ToUserName"], nodes["FromUserName"], nodes["MsgType"]) == (OPENID, ORIGINAL_ID, "text")
    assert nodes["Content"] == "已收到 a]]>b 😀"


def test_a_nonce_that_is_not_a_nonce_does_not_break_the_reply(platform, desk):
    desk.answer = "好"
    sealed = encrypt(document(MsgId="13").encode())

    response = platform.post("safe", query_for(time.time(), sealed, nonce="]]><x>\x00"), envelope_of(sealed))

    nodes = nodes_of(response.data)
    assert nodes["MsgSignature"] == sha1_of(TOKEN, nodes["TimeStamp"], nodes["Nonce"], nodes["Encrypt"])


def test_the_same_message_three_times_is_one_message_with_one_answer(platform, app, desk):
    desk.answer = "工单 1"
    text = document(Content="漏水", MsgId="14")
    answers = []
    for number in range(3):
        desk.answer = f"工单 {number + 1}"
        answers.append(nodes_of(platform.push(text, mode="plain").data)["Content"])

    assert answers == ["工单 1"] * 3
    assert len(desk.messages) == len(stored(app)) == 1


def test_the_same_message_from_eight_threads_at_once_is_one_message(platform, app, desk):
    text = document(Content="漏水", MsgId="15")
    gate = threading.Barrier(8)
    answers = []

    def push():
        gate.wait(5)
        answers.append(platform.push(text).status_code)

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(answers) <= {200, 503}
    assert len(desk.messages) == len(stored(app)) == 1


def test_an_odd_document_is_kept_raw_once_and_acknowledged(platform, app, desk, caplog):
    for odd in ("<xml/>", "no xml", document(ToUserName="gh_somebodyelse"), "<!DOCTYPE x><xml/>"):
        for _ in range(2):
            caplog.clear()
            assert is_acknowledged(platform.push(odd))
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert caplog.records[0].exc_info is None

    assert [(row.kind, row.follower) for row in stored(app)] == [("odd", "")] * 4
    assert stored(app)[1].raw == "no xml"
    assert desk.messages == []


def test_unknown_kinds_are_kept_and_acknowledged(platform, app):
    assert is_acknowledged(platform.push(document(MsgType="hologram", MsgId="16")))
    assert is_acknowledged(platform.push(document(MsgType="event", Event="teleport")))

    assert [row.kind for row in stored(app)] == ["unknown", "event:teleport"]


# --- what a command or a page changes


def test_an_account_that_was_just_added_or_changed_holds_at_once_in_this_process(platform, app):
    assert platform.push(document(MsgId="40")).status_code == 200
    with app.app_context(), transaction() as session:
        accounts.change(session, "safe", token="anothertoken")

    assert platform.push(document(MsgId="41")).status_code == 403


def test_every_push_is_counted_by_account_and_outcome(platform, app):
    def count(slug, outcome):
        return REGISTRY.get_sample_value("wechat_pushes_total", {"slug": slug, "outcome": outcome}) or 0

    before = count("safe", "taken"), count("safe", "refused"), count("safe", "odd"), count("unknown", "no_account")
    platform.push(document(MsgId="50"))
    platform.push(document(MsgId="51"), signature="0" * 40)
    platform.push("odd")
    platform.get("nobody", {})

    after = count("safe", "taken"), count("safe", "refused"), count("safe", "odd"), count("unknown", "no_account")
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1, 1]
