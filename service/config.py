"""Settings: a frozen value read from the environment once. Lists every mistake, then refuses to start."""

import hashlib
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Self, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from service import setting_values
from service.setting_values import LOG_LEVELS, SHORTEST_SECRET

T = TypeVar("T")

SOCKET_PATH_LIMIT = 100  # bytes; Linux allows 107 in sun_path, the rest is left to temporary names


class ConfigError(Exception):
    """The environment has mistakes; `mistakes` has a sentence for each."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A row of the settings table. `parse` raises ValueError with what would be right; an empty default means unset."""

    name: str
    parse: Callable[[str], T]
    default: str
    help: str
    is_secret: bool = False  # its value, or a password in it, is never shown


DATABASE_URL = Setting(
    "DATABASE_URL",
    setting_values.database_url,
    "",
    "PostgreSQL (`postgresql://…`) or SQLite (`sqlite:///FILE`); unset: SQLite in `DATA_DIR`",
    is_secret=True,
)
REDIS_URL = Setting(
    "REDIS_URL",
    setting_values.redis_url,
    "",
    "`redis://…`, `rediss://…` or `unix://…`; unset: an embedded Redis on a socket",
    is_secret=True,
)
DATA_DIR = Setting(
    "DATA_DIR", setting_values.directory, "./var", "folder of the database, files and keys of this installation"
)
SECRET_KEY = Setting(
    "SECRET_KEY",
    setting_values.secret,
    "",
    "signs sessions; unset: made at first start and kept in `DATA_DIR/secret_key`, mode 600",
    is_secret=True,
)
PUBLIC_URL = Setting(
    "PUBLIC_URL", setting_values.web_address, "", "address under which people reach the desk; unset: the bind of `up`"
)
TIME_ZONE = Setting(
    "TIME_ZONE", setting_values.time_zone, "Asia/Shanghai", "zone of working hours and of dates shown to people"
)
WECHAT_API_BASE_URL = Setting(
    "WECHAT_API_BASE_URL",
    setting_values.web_address,
    "https://api.weixin.qq.com",
    "where every call to the WeChat platform goes",
)
LOG_LEVEL = Setting(
    "LOG_LEVEL", setting_values.log_level, "INFO", "least level that is logged: " + ", ".join(LOG_LEVELS)
)
WEB_WORKERS = Setting("WEB_WORKERS", setting_values.process_count, "2", "processes that answer HTTP")
WORKERS = Setting(
    "WORKERS", setting_values.process_count, "1", "processes that run jobs, beside the one that sends messages"
)
METRICS_TOKEN = Setting(
    "METRICS_TOKEN",
    setting_values.secret,
    "",
    "bearer token that opens `/metrics` from beyond loopback; unset: loopback only",
    is_secret=True,
)

SMTP_URL = Setting(
    "SMTP_URL",
    setting_values.mail_server,
    "",
    "server that takes mail for staff: `smtp+starttls://USER:PASSWORD@HOST:587`, `smtps://…` or `smtp://…`;"
    " unset: no mail",
    is_secret=True,
)
MAIL_FROM = Setting(
    "MAIL_FROM", setting_values.mail_sender, "", "sender of mail to staff, `desk@example.com`; goes with `SMTP_URL`"
)
ROBOT_HOSTS = Setting(
    "ROBOT_HOSTS",
    setting_values.robot_hosts,
    "",
    "hosts of group robots beside those of WeCom, DingTalk and Feishu, with commas; `http://…` only where it is meant",
)
OPINION_URL = Setting(
    "OPINION_URL",
    setting_values.opinion_api,
    "",
    "base of an OpenAI-compatible API, `https://HOST/v1`, that gives a second opinion on what is unsure;"
    " unset: nobody is asked",
)
OPINION_KEY = Setting(
    "OPINION_KEY",
    setting_values.api_key,
    "",
    "key of that API; best read from a file by `OPINION_KEY_FILE`",
    is_secret=True,
)
OPINION_MODEL = Setting("OPINION_MODEL", setting_values.model_name, "", "model to ask there; goes with `OPINION_URL`")
OPINION_DAILY = Setting("OPINION_DAILY", setting_values.daily_budget, "500", "most requests to it in a day")
OPINION_TIMEOUT = Setting("OPINION_TIMEOUT", setting_values.wait_seconds, "8", "seconds to wait for its answer")

