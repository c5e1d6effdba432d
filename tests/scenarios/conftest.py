"""One running installation for all scenarios, and what its processes said during a test that fails."""

import os
from collections.abc import Generator, Iterator

import pytest
import redis
from scenario_processes import empty_redis_number
from scenario_rig import Rig
from scenario_storm import BRIEF, FULL, Storm, rage

from tests.conftest import own_database

SHOWN = 12_000  # characters of output
POSITION = pytest.StashKey[int]()
RIGS: list[Rig] = []


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis number of our own, emptied afterwards; "" where the embedded one is used."""
    server = os.environ.get("TEST_REDIS_URL")
    if server is None:
        yield ""
        return
    url = empty_redis_number(server)
    yield url
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def rig(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The whole service as processes, beside the simulated platform."""
    folder = tmp_path_factory.mktemp("rig")
    with own_database(folder) as database_url:
        made = Rig(folder, database_url, redis_url)
        RIGS.append(made)
        with made.running():
            yield made


@pytest.fixture(scope="session")
def storm(rig: Rig, pytestconfig: pytest.Config) -> Storm:
    """A storm that has passed over the installation: 500 messages, 200 replies and 50 kills, or fewer with --brief."""
    return rage(rig, BRIEF if pytestconfig.getoption("--brief") else FULL)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    result = yield
    item.stash[POSITION] = RIGS[-1].output.stat().st_size if RIGS else 0
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed and RIGS and RIGS[-1].output.exists():
        said = RIGS[-1].output.read_bytes()[item.stash.get(POSITION, 0) :].decode("utf-8", "replace")
        report.sections.append(("what the processes said", said[-SHOWN:]))
    return report
