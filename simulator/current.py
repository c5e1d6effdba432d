"""The state and the pusher of the application that handles the current request."""

from flask import current_app

from simulator.pushes import Pusher
from simulator.state import State

NAME = "simulator"


def state() -> State:
    """What the platform of this application holds."""
    return pusher().state


def pusher() -> Pusher:
    """What delivers this application's pushes."""
    found = current_app.extensions[NAME]
    if not isinstance(found, Pusher):
        raise TypeError("the application was not made by simulator.create_app")
    return found
