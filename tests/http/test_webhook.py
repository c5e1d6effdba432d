"""The webhook from outside: who is turned away, what is kept, what is answered, and what an outage looks like."""

import io
import json
import logging
import sqlite3
import threading
import time

import pytest
from flask import Flask
from prometheus_client import REGISTRY
from sqlalchemy import event, select

from service.channels.outages import Outage
from service.channels.wechat import accounts
from service.channels.wechat.accounts import OfficialAccount
from service.channels.wechat.webhook import MAX_BODY, wechat
from service.database import db, reading, transaction, tune_sqlite
from service.messaging.inbox import InboxItem
from tests.wechat_fakes import (
    AES_KEY,
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


class Bell:
    """Remembers which jobs were rung."""

    def __init__(self):
        self.rung = []

    def ring(self, job):
        self.rung.append(job)


class Desk:
    """What stands behind the webhook: remembers messages, answers what the test says, or breaks."""

    def __init__(self):
        self.messages = []
        self.answer = ""
        self.fault = None

    def __call__(self, session, message, *, now):
        if self.fault is not None:
            raise self.fault
        self.messages.append(message)
        return self.answer


@pytest.fixture
def app(tmp_path):
    app = Flask("webhook")
    engine = {"connect_args": {"timeout": 8, "check_same_thread": False}, "pool_size": 10}
    app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/d.sqlite3", SQLALCHEMY_ENGINE_OPTIONS=engine)
    db.init_app(app)
    app.extensions["doorbell"] = Bell()
    app.extensions["intake"] = Desk()
    app.register_blueprint(wechat)
    with app.app_context():
        tune_sqlite(db.engine)
        event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=300"))
        tables = [model.__table__ for model in (OfficialAccount, Outage, InboxItem)]
        db.Model.metadata.create_all(db.engine, tables=tables)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def desk(app):
    return app.extensions["intake"]


@pytest.fixture
def platform(app):
    """The platform with three accounts of ours, one a mode."""
    with app.app_context(), transaction() as session:
        for mode in ("plain", "compat", "safe"):
            accounts.add(
                session,
                slug=mode,
                name=mode,
                original_id=ORIGINAL_ID,
                app_id=APP_ID,
                app_secret="s",
                token=TOKEN,
                aes_key=AES_KEY,
                mode=mode,
            )
    return Platform(app)


class Platform:
    def __init__(self, app):
        self.app = app

    def push(self, text, *, mode="safe", **changes):
        """Push this inner document as the platform does in that mode."""
        if mode == "plain":
            return self.post(mode, query_for(time.time()) | changes, text.encode())
        sealed = encrypt(text.encode())
        return self.post(mode, query_for(time.time(), sealed) | changes, envelope_of(sealed))

    def post(self, slug, query, body):
        return self.app.test_client().post(f"/wechat/{slug}", query_string=query, data=body, content_type="text/xml")

    def get(self, slug, query):
        return self.app.test_client().get(f"/wechat/{slug}", query_string=query)


def stored(app, model=InboxItem):
    with app.app_context(), reading() as session:
        rows = list(session.scalars(select(model).order_by(model.id)))
        session.expunge_all()
        return rows


def is_acknowledged(response):
    return (response.status_code, response.data, response.mimetype) == (200, b"success", "text/plain")


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


class CountingStream(io.RawIOBase):
    """A body of zeros that counts what was read of it."""

    def __init__(self, size):
        self.left = size
        self.taken = 0

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        self.left -= count
        self.taken += count
        buffer[:count] = bytes(count)
        return count


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


# --- when something breaks


def test_a_message_whose_handling_fails_is_kept_for_a_worker(platform, app, desk, caplog):
    desk.fault = RuntimeError("broken rule")

    response = platform.push(document(Content="机密内容", MsgId="17"))

    assert is_acknowledged(response)
    [row] = stored(app)
    assert (row.handled_at, row.text) == (None, "机密内容")
    assert app.extensions["doorbell"].rung == ["process_inbox"]
    assert len(caplog.records) == 1
    logged = json.dumps(caplog.records[0].__dict__, default=str, ensure_ascii=False)
    assert not [private for private in ("机密内容", OPENID) if private in logged]


def test_a_repeat_of_a_message_left_to_a_worker_is_acknowledged_without_an_answer(platform, app, desk):
    desk.fault = RuntimeError("broken rule")
    text = document(Content="漏水", MsgId="18")
    platform.push(text)
    desk.fault, desk.answer = None, "工单 1"

    assert is_acknowledged(platform.push(text))
    assert len(stored(app)) == 1


@pytest.fixture
def lock(app, tmp_path):
    """Holds the database so that nobody can write, as a function that lets go."""
    holder = sqlite3.connect(tmp_path / "d.sqlite3", isolation_level=None, check_same_thread=False)

    def hold():
        holder.execute("BEGIN IMMEDIATE")
        return lambda: holder.execute("ROLLBACK")

    yield hold
    holder.close()


def test_while_the_database_is_away_the_platform_is_asked_to_push_again_and_nothing_is_lost(platform, app, desk, lock):
    text = document(Content="漏水", MsgId="19")
    platform.get("safe", {})  # the accounts have been read
    release = lock()

    for push in (text, text, "no xml"):
        response = platform.push(push)
        assert (response.status_code, response.data) == (503, b"")
    assert platform.push(text, msg_signature="0" * 40).status_code == 403
    release()

    assert is_acknowledged(platform.push(text))
    assert [message.text for message in desk.messages] == ["漏水"]


def test_an_outage_is_written_down_with_its_time_span_when_it_is_over(platform, app, lock, caplog):
    platform.get("safe", {})  # the accounts have been read
    caplog.clear()
    release = lock()
    for number in range(3):
        platform.push(document(MsgId=f"2{number}"))
    release()

    platform.push(document(MsgId="30"))
    platform.push(document(MsgId="31"))

    [outage] = stored(app, Outage)
    assert outage.refused == 3
    assert 0.5 < (outage.ended_at - outage.began_at).total_seconds() < 30
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "3 pushes turned away" in caplog.text


def test_a_cold_start_without_a_database_asks_the_platform_to_push_again(tmp_path):
    app = Flask("cold")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/missing/d.sqlite3"
    db.init_app(app)
    app.register_blueprint(wechat)

    response = Platform(app).push(document())

    assert (response.status_code, response.data) == (503, b"")


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
