"""Codes with a scene: what may be created, what the picture is, and what a scan pushes."""

import pytest
from simulator_rig import Simulator, Start, make_account

TEMPORARY = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "src_store_12"}}}
PERMANENT = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "src_poster_3"}}}


def create(simulator: Simulator, **change: object) -> dict:
    """What qrcode/create answers."""
    return simulator.api("qrcode/create", TEMPORARY | {"expire_seconds": 600} | change)


def test_a_code_has_a_picture_while_it_works(simulator: Simulator) -> None:
    code = create(simulator)
    picture = simulator.get("/cgi-bin/showqrcode", ticket=code["ticket"])
    simulator.clock.now += 600

    assert (code["expire_seconds"], code["url"][:21]) == (600, "http://weixin.qq.com/")
    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert simulator.get("/cgi-bin/showqrcode", ticket=code["ticket"]).status_code == 404
    assert simulator.get("/cgi-bin/showqrcode", ticket="nothing").status_code == 404


def test_two_codes_look_different(simulator: Simulator) -> None:
    pictures = {
        simulator.get("/cgi-bin/showqrcode", ticket=create(simulator)["ticket"]).content,
        simulator.get("/cgi-bin/showqrcode", ticket=create(simulator)["ticket"]).content,
    }

    assert len(pictures) == 2


def test_a_permanent_scene_keeps_its_ticket_for_ever(simulator: Simulator) -> None:
    first = simulator.api("qrcode/create", PERMANENT)
    simulator.clock.now += 40 * 86_400
    second = simulator.api("qrcode/create", PERMANENT)

    assert first["ticket"] == second["ticket"]
    assert "expire_seconds" not in first
    assert simulator.get("/cgi-bin/showqrcode", ticket=first["ticket"]).ok


def scene(**values: object) -> dict:
    return {"action_info": {"scene": values}}


REFUSED = [
    ({"action_name": "QR_MAGIC"}, 40052, "an unknown action"),
    (scene(scene_str=""), 40053, "no scene"),
    (scene(scene_str="s" * 65), 40053, "65 characters"),
    ({"action_name": "QR_SCENE"} | scene(scene_id=0), 40053, "zero"),
    ({"action_name": "QR_SCENE"} | scene(scene_id=2**32), 40053, "more than 32 bits"),
    ({"action_name": "QR_LIMIT_SCENE"} | scene(scene_id=100_001), 40053, "more than a permanent number may be"),
    ({"expire_seconds": 2_592_001}, 40097, "over thirty days"),
]


@pytest.mark.parametrize(("change", "errcode", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_code_that_breaks_a_rule_is_refused(simulator: Simulator, change: dict, errcode: int, why: str) -> None:
    assert create(simulator, **change)["errcode"] == errcode, why


def test_codes_are_for_certified_service_accounts(start: Start) -> None:
    assert create(start(account=make_account(kind="subscription")))["errcode"] == 48001


def test_a_scan_by_a_stranger_is_a_follow_and_by_a_follower_a_scan(simulator: Simulator) -> None:
    openid, ticket = simulator.openid(), create(simulator)["ticket"]
    simulator.say(openid, type="unsubscribe")
    follow = simulator.say(openid, type="scan", ticket=ticket)["xml"]
    again = simulator.say(openid, type="scan", ticket=ticket)["xml"]

    assert "<Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_src_store_12]]></EventKey>" in follow
    assert "<Event><![CDATA[SCAN]]></Event><EventKey><![CDATA[src_store_12]]></EventKey>" in again
    assert f"<Ticket><![CDATA[{ticket}]]></Ticket>" in follow
    assert f"<Ticket><![CDATA[{ticket}]]></Ticket>" in again


def test_a_code_that_ran_out_cannot_be_scanned(simulator: Simulator) -> None:
    ticket = create(simulator)["ticket"]
    simulator.clock.now += 600

    answer = simulator.post(f"/_control/followers/{simulator.openid()}/say", {"type": "scan", "ticket": ticket})

    assert answer.status_code == 422


def test_the_control_api_lists_the_codes(simulator: Simulator) -> None:
    create(simulator)

    (found,) = simulator.get("/_control/accounts/main/qrcodes").json()["qrcodes"]

    assert found["scene"] == "src_store_12"
