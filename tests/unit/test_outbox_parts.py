"""A reply too long for one message is cut, and nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.messaging.outbox import parts_of


@pytest.mark.parametrize(
    ("text", "limit", "parts", "why"),
    [
        ("您好", None, ["您好"], "a channel without a limit"),
        ("您好", 6, ["您好"], "two characters of three bytes just fit"),
        ("您好吗", 8, ["您好", "吗"], "a character is never cut through"),
        ("😀😀", 7, ["😀", "😀"], "nor one of four bytes"),
        ("abcdefgh", 3, ["abc", "def", "gh"], "where nothing better is near, at the limit"),
        ("一二。三四五", 12, ["一二。", "三四五"], "after a sentence"),
        ("一。二三四五六七", 12, ["一。二三", "四五六七"], "not after a sentence where that would cost a message"),
        ("one two six", 9, ["one two", " six"], "between words"),
        ("ab\ncd", 4, ["ab", "\ncd"], "at a line"),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, limit: int | None, parts: list[str], why: str):
    assert parts_of(text, limit) == parts, why


@given(st.text(min_size=1, max_size=300), st.integers(4, 64))
def test_the_parts_are_the_text_word_for_word_and_each_fits(text: str, limit: int):
    parts = parts_of(text, limit)

    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= limit for part in parts)
