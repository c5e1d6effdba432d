"""What each setting may say, read as its value. Each raises ValueError with what would be right."""

import os
import re
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
POSTGRES_DRIVERS = {"postgres", "postgresql", "postgresql+psycopg"}
REDIS_SCHEMES = {"redis", "rediss", "unix"}
SHORTEST_SECRET = 8
MAIL_SCHEMES = {"smtp", "smtps", "smtp+starttls"}
MAIL_ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
LARGEST_BUDGET = 100_000
LONGEST_WAIT = 20.0  # seconds: who sends followers' messages waits as long


def database_url(text: str) -> str:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = URL.create("unreadable")
    if url.drivername in POSTGRES_DRIVERS:
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
    if url.drivername in {"sqlite", "sqlite+pysqlite"} and url.database and url.database != ":memory:":
        return f"sqlite:///{Path(url.database).resolve()}"
    raise ValueError("use postgresql://USER:PASSWORD@HOST:PORT/NAME, or sqlite:///FILE with a file on disk")


def redis_url(text: str) -> str:
    parts = urlsplit(text)
    place = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme in REDIS_SCHEMES and place and _port_is_readable(text):
        return text
    raise ValueError("use redis://HOST:PORT/NUMBER, rediss://HOST:PORT/NUMBER or unix:///PATH/TO/SOCKET")


def _port_is_readable(url: str) -> bool:
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port != 0


def web_address(text: str) -> str:
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme in {"http", "https"} and parts.hostname and plain and _port_is_readable(text):
        return text.rstrip("/")
    raise ValueError("use http://HOST:PORT or https://HOST, without a query")


def mail_server(text: str) -> str:
    parts = urlsplit(text)
    plain = not (parts.query or parts.fragment or parts.path.strip("/"))
    if parts.scheme in MAIL_SCHEMES and parts.hostname and plain and _port_is_readable(text):
        if bool(parts.username) == bool(parts.password):
            return text
        raise ValueError("name a user and a password, or neither")
    raise ValueError("use smtp+starttls://USER:PASSWORD@HOST:PORT, smtps://… or smtp://…, %-encoded where needed")


def mail_sender(text: str) -> str:
    name, address = parseaddr(text)
    if text.isprintable() and MAIL_ADDRESS.fullmatch(address) and text in (address, f"{name} <{address}>"):
        return text
    raise ValueError("use desk@example.com or NAME <desk@example.com>")


def robot_hosts(text: str) -> tuple[str, ...]:
    found = [place.strip().rstrip("/") for place in text.split(",") if place.strip()]
    places = [place if "://" in place else f"https://{place}" for place in found]
    for place in places:
        parts = urlsplit(web_address(place))
        if parts.path:
            raise ValueError("name hosts without a path, such as robots.example.com or http://127.0.0.1:9000")
    return tuple(place.lower() for place in places)


def directory(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    # SQLite and Redis take the path inside a URL, where these two characters end it
    if set(str(path)) & {"?", "#"}:
        raise ValueError("use a path without ? and #")
    existing = next(place for place in (path, *path.parents) if place.exists())
    if not existing.is_dir():
        raise ValueError(f"{existing} is a file: name a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"{existing} cannot be written by this user: name a folder that can")
    return path


def secret(text: str) -> str:
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"use at least {SHORTEST_SECRET} characters, best 32 random ones")
    return text


def time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (LookupError, ValueError, OSError) as error:
        raise ValueError("use a name of the IANA time zone database such as Asia/Shanghai") from error


def log_level(text: str) -> str:
    if text.upper() in LOG_LEVELS:
        return text.upper()
    raise ValueError(f"use one of {', '.join(LOG_LEVELS)}")


def process_count(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 64:
        return int(text)
    raise ValueError("use a whole number from 1 to 64")


def opinion_api(text: str) -> str:
    base = web_address(text)
    parts = urlsplit(base)
    if parts.path.endswith("/completions"):
        raise ValueError("leave /chat/completions out, as in https://HOST/v1")
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("use https://HOST/v1; http:// only on this computer, such as http://127.0.0.1:11434/v1")
    return base


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def api_key(text: str) -> str:
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    raise ValueError("use the key alone, as its maker shows it, without spaces")


def model_name(text: str) -> str:
    if text.isprintable() and len(text) <= 200:
        return text
    raise ValueError("use the name of one model, such as qwen-plus")


def daily_budget(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= LARGEST_BUDGET:
        return int(text)
    raise ValueError(f"use a whole number from 1 to {LARGEST_BUDGET}; to ask nobody, leave OPINION_URL out")


def wait_seconds(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", text) and 0 < float(text) <= LONGEST_WAIT:
        return float(text)
    raise ValueError(f"use seconds, more than 0 and at most {LONGEST_WAIT:g}")
