"""`python -m simulator`: where it listens, how it refuses, and that it stops when told to."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from simulator_rig import AES_KEY, PATIENCE

from simulator.__main__ import BindError, address, main
from simulator.config import ConfigError, read

ROOT = Path(__file__).parents[2]
ACCOUNT = {"slug": "main", "app_id": "wx1", "app_secret": "s", "token": "t", "aes_key": AES_KEY}


@pytest.mark.parametrize("bind", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "127.0.0.9:8001"])
def test_loopback_addresses_are_taken(bind: str) -> None:
    assert address(bind, anywhere=False)[1] == 8001


@pytest.mark.parametrize(
    "bind", ["0.0.0.0:8001", "192.0.2.1:8001", "example.com:8001", "[::]:8001", "8001", "127.0.0.1:x"]
)
def test_other_addresses_are_refused(bind: str) -> None:
    with pytest.raises(BindError):
        address(bind, anywhere=False)


def test_anywhere_is_possible_on_purpose() -> None:
    assert address("192.0.2.1:8001", anywhere=True) == ("192.0.2.1", 8001)


def test_a_bad_start_says_why_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "simulator.json"
    path.write_text('{"accounts": [], "window_model": "endless"}')

    code = main(["--config", str(path)])

    error = capsys.readouterr().err
    assert code == 2
    assert error.count("\n") == 1
    assert "max cumulative" in error


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"speed": 9}', '{"accounts": [{"slug": "a"}]}', '{"accounts": 5}', '{"accounts": [1]}']
)
def test_an_unreadable_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(text)

    with pytest.raises(ConfigError):
        read(path)


def test_accounts_need_slugs_and_appids_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(json.dumps({"accounts": [ACCOUNT, ACCOUNT | {"slug": "other"}]}))

    with pytest.raises(ConfigError, match="app_id"):
        read(path)


def test_it_serves_until_it_is_told_to_stop_even_with_a_call_hanging(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    path.write_text(json.dumps({"accounts": [ACCOUNT]}))
    command = [sys.executable, "-m", "simulator", "--bind", "127.0.0.1:0", "--config", str(path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"LANG": "C"}
    ) as process:
        try:
            assert process.stdout is not None
            ready = re.fullmatch(r"ready (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
            assert ready is not None
            base = ready[1]
            fault = {"endpoint": "token", "kind": "timeout", "value": 60}
            requests.post(f"{base}/_control/faults", json=fault, timeout=PATIENCE)
            with pytest.raises(requests.Timeout):
                requests.get(f"{base}/cgi-bin/token", timeout=0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
