"""The overdue board in a browser: what is ticked stays ticked while the list renews itself, and can be acted on."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from scenario_rig import Rig


@pytest.mark.parametrize("width", [1440, 390])
def test_ticks_outlive_a_renewal_and_the_dialog_takes_them(rig: Rig, signed_in: Callable[..., Page], width: int):
    numbers = [rig.phone().opens("我要投诉，电梯坏了没人修") for _ in range(2)]
    page = signed_in("supervisor", "/overdue?kind=unclaimed", width)
    boxes = [page.locator(f"tr[data-row='{number}'] input") for number in numbers]
    expect(page.locator("#bulk")).to_be_hidden()

    for box in boxes:
        box.check()
    page.evaluate("document.querySelector('#list').dataset.old = 'yes'; htmx.trigger(document.body, 'poll')")
    expect(page.locator("#list[data-old]")).to_have_count(0)

    for box in boxes:
        expect(box).to_be_checked()
    expect(page.locator("#bulk")).to_contain_text("已选 2 件")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#bulk button.btn-primary")
    expect(page.locator("#dialog .chosen-tickets li")).to_have_count(2)
    expect(page.locator("#dialog input[name=number]")).to_have_count(2)


def test_the_menu_stays_in_sight_on_a_long_page(signed_in: Callable[..., Page]):
    page = signed_in("supervisor", "/admin/rules", 1440)

    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")

    assert page.evaluate("window.scrollY") > 1000
    assert abs(page.evaluate("document.querySelector('.rail').getBoundingClientRect().top")) < 1
