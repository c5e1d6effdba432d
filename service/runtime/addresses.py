"""Where the servers listen: reading HOST:PORT, and finding out whether a port is free."""

import errno
import ipaddress
import socket
from dataclasses import dataclass, replace
from typing import Self

from service.runtime.refusal import RefusedError

PORTS_TRIED = 50  # upwards from the wished one, for a server that may move


@dataclass(frozen=True, slots=True)
class Address:
    """A place to listen: the host as a person wrote it, its IP address, and a port."""

    host: str
    ip: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From HOST:PORT; IPv6 in brackets; port 0 takes any free one. Raises RefusedError."""
        host, colon, port = text.rpartition(":")
        host = host.strip("[]")
        if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
            raise RefusedError(f"{text!r} is no place to listen: write HOST:PORT, for example 127.0.0.1:8000.")
        try:
            ip = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0]
        except OSError as error:
            raise RefusedError(
                f"{host!r} is no address of this machine: write HOST:PORT such as 127.0.0.1:8000."
            ) from error
        address = cls(host=host, ip=str(ip), port=int(port))
        return address if address.port else replace(address, port=_any_free_port(address.ip))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.ip).is_loopback

    @property
    def url(self) -> str:
        """What a person on this machine types into a browser."""
        ip = ipaddress.ip_address(self.ip)
        local = {4: "127.0.0.1", 6: "::1"}[ip.version]
        host = local if ip.is_unspecified else self.host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def is_free(self) -> bool:
        """Whether nothing listens there yet. Raises RefusedError where this machine may not listen at all."""
        try:
            _bind(self.ip, self.port).close()
        except PermissionError as error:
            raise RefusedError(f"Port {self.port} needs rights that this user lacks: take one above 1023.") from error
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise RefusedError(f"{self.host} is no address of this machine: listen on 127.0.0.1 or 0.0.0.0.") from error
        return True

    def next_free(self) -> Self:
        """This address, or the same host with the next port that is free. Raises RefusedError if none is near."""
        for port in range(self.port, min(self.port + PORTS_TRIED, 65536)):
            candidate = replace(self, port=port)
            if candidate.is_free():
                return candidate
        raise RefusedError(f"No port from {self.port} upwards is free on {self.host}: choose another one.")


def _bind(ip: str, port: int) -> socket.socket:
    """A bound socket. No SO_REUSEPORT, so that a port which somebody shares counts as taken."""
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((ip, port))
    except OSError:
        place.close()
        raise
    return place


def _any_free_port(ip: str) -> int:
    with _bind(ip, 0) as place:
        return int(place.getsockname()[1])
