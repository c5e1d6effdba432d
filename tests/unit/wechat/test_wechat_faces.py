"""Built-in faces: shown as emoji, while the text stays what it was."""

import pytest

from service.channels.wechat.faces import faces, pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("谢谢/::)", [("谢谢", ""), ("/::)", "😊")]),
        ("[捂脸]算了", [("[捂脸]", "🤦"), ("算了", "")]),
        ("/::-|/::|", [("/::-|", "😅"), ("/::|", "😳")]),
        ("/:rose/:rose", [("/:rose", "🌹"), ("/:rose", "🌹")]),
        ("/::'(/::'|", [("/::'(", "😢"), ("/::'|", "😿")]),
        ("[Facepalm] ok", [("[Facepalm]", "🤦"), (" ok", "")]),
        ("见附件[图片]，https://example.org/a", [("见附件[图片]，https://example.org/a", "")]),
        ("没有表情", [("没有表情", "")]),
        ("", [("", "")]),
        ("[[捂脸]]", [("[", ""), ("[捂脸]", "🤦"), ("]", "")]),
    ],
)
def test_codes_become_emoji_and_words_stay(text: str, expected: list[tuple[str, str]]):
    assert list(pieces(text)) == expected


def test_every_code_is_known_whole_and_joins_to_the_text_again():
    everything = "，".join(faces())

    assert {code for code, emoji in pieces(everything) if emoji} == set(faces())
    assert "".join(piece for piece, _ in pieces(everything)) == everything


def test_the_table_holds_the_classic_codes_and_the_bracketed_ones():
    assert sum(code.startswith("/:") for code in faces()) >= 100
    assert all(code.startswith("/:") or (code[0], code[-1]) == ("[", "]") for code in faces())
