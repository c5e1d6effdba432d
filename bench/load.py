"""A small load generator: keep-alive connections, prepared requests, one thread a connection."""

import hashlib
import itertools
import socket
import threading
import time
from dataclasses import dataclass, field

TEMPLATE = (
    "<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{follower}]]></FromUserName>"
    "<CreateTime>{at}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
    "<Content><![CDATA[你好，我是{number}号楼的住户，请问这个月的物业费在哪里可以交，可以用微信支付吗，谢谢]]></Content>"
    "<MsgId>{number}</MsgId></xml>"
)


@dataclass(frozen=True)
class Load:
    port: int
    path: str
    token: str
    concurrency: int
    seconds: float | None  # None: until `messages` are sent
    rate: float | None  # requests a second of all connections together; None: as fast as answers come
    run: str  # makes followers and message ids of this run its own
    messages: int | None = None


@dataclass
class Measured:
    answered: int
    failed: int
    seconds: float
    latencies: list[float] = field(repr=False, default_factory=list)
    cpu: list[int] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def at(self, share: float) -> float:
        """The latency in milliseconds that this share of the answers kept to."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def __str__(self) -> str:
        times = f"p50 {self.at(0.5):.1f} ms, p95 {self.at(0.95):.1f} ms, p99 {self.at(0.99):.1f} ms"
        return f"{self.rate:.0f}/s, {times}, {self.failed} failed, CPU % of the web processes {self.cpu}"


def run_load(load: Load) -> Measured:
    """Send until the time is over."""
    numbers = itertools.count(int(time.time() * 1000) * 100_000)
    results: list[tuple[list[float], int]] = []
    begun = time.perf_counter()
    threads = [
        threading.Thread(target=lambda place=place: results.append(_connection(load, place, numbers, begun)))
        for place in range(load.concurrency)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begun
    latencies = [latency for found, _ in results for latency in found]
    return Measured(len(latencies), sum(failed for _, failed in results), spent, latencies)


def _connection(load: Load, place: int, numbers: "itertools.count[int]", begun: float) -> tuple[list[float], int]:
    """One keep-alive connection; every second message is of a new follower, the others follow up on those."""
    latencies, failed = [], 0
    interval = load.concurrency / load.rate if load.rate else 0.0
    turn = begun + interval * place / load.concurrency
    with socket.create_connection(("127.0.0.1", load.port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for count in itertools.count():
            if interval:
                turn += interval
                time.sleep(max(0.0, turn - time.perf_counter()))
            sent = time.perf_counter()
            enough = load.messages is not None and count >= load.messages // load.concurrency
            if enough or (load.seconds is not None and sent - begun >= load.seconds):
                return latencies, failed
            link.sendall(_request(load, f"o{load.run}{place}_{count // 2:08}", next(numbers)))
            ok = _answer(link)
            latencies.append(time.perf_counter() - sent)
            failed += not ok
    return latencies, failed


def _request(load: Load, follower: str, number: int) -> bytes:
    timestamp, nonce = str(int(time.time())), str(number)
    signature = hashlib.sha1("".join(sorted((load.token, timestamp, nonce))).encode()).hexdigest()  # noqa: S324
    body = TEMPLATE.format(follower=follower, at=timestamp, number=number).encode()
    query = f"signature={signature}&timestamp={timestamp}&nonce={nonce}&openid={follower}"
    lines = (
        f"POST {load.path}?{query} HTTP/1.1",
        "Host: bench",
        "Content-Type: text/xml",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def _answer(link: socket.socket) -> bool:
    data = b""
    while b"\r\n\r\n" not in data:
        data += link.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        body += link.recv(65536)
    return head.startswith(b"HTTP/1.1 200")
