"""One token for all processes: fetched once, renewed once, and never seen in a log."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine

from service.channels.wechat.token_shelf import AccessToken, DatabaseShelf
from service.channels.wechat.tokens import TokenProvider
from service.messaging.ports import DeliveryError, Failure
from tests.wechat_fakes import APP_ID, as_json, make_account

PATH = "/cgi-bin/stable_token"
SECRET = "of the installation"


class Clock:
    """Stands still until a test moves it."""

    def __init__(self):
        self.now = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def later(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(tmp_path):
    made = create_engine(f"sqlite:///{tmp_path}/tokens.sqlite3")
    AccessToken.__table__.create(made)
    yield made
    made.dispose()


@pytest.fixture
def away(tmp_path):
    return Redis(unix_socket_path=str(tmp_path / "nobody.sock"), retry=Retry(NoBackoff(), 0))


@pytest.fixture
def make_process(redis, platform, clock, engine):
    """A token provider as another process would have it."""
    return lambda: TokenProvider(redis, platform.base_url, shelf=DatabaseShelf(engine, SECRET), clock=clock)


@pytest.fixture
def without_redis(away, platform, clock, engine):
    """Likewise, with nobody at the address of Redis."""
    return lambda: TokenProvider(away, platform.base_url, shelf=DatabaseShelf(engine, SECRET), clock=clock)


def token(number: int, **changes: object):
    return as_json(**{"access_token": f"token-{number}", "expires_in": 7200} | changes)


def forced(platform) -> list[bool]:
    return [b'"force_refresh": true' in body for _, body in platform.asked(PATH)]


def test_four_processes_that_start_together_fetch_one_token(make_process, platform):
    platform.lay(PATH, token(1), token(2), token(3), token(4))
    processes = [make_process() for _ in range(4)]

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda process: process.token_for(make_account()), processes * 4))

    assert found == ["token-1"] * 16
    assert forced(platform) == [False]


def test_the_token_is_kept_until_five_minutes_before_its_end(make_process, platform, clock):
    platform.lay(PATH, token(1), token(2))
    process = make_process()
    process.token_for(make_account())

    clock.later(7200 - 301)
    assert process.token_for(make_account()) == "token-1"
    clock.later(2)
    assert process.token_for(make_account()) == "token-2"


def test_a_renewal_ahead_of_time_that_fails_does_not_stop_sending(make_process, platform, clock):
    platform.lay(PATH, token(1), as_json(errcode=-1, errmsg="busy"))
    process = make_process()
    process.token_for(make_account())

    clock.later(7200 - 60)

    assert process.token_for(make_account()) == "token-1"


def test_an_account_has_its_own_token(make_process, platform):
    platform.lay(PATH, token(1), token(2))
    process = make_process()

    assert process.token_for(make_account()) == "token-1"
    assert process.token_for(make_account(app_id="wxother")) == "token-2"
    assert process.token_for(make_account()) == "token-1"


def test_a_dead_token_is_exchanged_for_the_one_that_another_process_already_has(make_process, platform):
    platform.lay(PATH, token(1), token(2))
    first, second = make_process(), make_process()
    dead = first.token_for(make_account())

    assert second.renewed(make_account(), dead=dead) == "token-2"
    assert first.renewed(make_account(), dead=dead) == "token-2"
    assert first.token_for(make_account()) == "token-2"
    assert forced(platform) == [False, False]


def test_ten_threads_with_a_dead_token_renew_it_once(make_process, platform):
    platform.lay(PATH, token(1), token(2), token(3))
    processes = [make_process() for _ in range(10)]
    dead = processes[0].token_for(make_account())

    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda process: process.renewed(make_account(), dead=dead), processes))

    assert found == ["token-2"] * 10
    assert len(platform.asked(PATH)) == 2


def test_a_renewal_is_forced_only_if_the_platform_gives_the_dead_token_again(make_process, platform):
    platform.lay(PATH, token(1), token(1), token(2))
    process = make_process()
    dead = process.token_for(make_account())

    assert process.renewed(make_account(), dead=dead) == "token-2"
    assert forced(platform) == [False, False, True]


def test_renewals_are_not_forced_again_and_again(make_process, platform):
    platform.lay(PATH, token(1))
    processes = [make_process(), make_process()]
    dead = processes[0].token_for(make_account())

    for process in processes * 5:
        process.renewed(make_account(), dead=dead)

    assert forced(platform).count(True) == 1


def test_a_whole_day_of_dead_tokens_forces_no_more_than_the_platform_allows(make_process, platform, clock):
    platform.lay(PATH, token(1))
    process = make_process()
    dead = process.token_for(make_account())

    for _ in range(24 * 12):
        process.renewed(make_account(), dead=dead)
        clock.later(300)

    assert forced(platform).count(True) <= 20


def test_without_redis_all_processes_share_one_token_through_the_database(without_redis, platform):
    platform.lay(PATH, token(1), token(2), token(3))
    processes = [without_redis() for _ in range(4)]

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda process: process.token_for(make_account()), processes * 2))
    with ThreadPoolExecutor(8) as threads:
        renewed = set(threads.map(lambda process: process.renewed(make_account(), dead="token-1"), processes * 2))

    assert (found, renewed) == ({"token-1"}, {"token-2"})
    assert len(platform.asked(PATH)) == 2


def test_without_redis_and_database_a_process_keeps_its_own_token(away, platform, clock, engine):
    AccessToken.__table__.drop(engine)
    platform.lay(PATH, token(1), token(2), token(3))
    process = TokenProvider(away, platform.base_url, shelf=DatabaseShelf(engine, SECRET), clock=clock)

    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: process.token_for(make_account()), range(16)))

    assert found == {"token-1"}
    assert process.renewed(make_account(), dead="token-1") == "token-2"
    assert len(platform.asked(PATH)) == 2


def test_emptying_redis_costs_no_call(make_process, platform, redis):
    platform.lay(PATH, token(1), token(2))
    process = make_process()
    process.token_for(make_account())

    redis.flushall()

    assert process.token_for(make_account()) == "token-1"
    assert len(platform.asked(PATH)) == 1


def test_a_token_lies_sealed_in_the_database_and_is_of_no_use_with_another_key(make_process, engine):
    make_process().token_for(make_account())

    with engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM access_tokens").all()
    assert "token-1" not in str(row)
    assert DatabaseShelf(engine, SECRET).read(APP_ID).token.text == "token-1"
    assert DatabaseShelf(engine, "another secret").read(APP_ID).token is None


def test_nobody_waits_for_a_renewal_ahead_of_time(make_process, platform, clock, redis):
    platform.lay(PATH, token(1), token(2))
    process = make_process()
    process.token_for(make_account())
    clock.later(7200 - 60)

    with redis.lock(f"gongdan:wechat:token-lock:{APP_ID}", timeout=5):  # another process is at it
        assert process.token_for(make_account()) == "token-1"

    assert process.token_for(make_account()) == "token-2"


def test_the_old_token_given_again_a_moment_too_early_is_not_asked_for_at_every_send(make_process, platform, clock):
    platform.lay(PATH, token(1), token(1, expires_in=300), token(2))
    process = make_process()
    process.token_for(make_account())
    clock.later(7200 - 300)

    assert [process.token_for(make_account()) for _ in range(3)] == ["token-1"] * 3
    assert len(platform.asked(PATH)) == 2
    clock.later(31)
    assert process.token_for(make_account()) == "token-2"


@pytest.mark.parametrize("refusal", [as_json(errcode=40164, errmsg="invalid ip 203.0.113.7"), (502, b"", "text/html")])
def test_a_failure_is_known_to_all_processes_and_not_asked_for_again_at_once(make_process, platform, clock, refusal):
    platform.lay(PATH, refusal)
    processes = [make_process() for _ in range(4)]

    def failure(process):
        with pytest.raises(DeliveryError) as raised:
            process.token_for(make_account())
        return raised.value.kind, raised.value.code, raised.value.reason

    with ThreadPoolExecutor(8) as threads:
        failures = set(threads.map(failure, processes * 4))
    assert len(failures) == 1
    assert len(platform.asked(PATH)) == 1

    clock.later(31)
    platform.lay(PATH, token(1))
    assert processes[1].token_for(make_account()) == "token-1"


def test_failures_in_a_row_are_asked_for_ever_more_rarely_and_pause_sending(make_process, platform, clock):
    platform.lay(PATH, as_json(errcode=-1, errmsg="busy"))
    process, kinds = make_process(), []

    for _ in range(60):
        with pytest.raises(DeliveryError) as raised:
            process.token_for(make_account())
        kinds.append(raised.value.kind)
        clock.later(1)

    assert len(platform.asked(PATH)) <= 7
    assert (kinds[0], kinds[-1]) == (Failure.PASSING, Failure.HALTED)


@pytest.mark.parametrize("value", ["not json", "{}", '{"text": "t"}', "[]", "null"])
def test_what_is_not_ours_in_redis_is_fetched_anew(make_process, redis, value):
    redis.set(f"gongdan:wechat:token:{APP_ID}", value)

    assert make_process().token_for(make_account()) == "token-1"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40001, Failure.HALTED),
        (40013, Failure.HALTED),
        (40125, Failure.HALTED),
        (40164, Failure.HALTED),
        (40243, Failure.HALTED),
        (50007, Failure.HALTED),
        (89503, Failure.HALTED),
        (99999, Failure.HALTED),
        (-1, Failure.PASSING),
        (45011, Failure.PASSING),
    ],
)
def test_a_refused_token_stops_sending_unless_the_platform_was_busy(make_process, platform, code, kind):
    platform.lay(PATH, as_json(errcode=code, errmsg="invalid ip 203.0.113.7, not in whitelist rid: 1-2-3"))

    with pytest.raises(DeliveryError) as raised:
        make_process().token_for(make_account())

    assert (raised.value.kind, raised.value.code) == (kind, code)
    assert "203.0.113.7" in raised.value.reason
    assert len(platform.asked(PATH)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        (502, b"<html>Bad Gateway</html>", "text/html"),
        (200, b"<html>login</html>", "text/html"),
        (200, b"", "application/json"),
        (200, b"[]", "application/json"),
        (0, b"", ""),
        as_json(access_token="", expires_in=7200),
        as_json(access_token="t"),
        as_json(errcode="x"),
    ],
)
def test_whatever_else_the_token_endpoint_says_is_passing_because_nothing_was_sent(make_process, platform, reply):
    platform.lay(PATH, reply)

    with pytest.raises(DeliveryError) as raised:
        make_process().token_for(make_account())

    assert raised.value.kind is Failure.PASSING


def test_the_probe_asks_the_platform_each_time(make_process, platform):
    platform.lay(PATH, token(1), as_json(errcode=40164, errmsg="invalid ip"))
    process = make_process()

    process.check(make_account())
    with pytest.raises(DeliveryError):
        process.check(make_account())


def test_no_token_or_secret_is_logged(make_process, platform, caplog):
    caplog.set_level(logging.DEBUG)
    platform.lay(PATH, token(1), token(2), as_json(errcode=40125, errmsg="invalid appsecret"))
    process = make_process()

    process.renewed(make_account(), dead=process.token_for(make_account()))
    with pytest.raises(DeliveryError):
        process.check(make_account())

    logged = caplog.text + str([record.__dict__ for record in caplog.records])
    assert "access token fetched" in logged
    assert not [secret for secret in ("token-1", "token-2", "secretOfTheTests") if secret in logged]
