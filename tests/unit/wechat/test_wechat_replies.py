"""A passive reply is well-formed whatever it says, and short enough to be shown."""

import pytest

from service.channels.wechat import replies
from tests.wechat_fakes import nodes_of

TEXTS = ["您好", "a]]>b", "]]>", "]]]]>>]]>", "<b>&amp;</b> {x} %s", "两行\n第二行", "😀👨‍👩‍👧", "a]]", "]]]"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_reply_says_exactly_the_text(text):
    nodes = nodes_of(replies.text_reply(text, sender="gh_1", follower="o1", at=1795143600))

    assert nodes == {
        "ToUserName": "o1",
        "FromUserName": "gh_1",
        "CreateTime": "1795143600",
        "MsgType": "text",
        "Content": text,
    }


def test_a_reply_loses_only_what_no_document_may_hold():
    nodes = nodes_of(replies.text_reply("a\x00b\x1dc\ud800d", sender="g", follower="o", at=1))

    assert nodes["Content"] == "abcd"


@pytest.mark.parametrize("character", ["a", "字", "😀"])
def test_a_reply_that_is_too_long_ends_in_an_ellipsis_and_breaks_no_character(character):
    text = character * 3000

    shown = replies.fitted(text)

    assert 2040 <= len(shown.encode()) <= 2047
    assert shown == character * (len(shown) - 1) + "…"


def test_a_reply_of_just_the_longest_size_is_left_alone():
    assert replies.fitted("a" * 2047) == "a" * 2047
