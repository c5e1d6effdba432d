"""Server-sent events: a page hears that something changed, and refetches it through its own access check."""

import queue
import threading
from collections.abc import Iterator

from flask import Blueprint, Response, current_app, request
from redis import Redis, RedisError

from service.database import reading
from service.doorbell import TOPICS
from service.tickets import access
from service.tickets.notifying import topic_of
from service.web.auth import SIGNED_IN, me, needs

SLOTS = 24  # open streams of one process; each holds a thread, so some threads stay for everybody else
HEARTBEAT_SECONDS = 15.0
LIFETIME_HEARTBEATS = 40  # then the browser connects anew: ten minutes
MAX_PENDING = 100

stream = Blueprint("stream", __name__)


class Listener:
    """One subscription of this process to Redis, handed on to every open stream."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues: set[queue.Queue[str]] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def join(self) -> queue.Queue[str] | None:
        """A queue of topics as they change; None when all slots are taken."""
        with self._lock:
            if len(self._queues) >= SLOTS:
                return None
            mine: queue.Queue[str] = queue.Queue(MAX_PENDING)
            self._queues.add(mine)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._listen, name="stream-listener", daemon=True)
                self._thread.start()
            return mine

    def leave(self, mine: "queue.Queue[str]") -> None:
        with self._lock:
            self._queues.discard(mine)

    def _listen(self) -> None:
        while True:
            try:
                subscription = self._redis.pubsub(ignore_subscribe_messages=True)
                subscription.subscribe(TOPICS)
                while self._queues:
                    message = subscription.get_message(timeout=5.0)
                    if message:
                        self._hand_on(message["data"].decode())
                subscription.close()
            except (RedisError, OSError):
                threading.Event().wait(1.0)  # Redis is away: pages poll meanwhile
            with self._lock:
                if not self._queues:
                    self._thread = None
                    return

    def _hand_on(self, topics: str) -> None:
        with self._lock:
            for each in self._queues:
                try:
                    each.put_nowait(topics)
                except queue.Full:  # a page that does not read misses a change, and sees it at its next one
                    continue


def listener() -> Listener:
    made: Listener = current_app.extensions.setdefault("listener", Listener(current_app.extensions["doorbell"].redis))
    return made


@stream.get("/stream")
@needs(SIGNED_IN)
def events() -> Response:
    """What the person is told, and the queues; with `?ticket=GD…` that ticket too."""
    wanted = {"queue", topic_of(me().id)}
    number = request.args.get("ticket")
    if number:
        with reading() as session:
            wanted.add(f"ticket:{access.ticket_for(session, me(), number).number}")
    mine = listener().join()
    if mine is None:
        return Response(status=503, headers={"Retry-After": "10"})
    made = Response(_lines(listener(), mine, frozenset(wanted)), content_type="text/event-stream")
    made.headers["X-Accel-Buffering"] = "no"
    return made


def _lines(source: Listener, mine: "queue.Queue[str]", wanted: frozenset[str]) -> Iterator[str]:
    """An event named `queue`, `ticket` or `user` for each change, a comment now and then to find dead connections."""
    quiet = 0
    try:
        yield "retry: 2000\n\n"
        while quiet < LIFETIME_HEARTBEATS:
            try:
                changed = wanted & set(mine.get(timeout=HEARTBEAT_SECONDS).split())
            except queue.Empty:
                quiet += 1
                yield ": still here\n\n"
                continue
            for topic in sorted(changed):
                yield f"event: {topic.partition(':')[0]}\ndata: changed\n\n"
    finally:
        source.leave(mine)
