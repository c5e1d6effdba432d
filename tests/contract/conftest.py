"""A Redis and a platform on loopback for the parts that talk."""

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.wechat_fakes import FakePlatform, running_platform, running_redis


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with running_redis(tmp_path_factory.mktemp("redis")) as client:
        yield client


@pytest.fixture
def redis(redis_server: Redis) -> Redis:
    """An empty Redis."""
    redis_server.flushall()
    return redis_server


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    with running_platform() as running:
        yield running
