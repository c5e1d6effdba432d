"""A running simulator and a webhook of the tests' own, both over real HTTP on loopback."""

import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Page
from simulator_rig import PATIENCE, Clock, Simulator, Start, Webhook, handler_for, make_account
from werkzeug.serving import make_server

from simulator.application import create_app
from simulator.config import Account, Config


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A webhook that acknowledges whatever comes, unless told otherwise."""
    found = Webhook()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_for(found))
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/wechat/main"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def start(webhook: Webhook) -> Iterator[Start]:
    """Start simulators with settings; pushes are tried again at once, and the default account has our webhook."""
    running = []

    def begin(
        *, chance: Callable[[], float] = lambda: 0.0, account: Account | None = None, **settings: object
    ) -> Simulator:
        account = account or make_account(webhook_url=webhook.url)
        values: dict[str, object] = {"accounts": (account,), "push_timeout": 5.0, "push_spacing": 0.0} | settings
        clock = Clock()
        app = create_app(Config(**values), clock=clock, chance=chance)  # type: ignore[arg-type]
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread, app))
        return Simulator(f"http://127.0.0.1:{server.server_port}", app, clock)

    yield begin
    for server, thread, app in running:
        app.extensions["simulator"].state.stop()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def simulator(start: Start) -> Simulator:
    """A simulator with one account in safe mode."""
    return start()


@pytest.fixture
def page(browser: Browser, simulator: Simulator) -> Iterator[Page]:
    """The phone page in a browser as wide as a phone; an error on its console fails the test."""
    errors: list[str] = []
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        found = context.new_page()
        found.set_default_timeout(PATIENCE * 1000)
        found.on("pageerror", lambda error: errors.append(str(error)))
        found.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        found.goto(simulator.base)
        found.wait_for_selector("#composer:not([hidden])")
        yield found
    assert errors == []
