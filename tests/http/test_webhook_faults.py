"""The webhook when something behind it breaks: nothing is acknowledged that is not kept, nothing is lost."""

import json
import sqlite3

import pytest
from flask import Flask

from service.channels.outages import Outage
from service.channels.wechat.webhook import wechat
from service.database import db
from tests.webhook_rig import Platform, is_acknowledged, running_webhook, stored
from tests.wechat_fakes import OPENID, document


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
