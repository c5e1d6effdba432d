"""Access tokens: one for all processes, renewed by one of them; in Redis for speed, in the database for good."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import current_app
from redis import Redis, RedisError
from redis.exceptions import LockError

from service.channels.wechat import api
from service.channels.wechat.accounts import Account
from service.channels.wechat.errcodes import DEAD_TOKEN, verdict_on
from service.channels.wechat.token_shelf import DatabaseShelf, MemoryShelf, Record, Shelf, Token
from service.clock import utcnow
from service.database import db
from service.messaging.ports import DeliveryError, Failure

log = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(minutes=5)  # the platform itself hands out a new token in the last five minutes
LONGEST_LIFE = 7200  # seconds
LOCK_LIFE = 20  # seconds; a fetch takes at most connect and read time-out, twice
PATIENCE = 12.0  # seconds that others wait for the one who fetches
LOOK_EVERY = 0.1  # seconds, at the lease in the database; Redis tells by itself
# the platform allows 20 forced renewals a day, 30 s apart: these are at most 19
FIRST_FORCE, LAST_FORCE, FORCE_MEMORY = timedelta(seconds=31), timedelta(hours=2), timedelta(days=1)
RETRY_FIRST, RETRY_LAST = timedelta(seconds=1), timedelta(minutes=1)
RETRY_HALTED = timedelta(seconds=30)
SAME_AGAIN = timedelta(seconds=30)  # the platform gave the old token ahead of its last five minutes
ENOUGH_FAILURES = 4  # then sending pauses, so that messages do not use up their attempts


class TokenProvider:
    """Gives the access token of an account; the first who finds it missing fetches it, the others wait for that."""

    def __init__(
        self, redis: Redis, base_url: str, *, shelf: Shelf | None = None, clock: Callable[[], datetime] = utcnow
    ) -> None:
        self._redis = redis
        self._base_url = base_url
        self._shelf = shelf or MemoryShelf()
        self._clock = clock
        self._locks: dict[str, threading.Lock] = {}

    def call(self, account: Account, ask: Callable[[str], api.Answer]) -> api.Answer:
        """Ask with a token, and once more with another if the platform refuses the first. Raises DeliveryError.

        HALTED where it refuses both: sending pauses until a probe succeeds, and the operator is told.
        """
        token = self.token_for(account)
        answer = ask(token)
        if answer.code not in DEAD_TOKEN:
            return answer
        answer = ask(self.renewed(account, dead=token))
        if answer.code in DEAD_TOKEN:
            log.error("a fresh access token was refused too", extra={"account": account.slug, "code": answer.code})
            raise _halted(answer)
        return answer

    def token_for(self, account: Account) -> str:
        """A token with some life left. Raises DeliveryError."""
        token = self._kept(account.app_id)
        if token is not None and token.left(self._clock()) > RENEW_BEFORE:
            return token.text
        # nobody waits for a renewal ahead of time: the one who comes first does it
        with self._alone(account.app_id, patience=PATIENCE if token is None else 0.0) as is_mine:
            again = self._kept(account.app_id)
            if again is not None and again.left(self._clock()) > (RENEW_BEFORE if is_mine else timedelta()):
                return again.text
            if not is_mine:
                raise DeliveryError("另一个进程正在取访问凭证", kind=Failure.PASSING)
            try:
                return self._fetch_in_time(account).text
            except DeliveryError:
                if again is None:
                    raise
                return again.text  # renewing ahead of time failed, but its time has not come yet

    def renewed(self, account: Account, *, dead: str) -> str:
        """Another token than the one that the platform has just refused. Raises DeliveryError."""
        token = self._kept(account.app_id)
        if token is not None and token.text != dead:
            return token.text
        with self._alone(account.app_id, patience=PATIENCE) as is_mine:
            again = self._kept(account.app_id)
            if again is not None and again.text != dead:
                return again.text
            if not is_mine:
                raise DeliveryError("另一个进程正在更换访问凭证", kind=Failure.PASSING)
            fresh = self._fetch_in_time(account, despite=dead)
            # the platform still holds the dead one to be good: only force gives another
            if fresh.text == dead and self._may_force(account.app_id):
                fresh = self._fetch(account, force=True)
            return fresh.text

    def check(self, account: Account) -> None:
        """Ask the platform whether these credentials are good, and a call with them is taken. Raises DeliveryError.

        The second call names nobody, so that nothing can be sent; only what stops sending counts as an answer.
        """
        self._fetch(account, force=False)
        asked = "customer service" if account.certified else "any account"
        path, body = PROBES[asked]
        answer = self.call(account, lambda token: _probed(f"{self._base_url}{path}", body, token))
        if answer.code and verdict_on(answer.code).kind is Failure.HALTED:
            raise _halted(answer)

    def _fetch_in_time(self, account: Account, *, despite: str = "") -> Token:
        """Fetch, unless somebody failed a moment ago: then the same failure, without a call."""
        record = self._shelf.read(account.app_id)
        if record.retry_at is not None and record.retry_at > self._clock():
            if record.failures:
                raise record.failure()
            if record.token is not None and record.token.text != despite:
                return record.token
        return self._fetch(account, force=False)

    def _fetch(self, account: Account, *, force: bool) -> Token:
        body = {
            "grant_type": "client_credential",
            "appid": account.app_id,
            "secret": account.app_secret,
            "force_refresh": force,
        }
        try:
            token = self._token_in(api.post(f"{self._base_url}/cgi-bin/stable_token", body))
        except (api.UnsentError, api.UnclearError) as error:
            # whatever became of it, no message was sent
            failure = DeliveryError(f"取访问凭证失败：{error}", kind=Failure.PASSING)
            raise self._noted(account.app_id, failure) from error
        except DeliveryError as error:
            raise self._noted(account.app_id, error) from error
        self._keep(account.app_id, token)
        log.info("access token fetched", extra={"account": account.slug, "forced": force})
        return token

    def _token_in(self, answer: api.Answer) -> Token:
        if answer.code:
            raise token_error(answer)
        text, life = answer.text("access_token"), answer.seconds("expires_in")
        if not text or not life:
            raise DeliveryError("取访问凭证失败：平台的回答中没有凭证", kind=Failure.PASSING)
        return Token(text, self._clock() + timedelta(seconds=min(life, LONGEST_LIFE)))

    def _noted(self, app_id: str, error: DeliveryError) -> DeliveryError:
        """The failure, after all processes can know of it; one of several in a row pauses sending."""
        failures = self._shelf.read(app_id).failures + 1
        if error.kind is not Failure.HALTED and failures >= ENOUGH_FAILURES:
            reason = f"{error.reason}（已连续失败 {failures} 次，恢复后会自动继续发送）"
            error = DeliveryError(reason, kind=Failure.HALTED, code=error.code)
        pause = RETRY_HALTED if error.kind is Failure.HALTED else min(RETRY_FIRST * 2 ** (failures - 1), RETRY_LAST)
        self._shelf.write(
            app_id,
            failures=failures,
            retry_at=self._clock() + pause,
            failure_kind=error.kind.value,
            failure_code=error.code,
            failure_reason=error.reason,
        )
        return error

    def _kept(self, app_id: str) -> Token | None:
        """The token that all processes share, while it lives."""
        token = self._in_redis(app_id)
        if token is None:
            token = self._shelf.read(app_id).token
            if token is not None:
                self._into_redis(app_id, token)
        return token if token is not None and token.left(self._clock()) > timedelta() else None

    def _keep(self, app_id: str, token: Token) -> None:
        is_early = token.left(self._clock()) <= RENEW_BEFORE
        self._shelf.write(app_id, token=token, failures=0, retry_at=self._clock() + SAME_AGAIN if is_early else None)
        self._into_redis(app_id, token)

    def _in_redis(self, app_id: str) -> Token | None:
        try:
            data = self._redis.get(_key(app_id))
            if not isinstance(data, bytes | str):
                return None
            found = json.loads(data)
            return Token(str(found["text"]), datetime.fromisoformat(found["expires_at"]))
        except (RedisError, OSError):
            return None
        except (ValueError, TypeError, KeyError):
            return None  # not ours

    def _into_redis(self, app_id: str, token: Token) -> None:
        data = json.dumps({"text": token.text, "expires_at": token.expires_at.isoformat()})
        life = int(token.left(self._clock()).total_seconds())
        try:
            self._redis.set(_key(app_id), data, ex=max(1, life))
        except (RedisError, OSError):
            log.debug("access token only in the database: Redis is away")

    @contextmanager
    def _alone(self, app_id: str, *, patience: float) -> Iterator[bool]:
        """Whether this thread may fetch: one thread of one process at a time."""
        own = self._locks.setdefault(app_id, threading.Lock())
        if not own.acquire(timeout=patience):
            yield False
            return
        try:
            with self._first(app_id, patience=patience) as is_mine:
                yield is_mine
        finally:
            own.release()

    @contextmanager
    def _first(self, app_id: str, *, patience: float) -> Iterator[bool]:
        """Whether this process comes first: by Redis, which wakes the others quickly, else by the database."""
        shared = self._redis.lock(f"gongdan:wechat:token-lock:{app_id}", timeout=LOCK_LIFE, sleep=0.05)
        try:
            is_mine: bool | None = shared.acquire(blocking_timeout=patience)
        except (RedisError, OSError):
            is_mine = None
        if is_mine is None:
            with self._leased(app_id, patience=patience) as is_leased:
                yield is_leased
            return
        try:
            yield is_mine
        finally:
            if is_mine:
                _release(shared)

    @contextmanager
    def _leased(self, app_id: str, *, patience: float) -> Iterator[bool]:
        ends_at = time.monotonic() + patience
        while not (is_mine := self._lease(app_id)) and time.monotonic() < ends_at:
            time.sleep(LOOK_EVERY)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._shelf.write(app_id, leased_until=None)

    def _lease(self, app_id: str) -> bool:
        now = self._clock()
        return self._shelf.lease(app_id, now=now, until=now + timedelta(seconds=LOCK_LIFE))

    def _may_force(self, app_id: str) -> bool:
        """Whether a forced renewal is due; notes that it happens. Only for whoever is alone."""
        record, now = self._shelf.read(app_id), self._clock()
        forced = 0 if _is_past(record, now) else record.forced
        if forced and record.forced_at and now - record.forced_at < min(FIRST_FORCE * 2 ** (forced - 1), LAST_FORCE):
            return False
        self._shelf.write(app_id, forced=forced + 1, forced_at=now)
        return True


PROBES: Mapping[str, tuple[str, Mapping[str, object] | None]] = {
    "customer service": ("/cgi-bin/message/custom/typing", {"touser": "", "command": "Typing"}),
    "any account": ("/cgi-bin/getcallbackip", None),
}


def provider() -> TokenProvider:
    """One for the whole process: it holds the locks."""
    found = current_app.extensions.get("wechat_tokens")
    if isinstance(found, TokenProvider):
        return found
    settings, bell = current_app.config["SETTINGS"], current_app.extensions["doorbell"]
    shelf = DatabaseShelf(db.engine, current_app.config["SECRET_KEY"])
    made: TokenProvider = current_app.extensions.setdefault(
        "wechat_tokens", TokenProvider(bell.redis, settings.wechat_api_base_url, shelf=shelf)
    )
    return made


def token_error(answer: api.Answer) -> DeliveryError:
    """The platform gave no token: the operator has to act, unless it was only busy."""
    kind = verdict_on(answer.code).kind
    # at this endpoint 40001 means a wrong AppSecret
    halted = answer.code == 40001 or kind is not Failure.PASSING
    sentence = verdict_on(40125 if answer.code == 40001 else answer.code).zh
    log.error("no access token: errcode %d", answer.code)
    reason = f"{sentence}（{answer.code}：{answer.message}）"
    return DeliveryError(reason, kind=Failure.HALTED if halted else Failure.PASSING, code=answer.code)


def _halted(answer: api.Answer) -> DeliveryError:
    reason = f"{verdict_on(answer.code).zh}（{answer.code}：{answer.message}）"
    return DeliveryError(reason, kind=Failure.HALTED, code=answer.code)


def _probed(url: str, body: Mapping[str, object] | None, token: str) -> api.Answer:
    try:
        return api.get(url, token=token) if body is None else api.post(url, body, token=token)
    except (api.UnsentError, api.UnclearError) as error:
        raise DeliveryError(f"连不上微信平台：{error}", kind=Failure.PASSING) from error


def _is_past(record: Record, now: datetime) -> bool:
    return record.forced_at is None or now - record.forced_at > FORCE_MEMORY


def _release(lock: object) -> None:
    try:
        lock.release()  # type: ignore[attr-defined]
    except (LockError, RedisError, OSError):
        return  # it has run out, or Redis went away: nobody waits for ever either way


def _key(app_id: str) -> str:
    return f"gongdan:wechat:token:{app_id}"
