"""The phone's menu, scanner, cards and recordings in a browser, and the pages that a menu opens."""

import io
import wave

import pytest
import requests
from playwright.sync_api import Page, expect
from simulator_rig import PATIENCE, Simulator

from simulator.media import SAMPLES

NOTICE = "SIMSUB_TICKET_REPLY"


def newest_push(simulator: Simulator) -> str:
    """The document of the first follower's newest push."""
    pushes = simulator.get(f"/_control/followers/{simulator.openid()}/pushes").json()["pushes"]
    return pushes[0]["xml"]


def authorize(simulator: Simulator) -> str:
    """Where a web page sends those whom it does not know; they come back to a page of the simulator."""
    back = f"{simulator.base}/phone/state"
    query = f"appid={simulator.app_id}&redirect_uri={back}&response_type=code&scope=snsapi_base&state=x"
    return f"{simulator.base}/connect/oauth2/authorize?{query}#wechat_redirect"


def publish(simulator: Simulator, url: str) -> None:
    """A menu with a page at the top, and two items below the second button."""
    below = [
        {"type": "click", "name": "我要投诉", "key": "COMPLAIN"},
        {"type": "click", "name": "我有建议", "key": "SUGGEST"},
    ]
    buttons = [{"type": "view", "name": "我的工单", "url": url}, {"name": "服务", "sub_button": below}]
    assert simulator.api("menu/create", {"button": buttons})["errcode"] == 0


def test_a_published_menu_is_on_the_phone_and_its_items_click(simulator: Simulator, page: Page) -> None:
    publish(simulator, simulator.base)
    expect(page.locator("#menu a")).to_have_count(1)
    page.click("#swap")
    page.click("#menu >> text=服务")
    expect(page.locator(".menu-below button")).to_have_count(2)
    page.click("text=我要投诉")

    expect(page.locator(".system").last).to_have_text("点击了菜单「我要投诉」")
    expect(page.locator(".menu-below")).to_be_hidden()
    assert "<EventKey><![CDATA[COMPLAIN]]></EventKey>" in newest_push(simulator)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_menu_page_that_asks_who_reads_it_learns_whose_phone_this_is(simulator: Simulator, page: Page) -> None:
    publish(simulator, authorize(simulator))
    expect(page.locator("#menu a")).to_have_count(1)
    page.click("#swap")
    with page.context.expect_page() as opened:
        page.click("#menu a")
    opened.value.wait_for_url(lambda url: "code=" in url and "state=x" in url)
    code = opened.value.url.partition("code=")[2].partition("&")[0]

    told = simulator.get(
        "/sns/oauth2/access_token",
        appid=simulator.app_id,
        secret=simulator.secret,
        code=code,
        grant_type="authorization_code",
    ).json()
    assert told["openid"] == simulator.openid()
    expect(page.locator(".system").last).to_have_text("打开了菜单「我的工单」")


def test_whoever_is_asked_whose_phone_it_is_chooses_a_person(simulator: Simulator, page: Page) -> None:
    page.goto("about:blank")
    page.context.clear_cookies()
    page.goto(authorize(simulator))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.click("text=张阿姨")

    page.wait_for_url(lambda url: "code=" in url and "state=x" in url)
    assert page.context.cookies()[0]["value"] == simulator.openid(2)


def test_a_code_is_scanned_and_a_stranger_follows_by_it(simulator: Simulator, page: Page) -> None:
    body = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "src_store_12"}}}
    simulator.api("qrcode/create", body | {"expire_seconds": 600})
    page.click("#more")
    page.click("#extras .open-scanner")
    page.click("#codes button")
    expect(page.locator(".system").last).to_have_text("扫描了二维码 src_store_12")
    simulator.say(simulator.openid(), type="unsubscribe")

    page.click("#follow .open-scanner")
    page.fill("#scene", "src_poster_3")
    page.press("#scene", "Enter")

    expect(page.locator("#composer")).to_be_visible()
    expect(page.locator(".system").last).to_have_text("扫码 src_poster_3 关注了公众号")
    assert "<EventKey><![CDATA[qrscene_src_poster_3]]></EventKey>" in newest_push(simulator)


