"""A reply too long for one message is cut where it hurts least, and nothing of it is lost."""

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from service.messaging.outbox import parts_of

FAMILY, FLAG, ACCENT = "👨‍👩‍👧", "🇨🇳", "e\u0301"
LINK = "https://example.org/t/2001?a=1&b=2"
ANCHOR = '<a href="https://example.org/t/2001">查看进度</a>'
PIECES = st.sampled_from(
    ["您好", "，", "。", "\n", "\r\n", " ", "a", FAMILY, FLAG, ACCENT, LINK, ANCHOR, "🇨", "<a ", "😀"]
)


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
        ("一二三。四\n五六七", 21, ["一二三。四", "\n五六七"], "at a line rather than after a sentence"),
        ("好。一二三四五六", 21, ["好。一二三四五", "六"], "a greeting does not become a message of its own"),
        (FAMILY * 2, 20, [FAMILY, FAMILY], "a family of joined emoji stays together"),
        (FLAG * 3, 17, [FLAG * 2, FLAG], "a flag is two letters"),
        ("a" + ACCENT * 3, 5, ["a" + ACCENT, ACCENT, ACCENT], "a letter keeps its accent"),
        ("看" + LINK + "吧", 36, ["看", LINK, "吧"], "a link stays whole"),
        ("看" + ANCHOR, 54, ["看", ANCHOR], "an anchor stays whole, with its words"),
        ("https://x.cn/abcdef", 10, ["https://x.", "cn/abcdef"], "a link that is longer than a message is cut"),
        (ACCENT + "\u0301" * 4, 5, [ACCENT + "\u0301", "\u0301" * 2, "\u0301"], "so is a letter with too many marks"),
    ],
)
def test_a_text_is_cut_where_it_hurts_least(text: str, limit: int | None, parts: list[str], why: str):
    assert parts_of(text, limit) == parts, why


@given(st.text(min_size=1, max_size=300), st.integers(4, 64))
def test_the_parts_are_the_text_word_for_word_and_each_fits(text: str, limit: int):
    parts = parts_of(text, limit)

    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= limit for part in parts)


@given(st.lists(PIECES, min_size=1, max_size=60).map("".join), st.integers(80, 200))
def test_no_sign_and_no_link_is_cut_through(text: str, limit: int):
    parts = parts_of(text, limit)
    cuts = {sum(map(len, parts[:count])) for count in range(1, len(parts))}

    whole = [m for pattern in (r"\X", regex.escape(LINK), regex.escape(ANCHOR)) for m in regex.finditer(pattern, text)]

    assert "".join(parts) == text
    assert not [m for m in whole if any(m.start() < cut < m.end() for cut in cuts)]


@given(st.lists(PIECES, min_size=1, max_size=60).map("".join), st.integers(80, 200))
def test_there_are_as_few_parts_as_can_be(text: str, limit: int):
    atoms = regex.findall(rf"{regex.escape(LINK)}|{regex.escape(ANCHOR)}|\X", text)
    fewest, used = 1, 0
    for size in (len(atom.encode()) for atom in atoms):
        fewest, used = (fewest + 1, size) if used + size > limit else (fewest, used + size)

    assert len(parts_of(text, limit)) <= fewest


LONG = 100_000  # bytes; anything that grows with the square of it would take minutes


@pytest.mark.parametrize(
    "piece", ["字", "a", "\n", "<a ", "<a >", "http://", "\u0301", FLAG, FAMILY, "क्", "\u200d", "。", f"{LINK} "]
)
def test_a_text_of_100_kilobytes_is_no_trouble_whatever_it_is_made_of(piece: str):
    text = piece * (LONG // len(piece.encode()))

    parts = parts_of(text, 2048)

    assert "".join(parts) == text
    assert len(parts) <= LONG / 2048 * 1.1
