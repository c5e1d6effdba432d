"""What an account may say beyond an open window: passive replies, notices, windows of its own, its certification."""

import json
import re
import time
from html import unescape

import pytest
import requests
from scenario_clients import Api, Json, Phone, answered
from scenario_processes import eventually
from scenario_rig import PASSWORD, Rig

HOLDS_WITHIN = 2.0  # seconds, of the contract
TEMPLATE, SUBSCRIPTION = "SIMTPL_TICKET_PROGRESS", "SIMSUB_TICKET_REPLY"
FIELDS = "character_string1 = number\nphrase2 = status\nthing3 = subject\ntime4 = time"
WINDOW_MESSAGES = 5


class Browser:
    """Somebody who has signed in and reads pages."""

    def __init__(self, rig: Rig, username: str) -> None:
        self.url, self.session = rig.url, requests.Session()
        self.session.trust_env = False
        self.send("/sign-in", username=username, password=PASSWORD)

    def reads(self, path: str) -> str:
        """The words of a page."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self._page(path))).split())

    def send(self, path: str, **fields: str) -> None:
        """Fill in the form of that page and send it; it must be taken."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self._page(path))
        assert found, path
        form = {**fields, "csrf_token": found[1]}
        answer = self.session.post(self.url + path, data=form, allow_redirects=False, timeout=10)
        assert answer.is_redirect, answer.text

    def _page(self, path: str) -> str:
        return self.session.get(self.url + path, timeout=10).text


@pytest.fixture(scope="module")
def boss(rig: Rig) -> Browser:
    return Browser(rig, "root")


@pytest.fixture(scope="module", autouse=True)
def chosen_at(boss: Browser) -> float:
    """When the operator gave the account `own` strict windows and both kinds of notices, on its page."""
    choices = {"model": "cumulative", "tap": "minute", "typing": "y", "invite": "y"}
    for rung, template_id in (("subscription", SUBSCRIPTION), ("template", TEMPLATE)):
        choices |= {f"{rung}_id": template_id, f"{rung}_fields": FIELDS, f"{rung}_url": "y"}
    boss.send("/admin/accounts/own/notices", **choices)
    return time.monotonic()


@pytest.fixture
def own(rig: Rig, chosen_at: float) -> str:
    """The account's slug, once its settings hold in every process; the platform keeps strict windows for it too."""
    eventually(lambda: time.monotonic() > chosen_at + HOLDS_WITHIN, what="the settings hold everywhere")
    answered(rig.control.post("/accounts/own/knobs", {"window_model": "cumulative"}))
    return "own"


def arrives(api: Api, number: str, message: Json, state: str = "sent") -> Json:
    """The message once its delivery is in this state."""
    eventually(lambda: api.state(number, message["id"]) == state, what=f"{message['text'][:20]} {state}")
    return api.message(number, message["id"])


def calls(rig: Rig, phone: Phone, endpoint: str) -> list[int]:
    """The errcodes that the platform answered to calls of an endpoint for this follower, oldest first."""
    rows = answered(rig.control.get("/calls", endpoint=endpoint, openid=phone.openid))["calls"]
    return [row["errcode"] or 0 for row in reversed(rows)]


def told(api: Api, number: str) -> list[str]:
    """What the ticket says of the notices to its follower."""
    return [event["because"] for event in api.events(number) if event["action"] == "notice"]


def notices(phone: Phone, count: int) -> list[Json]:
    """Templates and subscription notices on the phone, once there are so many."""
    query = {"kind": "notice", "count": count, "wait": "true", "timeout": 15}
    found: list[Json] = answered(phone.control.get(f"/followers/{phone.openid}/transcript", **query))["entries"]
    assert len(found) >= count, f"{count} notices expected: {found}"
    return found


def shut_out(rig: Rig, phone: Phone, text: str) -> tuple[str, Json]:
    """A ticket whose final answer waits because the platform has shut the window: its number, and the answer."""
    api, number = rig.api("intake.agent"), phone.opens("请问怎么报名？")
    phone.window(seconds=-1)
    return number, arrives(api, number, api.reply(number, text, "final"), "waiting_for_window")


# An account that may only answer


def test_what_waits_on_an_uncertified_account_is_one_passive_reply_in_order_and_counts_only_then(rig: Rig) -> None:
    phone, api = rig.phone("passive"), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    texts = ["您好，正在为您查询。", "周六上午九点，一楼大厅。"]
    written = [api.reply(number, texts[0]), api.reply(number, texts[1], "final")]
    waiting = api.ticket(number)

    phone.says("还在吗？另外需要带什么材料")

    reached = [api.message(number, message["id"])["delivery"] for message in written]
    after = api.ticket(number)
    assert [message["delivery"]["state"] for message in written] == ["waiting_for_window"] * 2
    assert (waiting["first_replied_at"], waiting["clocks"]["first_reply"]["state"]) == (None, "paused")
    assert phone.lines("receipt")[1:] == ["\n".join(texts)]
    assert [(one["state"], one["detail"]) for one in reached] == [("sent", "随被动回复送出")] * 2
    assert after["first_replied_at"] == after["clocks"]["first_reply"]["met_at"] == written[0]["at"]
    # they asked before they read it: the answer stands
    assert (after["status"], after["answered_at"]) == ("answered", written[1]["at"])
    assert (phone.lines("reply"), calls(rig, phone, "message/custom/send")) == ([], [])


