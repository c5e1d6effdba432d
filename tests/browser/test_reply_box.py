"""The reply box in a browser: files handed in with a preview, what a reply will cost, and typing on the phone."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from scenario_processes import SHARED
from scenario_rig import Rig

from simulator.media import picture

PNG = picture()
AMR = b"#!AMR\n" + (b"\x3c" + bytes(31)) * 100
SOON_MS = 10_000 * SHARED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "楼道.png").write_bytes(PNG)
    (tmp_path / "说明.amr").write_bytes(AMR)
    (tmp_path / "合同.pdf").write_bytes(b"%PDF-1.7")
    return tmp_path


@pytest.mark.parametrize("width", [1440, 390])
def test_files_are_seen_counted_removed_and_sent(rig: Rig, signed_in: Callable[..., Page], folder: Path, width: int):
    follower = rig.phone()
    number = follower.opens("请问装修要办什么手续")
    page = signed_in("intake.agent", f"/tickets/{number}", width)

    page.set_input_files("[data-files]", [folder / "楼道.png", folder / "说明.amr"])
    expect(page.locator(".upload:not(.is-busy)")).to_have_count(2)
    expect(page.locator(".upload img")).to_be_visible()
    expect(page.locator(".upload audio")).to_be_visible()
    page.fill("#text", "请看附件")
    expect(page.locator("[data-spends-count]")).to_have_text("3")

    page.locator(".upload", has=page.locator("audio")).locator("[data-remove-upload]").click()
    expect(page.locator("[data-spends-count]")).to_have_text("2")
    page.locator("[data-send]").click()

    expect(page.locator("#t-talk .said.is-outbound img")).to_be_visible()
    expect(page.locator(".upload")).to_have_count(0)
    expect(page.locator(".delivery")).to_contain_text("已送达", timeout=SOON_MS)


def test_a_long_text_says_how_many_messages_it_will_use(rig: Rig, signed_in: Callable[..., Page]):
    number = rig.phone().opens("请问装修要办什么手续")
    page = signed_in("intake.agent", f"/tickets/{number}")

    page.fill("#text", "您好")
    expect(page.locator("[data-spends-count]")).to_have_text("1")
    page.fill("#text", "👨‍👩‍👧" * 340)  # 6120 bytes would be three messages, were families cut through
    expect(page.locator("[data-spends-count]")).to_have_text("4")
    page.locator(".kind-choice", has_text="内部备注").click()

    expect(page.locator("[data-spends]")).to_be_hidden()
    expect(page.locator(".attach")).to_be_hidden()


def test_the_phone_shows_that_somebody_types(rig: Rig, signed_in: Callable[..., Page], phone: Page):
    phone.fill("#text", "请问几点上班")
    phone.click("#send")
    page = signed_in("intake.agent")
    page.get_by_role("link", name="请问几点上班").first.click()
    page.wait_for_url("**/tickets/**")  # with its scripts: nobody types before

    page.locator("#text").press_sequentially("您好")

    expect(phone.locator("body")).to_contain_text("正在输入", timeout=SOON_MS)


def test_a_draft_of_ours_takes_nothing_from_half_a_reply(rig: Rig, signed_in: Callable[..., Page]):
    number = rig.phone().opens("请问装修押金什么时候退")
    agent = rig.api("intake.agent")
    agent.act(number, "accept")
    asked = agent.act(number, "extension", days=1, reason="等财务核对")
    rig.api("supervisor").post(f"/extensions/{asked['id']}/decide", {"granted": True})
    page = signed_in("intake.agent", f"/tickets/{number}")
    offer = page.locator("#drafts .window-offer")

    page.fill("#text", "写了一半")
    offer.locator("[data-fill]").click()
    expect(page.locator("#text")).to_have_value(re.compile(rf"^写了一半\n.*{number}"))

    page.fill("#text", "写了一半")
    offer.locator("button[type=submit]").click()
    expect(offer).to_have_count(0)
    expect(page.locator("#text")).to_have_value("写了一半")