SETTINGS: tuple[
    Setting[str] | Setting[int] | Setting[float] | Setting[Path] | Setting[ZoneInfo] | Setting[tuple[str, ...]], ...
] = (
    DATABASE_URL,
    REDIS_URL,
    DATA_DIR,
    SECRET_KEY,
    PUBLIC_URL,
    TIME_ZONE,
    WECHAT_API_BASE_URL,
    LOG_LEVEL,
    WEB_WORKERS,
    WORKERS,
    METRICS_TOKEN,
    SMTP_URL,
    MAIL_FROM,
    ROBOT_HOSTS,
    OPINION_URL,
    OPINION_KEY,
    OPINION_MODEL,
    OPINION_DAILY,
    OPINION_TIMEOUT,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What differs between installations and is known before the database is open; secrets are left out of the repr."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    embedded_redis: bool
    data_dir: Path
    secret_key: str = field(repr=False)
    public_url: str
    time_zone: ZoneInfo
    wechat_api_base_url: str
    log_level: str
    web_workers: int
    workers: int
    metrics_token: str | None = field(repr=False, default=None)  # None: metrics on loopback only
    smtp_url: str | None = field(repr=False, default=None)  # None: no mail
    mail_from: str | None = None
    robot_hosts: tuple[str, ...] = ()  # as https://HOST, beside those that every installation may call
    opinion_url: str | None = None  # None: no second opinions
    opinion_key: str | None = field(repr=False, default=None)
    opinion_model: str = ""
    opinion_daily: int = 500
    opinion_timeout: float = 8.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The settings that the environment names; makes the secret key where none is set. Raises ConfigError."""
        reader = _Reader(environment)
        data_dir = reader.get(DATA_DIR)
        redis_url = reader.find(REDIS_URL)
        secret_key = reader.find(SECRET_KEY)
        values = cls(
            database_url=reader.find(DATABASE_URL) or f"sqlite:///{data_dir / 'gongdan.sqlite3'}",
            redis_url=redis_url or f"unix://{quote(str(embedded_socket(data_dir)))}",
            embedded_redis=redis_url is None,
            data_dir=data_dir,
            secret_key=secret_key or "",
            public_url=reader.find(PUBLIC_URL) or "http://127.0.0.1:8000",
            time_zone=reader.get(TIME_ZONE),
            wechat_api_base_url=reader.get(WECHAT_API_BASE_URL),
            log_level=reader.get(LOG_LEVEL),
            web_workers=reader.get(WEB_WORKERS),
            workers=reader.get(WORKERS),
            metrics_token=reader.find(METRICS_TOKEN),
            smtp_url=reader.find(SMTP_URL),
            mail_from=reader.find(MAIL_FROM),
            robot_hosts=reader.find(ROBOT_HOSTS) or (),
            opinion_url=reader.find(OPINION_URL),
            opinion_key=reader.find(OPINION_KEY),
            opinion_model=reader.find(OPINION_MODEL) or "",
            opinion_daily=reader.get(OPINION_DAILY),
            opinion_timeout=reader.get(OPINION_TIMEOUT),
        )
        reader.together(SMTP_URL, MAIL_FROM, "the sender")
        reader.together(OPINION_URL, OPINION_MODEL, "the model")
        reader.refuse_mistakes()
        return values if secret_key else replace(values, secret_key=kept_secret(data_dir))


class _Reader:
    """Reads rows of the settings table and collects the mistakes instead of stopping at the first."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._mistakes: list[str] = []

    def get(self, setting: Setting[T]) -> T:
        """The value of a setting that has a default."""
        found = self.find(setting)
        return setting.parse(setting.default) if found is None else found

    def find(self, setting: Setting[T]) -> T | None:
        """The value that the environment gives; None where it gives none or a wrong one."""
        text = self._text(setting.name)
        if not text:
            return None
        try:
            return setting.parse(text)
        except ValueError as error:
            shown = "" if setting.is_secret else f" {text!r}"
            self._mistakes.append(f"{setting.name}{shown} is wrong: {error}.")
            return None

    def together(self, first: Setting[str], second: Setting[str], wanted: str) -> None:
        """Note where the first is set and the second it needs, which is what is wanted, is not."""
        names = ((s.name, f"{s.name}_FILE") for s in (first, second))
        is_set = [any(self._environment.get(name, "").strip() for name in pair) for pair in names]
        if is_set == [True, False]:
            self._mistakes.append(f"{first.name} is set and {second.name} is not: name {wanted}, or leave both out.")

    def refuse_mistakes(self) -> None:
        """Raise ConfigError if anything read so far was wrong."""
        if self._mistakes:
            raise ConfigError(tuple(self._mistakes))

    def _text(self, name: str) -> str:
        text = self._environment.get(name, "").strip()
        file = self._environment.get(f"{name}_FILE", "").strip()
        if not file:
            return text
        if text:
            self._mistakes.append(f"{name} and {name}_FILE are both set: keep one of them.")
            return ""
        return self._text_of_file(name, Path(file))

    def _text_of_file(self, name: str, file: Path) -> str:
        try:
            text = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self._mistakes.append(f"{name}_FILE names {file}, which cannot be read ({reason}): name a text file.")
            return ""
        if not text:
            self._mistakes.append(f"{name}_FILE names {file}, which is empty: write the value into it.")
        return text


def embedded_socket(data_dir: Path) -> Path:
    """The socket of the embedded Redis: the same for every process of an installation, and short enough for Linux."""
    socket = data_dir / "redis.sock"
    if len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT:
        return socket
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    # not TMPDIR: a command in another shell must come to the same path. Whoever makes the folder checks its owner
    return Path(f"/tmp/gongdan-{digest}-{os.getuid()}/redis.sock")  # noqa: S108


def kept_secret(data_dir: Path) -> str:
    """The secret key that this installation made for itself, made now if it has none. Raises ConfigError."""
    file = data_dir / "secret_key"
    try:
        if not file.exists():
            _make_secret(file)
        secret = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError((f"The secret key {file} cannot be kept ({error}): set SECRET_KEY or DATA_DIR.",)) from error
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            (f"The secret key {file} is damaged: delete it, and a new one is made (people sign in again).",)
        )
    return secret


def _make_secret(file: Path) -> None:
    """Written aside and linked into place, so that of several first starts one wins and none sees half a key."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".secret_key.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(secrets.token_urlsafe(48) + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
