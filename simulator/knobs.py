"""Settings that may change while the simulator runs, for everybody or for one account. No lock of its own."""

import dataclasses
from collections.abc import Mapping

from simulator.config import Account, Config, ConfigError, account_from

STARTING = {"accounts", "public_url", "push_threads", "follower_names", "follower_windows"}  # fixed at the start
FOR_EVERYBODY = {
    "hold_seconds",
    "token_lifetime",
    "token_overlap",
    "forced_refreshes_a_day",
    "forced_refresh_spacing",
    "adopt_unknown_followers",
}
NAMES = frozenset(item.name for item in dataclasses.fields(Config)) - STARTING
ACCOUNT_NAMES = NAMES - FOR_EVERYBODY
ACCOUNT_FIELDS = frozenset(item.name for item in dataclasses.fields(Account)) - {"slug", "app_id"}
NUMBERS = (int, float)


class Knobs:
    """The settings of everybody (`base`) and what differs for single accounts."""

    def __init__(self, config: Config) -> None:
        """Begin with what the simulator was started with."""
        self._first = config
        self.reset()

    def reset(self) -> None:
        """Back to what the simulator was started with."""
        self.base = self._first
        self._own: dict[str, dict[str, object]] = {}
        self._made: dict[str, Config] = {}

    def of(self, slug: str) -> Config:
        """The settings of one account."""
        return self._made.get(slug, self.base)

    def own(self, slug: str) -> Mapping[str, object]:
        """What differs for the account."""
        return self._own.get(slug, {})

    def turn(self, values: Mapping[str, object]) -> None:
        """Change settings of everybody; raises ConfigError and changes nothing if a value is not right."""
        self.base = _changed(self.base, values, NAMES)
        self._made = {slug: _changed(self.base, own, ACCOUNT_NAMES) for slug, own in self._own.items()}

    def turn_for(self, slug: str, values: Mapping[str, object]) -> None:
        """Change settings of one account, None back to everybody's; raises ConfigError as `turn` does."""
        merged = {name: value for name, value in {**self.own(slug), **values}.items() if value is not None}
        unknown = {name: value for name, value in values.items() if name not in ACCOUNT_NAMES}
        self._made[slug] = _changed(self.base, merged | unknown, ACCOUNT_NAMES)
        self._own[slug] = merged


def _changed(config: Config, values: Mapping[str, object], allowed: frozenset[str]) -> Config:
    unknown = sorted(set(values) - allowed)
    if unknown:
        raise ConfigError(f"no knob {' '.join(unknown)}; known are {' '.join(sorted(allowed))}")
    for name, value in values.items():
        before = getattr(config, name)
        wanted: type | tuple[type, ...] = type(before)
        if isinstance(before, bool):
            fits = isinstance(value, bool)
        elif isinstance(before, NUMBERS):
            fits = isinstance(value, NUMBERS) and not isinstance(value, bool) and value >= 0
        else:
            fits = isinstance(value, Mapping if isinstance(before, Mapping) else wanted)
        if not fits:
            raise ConfigError(f"{name} is {value!r}; it must be like {before!r}")
    return dataclasses.replace(config, **values)  # type: ignore[arg-type]


def changed_account(account: Account, values: Mapping[str, object]) -> Account:
    """The account with other values for some of its fields; raises ConfigError."""
    unknown = sorted(set(values) - ACCOUNT_FIELDS)
    if unknown:
        raise ConfigError(f"no field {' '.join(unknown)}")
    fields = {item.name: getattr(account, item.name) for item in dataclasses.fields(Account)}
    fields["menu"] = [dataclasses.asdict(item) for item in account.menu]
    return account_from(fields | dict(values))
