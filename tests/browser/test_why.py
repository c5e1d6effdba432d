"""Why a clock is due when it is, in a browser: by keyboard, at both widths, and it stays while the page lives on."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from scenario_rig import Rig


@pytest.mark.parametrize("width", [1440, 390])
def test_the_reckoning_opens_by_keyboard_and_stays_open(rig: Rig, signed_in: Callable[..., Page], width: int):
    number = rig.phone().opens("请问装修要办什么手续")
    page = signed_in("intake.agent", f"/tickets/{number}#facts", width)
    why = page.locator("#why-resolve")

    why.locator("summary").focus()
    page.keyboard.press("Enter")

    expect(why.locator(".reckoning li").last).to_contain_text("到期")
    expect(why.get_by_role("img")).to_have_attribute("aria-label", re.compile("时间线"))
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    page.evaluate("document.querySelector('#t-side').dataset.old = 'yes'; htmx.trigger(document.body, 'poll')")
    expect(page.locator("#t-side[data-old]")).to_have_count(0)
    expect(why.locator(".reckoning")).to_be_visible()
