"""The sheet of targets in a browser: typed into by keyboard, changes marked at once, and it fits the screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect


@pytest.mark.parametrize("width", [1440, 390])
def test_the_sheet_is_typed_into_like_a_spreadsheet(signed_in: Callable[..., Page], width: int):
    page = signed_in("supervisor", "/admin/policies", width)
    first, second = page.locator("#r0-accept"), page.locator("#r1-accept")

    first.focus()
    page.keyboard.press("Enter")
    expect(second).to_be_focused()
    second.fill("20 分钟")
    page.keyboard.press("ArrowUp")

    expect(first).to_be_focused()
    expect(page.locator("td.is-changed")).to_have_count(1)
    expect(page.locator("[data-changes]")).to_have_text("改动 1 处")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
