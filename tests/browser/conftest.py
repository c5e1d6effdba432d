"""The running installation in Debian's Chromium; an error on a page's console fails the test."""

import os
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page
from scenario_processes import SHARED, empty_redis_number
from scenario_rig import PASSWORD, Rig

from tests.conftest import CHROMIUM, own_database

PATIENCE_MS = 10_000 * SHARED
SIZES = {1440: {"width": 1440, "height": 900}, 390: {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The service as processes beside the simulated platform."""
    if CHROMIUM is None:
        pytest.skip("no chromium")
    server = os.environ.get("TEST_REDIS_URL")
    folder = tmp_path_factory.mktemp("rig")
    with own_database(folder) as database_url:
        made = Rig(folder, database_url, empty_redis_number(server) if server else "")
        with made.running():
            yield made


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[[int], Page]]:
    """Makes a page of its own cookies, so many pixels wide."""
    contexts, complaints = [], []

    def make(width: int = 1440) -> Page:
        context = browser.new_context(viewport=SIZES[width], locale="zh-CN")
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def signed_in(rig: Rig, opened: Callable[[int], Page]) -> Callable[..., Page]:
    """A page of a member of staff."""

    def sign_in(username: str, path: str = "/", width: int = 1440) -> Page:
        page = opened(width)
        page.goto(rig.url + "/sign-in")
        page.fill("input[name=username]", username)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        if path != "/":
            page.goto(rig.url + path)
        return page

    return sign_in


@pytest.fixture
def phone(rig: Rig, opened: Callable[[int], Page]) -> Page:
    """The phone page of the simulator, its first follower chosen."""
    page = opened(1440)
    page.goto(rig.control.base.removesuffix("/_control") + "/")
    page.locator("#followers button, #followers li").first.click()
    return page
