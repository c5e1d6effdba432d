"""The phone page: what it asks for, what one may do with it, and that it works in a browser."""

import requests
from playwright.sync_api import Page, expect
from simulator_rig import PATIENCE, Simulator, Start, Webhook

from simulator.answers import FAILURE_LINE
from simulator.media import SAMPLES


def state(simulator: Simulator, **query: object) -> dict:
    """What the page gets once a second."""
    return simulator.get("/phone/state", **query).json()


def test_the_page_allows_nothing_inline(simulator: Simulator) -> None:
    page = simulator.get("/")

    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "<style" not in page.text
    assert "style=" not in page.text
    assert "onclick" not in page.text


def test_the_page_gets_only_the_lines_it_has_not_seen(simulator: Simulator) -> None:
    openid = simulator.openid(1)
    for words in ("一", "二", "三"):
        simulator.say(openid, text=words)
    first = state(simulator, openid=openid)
    rest = state(simulator, openid=openid, after=first["entries"][1]["id"])

    assert [entry["text"] for entry in first["entries"]] == ["一", "二", "三"]
    assert [entry["text"] for entry in rest["entries"]] == ["三"]


def test_a_page_that_gets_another_follower_than_it_asked_for_gets_all_lines(simulator: Simulator) -> None:
    simulator.say(simulator.openid(), text="一")

    answer = state(simulator, openid="who-is-that", after=10_000)

    assert answer["follower"]["openid"] == simulator.openid()
    assert [entry["text"] for entry in answer["entries"]] == ["一"]


def test_the_page_works_before_any_account_is_registered(start: Start) -> None:
    answer = state(start(accounts=()))

    assert (answer["account"], answer["follower"], answer["followers"]) == (None, None, [])


def test_a_visitor_cannot_push_raw_documents(simulator: Simulator) -> None:
    answer = simulator.post(f"/phone/{simulator.openid()}/act", {"type": "raw", "xml": "<xml/>"})

    assert answer.status_code == 400


def test_a_file_that_is_no_picture_is_refused_in_words(simulator: Simulator) -> None:
    url = f"{simulator.base}/phone/{simulator.openid()}/picture"

    bad = requests.post(url, files={"picture": ("a.txt", b"hello")}, timeout=PATIENCE)
    good = requests.post(url, files={"picture": ("a.png", SAMPLES["image"])}, timeout=PATIENCE)

    assert (bad.status_code, bad.json()["error"]) == (422, "不支持这种文件")
    assert good.status_code == 202


def write(page: Page, words: str) -> None:
    """Type a message and send it."""
    page.fill("#text", words)
    page.press("#text", "Enter")


def test_a_conversation_in_the_browser(simulator: Simulator, webhook: Webhook, page: Page) -> None:
    openid = simulator.openid()
    write(page, "<b>家里断网了</b>")
    expect(page.locator(".mine .bubble")).to_have_text("<b>家里断网了</b>")
    simulator.send(openid, text={"content": '已安排 <a href="https://example.com/t">进度</a> <i>x</i>'})

    reply = page.locator("[data-kind=reply] .bubble")
    expect(reply).to_have_text("已安排 进度 <i>x</i>")
    expect(reply.locator("a")).to_have_attribute("href", "https://example.com/t")
    simulator.send(openid, text={"content": "详情：https://example.com/p?a=1。再见"})
    bare = page.locator("[data-kind=reply] .bubble").last.locator("a")
    expect(bare).to_have_attribute("href", "https://example.com/p?a=1")
    webhook.answers += [500, 500, 500]
    write(page, "还是不行")
    expect(page.locator(".failure")).to_have_text(FAILURE_LINE)
    page.click("#swap")
    page.click("#menu button >> nth=1")
    expect(page.locator(".system").last).to_have_text("点击了菜单「我的工单」")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_survey_is_answered_with_a_tap(simulator: Simulator, page: Page) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="好了")
    menu = {"head_content": "满意吗？", "list": [{"id": "GD1-5", "content": "很满意"}]}
    simulator.send(openid, msgtype="msgmenu", msgmenu=menu)

    page.click(".choice")
    expect(page.locator(".mine .bubble").last).to_have_text("很满意")

    newest = simulator.get(f"/_control/followers/{openid}/pushes").json()["pushes"][0]
    assert "<bizmsgmenuid><![CDATA[GD1-5]]>" in newest["xml"]


def test_a_picture_and_leaving_and_coming_back(simulator: Simulator, page: Page) -> None:
    page.set_input_files("#picture", [{"name": "a.png", "mimeType": "image/png", "buffer": SAMPLES["image"]}])
    expect(page.locator("img.shot")).to_be_visible()

    page.click("#show-inspector")
    page.click("#unfollow")
    expect(page.locator("#follow")).to_be_visible()
    page.click("#follow-now")
    expect(page.locator("#composer")).to_be_visible()

    kinds = [entry["type"] for entry in simulator.transcript(simulator.openid())]
    assert kinds == ["image", "event", "event"]


def test_another_follower_has_another_chat(simulator: Simulator, page: Page) -> None:
    write(page, "我是王女士")
    expect(page.locator(".mine .bubble")).to_have_count(1)

    page.click("#show-people")
    page.click(".person >> nth=1")
    expect(page.locator("#subtitle")).to_have_text("李先生 的手机")
    expect(page.locator(".bubble")).to_have_count(0)
    simulator.control("/reset")
    page.click("#show-people")
    page.click(".person >> nth=0")

    expect(page.locator("#subtitle")).to_have_text("王女士 的手机")
    expect(page.locator(".bubble")).to_have_count(0)


def test_the_page_takes_no_message_before_it_knows_whose_phone_it_is(simulator: Simulator) -> None:
    """A script shows the field with the first news; whatever was typed earlier would go to nobody."""
    page = requests.get(simulator.base, timeout=PATIENCE).text

    assert '<footer class="composer" id="composer" hidden>' in page
