"""The whole path as people walk it: from a message typed on a phone to the follow-up that closes the ticket."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from scenario_processes import SHARED
from scenario_rig import Rig

SOON_MS = 3_000 * SHARED
LIVE_MS = 2_000 * SHARED
ROUTED_MS = 10_000 * SHARED


def write(phone: Page, text: str) -> None:
    phone.fill("#text", text)
    phone.click("#send")


def row(page: Page, text: str):  # type: ignore[no-untyped-def]
    return page.get_by_role("link", name=re.compile(re.escape(text))).first


def reply(page: Page, kind: str, text: str) -> None:
    page.locator(".kind-choice", has_text=kind).click()
    page.fill("#text", text)
    page.locator("[data-send]").click()


def test_a_complaint_from_the_phone_to_the_follow_up(phone: Page, signed_in: Callable[..., Page]):
    words = "我要投诉，三号楼电梯坏了五天没人修"
    intake, handler = signed_in("intake.agent"), signed_in("kfb.agent")

    write(phone, words)
    expect(row(intake, words)).to_be_visible(timeout=SOON_MS)
    expect(phone.locator("#chat")).to_contain_text("工单号")
    expect(row(handler, words)).to_be_visible(timeout=ROUTED_MS)

    row(handler, words).click()
    handler.locator(".case-actions .btn-primary", has_text="受理").click()
    handler.locator("dialog[open] button[type=submit]").click()
    expect(handler.locator("#t-head")).to_contain_text("办理中")
    reply(handler, "阶段性答复", "您好，维修师傅正在路上")
    expect(phone.locator("#chat")).to_contain_text("您好，维修师傅正在路上", timeout=ROUTED_MS)
    reply(handler, "最终答复", "电梯已修好并恢复运行，抱歉让您久等")
    expect(phone.locator("#chat")).to_contain_text("电梯已修好并恢复运行", timeout=ROUTED_MS)
    expect(handler.locator("#t-head")).to_contain_text("待回访", timeout=ROUTED_MS)

    caller = signed_in("caller", "/follow-up")
    expect(caller.locator("#rows")).to_contain_text(words)
    row(caller, words).click()
    caller.locator(".case-actions .btn-primary", has_text="回访").click()
    caller.locator("dialog[open] label.check", has_text=re.compile("^已解决$")).click()
    caller.locator("dialog[open] button[type=submit]").click()
    expect(handler.locator("#t-head")).to_contain_text("已办结", timeout=LIVE_MS)


def test_a_new_message_is_on_an_open_page_without_a_reload_and_keeps_the_draft(
    rig: Rig, signed_in: Callable[..., Page]
):
    follower = rig.phone()
    number = follower.opens("请问装修要办什么手续")
    page = signed_in("intake.agent", f"/tickets/{number}")
    page.fill("#text", "写到一半的话")
    page.evaluate("window.sameDocument = true")

    follower.says("另外押金多少")

    expect(page.locator("#t-talk")).to_contain_text("另外押金多少", timeout=LIVE_MS)
    assert page.evaluate("window.sameDocument") is True
    assert page.input_value("#text") == "写到一半的话"


PAGES = {
    "root": ["/", "/?tab=all", "/follow-up", "/overdue", "/admin/people", "/admin/departments", "/admin/accounts"],
    "kfb.agent": ["/", "/?tab=mine"],
}


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("username", PAGES)
def test_no_page_is_wider_than_the_screen(rig: Rig, signed_in: Callable[..., Page], username: str, width: int):
    rig.phone().opens("请问物业费可以按季度交吗")
    page = signed_in(username, width=width)

    for path in PAGES[username]:
        answer = page.goto(rig.url + path)
        assert answer is not None
        assert answer.status == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_person_may_work_in_english(signed_in: Callable[..., Page]):
    page = signed_in("kfb.agent")

    page.locator("form[action$='/language/en'] button").first.dispatch_event("click")

    expect(page.locator("html")).to_have_attribute("lang", re.compile("^en"))
    expect(page.locator("body")).not_to_contain_text("待受理")
