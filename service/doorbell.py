"""Redis is a doorbell, the database is the truth: anything here may be lost without losing data."""

import logging
import threading
import time

from flask import current_app
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from sqlalchemy.orm import Session

from service.database import on_commit

log = logging.getLogger(__name__)

QUEUES = ("default", "delivery")  # a slow platform must not hold up classification: a queue of its own
TOPICS = "gongdan:topics"  # channel of announcements; a message is a space-separated list of topics
RUNG_MS = 2000  # a ring whose job was lost on the way is repeated after this
NOTE_LIFE = 15  # seconds
MOST_NOTES = 100
ANNOUNCE_EVERY = 0.25  # seconds: announcements of a busy moment travel together


def ring(session: Session, job: str) -> None:
    """Ask a worker to run `service.jobs.<job>()` once this transaction has committed; one ring for many rows."""
    bell: Doorbell = current_app.extensions["doorbell"]
    on_commit(session, lambda: bell.ring(job))


def announce(session: Session, *topics: str) -> None:
    """Tell open pages, after the commit, that something under these topics has changed."""
    bell: Doorbell = current_app.extensions["doorbell"]
    on_commit(session, lambda: bell.announce(*topics))


class Doorbell:
    """Rings workers and tells pages; every fault of Redis ends here, because a sweep finds the row all the same."""

    def __init__(self, redis_url: str, jobs: dict[str, str]) -> None:
        """`jobs` maps each job that may be rung to its queue."""
        # a dead Redis must cost a webhook as little as possible; the sweeps ring again. Workers wait longer for jobs
        self.redis = Redis.from_url(
            redis_url,
            socket_connect_timeout=0.5,
            socket_timeout=1,
            retry=Retry(NoBackoff(), 1),
            health_check_interval=30,
        )
        self.jobs = jobs
        self.queues = {name: Queue(name, connection=self.redis) for name in QUEUES}
        self._pending: set[str] = set()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def ring(self, job: str) -> None:
        """Put the job into its queue unless it already waits there."""
        try:
            if self.redis.set(f"gongdan:rung:{job}", 1, nx=True, px=RUNG_MS):
                self.queues[self.jobs[job]].enqueue(f"service.jobs.{job}", ttl=30, result_ttl=0, failure_ttl=3600)
        except (RedisError, OSError) as error:
            log.warning("doorbell not rung: %s", error, extra={"job": job})

    def started(self, job: str) -> None:
        """From here on a ring of this job is a new one: rows written after this moment need it."""
        try:
            self.redis.delete(f"gongdan:rung:{job}")
        except (RedisError, OSError) as error:
            log.warning("doorbell not cleared: %s", error, extra={"job": job})

    def leave(self, job: str, note: str) -> None:
        """Ring the job and leave it a note that nobody misses if it is lost; it is worth little in a moment."""
        try:
            self.redis.rpush(f"gongdan:notes:{job}", note)
            self.redis.expire(f"gongdan:notes:{job}", NOTE_LIFE)
        except (RedisError, OSError) as error:
            log.warning("note not left: %s", error, extra={"job": job})
            return
        self.ring(job)

    def notes(self, job: str) -> list[str]:
        """Take the notes that lie there for the job, the oldest first."""
        try:
            found = self.redis.lpop(f"gongdan:notes:{job}", MOST_NOTES)
        except (RedisError, OSError):
            return []
        return [str(note, "utf-8") for note in found if isinstance(note, bytes)] if isinstance(found, list) else []

    def seen(self, who: str) -> None:
        """Leave word that a process of this kind lives."""
        try:
            self.redis.set(f"gongdan:seen:{who}", int(time.time()), ex=3600)
        except (RedisError, OSError) as error:
            log.warning("sign of life not left: %s", error)

    def last_seen(self, who: str) -> int | None:
        """When such a process last left word, in epoch seconds; None if never. Raises RedisError."""
        value = self.redis.get(f"gongdan:seen:{who}")
        return int(value) if value else None

    def announce(self, *topics: str) -> None:
        with self._lock:
            self._pending.update(topics)
            if self._timer is None:
                self._timer = threading.Timer(ANNOUNCE_EVERY, self._publish)
                self._timer.daemon = True
                self._timer.start()

    def _publish(self) -> None:
        with self._lock:
            topics, self._pending, self._timer = self._pending, set(), None
        try:
            self.redis.publish(TOPICS, " ".join(sorted(topics)))
        except (RedisError, OSError) as error:
            log.warning("pages not told: %s", error)
