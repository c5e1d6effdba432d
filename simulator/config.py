"""What a simulator is started with: accounts, time limits, and the platform's habits that vary. Never changed."""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODES = ("plain", "compat", "safe")
KINDS = ("service", "subscription")
CHOICES = {
    "window_model": ("max", "cumulative"),
    "survey_tap_opens": ("click", "message"),
    "unicode_escapes": ("refuse", "accept"),
    "recognition": ("absent", "empty", "filled"),
    "template_outcome": ("success", "failed:user block", "failed: system failed"),
}
FOLLOWER_NAMES = ("王女士", "李先生", "张阿姨", "陈先生", "刘小姐", "赵师傅")


class ConfigError(ValueError):
    """A setting has a value that the simulator cannot work with; the message says which and what would be right."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One item of the console's menu under the chat: with a key it pushes CLICK, with a url it opens that page."""

    name: str
    key: str = ""
    url: str = ""


DEFAULT_MENU = (MenuItem("我要咨询", "INQUIRY"), MenuItem("我的工单", "MY_TICKETS"), MenuItem("人工服务", "HUMAN"))


@dataclass(frozen=True, slots=True)
class Account:
    """An official account as the platform knows it; `ip_list` empty means that any address may call."""

    slug: str
    app_id: str
    app_secret: str = field(repr=False)
    token: str = field(repr=False)
    aes_key: str = field(default="", repr=False)
    mode: str = "safe"
    original_id: str = "gh_000000000000"
    kind: str = "service"
    certified: bool = True
    webhook_url: str = ""
    name: str = ""
    ip_list: tuple[str, ...] = ()
    menu: tuple[MenuItem, ...] = DEFAULT_MENU
    oauth_domain: str = ""  # host of redirect_uri; empty: any
    mini_programs: tuple[str, ...] = ()  # appids that are linked
    autoreply: Mapping[str, object] = field(default_factory=dict)  # as get_current_autoreply_info answers it

    def __post_init__(self) -> None:
        """Refuse an account that could neither sign nor encrypt."""
        for name in ("slug", "app_id", "app_secret", "token"):
            if not getattr(self, name):
                raise ConfigError(f"account {self.slug or '?'}: {name} is missing")
        _choose(f"account {self.slug}: mode", self.mode, MODES)
        _choose(f"account {self.slug}: kind", self.kind, KINDS)
        if self.mode != "plain" and not _is_aes_key(self.aes_key):
            raise ConfigError(f"account {self.slug}: aes_key must be 43 letters and digits in {self.mode} mode")


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one simulator; lengths of time are seconds unless the name says otherwise."""

    accounts: tuple[Account, ...] = ()
    public_url: str = ""
    push_timeout: float = 5.0
    push_attempts: int = 3
    push_spacing: float = 5.0
    push_overlap: bool = False  # an attempt begins at its time although the one before still runs
    push_threads: int = 32
    hold_seconds: float = 30.0
    window_model: str = "max"
    survey_tap_opens: str = "click"
    unicode_escapes: str = "refuse"
    recognition: str = "absent"
    recognition_text: str = "家里的宽带断了，请帮忙看看。"
    text_limit_bytes: int = 2048
    token_lifetime: int = 7200
    token_overlap: int = 300
    forced_refreshes_a_day: int = 20
    forced_refresh_spacing: int = 30
    token_dies_after: int = 0  # calls until somebody else makes the token stale (40001); 0: never
    media_days: int = 3
    template_outcome: str = "success"
    subscribe_error_code: int = 0  # of the receipt of a subscription notice; 0 is delivered
    subscribe_answers_msgid: bool = False
    client_msg_id_seconds: float = 600.0
    receipt_delay: float = 0.2
    snapshot_user: bool = False
    oauth_code_seconds: float = 300.0
    minute_limit: int = 0  # calls of one endpoint in a minute; 0: no limit
    daily_limits: Mapping[str, int] = field(default_factory=dict)  # endpoint -> calls; the rest is in simulator.quotas
    adopt_unknown_followers: bool = False
    follower_names: tuple[str, ...] = FOLLOWER_NAMES
    # openid -> messages left, deadline (Unix seconds): windows that are open at the start
    follower_windows: Mapping[str, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a value outside a setting's choices, and two accounts that would be one."""
        for name, choices in CHOICES.items():
            _choose(name, getattr(self, name), choices)
        for name in ("slug", "app_id"):
            values = [getattr(account, name) for account in self.accounts]
            if len(set(values)) < len(values):
                raise ConfigError(f"accounts: each needs a {name} of its own")


def _choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; it must be one of {' '.join(choices)}")


def _is_aes_key(text: str) -> bool:
    try:
        return len(text) == 43 and len(base64.b64decode(text + "=", validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def account_from(values: Mapping[str, object]) -> Account:
    """An account from JSON values; raises ConfigError on an unknown or missing field."""
    known = _known(Account, values, "account")
    if "menu" in known:
        known["menu"] = tuple(_menu_item(row) for row in _rows(known["menu"]))
    for name in ("ip_list", "mini_programs"):
        if name in known:
            known[name] = _texts(known[name])
    if not isinstance(known.get("autoreply", {}), Mapping):
        raise ConfigError("autoreply: an object is needed")
    try:
        return Account(**known)  # type: ignore[arg-type]
    except TypeError as error:
        raise ConfigError(f"account: {error}") from error


def _menu_item(row: Mapping[str, object]) -> MenuItem:
    known = _known(MenuItem, row, "menu item")
    return MenuItem(**{name: str(value) for name, value in known.items()})


def config_from(values: Mapping[str, object]) -> Config:
    """A configuration from JSON values; raises ConfigError on an unknown field or a bad value."""
    known = _known(Config, values, "configuration")
    known["accounts"] = tuple(account_from(row) for row in _rows(known.get("accounts", ())))
    if "follower_names" in known:
        known["follower_names"] = _texts(known["follower_names"])
    known["follower_windows"] = _windows(known.get("follower_windows", {}))
    return Config(**known)  # type: ignore[arg-type]


def _windows(value: object) -> dict[str, tuple[int, float]]:
    try:
        return {str(openid): (int(left), float(deadline)) for openid, (left, deadline) in dict(value).items()}  # type: ignore[call-overload]
    except (TypeError, ValueError) as error:
        raise ConfigError("follower_windows: an object of openid: [messages left, deadline] is needed") from error


def read(path: Path) -> Config:
    """The configuration in a JSON file; raises ConfigError if it cannot be read."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold a JSON object")
    return config_from(values)


def _known(kind: type, values: Mapping[str, object], what: str) -> dict[str, object]:
    names = {item.name for item in dataclasses.fields(kind)}
    unknown = sorted(set(values) - names)
    if unknown:
        raise ConfigError(f"{what}: unknown field {' '.join(unknown)}; known are {' '.join(sorted(names))}")
    return dict(values)


def _rows(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list | tuple) or not all(isinstance(row, Mapping) for row in value):
        raise ConfigError("a list of objects is needed here")
    return list(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError("a list of texts is needed here")
    return tuple(str(item) for item in value)
