"""Pushing what followers do to the webhook: in order for each follower, a few attempts, then the failure line."""

import itertools
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field

import requests

from simulator import wire
from simulator.answers import FAILURE_LINE, Outcome, Pushed, Verdict, failed, judge
from simulator.config import Account, Config
from simulator.content import Content
from simulator.faults import PUSH, Fault
from simulator.state import State, UnknownError

PUSHES_KEPT = 20_000
BODY_SHOWN = 4000
HEADERS = {"Content-Type": "text/xml", "User-Agent": "Mozilla/4.0", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery: what came back (status None: nothing) and what it was worth."""

    at: float
    duration: float
    status: int | None
    body: str
    verdict: Verdict

    def as_json(self) -> dict[str, object]:
        """Fields for JSON; the duration is seconds."""
        return {
            "at": self.at,
            "duration": round(self.duration, 4),
            "status": self.status,
            "body": self.body,
            "outcome": self.verdict.outcome,
            "why": self.verdict.why,
        }


@dataclass(slots=True)
class Push:
    """One message or event on its way. States: waiting, running, then an Outcome."""

    id: int
    account: str
    openid: str
    xml: str
    is_message: bool
    timestamp_offset: int = 0
    delay: float = 0.0
    state: str = "waiting"
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def is_finished(self) -> bool:
        """Whether no attempt will follow."""
        return self.state not in ("waiting", "running")

    def as_json(self) -> dict[str, object]:
        """Fields for JSON."""
        return {
            "id": self.id,
            "account": self.account,
            "openid": self.openid,
            "state": self.state,
            "finished": self.is_finished,
            "xml": self.xml,
            "attempts": [attempt.as_json() for attempt in self.attempts],
        }


class Pusher:
    """Lanes of pushes, one for each follower, served by daemon threads that start when they are needed."""

    def __init__(self, state: State) -> None:
        """No thread runs before the first push."""
        self.state = state
        self.pushes: dict[int, Push] = {}
        self._ids = itertools.count(1)
        self._lanes: dict[str, deque[Push]] = {}
        self._ready: deque[str] = deque()
        self._idle = 0
        self._threads = 0

    def put(
        self,
        account: Account,
        openid: str,
        xml: str,
        *,
        is_message: bool,
        timestamp_offset: int = 0,
        lane: str = "",
        delay: float = 0.0,
    ) -> Push:
        """Queue a push behind the follower's earlier ones; a lane of its own lets it overtake them.

        `delay` is how many seconds it waits when its turn has come.
        """
        with self.state.lock:
            push = Push(next(self._ids), account.slug, openid, xml, is_message, timestamp_offset, delay)
            self.pushes[push.id] = push
            self.pushes.pop(push.id - PUSHES_KEPT, None)
            waiting = self._lanes.setdefault(openid + lane, deque())
            waiting.append(push)
            if len(waiting) == 1:
                self._offer(openid + lane)
            return push

    def get(self, push_id: int) -> Push:
        """The push; raises UnknownError."""
        push = self.pushes.get(push_id)
        if push is None:
            raise UnknownError(f"no push {push_id}")
        return push

    def latest(self, openid: str, count: int) -> list[Push]:
        """The follower's last pushes, newest first."""
        with self.state.lock:
            own = (push for push in reversed(self.pushes.values()) if push.openid == openid)
            return list(itertools.islice(own, count))

    def is_quiet(self) -> bool:
        """Whether nothing waits or runs."""
        return not self._lanes

    def clear(self) -> None:
        """Forget every push; one that runs ends after its attempt and shows nothing."""
        with self.state.lock:
            self.pushes.clear()
            for lane in self._lanes.values():
                while len(lane) > 1:
                    lane.pop()

    def _offer(self, key: str) -> None:
        """Let a thread take the lane's first push; a new thread where all are busy. Called under the lock."""
        self._ready.append(key)
        if len(self._ready) > self._idle and self._threads < self.state.config.push_threads:
            self._threads += 1
            threading.Thread(target=self._serve, name=f"push-{self._threads}", daemon=True).start()
        self.state.work.notify()

    def _serve(self) -> None:
        while (key := self._next()) is not None:
            self._deliver(self._lanes[key][0])
            self._leave(key)

    def _next(self) -> str | None:
        """The next lane with something to push; None when the simulator stops."""
        with self.state.work:
            self._idle += 1
            self.state.work.wait_for(lambda: self._ready or self.state.stopping.is_set())
            self._idle -= 1
            if self.state.stopping.is_set():
                return None
            key = self._ready.popleft()
            self._lanes[key][0].state = "running"
            return key

    def _leave(self, key: str) -> None:
        with self.state.lock:
            lane = self._lanes[key]
            lane.popleft()
            if lane:
                self._offer(key)
            else:
                del self._lanes[key]
            self.state.changed.notify_all()

    def _deliver(self, push: Push) -> None:
        """Attempt after attempt at their distance; then what the follower sees of it."""
        config = self.state.settings(push.account)
        if push.delay:
            self.state.stopping.wait(push.delay)
        if config.push_overlap:
            verdict = self._deliver_overlapping(push, config)
        else:
            verdict = self._deliver_in_turn(push, config)
        self._finish(push, verdict)

    def _deliver_in_turn(self, push: Push, config: Config) -> Verdict:
        for number in range(1, config.push_attempts + 1):
            started = time.monotonic()
            verdict = self._attempt_noted(push)
            if verdict.outcome is not Outcome.FAILED or number == config.push_attempts:
                break
            if push.id not in self.pushes or self.state.stopping.wait(
                max(0.0, started + config.push_spacing - time.monotonic())
            ):
                break
        return verdict

    def _deliver_overlapping(self, push: Push, config: Config) -> Verdict:
        """Attempts at their times, each in a thread; once the next has begun, what the one before answers is lost."""
        answers: queue.Queue[tuple[int, Verdict]] = queue.Queue()
        running: list[threading.Thread] = []
        verdict = failed("nothing was tried")
        for number in range(1, config.push_attempts + 1):
            thread = threading.Thread(target=lambda n=number: answers.put((n, self._attempt_noted(push))), daemon=True)
            running.append(thread)
            begun = time.monotonic()
            thread.start()
            is_last = number == config.push_attempts
            latest = self._answer_of(answers, number, None if is_last else begun + config.push_spacing)
            verdict = latest or failed("answered after the next attempt")
            if verdict.outcome is not Outcome.FAILED:
                break
            self.state.stopping.wait(0.0 if is_last else max(0.0, begun + config.push_spacing - time.monotonic()))
        for thread in running:
            thread.join()
        return verdict

    def _answer_of(
        self, answers: "queue.Queue[tuple[int, Verdict]]", number: int, until: float | None
    ) -> Verdict | None:
        """The verdict of this attempt; None if it comes later than the instant of the monotonic clock."""
        while True:
            try:
                found, verdict = answers.get(timeout=None if until is None else max(0.0, until - time.monotonic()))
            except queue.Empty:
                return None
            if found == number:
                return verdict

    def _attempt_noted(self, push: Push) -> Verdict:
        attempt = self._attempt(push)
        with self.state.lock:
            push.attempts.append(attempt)
            self.state.changed.notify_all()
        return attempt.verdict

    def _finish(self, push: Push, verdict: Verdict) -> None:
        with self.state.lock:
            follower = self.state.followers.get(push.openid) if push.id in self.pushes else None
            if follower is not None and verdict.shown is not None:
                self.state.show(follower, "receipt", verdict.shown)
            # who has left sees nothing more of the account
            if follower is not None and verdict.outcome is Outcome.FAILED and follower.following:
                self.state.show(follower, "failure", Content("text", FAILURE_LINE))
            push.state = verdict.outcome.value
            self.state.changed.notify_all()

    def _attempt(self, push: Push) -> Attempt:
        with self.state.lock:
            account = self.state.accounts.get(push.account)
            fault = self.state.faults.take(PUSH, push.account)
        at, started = self.state.clock(), time.monotonic()
        if account is None or not account.webhook_url:
            verdict = Verdict(Outcome.HANDLED, why="the account has no webhook")
            return Attempt(at, 0.0, None, "", verdict)
        status, body, verdict = self._exchange(account, push, fault)
        return Attempt(at, time.monotonic() - started, status, body.decode("utf-8", "replace")[:BODY_SHOWN], verdict)

    def _exchange(self, account: Account, push: Push, fault: Fault | None) -> tuple[int | None, bytes, Verdict]:
        """Status, body and verdict of one exchange, with the fault if there is one."""
        config = self.state.settings(account.slug)
        limit = config.push_timeout
        if fault is not None and fault.kind == "timeout":
            self.state.stopping.wait(limit if fault.value is None else fault.value)
            return None, b"", failed("fault: nothing sent")
        if fault is not None and fault.kind == "latency":
            self.state.stopping.wait(fault.value)
        stamp = int(self.state.clock()) + push.timestamp_offset
        query, document = wire.envelope(account, push.xml, openid=push.openid, timestamp=stamp)
        joint = "&" if "?" in account.webhook_url else "?"
        started = time.monotonic()
        try:
            status, body = post(f"{account.webhook_url}{joint}{query}", document, limit)
        except requests.RequestException as error:
            return None, b"", failed(type(error).__name__)
        if fault is not None and fault.kind == "drop_after_accept":
            return status, body, failed("fault: answer lost")
        if time.monotonic() - started > limit:
            return status, body, failed("answered too late")
        pushed = Pushed(push.openid, push.is_message, config.text_limit_bytes)
        return status, body, judge(account, pushed, status=status, body=body)


def post(url: str, document: bytes, limit: float) -> tuple[int, bytes]:
    """Status and body of a fresh connection's answer; raises requests.RequestException."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the developer's machine has no place between two local processes
        answer = session.post(url, data=document, headers=HEADERS, timeout=limit, allow_redirects=False)
        return answer.status_code, answer.content
