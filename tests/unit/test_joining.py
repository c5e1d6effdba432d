"""Texts that waited share messages: as few as fit, in order, whole."""

import pytest

from service.messaging.joining import carriers_of


@pytest.mark.parametrize(
    ("texts", "longest", "carriers", "why"),
    [
        (["一", "二", "三"], None, [0, 0, 0], "no limit"),
        (["a" * 10, "b" * 9, "c"], 20, [0, 0, 2], "a line break between them counts"),
        (["好" * 3, "好" * 3], 18, [0, 1], "bytes, not characters"),
        (["a" * 15, "b" * 15, "c"], 20, [0, 1, 1], "a text joins the message before it, never an earlier one"),
        (["a", None, "b", "c"], 20, [0, 1, 2, 2], "a picture travels alone and keeps its place"),
        ([], 20, [], "nothing waits"),
    ],
)
def test_who_travels_with_whom(texts: list[str | None], longest: int | None, carriers: list[int], why: str):
    assert carriers_of(texts, longest) == carriers, why
