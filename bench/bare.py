"""The floor: a bare Flask endpoint that checks the signature, parses, inserts one row and enqueues one job."""

import hashlib
import hmac
import os

import xmltodict
from flask import Flask, request
from redis import Redis
from rq import Queue
from sqlalchemy import create_engine, text

TOKEN = os.environ["BENCH_TOKEN"]
app = Flask(__name__)
engine = create_engine(os.environ["BENCH_DATABASE_URL"], pool_size=10, max_overflow=20)
queue = Queue("bench-bare", connection=Redis.from_url(os.environ["BENCH_REDIS_URL"]))
INSERT = text("INSERT INTO bench_bare (follower, kind, body) VALUES (:follower, :kind, :body)")


@app.post("/bare")
def bare() -> tuple[str, int]:
    parts = sorted([TOKEN, request.args["timestamp"], request.args["nonce"]])
    digest = hashlib.sha1("".join(parts).encode()).hexdigest()  # noqa: S324 - the platform's algorithm
    if not hmac.compare_digest(digest, request.args["signature"]):
        return "", 403
    body = request.get_data(as_text=True)
    message = xmltodict.parse(body)["xml"]
    with engine.begin() as connection:
        connection.execute(INSERT, {"follower": message["FromUserName"], "kind": message["MsgType"], "body": body})
    queue.enqueue("builtins.len", body[:10])
    return "success", 200
