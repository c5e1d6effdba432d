"""What a follower does beyond words: stickers, events about their data, and how the platform tells of them."""

import pytest
from simulator_rig import Simulator


def test_a_sticker_arrives_as_the_line_about_unsupported_messages(simulator: Simulator) -> None:
    openid = simulator.openid()

    push = simulator.say(openid, type="sticker")

    assert "<Content><![CDATA[【收到不支持的消息类型，暂无法显示】]]></Content>" in push["xml"]
    assert "<MsgId>" in push["xml"]
    assert simulator.transcript(openid)[0]["type"] == "sticker"


@pytest.mark.parametrize(
    "event", ["user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"]
)
def test_an_event_about_a_persons_data_names_them_even_after_they_left(simulator: Simulator, event: str) -> None:
    openid = simulator.openid()
    simulator.say(openid, type="unsubscribe")

    document = simulator.say(openid, type=event, revoke_info="2")["xml"]

    assert f"<Event><![CDATA[{event}]]></Event>" in document
    assert f"<OpenID><![CDATA[{openid}]]></OpenID><AppID><![CDATA[{simulator.app_id}]]></AppID>" in document
    assert "<RevokeInfo><![CDATA[2]]></RevokeInfo>" in document


def test_who_left_cannot_tap_the_menu(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, type="unsubscribe")

    answer = simulator.post(f"/_control/followers/{openid}/say", {"type": "menu", "at": [0]})

    assert answer.status_code == 409


def test_an_answer_to_a_subscription_that_is_none_is_a_mistake(simulator: Simulator) -> None:
    for answers in ({}, {"nothing": "accept"}, {"SIMSUB_TICKET_REPLY": "perhaps"}):
        body = {"type": "subscribe_popup", "answers": answers}
        answer = simulator.post(f"/_control/followers/{simulator.openid()}/say", body)
        assert answer.status_code == 422
