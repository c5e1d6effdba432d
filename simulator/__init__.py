"""A stand-in for the WeChat platform and a follower's phone; talks HTTP to services and knows none of them."""

from simulator.application import create_app
from simulator.config import Account, Config, MenuItem

__all__ = ["Account", "Config", "MenuItem", "create_app"]