def test_a_waiting_answer_stands_before_the_receipt_of_a_new_matter(rig: Rig) -> None:
    phone, api = rig.phone("passive"), rig.api("dispatcher")
    older = phone.opens("门禁卡坏了，怎么办？")
    reply = api.reply(older, "门禁卡由物业更换，电话在门厅。")
    api.act(older, "decline", reason="不属于本公司", refer_to="物业")

    newer = phone.opens("请问物业费怎么交？")

    answer, _, receipt = phone.lines("receipt")[-1].partition("\n")
    assert answer == reply["text"]
    assert newer in receipt
    assert api.state(older, reply["id"]) == "sent"


def test_a_passive_reply_that_the_platform_lost_is_given_again_and_read_once(rig: Rig) -> None:
    phone, api = rig.phone("passive"), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    reply = api.reply(number, "周六上午九点，一楼大厅。", "final")
    answered(rig.control.post("/accounts/passive/knobs", {"push_spacing": 0.1}))

    with rig.fault("push", "drop_after_accept", account="passive", value=0, times=1):
        push = phone.says("好的")
    answered(rig.control.post("/accounts/passive/knobs", {"push_spacing": None}))
    phone.says("谢谢")

    assert len(push["attempts"]) == 2
    assert phone.lines("receipt")[1:] == [reply["text"]]
    assert api.ticket(number)["status"] == "answered"


# Notices to a follower whose window is shut


def test_who_cannot_be_written_to_is_told_once_that_an_answer_waits_and_the_receipt_is_shown(
    rig: Rig, boss: Browser, own: str
) -> None:
    api, (agreed, other) = rig.api("intake.agent"), rig.phones(2, own)
    agreed.does("subscribe_popup", answers={SUBSCRIPTION: "accept"})
    cases = [(phone, *shut_out(rig, phone, "周六上午九点，一楼大厅。")) for phone in (agreed, other)]
    kinds = {agreed: ("subscription", "订阅通知"), other: ("template", "模板消息")}
    for phone, number, _ in cases:
        kind, name = kinds[phone]
        (notice,) = notices(phone, 1)
        assert notice["type"] == kind
        assert number in [value for _, value in notice["rows"]]
        assert notice["url"].endswith(f"/my/own/{number}")
        last = eventually(lambda: next((w for w in told(api, number) if w.endswith("已送达客户")), None))  # noqa: B023
        assert last == f"{name}已送达客户"
        assert last in boss.reads(f"/tickets/{number}")
        ticket = api.ticket(number)
        assert (ticket["status"], ticket["clocks"]["first_reply"]["state"]) == ("in_progress", "paused")

    for _, number, _ in cases:
        api.reply(number, "另外请带身份证。")
    third = rig.phone(own)
    shut_out(rig, third, "可以。")
    notices(third, 1)  # by now every ticket has been looked at again
    for phone, number, reply in cases:
        phone.says("好，请发过来")
        assert phone.hears(1) == ["周六上午九点，一楼大厅。\n另外请带身份证。"]
        arrives(api, number, reply)

    assert [len(notices(phone, 1)) for phone in (agreed, other)] == [1, 1]
    assert calls(rig, agreed, "message/subscribe/bizsend") == calls(rig, other, "message/template/send") == [0]
    assert calls(rig, agreed, "message/template/send") == calls(rig, other, "message/subscribe/bizsend") == []


def test_a_refused_notice_makes_way_for_the_next_and_at_last_somebody_calls(rig: Rig, own: str) -> None:
    phone, agent = rig.phone(own), Browser(rig, "intake.agent")
    phone.does("subscribe_popup", answers={SUBSCRIPTION: "accept"})
    answered(rig.control.post(f"/followers/{phone.openid}/traits", {"grants": {}, "muted": True}))

    number, reply = shut_out(rig, phone, "周六上午九点，一楼大厅。")

    api = rig.api("intake.agent")
    last = "没有其他方式通知客户，请电话联系"
    eventually(lambda: last in told(api, number), within=20, what="nothing but a call is left")
    words = told(api, number)
    assert calls(rig, phone, "message/subscribe/bizsend") == [43101]
    assert calls(rig, phone, "message/template/send") == [0]  # taken, and then blocked by the follower
    assert [("43101" in word, "user block" in word) for word in words if "没有送达" in word] == [
        (True, False),
        (False, True),
    ]
    assert words.count(last) == 1
    assert api.state(number, reply["id"]) == "waiting_for_window"
    listed = agent.reads("/calls")
    assert number in listed
    assert reply["text"] in listed
    api.reply(number, "已电话告知王女士时间地点", "final", via="phone")
    assert number not in agent.reads("/calls")