def test_cards_of_templates_and_news_are_read_on_the_phone(simulator: Simulator, page: Page) -> None:
    openid = simulator.openid()
    data = {
        "character_string1": {"value": "T-2001"},
        "phrase2": {"value": "已回复"},
        "thing3": {"value": "请点开查看"},
        "time4": {"value": "2026年11月20日 10:00"},
    }
    body = {"touser": openid, "template_id": "SIMTPL_TICKET_PROGRESS", "data": data, "url": "https://example.com/t"}
    simulator.api("message/template/send", body)
    simulator.say(openid, text="在吗")
    article = {"title": "停水通知", "description": "周六", "url": "https://example.com/n", "picurl": ""}
    simulator.send(openid, msgtype="news", news={"articles": [article]})

    card = page.locator("a.notice-card")
    expect(card).to_contain_text("工单处理进度通知")
    expect(card.locator("dd").first).to_have_text("T-2001")
    expect(card).to_have_attribute("href", "https://example.com/t")
    expect(page.locator("a.tile", has_text="停水通知")).to_have_attribute("href", "https://example.com/n")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_subscription_is_agreed_to_on_the_phone(simulator: Simulator, page: Page) -> None:
    page.click("#show-inspector")
    page.click("#subscriptions summary")
    page.click("text=同意一次")
    expect(page.locator("#grants .chip")).to_have_text("还可发 1 条")
    page.click("text=拒收")
    expect(page.locator("#grants .chip")).to_have_text("还可发 0 条")

    assert "<SubscribeMsgChangeEvent>" in newest_push(simulator)


def test_a_voice_can_be_played_and_stopped(simulator: Simulator, page: Page) -> None:
    simulator.say(simulator.openid(), type="voice")
    sound = page.locator(".sound")
    with page.expect_response("**/sound") as heard:
        sound.click()
    assert heard.value.headers["content-type"] == "audio/wav"
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()

    expect(sound).not_to_have_attribute("aria-pressed", "true")


def test_a_film_of_the_follower_is_one_that_the_browser_shows(simulator: Simulator, page: Page) -> None:
    page.click("#more")
    page.click("[data-act=video]")
    page.locator("video.film").wait_for()

    width = page.evaluate(
        """new Promise((done) => {
            const film = document.querySelector("video.film");
            const tell = () => done(film.videoWidth);
            if (film.readyState >= 1) tell();
            else ["loadedmetadata", "error"].forEach((name) => film.addEventListener(name, tell));
        })"""
    )
    assert width == 160


def test_a_sticker_is_one_on_the_phone_and_a_line_at_the_account(simulator: Simulator, page: Page) -> None:
    page.click("#more")
    page.click("[data-act=sticker]")

    expect(page.locator(".mine .bubble")).to_have_text("[动画表情]")
    assert "收到不支持的消息类型" in newest_push(simulator)


def test_the_sample_voice_holds_two_seconds_of_sound(simulator: Simulator) -> None:
    simulator.say(simulator.openid(), type="voice")
    address = simulator.transcript(simulator.openid())[0]["media_url"]

    with wave.open(io.BytesIO(simulator.get(f"{address}/sound").content)) as sound:
        seconds, samples = sound.getnframes() / sound.getframerate(), sound.readframes(sound.getnframes())

    assert 1.9 <= seconds <= 2.1
    assert any(samples)


@pytest.mark.parametrize("kind", ["image", "nothing"])
def test_what_is_no_sound_is_not_played(simulator: Simulator, kind: str) -> None:
    simulator.say(simulator.openid(), type="image")
    address = simulator.transcript(simulator.openid())[0]["media_url"] if kind == "image" else "/media/nothing"

    assert simulator.get(f"{address}/sound").status_code == 404


def test_a_visitor_gets_the_thumb_and_the_voice_as_the_samples_are(simulator: Simulator) -> None:
    url = f"{simulator.base}/phone/{simulator.openid()}/act"
    assert requests.post(url, json={"type": "voice"}, timeout=PATIENCE).status_code == 202

    entry = simulator.transcript(simulator.openid())[0]
    assert simulator.get(entry["media_url"]).content == SAMPLES["voice"]
