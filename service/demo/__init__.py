"""The demonstration: example people, accounts and two weeks of tickets beside a simulated platform."""

from flask import Flask

from service.runtime.programs import Places
from service.runtime.up import Prepared


def demonstrate(app: Flask, places: Places) -> Prepared:
    """Example data, once."""
    return Prepared()
