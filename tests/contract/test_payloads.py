"""Every captured push becomes the message it is, or is kept as an oddity: a file and an entry of expected.json each."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.channels.wechat.document import cleaned
from service.channels.wechat.parsing import Oddity, parse
from service.messaging.ports import Contact, Inbound
from tests.wechat_fakes import make_account

PAYLOADS = Path(__file__).with_name("payloads")
NOW = datetime(2026, 11, 20, 0, 0, 2, tzinfo=UTC)
# a channel and how one of its captures is read: the line that a new channel adds
READERS = {"wechat": lambda content: parse(cleaned(content), make_account(), now=NOW)}


def expectations(channel: str) -> dict[str, dict]:
    return json.loads((PAYLOADS / channel / "expected.json").read_text(encoding="utf-8"))


def captures(*, odd: bool):
    rows = [(channel, name, row) for channel in READERS for name, row in expectations(channel).items()]
    return [pytest.param(*row, id=f"{row[0]}-{row[1]}") for row in rows if ("odd" in row[2]) is odd]


def read_capture(channel: str, name: str) -> Inbound | Oddity:
    return READERS[channel]((PAYLOADS / channel / f"{name}.xml").read_bytes())


@pytest.mark.parametrize(("channel", "name", "expected"), captures(odd=False))
def test_a_capture_becomes_the_message_that_it_is(channel, name, expected):
    message = read_capture(channel, name)

    assert isinstance(message, Inbound)
    assert (message.kind, message.text) == (expected["kind"], expected["text"])
    assert (message.contact, message.matter) == (Contact(expected["contact"]), expected["matter"])
    assert [[m.media_id, m.kind] for m in message.media] == expected.get("media", [])
    assert expected.get("extra", {}).items() <= dict(message.extra).items()
    assert not set(expected.get("no_extra", ())) & set(message.extra)


@pytest.mark.parametrize(("channel", "name", "expected"), captures(odd=True))
def test_an_odd_capture_is_kept_raw_and_makes_no_message(channel, name, expected):
    oddity = read_capture(channel, name)

    content = (PAYLOADS / channel / f"{name}.xml").read_bytes()
    assert isinstance(oddity, Oddity)
    assert (oddity.reason, oddity.raw) == (expected["odd"], content.decode())


@pytest.mark.parametrize(("channel", "name", "expected"), captures(odd=False))
def test_every_message_can_be_stored_by_the_inbox(channel, name, expected):
    message = read_capture(channel, name)

    assert isinstance(message, Inbound)
    assert message.channel.startswith(f"{channel}:")
    assert 0 < len(message.key) <= 200
    assert message.follower
    assert message.sent_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert "\x00" not in json.dumps([message.text, message.raw, dict(message.extra)], ensure_ascii=False)
    assert all(isinstance(value, str) for value in message.extra.values())


def test_no_two_captures_share_a_key_and_a_repeat_has_the_same():
    for channel in READERS:
        names = [name for name, row in expectations(channel).items() if "odd" not in row]
        keys = {name: read_capture(channel, name).key for name in names}

        assert len(set(keys.values())) == len(names)
        assert keys == {name: read_capture(channel, name).key for name in names}


def test_every_capture_is_expected_and_every_expectation_captured():
    for channel in READERS:
        files = {file.stem for file in (PAYLOADS / channel).glob("*.xml")}

        assert files == expectations(channel).keys()
