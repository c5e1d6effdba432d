"""The only reader of the wall clock; everything below the edges is handed the time."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)
