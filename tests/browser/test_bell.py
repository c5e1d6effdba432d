"""The bell in a browser: a colleague's urging arrives on an open page, and opening it leads to the ticket."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from scenario_rig import Rig

NOT_ASKED_YET = """
    window.asked = 0;
    Object.defineProperty(Notification, "permission", { get: () => "default" });
    Notification.requestPermission = () => { window.asked += 1; return Promise.resolve("default"); };
"""


@pytest.mark.parametrize("width", [1440, 390])
def test_an_urging_arrives_on_an_open_page_and_leads_to_its_ticket(
    rig: Rig, signed_in: Callable[..., Page], width: int
):
    number = rig.phone().opens("请问装修押金什么时候退")
    rig.api("intake.agent").act(number, "accept")
    page = signed_in("intake.agent", "/followers", width)
    expect(page.locator("#bell [data-newest]")).to_have_count(1)

    rig.api("supervisor").act(number, "urge", text="客户又来电")

    toast = page.locator(".notice-toast").filter(has_text=number)
    expect(toast).to_contain_text("第 1 次催办")
    expect(page.locator(".bell-count")).not_to_have_text("")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    toast.locator(".notice-open").click()
    expect(page).to_have_url(re.compile(f"/tickets/{number}$"))
    page.goto(rig.url + "/notifications")
    expect(page.locator(".notice-line.is-unread").filter(has_text=number)).to_have_count(0)


def test_the_browser_is_asked_for_permission_only_when_a_person_wants_it(rig: Rig, signed_in: Callable[..., Page]):
    page = signed_in("intake.agent", "/profile")
    page.add_init_script(NOT_ASKED_YET)
    page.goto(rig.url + "/notifications")
    expect(page.locator("[data-ask-browser]")).to_be_visible()
    before = page.evaluate("window.asked")

    page.locator("[data-ask-browser]").click()

    assert (before, page.evaluate("window.asked")) == (0, 1)
