"""Accounts as a command or a page keeps them, and the channels that are made of them."""

from datetime import timedelta
from itertools import pairwise
from types import SimpleNamespace

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from service import alerts
from service.alerts import Alert
from service.channels import registry
from service.channels.wechat import accounts
from service.channels.wechat.accounts import Kind, Mode, OfficialAccount
from service.channels.wechat.sightings import Sighting
from service.channels.wechat.token_shelf import AccessToken
from service.clock import utcnow
from service.database import db, reading, transaction, tune_sqlite
from service.errors import InvalidInput, NotFound
from service.files import FileStore
from service.messaging.ports import DeliveryError, Failure, Limits, Media, Outbound
from tests.wechat_fakes import AES_KEY, APP_ID, OPENID, ORIGINAL_ID, TOKEN, as_json, running_platform, running_redis

GOOD = {
    "slug": "main",
    "name": "物业服务号",
    "original_id": ORIGINAL_ID,
    "app_id": APP_ID,
    "app_secret": "0123456789abcdef0123456789abcdef",
    "token": TOKEN,
    "aes_key": AES_KEY,
    "mode": "safe",
    "kind": "service",
}
SEND = "/cgi-bin/message/custom/send"


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


@pytest.fixture
def platform():
    with running_platform() as running:
        yield running


@pytest.fixture
def app(tmp_path, platform, redis_server: Redis):
    redis_server.flushall()
    app = Flask("accounts")
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/d.sqlite3",
        SETTINGS=SimpleNamespace(wechat_api_base_url=platform.base_url),
        SECRET_KEY="of the tests",
    )
    db.init_app(app)
    app.extensions["doorbell"] = SimpleNamespace(redis=redis_server)
    app.extensions["files"] = FileStore(tmp_path / "files")
    with app.app_context():
        tune_sqlite(db.engine)
        models = (OfficialAccount, AccessToken, Alert, Sighting)
        db.Model.metadata.create_all(db.engine, tables=[m.__table__ for m in models])
        yield app
        db.engine.dispose()


def add(**changes: object) -> None:
    with transaction() as session:
        accounts.add(session, **GOOD | changes)


def test_an_account_that_was_added_is_found_with_all_it_has(app):
    add(certified=False, kind="subscription", mode="compat")

    account = accounts.account_for("main")

    assert account is not None
    assert {name: getattr(account, name) for name in GOOD} == GOOD | {"kind": "subscription", "mode": "compat"}
    assert (account.mode, account.kind, account.certified) == (Mode.COMPAT, Kind.SUBSCRIPTION, False)
    assert account.channel == "wechat:main"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("slug", ["", "Main", "a b", "a/b", "中", "a" * 41, "main\n"]),
        ("name", ["", "  "]),
        ("original_id", ["", "gh_", "0a1b2c3d4e5f", "gh_x y"]),
        ("app_id", ["", "wx 1", "wx/1"]),
        ("app_secret", ["", "a b", "密"]),
        ("token", ["", "ab", "a" * 33, "a-b", "a b c"]),
        ("aes_key", ["a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "-"]),
        ("mode", ["", "SAFE", "none"]),
        ("kind", ["", "personal"]),
    ],
)
def test_a_wrong_value_is_refused_with_a_sentence_for_its_field(app, name, values):
    for value in values:
        with pytest.raises(InvalidInput) as raised:
            add(**{name: value})

        assert list(raised.value.data["errors"]) == [name], value


def test_all_mistakes_are_named_at_once(app):
    with pytest.raises(InvalidInput) as raised:
        add(token="", aes_key="short", original_id="x")

    assert raised.value.data["errors"].keys() == {"token", "aes_key", "original_id"}


def test_only_a_plain_account_does_without_a_key(app):
    add(mode="plain", aes_key="")

    for mode in ("compat", "safe"):
        with pytest.raises(InvalidInput, match="aes_key"):
            add(slug=mode, mode=mode, aes_key="")
        with transaction() as session, pytest.raises(InvalidInput, match="aes_key"):
            accounts.change(session, "main", mode=mode)


def test_a_slug_is_taken_once(app):
    add()

    with pytest.raises(InvalidInput, match="slug"):
        add()


def test_a_change_holds_and_leaves_the_rest_alone(app):
    add()

    with transaction() as session:
        accounts.change(session, "main", token="newtoken", certified=False)

    account = accounts.account_for("main")
    assert account is not None
    assert (account.token, account.certified, account.app_id) == ("newtoken", False, APP_ID)


@pytest.mark.parametrize(
    "change",
    [{"slug": "other"}, {"halted_reason": "x"}, {"id": "7"}, {"token": True}, {"certified": "yes"}, {"token": ""}],
)
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(app, change):
    add()

    with pytest.raises(InvalidInput), transaction() as session:
        accounts.change(session, "main", name="neu", **change)

    account = accounts.account_for("main")
    assert account is not None
    assert account.name == GOOD["name"]


def test_an_unknown_account_cannot_be_changed(app):
    with transaction() as session:
        for action in (accounts.change, accounts.resume):
            with pytest.raises(NotFound):
                action(session, "nobody")


@pytest.mark.parametrize("wrong", [{"mode": "none"}, {"kind": "none"}, {"token": ""}, {"aes_key": ""}])
def test_the_database_itself_refuses_what_would_let_everybody_in(app, wrong):
    row = {**GOOD, "certified": True, "active": True, "created_at": utcnow()}

    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(insert(OfficialAccount).values(**row | wrong))


def test_the_listing_is_in_order(app):
    for slug in ("b", "a", "c"):
        add(slug=slug)

    with transaction() as session:
        assert [row.slug for row in accounts.listing(session)] == ["a", "b", "c"]


