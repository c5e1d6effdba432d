"""Access tokens: one for all processes, renewed by one of them, shared through Redis; without Redis, one a process."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis, RedisError
from redis.exceptions import LockError

from service.channels.wechat import api
from service.channels.wechat.accounts import Account
from service.channels.wechat.errcodes import verdict_on
from service.clock import utcnow
from service.messaging.ports import DeliveryError, Failure

log = logging.getLogger(__name__)

RENEW_BEFORE = 300  # seconds: the platform itself hands out a new token in the last five minutes
LONGEST_LIFE = 7200
LOCK_LIFE = 20  # a fetch takes at most connect and read time-out, twice
PATIENCE = 12.0  # how long others wait for the one who fetches
FORCE_EVERY = 60  # the platform allows 20 forced renewals a day, 30 s apart


@dataclass(frozen=True, slots=True)
class Token:
    """`text` never goes into a log."""

    text: str
    expires_at: float

    def left(self, now: float) -> float:
        return self.expires_at - now


def now_seconds() -> float:
    return utcnow().timestamp()


class TokenProvider:
    """Gives the access token of an account; the first who finds it missing fetches it, the others wait for that."""

    def __init__(self, redis: Redis, base_url: str, *, clock: Callable[[], float] = now_seconds) -> None:
        self._redis = redis
        self._url = f"{base_url}/cgi-bin/stable_token"
        self._clock = clock
        self._locks: dict[str, threading.Lock] = {}
        self._own: dict[str, Token] = {}  # used while Redis is away
        self._forced_at: dict[str, float] = {}

    def token_for(self, account: Account) -> str:
        """A token with some life left. Raises DeliveryError."""
        token = self._kept(account.app_id)
        if token is not None and token.left(self._clock()) > RENEW_BEFORE:
            return token.text
        still_good = token is not None and token.left(self._clock()) > 0
        with self._alone(account.app_id, patience=0.0 if still_good else PATIENCE) as is_mine:
            again = self._kept(account.app_id)
            if again is not None and again.left(self._clock()) > (RENEW_BEFORE if is_mine else 0):
                return again.text  # another has renewed it meanwhile, or is about to
            if not is_mine:
                raise DeliveryError("另一个进程正在取访问凭证", kind=Failure.PASSING)
            try:
                return self._fetch(account, force=False).text
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
            fresh = self._fetch(account, force=False)
            # the platform still holds the dead one to be good: only force gives another
            if fresh.text == dead and self._may_force(account.app_id):
                fresh = self._fetch(account, force=True)
            return fresh.text

    def check(self, account: Account) -> None:
        """Ask the platform whether these credentials are good. Raises DeliveryError."""
        self._fetch(account, force=False)

    def _fetch(self, account: Account, *, force: bool) -> Token:
        body = {
            "grant_type": "client_credential",
            "appid": account.app_id,
            "secret": account.app_secret,
            "force_refresh": force,
        }
        try:
            answer = api.post(self._url, body)
        except (api.UnsentError, api.UnclearError) as error:
            # whatever became of it, no message was sent
            raise DeliveryError(f"取访问凭证失败：{error}", kind=Failure.PASSING) from error
        if answer.code:
            raise token_error(answer)
        text, life = answer.text("access_token"), answer.seconds("expires_in")
        if not text or not life:
            raise DeliveryError("取访问凭证失败：平台的回答中没有凭证", kind=Failure.PASSING)
        token = Token(text, self._clock() + min(life, LONGEST_LIFE))
        self._keep(account.app_id, token)
        log.info("access token fetched", extra={"account": account.slug, "forced": force})
        return token

    def _kept(self, app_id: str) -> Token | None:
        token: Token | None
        try:
            data = self._redis.get(_key(app_id))
            if not isinstance(data, bytes | str):
                return None
            token = Token(**json.loads(data))
        except (RedisError, OSError):
            token = self._own.get(app_id)
        except (ValueError, TypeError):
            return None  # not ours
        return token if token is not None and token.left(self._clock()) > 0 else None

    def _keep(self, app_id: str, token: Token) -> None:
        self._own[app_id] = token
        data = json.dumps({"text": token.text, "expires_at": token.expires_at})
        try:
            self._redis.set(_key(app_id), data, ex=max(1, int(token.left(self._clock()))))
        except (RedisError, OSError):
            log.warning("access token not shared: Redis is away")

    @contextmanager
    def _alone(self, app_id: str, *, patience: float) -> Iterator[bool]:
        """Whether this thread may fetch: one thread of one process at a time; without Redis, one of this process."""
        own = self._locks.setdefault(app_id, threading.Lock())
        if not own.acquire(timeout=patience):
            yield False
            return
        try:
            shared = self._redis.lock(f"gongdan:wechat:token-lock:{app_id}", timeout=LOCK_LIFE, sleep=0.05)
            try:
                is_mine = shared.acquire(blocking_timeout=patience)
            except (RedisError, OSError):
                yield True
                return
            try:
                yield is_mine
            finally:
                if is_mine:
                    _release(shared)
        finally:
            own.release()

    def _may_force(self, app_id: str) -> bool:
        """Whether a forced renewal is due; notes that it happens."""
        try:
            return bool(self._redis.set(f"gongdan:wechat:token-forced:{app_id}", 1, nx=True, ex=FORCE_EVERY))
        except (RedisError, OSError):
            is_due = self._clock() - self._forced_at.get(app_id, 0.0) > FORCE_EVERY
            if is_due:
                self._forced_at[app_id] = self._clock()
            return is_due


def token_error(answer: api.Answer) -> DeliveryError:
    """The platform gave no token: the operator has to act, unless it was only busy."""
    kind = verdict_on(answer.code).kind
    # at this endpoint 40001 means a wrong AppSecret
    halted = answer.code == 40001 or kind is not Failure.PASSING
    sentence = verdict_on(40125 if answer.code == 40001 else answer.code).zh
    log.error("no access token: errcode %d", answer.code)
    reason = f"{sentence}（{answer.code}：{answer.message}）"
    return DeliveryError(reason, kind=Failure.HALTED if halted else Failure.PASSING, code=answer.code)


def _release(lock: object) -> None:
    try:
        lock.release()  # type: ignore[attr-defined]
    except (LockError, RedisError, OSError):
        return  # it has run out, or Redis went away: nobody waits for ever either way


def _key(app_id: str) -> str:
    return f"gongdan:wechat:token:{app_id}"