# Windows that a message does not refill


def test_where_windows_are_not_refilled_the_sixth_message_waits_although_the_follower_writes(
    rig: Rig, own: str
) -> None:
    phone, api = rig.phone(own), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    for n in range(1, WINDOW_MESSAGES):
        arrives(api, number, api.reply(number, f"第{n}条"))

    phone.says("好的，我想报周六的班")
    left = api.ticket(number)["reply_window"]["messages_left"]
    arrives(api, number, api.reply(number, "第5条", force=True))
    sixth = api.reply(number, "第6条", "final")
    paused = api.ticket(number)["clocks"]
    phone.says("请问还有别的吗？")

    seen = answered(rig.control.get(f"/followers/{phone.openid}"))
    assert (left, seen["remaining"], api.ticket(number)["reply_window"]["messages_left"]) == (1, 0, 0)
    assert sixth["delivery"]["state"] == api.state(number, sixth["id"]) == "waiting_for_window"
    assert (api.ticket(number)["clocks"], paused["resolve"]["state"]) == (paused, "paused")
    assert phone.hears(5) == [f"第{n}条" for n in range(1, 6)]
    assert calls(rig, phone, "message/custom/send") == [0] * 5  # nothing was tried in vain


def test_what_the_platform_refused_goes_out_with_the_first_message_of_its_next_window(rig: Rig, own: str) -> None:
    phone, api = rig.phone(own), rig.api("intake.agent")
    number = phone.opens("请问怎么报名？")
    phone.window(remaining=0)  # another program has used them up
    first = arrives(api, number, api.reply(number, "第1条"), "waiting_for_window")
    second = api.reply(number, "第2条", "final")
    phone.says("请问还有名额吗？")
    eventually(lambda: len(calls(rig, phone, "message/custom/send")) == 2, what="tried again")
    arrives(api, number, second, "waiting_for_window")

    phone.window(seconds=-1)
    phone.says("我还在等你们的答复呢")

    assert first["delivery"]["errcode"] == 45047
    assert phone.hears(1) == ["第1条\n第2条"]
    arrives(api, number, second)
    assert calls(rig, phone, "message/custom/send") == [45047, 45047, 0]
    seen = answered(rig.control.get(f"/followers/{phone.openid}"))
    assert api.ticket(number)["reply_window"]["messages_left"] == seen["remaining"] == WINDOW_MESSAGES - 1


# What the platform says of the account's certification


def test_a_certification_that_ends_is_an_alert_until_the_platform_says_that_it_stands(rig: Rig, boss: Browser) -> None:
    phone, agent = rig.phone("lists"), Browser(rig, "intake.agent")

    def pushed(event: str, **fields: object) -> Json:
        return phone.does("event", event=event, fields=fields)

    pushed("annual_renew", ExpiredTime=1_893_456_000)
    warned = boss.reads("/")
    lost = pushed("verify_expired", ExpiredTime=1_893_456_000)
    try:
        gone, listed, for_agents, checked = boss.reads("/"), boss.reads("/admin/accounts"), agent.reads("/"), check(rig)
    finally:
        pushed("qualification_verify_success", ExpiredTime=1_924_992_000)
    phone.does("raw", xml=lost["xml"])  # late, and known already

    assert "账号认证 · lists 认证即将到期（2030-01-01）" in warned
    assert "账号认证 · lists 认证已过期失效（2030-01-01）" in gone
    assert "认证已过期失效" in listed
    assert "认证已过期" not in for_agents
    assert [row["ok"] for row in checked] == [False]
    assert "账号认证" not in boss.reads("/")
    assert check(rig) == []


def test_a_certification_that_was_refused_says_why(rig: Rig, boss: Browser) -> None:
    phone = rig.phone("lists")
    try:
        phone.does(
            "event", event="naming_verify_fail", fields={"FailTime": 1_893_456_000, "FailReason": "名称<已>被占用"}
        )
        told_so = boss.reads("/")
    finally:
        phone.does("event", event="naming_verify_success", fields={"ExpiredTime": 1_924_992_000})

    assert "认证未通过（2030-01-01），原因：名称<已>被占用" in told_so
    assert "账号认证" not in boss.reads("/")


def check(rig: Rig) -> list[Json]:
    """What the self-check says of certifications."""
    rows = [json.loads(line) for line in rig.command("check").out.splitlines()]
    return [row for row in rows if row["check"] == "alert" and "certification" in row["detail"]]
