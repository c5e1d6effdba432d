"""A follower's pages on a phone of 390 pixels, reached through the platform's own page."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect
from scenario_processes import eventually
from scenario_rig import Rig

from tests.fakes import PNG

ANSWERED_WITHIN = 15.0  # seconds


def open_mine(page: Page, rig: Rig, openid: str) -> None:
    """My tickets, by way of the platform, which asks once whose phone this is."""
    page.goto(f"{rig.url}/my/main/")
    page.locator(f"a[href*='{openid}']").click()
    page.wait_for_url(lambda url: url.startswith(f"{rig.url}/my/main/"))


def test_a_follower_sees_adds_to_and_rates_a_ticket_on_the_phone(
    rig: Rig, opened: Callable[[int], Page], tmp_path: Path
):
    follower, staff = rig.phone(), rig.api("root")
    number = follower.opens("请问游泳池什么时候开放")
    page = opened(390)
    picture = tmp_path / "pool.png"
    picture.write_bytes(PNG)

    open_mine(page, rig, follower.openid)
    page.get_by_role("link", name=re.compile(number)).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("已收到，等待受理")
    page.get_by_label("想说的话").fill("尤其是周末")
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".talk")).to_contain_text("尤其是周末")
    page.get_by_label(re.compile("^图片")).set_input_files(picture)
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.locator(".talk img")).to_have_count(1)
    staff.reply(number, "周末早上七点到晚上九点开放", "final")
    eventually(lambda: staff.ticket(number)["status"] == "answered", within=ANSWERED_WITHIN, what="answered")
    page.get_by_role("link", name="刷新").click()
    expect(page.locator(".talk")).to_contain_text("周末早上七点")
    page.get_by_label("满意", exact=True).check()
    page.get_by_role("button", name="提交评价").click()

    expect(page.locator("#rating")).to_contain_text("您的评价")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert staff.ticket(number)["rating"] == {"score": 4, "solved": None, "comment": ""}
    said = [m["text"] for m in staff.messages(number, "inbound")]
    assert said == ["请问游泳池什么时候开放", "尤其是周末", "[图片]"]
