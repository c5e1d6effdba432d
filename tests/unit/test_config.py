"""Settings: what the environment may say, what it means, and that every mistake is listed at once."""

import os
import threading
from pathlib import Path

import pytest

from service.config import SETTINGS, ConfigError, Settings, embedded_socket


def settings(tmp_path: Path, **environment: str) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(tmp_path / "var"), **environment})


def mistakes(tmp_path: Path, **environment: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, **environment)
    return caught.value.mistakes


def test_nothing_at_all_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    chosen = Settings.from_environment({})

    assert chosen.data_dir == tmp_path / "var"
    assert chosen.database_url == f"sqlite:///{tmp_path}/var/gongdan.sqlite3"
    assert chosen.redis_url == f"unix://{tmp_path}/var/redis.sock"
    assert chosen.embedded_redis
    assert chosen.time_zone.key == "Asia/Shanghai"
    assert chosen.wechat_api_base_url == "https://api.weixin.qq.com"
    assert (chosen.log_level, chosen.web_workers, chosen.workers, chosen.metrics_token) == ("INFO", 2, 1, None)


@pytest.mark.parametrize(
    ("given", "meant", "why"),
    [
        ("postgres://u:p@h:1/d", "postgresql+psycopg://u:p@h:1/d", "the old short name"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d", "the usual name"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d", "as SQLAlchemy writes it"),
        (
            "postgres://u:p%40%2F@h/d?sslmode=require",
            "postgresql+psycopg://u:p%40%2F@h/d?sslmode=require",
            "kept as is",
        ),
        ("sqlite:////data/x.sqlite3", "sqlite:////data/x.sqlite3", "an absolute file"),
    ],
)
def test_every_spelling_of_a_database_means_one_driver(tmp_path: Path, given: str, meant: str, why: str) -> None:
    assert settings(tmp_path, DATABASE_URL=given).database_url == meant, why


def test_a_relative_sqlite_file_is_the_same_from_every_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert settings(tmp_path, DATABASE_URL="sqlite:///x.sqlite3").database_url == f"sqlite:///{tmp_path}/x.sqlite3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "no address"),
        ("DATABASE_URL", "sqlite://"),
        ("REDIS_URL", "http://h:6379"),
        ("REDIS_URL", "redis://h:99999"),
        ("SECRET_KEY", "short"),
        ("PUBLIC_URL", "desk.example.com"),
        ("PUBLIC_URL", "https://desk.example.com/?a=b"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("WECHAT_API_BASE_URL", "ftp://h"),
        ("LOG_LEVEL", "LOUD"),
        ("WEB_WORKERS", "0"),
        ("WORKERS", "two"),
        ("WORKERS", "65"),
        ("METRICS_TOKEN", "tiny"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(tmp_path: Path, name: str, value: str) -> None:
    (sentence,) = mistakes(tmp_path, **{name: value})

    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "use " in sentence


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, WORKERS="x", TIME_ZONE="x", DATABASE_URL="x", LOG_LEVEL="x")

    assert sorted(sentence.split()[0] for sentence in found) == ["DATABASE_URL", "LOG_LEVEL", "TIME_ZONE", "WORKERS"]


def test_a_data_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    (sentence,) = mistakes(tmp_path, DATA_DIR=str(file / "below"))

    assert sentence == f"DATA_DIR '{file}/below' is wrong: {file} is a file: name a folder."


def test_passwords_are_in_no_message_and_no_repr(tmp_path: Path) -> None:
    said = "".join(mistakes(tmp_path, DATABASE_URL="mysql://u:hunter22@h/d", REDIS_URL="http://:hunter22@h"))
    shown = repr(settings(tmp_path, DATABASE_URL="postgres://u:hunter22@h/d", SECRET_KEY="hunter22-and-more"))

    assert "hunter22" not in said + shown


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    blank = {setting.name: "" for setting in SETTINGS if setting.name != "DATA_DIR"}

    assert settings(tmp_path, **blank) == settings(tmp_path)


def test_a_value_can_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "workers"
    file.write_text("7\n", encoding="utf-8")

    assert settings(tmp_path, WORKERS_FILE=str(file)).workers == 7


def test_a_file_that_is_not_there_or_empty_or_doubled_is_a_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()

    found = mistakes(
        tmp_path, WORKERS_FILE=str(empty), LOG_LEVEL_FILE=str(tmp_path / "no"), TIME_ZONE="UTC", TIME_ZONE_FILE="x"
    )

    assert found == (
        "TIME_ZONE and TIME_ZONE_FILE are both set: keep one of them.",
        f"LOG_LEVEL_FILE names {tmp_path}/no, which cannot be read (No such file or directory): name a text file.",
        f"WORKERS_FILE names {empty}, which is empty: write the value into it.",
    )


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = settings(tmp_path).secret_key

    assert settings(tmp_path).secret_key == first
    assert len(first) >= 32
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret_key"]


def test_first_starts_at_the_same_moment_agree_on_the_key(tmp_path: Path) -> None:
    together = threading.Barrier(12)
    keys: list[str] = []

    def start() -> None:
        together.wait()
        keys.append(settings(tmp_path).secret_key)

    threads = [threading.Thread(target=start) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 12
    assert len(set(keys)) == 1


def test_a_damaged_key_is_not_used(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "var" / "secret_key").write_text("", encoding="ascii")

    (sentence,) = mistakes(tmp_path)

    assert "is damaged" in sentence


def test_a_named_redis_turns_the_embedded_one_off(tmp_path: Path) -> None:
    chosen = settings(tmp_path, REDIS_URL="redis://127.0.0.1:6379/3")

    assert (chosen.redis_url, chosen.embedded_redis) == ("redis://127.0.0.1:6379/3", False)


def test_the_socket_of_a_deep_folder_is_short_and_always_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)

    socket = embedded_socket(deep)

    assert len(os.fsencode(socket)) <= 100
    assert socket == embedded_socket(deep)
    assert socket != embedded_socket(tmp_path / ("y" * 120))


def test_every_setting_says_what_it_is_for_and_has_a_default_that_is_right() -> None:
    for setting in SETTINGS:
        assert setting.help, setting.name
        if setting.default:
            setting.parse(setting.default)


def test_mail_goes_by_a_server_with_a_sender(tmp_path: Path) -> None:
    url = "smtp+starttls://desk:p%40ss@mail.example.com:587"

    chosen = settings(tmp_path, SMTP_URL=url, MAIL_FROM="工单台 <desk@example.com>")

    assert (chosen.smtp_url, chosen.mail_from) == (url, "工单台 <desk@example.com>")
    assert "p%40ss" not in repr(chosen)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"SMTP_URL": "smtp://mail.example.com"}, "MAIL_FROM"),
        ({"SMTP_URL": "http://mail.example.com", "MAIL_FROM": "a@b.cn"}, "smtp+starttls://"),
        ({"SMTP_URL": "smtp://desk@mail.example.com", "MAIL_FROM": "a@b.cn"}, "a user and a password, or neither"),
        ({"SMTP_URL": "smtp://mail.example.com/box", "MAIL_FROM": "a@b.cn"}, "SMTP_URL"),
        ({"MAIL_FROM": "desk"}, "desk@example.com"),
        ({"MAIL_FROM": "a@b.cn\nBcc: c@d.cn"}, "desk@example.com"),
        ({"ROBOT_HOSTS": "https://robots.example.com/hook"}, "without a path"),
        ({"ROBOT_HOSTS": "ftp://robots.example.com"}, "ROBOT_HOSTS"),
    ],
)
def test_a_mistake_about_notices_is_said_before_the_start(tmp_path: Path, given: dict[str, str], named: str) -> None:
    (mistake,) = mistakes(tmp_path, **given)

    assert named in mistake


