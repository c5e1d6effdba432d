"""`python -m simulator --bind 127.0.0.1:8001 --config FILE.json`: serve one simulator until SIGTERM or Ctrl-C."""

import argparse
import dataclasses
import ipaddress
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from simulator import config, current
from simulator.application import create_app

STOP_SECONDS = 5.0
MISUSE = 2


class QuietHandler(WSGIRequestHandler):
    """No line for each request: tokens travel in query strings, and the calls log tells more."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class BindError(ValueError):
    """An address that the simulator does not listen on; the message says why."""


def address(text: str, *, anywhere: bool) -> tuple[str, int]:
    """Host and port of HOST:PORT; raises BindError beyond loopback unless `anywhere`."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or int(port) > 65535:
        raise BindError(f"--bind {text}: must be HOST:PORT, for example 127.0.0.1:8001")
    if not anywhere and not _is_loopback(host):
        raise BindError(f"--bind {text}: anybody who reaches it may steer the simulator; add --anywhere to allow that")
    return host, int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="WeChat platform and a follower's phone")
    parser.add_argument("--bind", default="127.0.0.1:8001", help="HOST:PORT, loopback only (default %(default)s)")
    parser.add_argument("--config", type=Path, help="JSON file with accounts and settings")
    parser.add_argument("--anywhere", action="store_true", help="allow an address beyond loopback")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; 2 on a wrong option or a bad configuration."""
    options = _options(arguments)
    try:
        host, port = address(options.bind, anywhere=options.anywhere)
        chosen = config.read(options.config) if options.config else config.Config()
    except (BindError, config.ConfigError) as error:
        sys.stderr.write(f"{error}\n")
        return MISUSE
    try:
        listener = listen(host, port)
    except OSError as error:
        sys.stderr.write(f"--bind {options.bind}: {error.strerror or error}\n")
        return MISUSE
    with listener:
        run(chosen, listener)
    return 0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError if the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def run(chosen: config.Config, listener: socket.socket) -> None:
    """Serve on the socket until SIGTERM or SIGINT; port 0 has become a real one by now."""
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    app = create_app(dataclasses.replace(chosen, public_url=chosen.public_url or url))
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()
    serve(server)
    app.extensions[current.NAME].state.stop()


def serve(server: BaseWSGIServer) -> None:
    """Answer requests until SIGTERM or SIGINT; connections still open end with the process."""
    told_to_stop = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    told_to_stop.wait()
    server.shutdown()
    thread.join(STOP_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
