"""Pages of those who work a queue."""

from flask import Blueprint, Flask

from service.people import Permission
from service.web.auth import needs

desk = Blueprint("desk", __name__)


def init_app(app: Flask) -> None:
    """Register what templates need."""


@desk.get("/")
@needs(Permission.SEE)
def queue() -> str:
    return "queue"
