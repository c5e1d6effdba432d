"""`python -m simulator.traffic`: an hour of followers at a running simulator, in less than an hour, then the figures.

The plan is made from a seed before anything is sent: the same seed and options give the same hour.
"""

import argparse
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

QUIET_SECONDS = 120.0
SENDERS = 24
ANSWER_SECONDS = 30.0
BURST_SECONDS = 20.0
PAUSE_SECONDS = (2.0, 25.0)  # between two messages of one person
MESSAGES_OF_A_PERSON = (1, 1, 1, 2, 2, 3, 4)
WORDS = (
    "你好，在吗？",
    "我家的水管漏水了，能派人来看看吗",
    "路灯坏了三天了，没有人管！",
    "请问办理居住证需要什么材料",
    "进度",
    "我要投诉，上次的师傅没有来",
    "谢谢，已经好了👍",
    "地址是人民路88号3号楼502",
    "人工",
    "电梯又停了，老人上不去楼，很着急",
)
# what a follower does, and how often out of a hundred
KINDS: tuple[tuple[dict[str, object], int], ...] = (
    ({"type": "text"}, 72),
    ({"type": "image"}, 8),
    ({"type": "voice"}, 6),
    ({"type": "click", "key": "INQUIRY"}, 5),
    ({"type": "location"}, 3),
    ({"type": "scan", "scene": "src_traffic"}, 2),
    ({"type": "sticker"}, 2),
    ({"type": "video"}, 1),
    ({"type": "link"}, 1),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the hour is like; lengths are seconds of the simulated time."""

    seconds: float = 3600.0
    messages: int = 600
    followers: int = 120
    bursts: int = 4
    burst_messages: int = 40
    overlap_share: float = 0.05
    overlap_copies: int = 3
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that one follower does, so many seconds after the beginning."""

    at: float
    follower: int
    values: dict[str, object]


def plan(options: Options) -> list[Moment]:
    """The hour in order: people who write a few messages each, bursts of many at once, some pushed several times."""
    chance = random.Random(options.seed)  # noqa: S311 (a plan, not a secret)
    found: list[Moment] = []
    in_bursts = min(options.messages, options.bursts * options.burst_messages)
    while len(found) < options.messages - in_bursts:
        follower, at = chance.randrange(options.followers), chance.uniform(0, options.seconds)
        for _ in range(chance.choice(MESSAGES_OF_A_PERSON)):
            found.append(_moment(chance, options, min(at, options.seconds), follower))
            at += chance.uniform(*PAUSE_SECONDS)
    del found[options.messages - in_bursts :]
    while len(found) < options.messages:
        beginning = chance.uniform(0, max(0.0, options.seconds - BURST_SECONDS))
        for _ in range(min(options.burst_messages, options.messages - len(found))):
            at = beginning + chance.uniform(0, BURST_SECONDS)
            found.append(_moment(chance, options, at, chance.randrange(options.followers)))
    return sorted(found, key=lambda moment: moment.at)


def _moment(chance: random.Random, options: Options, at: float, follower: int) -> Moment:
    kinds, weights = zip(*KINDS, strict=True)
    values = dict(chance.choices(kinds, weights)[0])
    if values["type"] == "text":
        values["text"] = chance.choice(WORDS)
    if chance.random() < options.overlap_share:
        values["copies"] = options.overlap_copies
    return Moment(at, follower, values)


@dataclass
class Player:
    """Sends a plan to a simulator's control API; `sleep` and `clock` are the wall's."""

    control: str
    account: str
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    refused: list[str] = field(default_factory=list)
    latest: float = 0.0  # how far behind its time the latest message was sent, seconds
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, moments: Sequence[Moment], factor: float) -> None:
        """Send every message at its time divided by the factor; what is refused is kept in `refused`."""
        openids = self._people(1 + max((moment.follower for moment in moments), default=0))
        begun = self.clock()
        with ThreadPoolExecutor(SENDERS) as senders:
            for moment in moments:
                due = begun + moment.at / factor
                ahead = due - self.clock()
                if ahead > 0:
                    self.sleep(ahead)
                senders.submit(self._say, openids[moment.follower], moment.values, due)

    def _people(self, count: int) -> list[str]:
        rows = [{"account": self.account, "name": f"流量 {number}"} for number in range(count)]
        answer = self._post("/followers", {"followers": rows})
        answer.raise_for_status()
        return [str(row["openid"]) for row in answer.json()["followers"]]

    def _say(self, openid: str, values: dict[str, object], due: float) -> None:
        behind = self.clock() - due
        try:
            answer = self._post(f"/followers/{openid}/say", values)
            mistake = "" if answer.ok else answer.text.strip()
        except requests.RequestException as error:
            mistake = type(error).__name__
        with self.lock:
            self.latest = max(self.latest, behind)
            if mistake:
                self.refused.append(mistake)

    def newest(self) -> int:
        """The number of the newest push so far."""
        return int(str(self._get("/figures")["newest"]))

    def figures(self, after: int, seconds: float) -> dict[str, object]:
        """The figures of the pushes after this one, when nothing is to be pushed any more, or the time is up."""
        until = self.clock() + seconds
        while (left := until - self.clock()) > 0 and not self._get(f"/pushes?wait=true&timeout={min(left, 20)}")[
            "quiet"
        ]:
            continue
        return self._get(f"/figures?after={after}")

    def _get(self, path: str) -> dict[str, object]:
        with _session() as session:
            answer = session.get(self.control + path, timeout=ANSWER_SECONDS + 20)
            answer.raise_for_status()
            found = answer.json()
            return found if isinstance(found, dict) else {}

    def _post(self, path: str, body: dict[str, object]) -> requests.Response:
        with _session() as session:
            return session.post(self.control + path, json=body, timeout=ANSWER_SECONDS)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def report(player: Player, planned: int, seconds: float, figures: dict[str, object]) -> list[str]:
    """The figures as lines to read."""
    states = figures.get("states")
    shown = {
        "messages said": planned,
        "refused by the simulator": len(player.refused),
        "wall time, s": round(seconds, 1),
        "latest behind its time, s": round(player.latest, 2),
        "pushes": figures.get("pushes"),
        "by outcome": states,
        "deliveries": figures.get("attempts"),
        "deliveries without answer": figures.get("without_answer"),
        "webhook answer, ms": figures.get("answer_ms"),
        "on the phones since the start": figures.get("shown"),
        "calls of the API since the start": figures.get("calls"),
    }
    lines = [f"{name:34}{_words(value)}" for name, value in shown.items()]
    return lines + [f"  refused: {reason}" for reason in sorted(set(player.refused))[:5]]


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {part}" for name, part in value.items()) or "none"
    return str(value)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m simulator.traffic", description=__doc__)
    parser.add_argument(
        "--base", default="http://127.0.0.1:8001", help="address of the simulator (default %(default)s)"
    )
    parser.add_argument("--account", default="main", help="slug of the account (default %(default)s)")
    parser.add_argument(
        "--factor", type=float, default=60.0, help="how many times faster than life (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="simulated length (default %(default)s)")
    parser.add_argument("--messages", type=int, default=usual.messages, help="in all (default %(default)s)")
    parser.add_argument("--followers", type=int, default=usual.followers, help="who write (default %(default)s)")
    parser.add_argument("--bursts", type=int, default=usual.bursts, help="how many (default %(default)s)")
    parser.add_argument(
        "--burst-messages", type=int, default=usual.burst_messages, help="in a burst (default %(default)s)"
    )
    parser.add_argument(
        "--overlap", type=float, default=usual.overlap_share, help="share pushed thrice at once (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the plan (default %(default)s)")
    parser.add_argument(
        "--quiet", type=float, default=QUIET_SECONDS, help="seconds to wait at the end (default %(default)s)"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the hour; 1 if a push failed or a message was refused, 2 if there is no simulator or no such account."""
    chosen = _options(arguments)
    options = Options(
        seconds=chosen.seconds,
        messages=chosen.messages,
        followers=chosen.followers,
        bursts=chosen.bursts,
        burst_messages=chosen.burst_messages,
        overlap_share=chosen.overlap,
        seed=chosen.seed,
    )
    player = Player(chosen.base.rstrip("/") + "/_control", chosen.account)
    moments, begun = plan(options), time.monotonic()
    try:
        after = player.newest()
        player.play(moments, chosen.factor)
        figures = player.figures(after, chosen.quiet)
    except requests.RequestException as error:
        sys.stderr.write(f"{chosen.base}: {error}\n")
        return 2
    lines = report(player, len(moments), time.monotonic() - begun, figures)
    sys.stdout.write("\n".join(lines) + "\n")
    states = figures.get("states")
    is_bad = player.refused or not isinstance(states, dict) or set(states) - {"handled", "shown"}
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
