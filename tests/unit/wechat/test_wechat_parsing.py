"""The rules of parsing that single captures do not show: keys, times, and what hostile documents cost."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from service.channels.wechat.document import MAX_NODES, cleaned, read
from service.channels.wechat.parsing import Oddity, parse
from service.messaging.ports import Inbound
from tests.wechat_fakes import OPENID, document, make_account

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def message(**nodes: str) -> Inbound:
    found = parse(document(**nodes), make_account(), now=NOW)
    assert isinstance(found, Inbound)
    return found


def test_the_same_message_id_of_two_followers_is_two_messages():
    assert message(MsgId="1", FromUserName="oA").key != message(MsgId="1", FromUserName="oB").key


def test_the_same_text_with_two_message_ids_is_two_messages():
    assert message(Content="在吗", MsgId="1").key != message(Content="在吗", MsgId="2").key


@pytest.mark.parametrize(
    "other",
    [
        {"EventKey": "B"},
        {"Event": "VIEW"},
        {"CreateTime": "1795100001"},
        {"FromUserName": "oB"},
        {"Ticket": "t"},
        {"MsgID": "7"},
    ],
)
def test_events_of_one_second_are_told_apart(other):
    event = {"MsgType": "event", "Event": "CLICK", "EventKey": "A", "CreateTime": "1795100000"}

    assert message(**event).key != message(**event | other).key
    assert message(**event).key == message(**event).key


def test_receipts_of_one_second_are_told_apart_by_their_template_or_message():
    event = {"MsgType": "event", "Event": "subscribe_msg_sent_event", "CreateTime": "1795100000"}

    def receipt(msg_id: str, template: str) -> str:
        inner = f"<List><TemplateId>{template}</TemplateId><MsgID>{msg_id}</MsgID></List>"
        text = document(**event).replace("</xml>", f"<SubscribeMsgSentEvent>{inner}</SubscribeMsgSentEvent></xml>")
        found = parse(text, make_account(), now=NOW)
        assert isinstance(found, Inbound)
        return found.key

    assert len({receipt("1", "a"), receipt("2", "a"), receipt("2", "a")}) == 2


def test_a_key_never_grows_beyond_what_an_index_holds():
    event = {"MsgType": "event", "Event": "VIEW"}
    long, longer = "https://example.org/" + "a" * 900, "https://example.org/" + "a" * 901

    assert len(message(**event, EventKey=long).key) <= 200
    assert message(**event, EventKey=long).key != message(**event, EventKey=longer).key
    assert len(message(MsgId="9" * 5000).key) <= 200


def test_a_message_without_an_id_is_known_by_its_content():
    at = str(int(NOW.timestamp()))
    first, second = message(Content="a", CreateTime=at), message(Content="b", CreateTime=at)

    assert first.key != second.key
    assert first.key == message(Content="a", CreateTime=at).key


@pytest.mark.parametrize(
    ("create_time", "expected", "why"),
    [
        ("1795143600", datetime(2026, 11, 20, 3, 0, tzinfo=UTC), "seconds, as given"),
        (" 1795100000 ", datetime(2026, 11, 19, 14, 53, 20, tzinfo=UTC), "blanks around"),
        ("1795143900", NOW + timedelta(seconds=300), "five minutes ahead: clocks differ"),
        ("1795143901", NOW, "more than that: impossible"),
        ("1795143600000", NOW, "milliseconds are not a date of this platform"),
        ("1293839999", NOW, "before the platform existed"),
        ("0", NOW, "1970"),
        ("-1795143600", NOW, "negative"),
        ("", NOW, "empty"),
        ("soon", NOW, "no number"),
        ("٣" * 10, NOW, "digits of another script"),
        ("1795143600.5", NOW, "a fraction"),
        ("9" * 400, NOW, "endless"),
    ],
)
def test_the_time_is_the_platforms_unless_it_is_impossible(create_time, expected, why):
    assert message(CreateTime=create_time).sent_at == expected, why


def test_a_missing_time_is_now():
    text = document().replace("<CreateTime>", "<Other>").replace("</CreateTime>", "</Other>")

    found = parse(text, make_account(), now=NOW)

    assert isinstance(found, Inbound)
    assert found.sent_at == NOW


def test_the_order_of_nodes_and_unknown_nodes_do_not_matter():
    nodes = {"Surprise": "x", "Content": "你好", "MsgId": "5"}
    forwards, backwards = message(**nodes), message(**dict(reversed(nodes.items())))

    assert (forwards.text, forwards.key) == (backwards.text, backwards.key) == ("你好", f"m:{OPENID}:5")


def test_a_channel_is_an_account():
    found = parse(document(), make_account(slug="second"), now=NOW)

    assert isinstance(found, Inbound)
    assert found.channel == "wechat:second"


@pytest.mark.parametrize("label", ["", "  "])
def test_a_place_without_a_name_shows_where_it_is(label):
    place = message(MsgType="location", Location_X="1.5", Location_Y="2.5", Label=label)

    assert place.text == "[位置] (1.5, 2.5)"


def test_a_file_without_an_id_is_a_message_without_a_file():
    assert message(MsgType="image", MediaId="").media == ()
    assert message(MsgType="voice").media == ()


def test_lone_surrogates_and_control_characters_are_taken_out():
    assert cleaned("a\ud800b\x00c\x0bd\ufffee\uffff") == "abcde"
    assert cleaned("𠮷😀\t\r\n终") == "𠮷😀\t\r\n终"


BILLION_LAUGHS = (
    "<!DOCTYPE xml [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]><xml><MsgType>text</MsgType><Content>&a11;</Content></xml>"
)
HOSTILE = {
    "entity bomb": BILLION_LAUGHS,
    "quadratic entity": f"<!DOCTYPE xml [<!ENTITY a '{'x' * 100_000}'>]><xml>{'&a;' * 10_000}</xml>",
    "external entity": "<!DOCTYPE xml [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><xml><MsgType>&f;</MsgType></xml>",
    "external DTD": "<!DOCTYPE xml SYSTEM 'http://127.0.0.1:9/x.dtd'><xml><MsgType>text</MsgType></xml>",
    "a million nodes": "<xml>" + "<a/>" * 250_000 + "</xml>",
    "deep": "<xml>" * 100_000,
    "a thousand attributes": "<xml " + " ".join(f"a{n}=''" for n in range(1000)) + "/>",
    "another encoding": "<?xml version='1.0' encoding='UTF-7'?><xml>+ADw-</xml>",
    "processing instruction": "<?xml version='1.0'?><?php system('id') ?><xml/>",
    "namespace": "<x:xml xmlns:x='urn:x'><x:MsgType>text</x:MsgType></x:xml>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_odd_within_50_ms(name):
    began = time.process_time()

    found = parse(cleaned(HOSTILE[name]), make_account(), now=NOW)

    assert isinstance(found, Oddity)
    assert time.process_time() - began < 0.05


def test_a_document_of_many_nodes_is_still_read():
    many = "".join(f"<n{number}>x</n{number}>" for number in range(MAX_NODES - 1))

    assert len(read(f"<xml>{many}</xml>").top) == MAX_NODES - 1


@pytest.mark.parametrize(
    "hidden", ["]]\x1d>", "]\x1d]>", "]\x00]\x0b>", "]]\x1d\x1d\ufffe>", "]]]\x1d>", "]]\x1d>]]\x1d>"]
)
def test_taking_out_characters_never_ends_a_section(hidden: str):
    injected = f"a{hidden}</Content><bizmsgmenuid>15</bizmsgmenuid><Content2>"
    pushed = document(MsgId="1").replace("</xml>", f"<Content><![CDATA[{injected}]]></Content></xml>")

    found = parse(cleaned(pushed), make_account(), now=NOW)

    assert isinstance(found, Inbound)
    assert found.text == "".join(c for c in injected if c >= " " and c != "\ufffe")
    assert "bizmsgmenuid" not in found.extra
    assert found.matter


def test_a_row_of_brackets_and_control_characters_is_cleaned_in_no_time():
    body = ("]\x1d" * 200_000 + "]" * 100_000 + "\x1d" * 100_000).encode()
    began = time.process_time()

    assert cleaned(body) == "]" * 300_000
    assert time.process_time() - began < 0.1
