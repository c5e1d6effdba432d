"""Reading what came to the control API, and answering mistakes with a status and words."""

from collections.abc import Mapping

from flask import Blueprint, Response, jsonify, request

from simulator.acting import NotFollowingError
from simulator.config import ConfigError
from simulator.faults import FaultError
from simulator.inbound import ActError
from simulator.menus import TapError
from simulator.state import UnknownError
from simulator.tokens import RefusedError

LONGEST_WAIT = 60.0
STATUSES: dict[type[Exception], int] = {
    UnknownError: 404,
    NotFollowingError: 409,
    ActError: 422,
    TapError: 422,
    FaultError: 422,
    ConfigError: 422,
    RefusedError: 422,
}


def guard(blueprint: Blueprint) -> None:
    """Let the blueprint answer every known mistake in JSON."""
    for kind in STATUSES:
        blueprint.register_error_handler(kind, _problem)


def _problem(error: Exception) -> tuple[Response, int]:
    if isinstance(error, RefusedError):
        return jsonify(error=f"the platform refuses: {error.errcode}", errcode=error.errcode), STATUSES[RefusedError]
    return jsonify(error=str(error)), STATUSES[type(error)]


def body_of_request() -> dict[str, object]:
    """The JSON object that came; empty if nothing came. Raises ActError."""
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ActError("a JSON object is needed")
    return body


def number(values: Mapping[str, object], name: str, default: float | None = None) -> float | None:
    """The value as a number; raises ActError."""
    value = values.get(name)
    if value is None:
        return default
    try:
        return float(str(value))
    except ValueError as error:
        raise ActError(f"{name} must be a number") from error


def patience(values: Mapping[str, object]) -> float:
    """Seconds to wait for a result; 0 unless `wait` is asked for."""
    if str(values.get("wait", "")).lower() not in ("true", "1"):
        return 0.0
    return min(number(values, "timeout", LONGEST_WAIT) or 0.0, LONGEST_WAIT)
