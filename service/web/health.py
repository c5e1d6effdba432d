"""Whether the service lives, and whether it is ready."""

import hmac
import ipaddress

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.channels.outages import watch
from service.clock import utcnow
from service.database import reading
from service.rulebook import RulebookVersion

health = Blueprint("health", __name__)


@health.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "alive"}


@health.get("/readyz")
def readyz() -> tuple[dict[str, object], int]:
    """200, or 503 with the names of what is missing."""
    missing = {name: reason for name, check in CHECKS.items() if (reason := check())}
    return {"ready": not missing, "missing": missing}, 503 if missing else 200


def _database() -> str:
    try:
        with reading() as session:
            session.execute(text("SELECT 1"))
            if session.get(RulebookVersion, 1) is None:
                return "not initialised: run `desk init`"
        watch().close(now=utcnow())  # an outage ends when the database answers again, not at the next push
    except SQLAlchemyError as error:
        return f"no answer ({type(error).__name__})"
    return ""


def _redis() -> str:
    try:
        current_app.extensions["doorbell"].redis.ping()
    except (RedisError, OSError) as error:
        return f"no answer ({type(error).__name__})"
    return ""


CHECKS = {"database": _database, "redis": _redis}


@health.get("/metrics")
def metrics() -> Response:
    """Prometheus text, for this machine or for whoever has the token."""
    token = current_app.config["SETTINGS"].metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = bool(token) and hmac.compare_digest(given.encode(), str(token).encode())
    if not allowed and not is_loopback(request.remote_addr):
        abort(403, description="metrics are for this machine, or with METRICS_TOKEN as a bearer token")
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
