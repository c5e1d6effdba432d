"""The channel as a follower sees it on the phone, and what reaches the staff: from following to rating.

With SCREENSHOTS=FOLDER in the environment each stage is kept as a picture, to be judged by a person.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from scenario_clients import NUMBER, answered
from scenario_processes import SHARED
from scenario_rig import PASSWORD, Rig, place

from simulator.media import picture

NARROW = 390
SOON_MS = 3_000 * SHARED
ROUTED_MS = 10_000 * SHARED
FETCHED_MS = 20_000 * SHARED  # the file is brought by a worker, and a voice is transcoded
LOADED = "async (sound) => { await sound.play(); sound.pause(); return [sound.readyState, sound.duration]; }"
Open = Callable[[int], Page]
SignIn = Callable[..., Page]


def keep(page: Page, name: str) -> None:
    """A picture of the page in both colours, where somebody asked for pictures."""
    folder = os.environ.get("SCREENSHOTS")
    for colours in ("light", "dark") if folder else ():
        page.emulate_media(color_scheme=colours, reduced_motion="reduce")
        page.screenshot(path=Path(str(folder)) / f"path-{name}-{colours}.png", animations="disabled")
    page.emulate_media(color_scheme="light")


def phone_of(rig: Rig, opened: Open, name: str, *, following: bool = True) -> Page:
    """The phone page of a new follower, as wide as a phone."""
    answered(rig.control.post("/followers", {"account": "main", "name": name, "following": following}))
    page = opened(NARROW)
    page.goto(rig.control.base.removesuffix("/_control") + "/")
    page.click("#show-people")
    page.locator(".person", has_text=name).click()
    expect(page.locator("#subtitle")).to_contain_text(name)
    return page


def write(phone: Page, text: str) -> None:
    phone.fill("#text", text)
    phone.click("#send")


def last_said(phone: Page) -> Locator:
    """What the account said last, at once or later."""
    return phone.locator(".line:not(.mine) .bubble").last


def number_on(phone: Page) -> str:
    """The number in the receipt that the phone shows."""
    expect(last_said(phone)).to_have_text(NUMBER, timeout=SOON_MS)
    found = NUMBER.search(last_said(phone).inner_text())
    assert found
    return found[0]


def reply(page: Page, kind: str, text: str) -> None:
    page.locator(".kind-choice", has_text=kind).click()
    page.fill("#text", text)
    page.locator("[data-send]").click()


def is_read(page: Page, text: str) -> None:
    """The newest message is this one, and has been in view long enough to count as seen."""
    newest = page.locator("#t-talk .said.is-inbound").last
    expect(newest).to_contain_text(text, timeout=SOON_MS)
    expect(page.locator("#seen")).to_have_value(str(newest.get_attribute("id")).removeprefix("m-"))


def confirm(page: Page) -> None:
    page.locator("#confirm[open] .btn-primary").click()


def is_as_wide_as_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.fixture(scope="module")
def reviewer(rig: Rig) -> str:
    """Who publishes what another wrote."""
    rig.must("user", "add", "reviewer", *place("reviewer", "QGB"), typed=PASSWORD)
    return "reviewer"


@pytest.fixture
def menu(rig: Rig, signed_in: SignIn, reviewer: str) -> None:
    """The shipped menu, handed in by one person and published by another."""
    author = signed_in("root", "/admin/menus/main")
    author.locator("#menu-form button[value=submit]:visible").click()
    expect(author.locator("body")).to_contain_text("已提交")
    page = signed_in(reviewer, "/admin/menus/main")
    page.get_by_role("button", name="发布", exact=True).click()
    confirm(page)
    expect(page.locator("body")).to_contain_text("菜单已发布")


def tap(phone: Page, *names: str) -> None:
    """Open the menu and tap through these names."""
    if phone.locator("#menu").is_hidden():
        phone.click("#swap")
    for name in names:
        phone.locator("#menu").get_by_text(name, exact=True).click()


def test_who_follows_is_welcomed_and_a_keyword_is_answered(rig: Rig, opened: Open):
    phone = phone_of(rig, opened, "新来的小林", following=False)

    phone.click("#follow-now")
    expect(last_said(phone)).to_contain_text("欢迎关注", timeout=SOON_MS)
    keep(phone, "welcome")
    write(phone, "帮助")

    expect(last_said(phone)).to_contain_text("回复“进度”查询已提交的事项", timeout=SOON_MS)
    keep(phone, "keyword")
    shown = phone.locator("#chat").bounding_box()
    assert shown is not None
    assert (shown["x"], shown["width"]) == (0, NARROW)


@pytest.mark.usefixtures("menu")
def test_the_menus_complain_makes_the_next_words_a_complaint_in_its_departments_queue(
    rig: Rig, opened: Open, signed_in: SignIn
):
    words = "三号窗口上午十点就没有人了，等了四十分钟"
    handler = signed_in("kfb.agent")
    phone = phone_of(rig, opened, "排队的老周")

    tap(phone, "服务大厅", "我要投诉")
    expect(last_said(phone)).to_contain_text("请把事情的经过发给我们", timeout=SOON_MS)
    keep(phone, "complain")
    phone.click("#swap")
    write(phone, words)
    number = number_on(phone)
    keep(phone, "receipt")

    row = handler.get_by_role("link", name=re.compile(words)).first
    expect(row).to_be_visible(timeout=ROUTED_MS)
    keep(handler, "queue")
    ticket = rig.api("kfb.agent").ticket(number)
    assert (ticket["category"], ticket["department"]) == ("complaint", "KFB")
    tap(phone, "我的")
    with phone.context.expect_page() as mine:
        phone.locator("#menu").get_by_text("我的工单", exact=True).click()
    expect(mine.value.get_by_role("link", name=re.compile(number))).to_be_visible()
    assert is_as_wide_as_the_screen(mine.value)
    keep(mine.value, "mine-open")


@pytest.mark.parametrize("width", [1440, NARROW])
def test_a_picture_and_a_voice_from_the_phone_are_seen_and_heard_at_the_desk(
    rig: Rig, opened: Open, signed_in: SignIn, width: int
):
    phone = phone_of(rig, opened, f"楼上的阿梅{width}")
    write(phone, "请问这种地砖还有货吗")
    number = number_on(phone)

    file = {"name": "tile.png", "mimeType": "image/png", "buffer": picture(640, 480)}
    phone.set_input_files("#picture", [file])
    expect(phone.locator("img.shot")).to_be_visible()
    phone.click("#more")
    phone.click("[data-act=voice]")
    expect(phone.locator(".sound")).to_be_visible()
    keep(phone, f"sent-{width}")

    page = signed_in("intake.agent", f"/tickets/{number}", width)
    shown = page.locator("#t-talk .said.is-inbound .picture img")
    expect(shown).to_be_visible(timeout=FETCHED_MS)
    sound = page.locator("#t-talk .said.is-inbound audio")
    expect(sound).to_be_visible(timeout=FETCHED_MS)
    shown.scroll_into_view_if_needed()
    expect(shown).to_have_js_property("naturalWidth", 640)
    ready, seconds = sound.evaluate(LOADED)
    keep(page, f"desk-files-{width}")
    assert ready >= 2
    assert seconds > 0.5
    assert is_as_wide_as_the_screen(page)


def test_progress_the_answer_with_a_picture_and_the_rating(rig: Rig, opened: Open, signed_in: SignIn, tmp_path: Path):
    plan = tmp_path / "plan.png"
    plan.write_bytes(picture(640, 480))
    phone = phone_of(rig, opened, "等答复的小何")
    write(phone, "请问游泳池改造后什么时候开放")
    number = number_on(phone)
    page = signed_in("intake.agent", f"/tickets/{number}")
    page.locator(".case-actions .btn-primary", has_text="受理").click()
    page.locator("dialog[open] button[type=submit]").click()
    expect(page.locator("#t-head")).to_contain_text("办理中")

    write(phone, "进度")
    expect(last_said(phone)).to_contain_text(re.compile(f"{number}.*正在办理，最晚 .+ 前答复您", re.DOTALL))
    keep(phone, "progress")
    is_read(page, "进度")
    page.set_input_files("[data-files]", plan)
    expect(page.locator(".upload:not(.is-busy)")).to_have_count(1)
    reply(page, "最终答复", "您好，下周一早上七点恢复开放，平面图请见图片。")
    expect(phone.locator("[data-kind=reply] .bubble")).to_contain_text("下周一早上七点", timeout=ROUTED_MS)
    expect(phone.locator("[data-kind=reply] img.shot")).to_have_js_property("naturalWidth", 640, timeout=ROUTED_MS)
    keep(phone, "answer")
    expect(page.locator("#t-head")).to_contain_text(re.compile("已答复|待回访"), timeout=ROUTED_MS)
    keep(page, "desk-answered")

    mine = phone.context.new_page()
    mine.goto(f"{rig.url}/my/main/")
    expect(mine.get_by_role("heading", level=1)).to_have_text("我的工单")
    assert is_as_wide_as_the_screen(mine)
    keep(mine, "mine-answered")
    mine.get_by_role("link", name=re.compile(number)).click()
    expect(mine.locator(".talk")).to_contain_text("下周一早上七点")
    assert is_as_wide_as_the_screen(mine)
    keep(mine, "mine-ticket")
    mine.get_by_label("满意", exact=True).check()
    mine.get_by_role("button", name="提交评价").click()
    expect(mine.locator("#rating")).to_contain_text("您的评价")
    keep(mine, "mine-rated")

    expect(page.locator(".rated")).to_contain_text("满意", timeout=ROUTED_MS)
    keep(page, "desk-rated")