# --- channels made of accounts


def send() -> str:
    channel = registry.channel_named("wechat:main")
    return channel.send(Outbound(channel.name, OPENID, "您好"))


def halted() -> bool:
    try:
        send()
    except DeliveryError as error:
        return error.kind is Failure.HALTED
    return False


@pytest.mark.parametrize("name", ["wechat:nobody", "wechat:", "wechat", "telex:main", ""])
def test_a_channel_that_is_not_there_is_not_found(app, name):
    with pytest.raises(NotFound):
        registry.channel_named(name)


def test_an_account_is_a_channel_as_soon_as_it_is_added(app, platform):
    add()

    send()

    assert len(platform.asked(SEND)) == 1


def test_a_halted_channel_calls_nobody_until_it_is_resumed(app, platform):
    add()
    with transaction() as session:
        registry.halt(session, "wechat:main", "IP 不在白名单")

    assert halted()
    assert platform.calls == []
    with transaction() as session:
        registry.resume(session, "wechat:main")
    assert not halted()


@pytest.mark.parametrize(("change", "heals"), [({"app_secret": "another"}, True), ({"name": "新名"}, False)])
def test_new_credentials_let_a_halted_channel_try_again(app, change, heals):
    add()
    with transaction() as session:
        accounts.halt(session, "main", "AppSecret")
        accounts.change(session, "main", **change)

    assert halted() is not heals


def test_the_probe_tells_whether_the_credentials_are_good_even_while_halted(app, platform):
    add()
    with transaction() as session:
        registry.halt(session, "wechat:main", "IP 不在白名单")

    platform.lay("/cgi-bin/message/custom/typing", as_json(errcode=40003, errmsg="invalid openid"))
    registry.probe("wechat:main")
    platform.lay("/cgi-bin/message/custom/typing", as_json(errcode=48001, errmsg="api unauthorized"))
    with pytest.raises(DeliveryError, match="48001"):
        registry.probe("wechat:main")
    platform.lay("/cgi-bin/stable_token", as_json(errcode=40164, errmsg="invalid ip 203.0.113.7"))
    with pytest.raises(DeliveryError, match=r"203\.0\.113\.7"):
        registry.probe("wechat:main")


def open_alerts() -> list[tuple[str, str, str]]:
    with reading() as session:
        return [(alert.scope, alert.kind, alert.detail) for alert in alerts.open_alerts(session)]


def test_an_alert_stands_as_long_as_sending_pauses(app):
    add()
    for _ in range(3):
        with transaction() as session:
            registry.halt(session, "wechat:main", "IP 不在白名单")
    assert open_alerts() == [("wechat:main", "halted", "IP 不在白名单")]

    with transaction() as session:
        registry.resume(session, "wechat:main")
    assert open_alerts() == []


@pytest.mark.parametrize("change", [{"app_secret": "another"}, {"active": False}])
def test_what_the_operator_changes_ends_the_alert_too(app, change):
    add()
    with transaction() as session:
        registry.halt(session, "wechat:main", "AppSecret")
        accounts.change(session, "main", **change)

    assert open_alerts() == []


def test_an_inactive_or_unknown_account_is_not_halted(app):
    add(active=False)

    with transaction() as session:
        registry.halt(session, "wechat:main", "公众号已停用")
        registry.halt(session, "wechat:nobody", "x")

    assert open_alerts() == []


def test_an_account_that_stays_halted_is_probed_ever_more_rarely_but_every_minute(app):
    add()
    with transaction() as session:
        registry.halt(session, "wechat:main", "IP 不在白名单")
    began, probes = utcnow(), []

    for second in range(600):
        now = began + timedelta(seconds=second)
        with transaction() as session:
            if registry.halted(session, now=now):
                probes.append(second)
                alerts.raised(session, scope="wechat:main", kind="halted", detail="still", now=now)

    assert probes[0] <= 10
    assert len(probes) <= 14
    assert max(later - earlier for earlier, later in pairwise(probes)) <= 61


def test_a_failed_probe_tells_the_new_reason_and_does_not_halt_what_was_resumed(app):
    add()
    with transaction() as session:
        registry.halt(session, "wechat:main", "invalid ip 203.0.113.7")
        registry.still_halted(session, "wechat:main", "invalid ip 203.0.113.8")
    assert open_alerts() == [("wechat:main", "halted", "invalid ip 203.0.113.8")]

    with transaction() as session:
        registry.resume(session, "wechat:main")
        registry.still_halted(session, "wechat:main", "invalid ip 203.0.113.8")
    assert open_alerts() == []


def test_new_credentials_are_tried_at_once_though_the_old_ones_were_refused_a_moment_ago(app, platform):
    add()
    platform.lay("/cgi-bin/stable_token", as_json(errcode=40125, errmsg="invalid appsecret"))
    assert halted()
    platform.lay("/cgi-bin/stable_token", as_json(access_token="token-1", expires_in=7200))

    with transaction() as session:
        accounts.change(session, "main", app_secret="another")

    assert not halted()


def test_advice_is_given_in_two_languages_and_only_for_known_channels(app):
    assert registry.advice("wechat:main", 45015, "en") != registry.advice("wechat:main", 45015, "zh")
    with pytest.raises(NotFound):
        registry.advice("telex:main", 45015, "zh")


class Postcard:
    """A channel that a test puts in the place of another."""

    name = "wechat:main"
    limits = Limits()

    def send(self, message: Outbound) -> str:
        return f"posted {message.text}"

    def fetch(self, media: Media) -> bytes:
        return b""


def test_a_test_may_stand_in_for_a_channel(app, platform):
    registry.register(Postcard())

    assert send() == "posted 您好"
    assert platform.calls == []