def test_hosts_of_robots_are_https_unless_they_say_otherwise(tmp_path: Path) -> None:
    chosen = settings(tmp_path, ROBOT_HOSTS="Robots.example.com, http://127.0.0.1:9000/")

    assert chosen.robot_hosts == ("https://robots.example.com", "http://127.0.0.1:9000")


def test_second_opinions_are_off_unless_somebody_is_named_to_give_them(tmp_path: Path) -> None:
    chosen = settings(tmp_path)

    assert (chosen.opinion_url, chosen.opinion_key, chosen.opinion_daily, chosen.opinion_timeout) == (
        *(None, None, 500, 8.0),
    )


def test_who_gives_second_opinions_is_named_with_a_model(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sk-very-secret\n")
    named = {"OPINION_URL": "https://models.example.com/v1/", "OPINION_MODEL": "qwen-plus"}
    limits = {"OPINION_DAILY": "20", "OPINION_TIMEOUT": "2.5"}

    chosen = settings(tmp_path, OPINION_KEY_FILE=str(tmp_path / "key"), **named, **limits)

    assert (chosen.opinion_url, chosen.opinion_model) == ("https://models.example.com/v1", "qwen-plus")
    assert (chosen.opinion_key, chosen.opinion_daily, chosen.opinion_timeout) == ("sk-very-secret", 20, 2.5)
    assert "very-secret" not in repr(chosen)


@pytest.mark.parametrize("url", ["http://127.0.0.1:11434/v1", "http://localhost:8001/v1", "http://[::1]:8001/v1"])
def test_a_model_on_this_computer_needs_no_https(tmp_path: Path, url: str) -> None:
    assert settings(tmp_path, OPINION_URL=url, OPINION_MODEL="m").opinion_url == url


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"OPINION_URL": "https://models.example.com/v1"}, "OPINION_MODEL is not: name the model"),
        ({"OPINION_URL": "http://models.example.com/v1"}, "use https://HOST/v1"),
        ({"OPINION_URL": "http://127.0.0.1.example.com/v1"}, "use https://HOST/v1"),
        ({"OPINION_URL": "http://10.0.0.5/v1"}, "use https://HOST/v1"),
        ({"OPINION_URL": "https://user:pass@models.example.com/v1"}, "without a query"),
        ({"OPINION_URL": "https://models.example.com/v1/chat/completions"}, "leave /chat/completions out"),
        ({"OPINION_URL": "models.example.com"}, "OPINION_URL"),
        ({"OPINION_KEY": "two words"}, "OPINION_KEY is wrong"),
        ({"OPINION_KEY": "钥匙"}, "OPINION_KEY is wrong"),
        ({"OPINION_MODEL": "m" * 201}, "OPINION_MODEL"),
        ({"OPINION_DAILY": "0"}, "leave OPINION_URL out"),
        ({"OPINION_DAILY": "1000000"}, "from 1 to 100000"),
        ({"OPINION_TIMEOUT": "0"}, "at most 20"),
        ({"OPINION_TIMEOUT": "60"}, "at most 20"),
        ({"OPINION_TIMEOUT": "nan"}, "at most 20"),
    ],
)
def test_a_mistake_about_second_opinions_is_said_before_the_start(
    tmp_path: Path, given: dict[str, str], named: str
) -> None:
    if named != "OPINION_MODEL is not: name the model" and "OPINION_URL" in given:
        given = given | {"OPINION_MODEL": "m"}

    (mistake,) = mistakes(tmp_path, **given)

    assert named in mistake
