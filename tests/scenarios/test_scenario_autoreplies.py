"""Keywords and menu taps through the running installation: what the follower reads, and what becomes of it."""

from scenario_clients import NUMBER
from scenario_processes import eventually
from scenario_rig import Rig


def test_a_tap_on_complain_makes_the_next_message_a_complaint(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    phone.does("click", key="COMPLAIN")
    asked = phone.lines("receipt")[-1]

    number = phone.opens("三号窗口昨天关了半天")

    ticket = api.ticket(number)
    assert not NUMBER.search(asked)
    assert (ticket["category"], ticket["department"]) == ("complaint", "KFB")
    assert ticket["classification"]["because"] == ["菜单：我要投诉"]


def test_the_choice_stands_once_the_classifier_has_seen_the_message(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    phone.does("click", key="SUGGEST")

    number = phone.opens("请问你们几点上班")

    actions = eventually(lambda: _classified(api.events(number)), what="the classifier's opinion")
    assert actions[-1] == "propose"
    assert api.ticket(number)["category"] == "suggestion"


def _classified(events: list[dict[str, object]]) -> list[str]:
    actions = [str(event["action"]) for event in events]
    return actions if "propose" in actions else []


def test_progress_is_told_at_once_and_the_desk_sees_that_the_follower_asked(rig: Rig) -> None:
    phone, api = rig.phone(), rig.api("supervisor")
    number = phone.opens("请问怎么退款")

    phone.says("进度")

    told = phone.lines("receipt")[-1]
    assert number in told
    assert "/progress" in told
    assert [event["actor"] for event in api.events(number) if event["action"] == "customer_urge"] == ["follower"]
