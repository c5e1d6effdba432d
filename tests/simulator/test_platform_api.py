"""The platform's API as an account's program meets it: messages, windows, media."""

import pytest
import requests
from simulator_rig import CREDENTIALS, PATIENCE, Simulator, Start, info, make_account

from simulator.media import SAMPLES

HOUR = 3600


def upload(simulator: Simulator, kind: str, data: bytes, name: str = "图片.png") -> dict:
    """What media/upload answers."""
    token = simulator.stable_token()["access_token"]
    url = f"{simulator.base}/cgi-bin/media/upload?access_token={token}&type={kind}"
    return requests.post(url, files={"media": (name, data)}, timeout=PATIENCE).json()


# ---- customer messages


def test_a_message_appears_on_the_phone_word_for_word(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    words = '您好 <a href="https://example.com/?a=1&b=2">链接</a> \\u4f60 😀'

    answer = simulator.send(openid, text={"content": words}, customservice={"kf_account": "li@main"})

    assert answer == {"errcode": 0, "errmsg": "ok"}
    entry = simulator.transcript(openid, kind="reply")[0]
    assert (entry["text"], entry["agent"]) == (words, "li@main")


def test_five_messages_in_48_hours_after_a_message(simulator: Simulator) -> None:
    openid = simulator.openid()
    before = simulator.send(openid)["errcode"]
    simulator.say(openid, text="在吗")
    codes = [simulator.send(openid)["errcode"] for _ in range(6)]
    simulator.say(openid, text="还在吗")
    simulator.clock.now += 48 * HOUR - 1
    late = simulator.send(openid)["errcode"]
    simulator.clock.now += 1
    too_late = simulator.send(openid)["errcode"]

    assert before == 45015
    assert codes == [0, 0, 0, 0, 0, 45047]
    assert (late, too_late) == (0, 45015)


@pytest.mark.parametrize(
    "values", [{"type": "click", "key": "K"}, {"type": "subscribe"}, {"type": "scan", "scene": "s"}]
)
def test_three_messages_in_a_minute_after_a_tap_a_follow_or_a_scan(simulator: Simulator, values: dict) -> None:
    openid = simulator.openid()
    simulator.say(openid, **values)
    codes = [simulator.send(openid)["errcode"] for _ in range(4)]
    simulator.clock.now += 60
    late = simulator.send(openid)["errcode"]

    assert codes == [0, 0, 0, 45047]
    assert late == 45015


def test_in_the_cumulative_model_a_second_message_gives_no_new_quota(start: Start) -> None:
    simulator = start(window_model="cumulative")
    openid = simulator.openid()
    simulator.say(openid, text="一")
    first = [simulator.send(openid)["errcode"] for _ in range(5)]
    simulator.say(openid, text="二")

    assert first == [0] * 5
    assert simulator.send(openid)["errcode"] == 45047


def test_a_survey_tap_opens_a_minute_unless_told_otherwise(start: Start) -> None:
    by_default, generous = start(), start(survey_tap_opens="message")
    for simulator in (by_default, generous):
        simulator.say(simulator.openid(), text="满意", menu_id="7")
        simulator.clock.now += 61

    assert by_default.send(by_default.openid())["errcode"] == 45015
    assert generous.send(generous.openid())["errcode"] == 0


def test_nobody_writes_to_a_follower_who_left(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    simulator.say(openid, type="unsubscribe")

    assert simulator.send(openid)["errcode"] == 45015


REFUSED_MESSAGES = [
    ({"text": {"content": "字" * 682 + "abc"}}, 45002, "2049 bytes"),
    ({"text": {"content": ""}}, 44004, "empty"),
    ({"text": {}}, 44004, "no content"),
    ({"touser": "o" * 28}, 40003, "nobody's openid"),
    ({"msgtype": "hologram"}, 40008, "unknown type"),
    ({"msgtype": "image", "image": {"media_id": "SIMimage_nothing"}}, 40007, "unknown media"),
    ({"msgtype": "news", "news": {"articles": [{"title": "a"}, {"title": "b"}]}}, 45008, "two articles"),
    ({"msgtype": "news", "news": {"articles": []}}, 44003, "no article"),
    ({"msgtype": "msgmenu", "msgmenu": {"head_content": "?", "list": []}}, 44004, "a survey without choices"),
]


@pytest.mark.parametrize(("change", "errcode", "why"), REFUSED_MESSAGES, ids=[row[2] for row in REFUSED_MESSAGES])
def test_a_message_that_breaks_a_rule_is_refused_and_costs_nothing(
    simulator: Simulator, change: dict, errcode: int, why: str
) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")

    assert simulator.send(openid, **change)["errcode"] == errcode, why
    assert simulator.get(f"/_control/followers/{openid}").json()["remaining"] == 5


def test_exactly_the_limit_is_accepted(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")

    assert simulator.send(openid, text={"content": "字" * 682 + "ab"})["errcode"] == 0


def test_escaped_characters_are_refused_but_a_typed_backslash_is_not(start: Start) -> None:
    strict, lenient = start(), start(unicode_escapes="accept")
    for simulator in (strict, lenient):
        simulator.say(simulator.openid(), text="在吗")
    codes = []
    for simulator, words in ((strict, "\\u4f60"), (strict, "\\\\u4f60"), (strict, "\\u000a"), (lenient, "\\u4f60")):
        token = simulator.stable_token()["access_token"]
        body = f'{{"touser":"{simulator.openid()}","msgtype":"text","text":{{"content":"x{words}"}}}}'
        url = f"{simulator.base}/cgi-bin/message/custom/send?access_token={token}"
        codes.append(requests.post(url, data=body.encode(), timeout=PATIENCE).json()["errcode"])

    assert codes == [40033, 0, 0, 0]


def test_a_form_content_type_is_no_obstacle(simulator: Simulator) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = simulator.post("/cgi-bin/stable_token", CREDENTIALS, headers=headers).json()

    assert answer["expires_in"] == 7200


def test_an_uncertified_account_gets_a_token_and_nothing_else(start: Start) -> None:
    simulator = start(account=make_account(certified=False))
    openid = simulator.openid()

    assert simulator.send(openid)["errcode"] == 48001
    assert upload(simulator, "image", SAMPLES["image"])["errcode"] == 48001


def test_a_survey_shows_its_choices(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="好了")
    survey = {"head_content": "满意吗？", "list": [{"id": "GD1-5", "content": "满意"}], "tail_content": "谢谢"}

    simulator.send(openid, msgtype="msgmenu", msgmenu=survey)

    entry = simulator.transcript(openid, kind="reply")[0]
    assert entry["choices"] == [{"id": "GD1-5", "content": "满意"}]
    assert entry["text"] == "满意吗？\n谢谢"


def test_an_unknown_openid_is_adopted_with_a_closed_window_where_configured(start: Start) -> None:
    simulator = start(adopt_unknown_followers=True)

    assert simulator.send("oFromAnEarlierRun00000000001")["errcode"] == 45015
    assert simulator.send("too-short")["errcode"] == 40003


def test_typing_needs_a_fresh_exchange_and_ends_with_the_message(simulator: Simulator) -> None:
    openid, token = simulator.openid(), simulator.stable_token()["access_token"]

    def typing(command: str) -> int:
        body = {"touser": openid, "command": command}
        return simulator.post(f"/cgi-bin/message/custom/typing?access_token={token}", body).json()["errcode"]

    early = typing("Typing")
    simulator.say(openid, text="在吗")
    codes = [typing("Typing"), typing("Typing"), typing("CancelTyping"), typing("Typing"), typing("Dance")]
    shown = simulator.get(f"/_control/followers/{openid}").json()["typing"]
    simulator.send(openid)
    after = simulator.get(f"/_control/followers/{openid}").json()["typing"]

    assert early == 45080
    assert codes == [0, 45081, 0, 0, 45072]
    assert (shown, after) == (True, False)


# ---- followers and media


def test_user_info_has_no_nickname_and_little_of_who_left(simulator: Simulator) -> None:
    token = simulator.stable_token()["access_token"]
    following = info(simulator, token)
    simulator.say(simulator.openid(), type="unsubscribe")

    assert (following["subscribe"], following["nickname"]) == (1, "")
    assert info(simulator, token) == {"subscribe": 0, "openid": simulator.openid(), "tagid_list": []}


def test_a_picture_goes_up_to_the_phone_and_down_again(simulator: Simulator) -> None:
    openid, token = simulator.openid(), simulator.stable_token()["access_token"]
    simulator.say(openid, text="在吗")
    media_id = upload(simulator, "image", SAMPLES["image"])["media_id"]

    sent = simulator.send(openid, msgtype="image", image={"media_id": media_id})
    down = simulator.get("/cgi-bin/media/get", access_token=token, media_id=media_id)
    shown = simulator.get(simulator.transcript(openid, kind="reply")[0]["media_url"])

    assert sent["errcode"] == 0
    assert down.content == shown.content == SAMPLES["image"]
    assert down.headers["Content-Type"] == "image/png"
    assert down.headers["Content-Disposition"] == f'attachment; filename="{media_id}.png"'


def test_media_are_gone_after_three_days(simulator: Simulator) -> None:
    media_id = upload(simulator, "image", SAMPLES["image"])["media_id"]
    simulator.clock.now += 3 * 24 * HOUR
    token = simulator.stable_token()["access_token"]

    answer = simulator.get("/cgi-bin/media/get", access_token=token, media_id=media_id)

    assert answer.status_code == 200
    assert answer.json()["errcode"] == 40007


def test_a_video_is_handed_out_by_address(simulator: Simulator) -> None:
    media_id = upload(simulator, "video", SAMPLES["video"])["media_id"]
    token = simulator.stable_token()["access_token"]

    answer = simulator.get("/cgi-bin/media/get", access_token=token, media_id=media_id).json()

    assert requests.get(answer["video_url"], timeout=PATIENCE).content == SAMPLES["video"]


def test_a_recording_is_fetched_as_a_voice_and_a_picture_is_none(simulator: Simulator) -> None:
    voice = upload(simulator, "voice", SAMPLES["voice"], "a.amr")["media_id"]
    picture = upload(simulator, "image", SAMPLES["image"])["media_id"]
    token = simulator.stable_token()["access_token"]

    heard = simulator.get("/cgi-bin/media/get/jssdk", access_token=token, media_id=voice)

    assert heard.content == SAMPLES["voice"]
    assert simulator.api("media/get/jssdk", media_id=picture)["errcode"] == 40007


def test_richer_messages_need_their_parts(start: Start) -> None:
    simulator = start(account=make_account(mini_programs=("wxmini",)))
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    thumb = upload(simulator, "thumb", SAMPLES["thumb"], "a.jpg")["thumb_media_id"]
    video = upload(simulator, "video", SAMPLES["video"], "a.mp4")["media_id"]
    music = {"title": "等待音乐", "musicurl": "https://example.com/a.mp3", "thumb_media_id": thumb}
    program = {"title": "我的工单", "appid": "wxmini", "pagepath": "p", "thumb_media_id": thumb}

    def code(kind: str, inner: dict) -> int:
        return simulator.send(openid, msgtype=kind, **{kind: inner})["errcode"]

    refused = [
        code("music", music | {"thumb_media_id": "nothing"}),
        code("miniprogrampage", program | {"appid": "wxother"}),
        code("miniprogrampage", program | {"pagepath": ""}),
        code("video", {"media_id": video, "thumb_media_id": "nothing"}),
        code("video", {"media_id": thumb}),
    ]
    taken = [
        code("music", music),
        code("miniprogrampage", program),
        code("video", {"media_id": video, "thumb_media_id": thumb, "title": "t"}),
    ]

    assert refused == [40007, 40166, 40165, 40007, 40007]
    assert taken == [0, 0, 0]
    assert [entry["type"] for entry in simulator.transcript(openid, kind="reply")] == [
        "music",
        "miniprogrampage",
        "video",
    ]


REFUSED_FILES = [
    ("hologram", SAMPLES["image"], 40004, "unknown type"),
    ("image", b"%PDF-1.7", 40005, "not a picture"),
    ("voice", SAMPLES["image"], 40005, "a picture as voice"),
    ("image", b"", 44001, "empty"),
    ("voice", b"#!AMR\n" + b"x" * 2_100_000, 40010, "too large"),
]


@pytest.mark.parametrize(("kind", "data", "errcode", "why"), REFUSED_FILES, ids=[row[3] for row in REFUSED_FILES])
def test_a_file_that_breaks_a_rule_is_refused(
    simulator: Simulator, kind: str, data: bytes, errcode: int, why: str
) -> None:
    assert upload(simulator, kind, data)["errcode"] == errcode, why


def test_media_of_a_follower_can_be_fetched_by_their_account_only(start: Start) -> None:
    simulator = start(accounts=(make_account(), make_account(slug="two", app_id="wx2", app_secret="secret-2")))
    openid = simulator.openid()
    simulator.say(openid, type="voice")
    media_id = simulator.transcript(openid)[0]["media_id"]
    own = simulator.stable_token()["access_token"]
    foreign = simulator.stable_token(appid="wx2", secret="secret-2")["access_token"]

    assert simulator.get("/cgi-bin/media/get", access_token=own, media_id=media_id).content.startswith(b"#!AMR")
    answer = simulator.get("/cgi-bin/media/get", access_token=foreign, media_id=media_id)
    assert answer.json()["errcode"] == 40007
    assert simulator.send(openid, token=foreign)["errcode"] == 40003
