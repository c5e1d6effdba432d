"""Processes that each send one message: `token_process.py BASE_URL REDIS_SOCKET DATABASE_URL N`.

All at the same moment; what each was answered is a line of JSON on standard output.
"""

import json
import multiprocessing
import sys
from multiprocessing.synchronize import Barrier

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import create_engine

from service.channels.wechat import api
from service.channels.wechat.token_shelf import DatabaseShelf
from service.channels.wechat.tokens import TokenProvider
from service.messaging.ports import DeliveryError
from tests.wechat_fakes import make_account


def main(base_url: str, socket: str, database_url: str, count: str) -> None:
    fork = multiprocessing.get_context("fork")  # so that all are loaded before the first one is told to go
    ready = fork.Barrier(int(count) + 1)
    processes = [fork.Process(target=send, args=(base_url, socket, database_url, ready)) for _ in range(int(count))]
    for process in processes:
        process.start()
    ready.wait()
    for process in processes:
        process.join()


def send(base_url: str, socket: str, database_url: str, ready: Barrier) -> None:
    """What one process does."""
    redis = Redis(unix_socket_path=socket, retry=Retry(NoBackoff(), 0))
    engine = create_engine(database_url)
    provider = TokenProvider(redis, base_url, shelf=DatabaseShelf(engine, "of the installation"))
    ready.wait()
    try:
        answer = provider.call(
            make_account(),
            lambda token: api.post(f"{base_url}/cgi-bin/message/custom/send", {"touser": "o"}, token=token),
        )
        said: object = answer.code
    except DeliveryError as error:
        said = [error.kind, error.code]
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
