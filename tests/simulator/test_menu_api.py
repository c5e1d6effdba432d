"""The custom menu at the platform's API, and what a tap on it pushes."""

import pytest
from simulator_rig import Simulator, Start, make_account

ASK = {"type": "click", "name": "我要咨询", "key": "ASK"}
MINE = {"type": "view", "name": "我的工单", "url": "https://example.com/my"}
MORE = {
    "name": "更多",
    "sub_button": [
        {"type": "scancode_waitmsg", "name": "扫码报修", "key": "SCAN"},
        {"type": "pic_sysphoto", "name": "拍照报修", "key": "PIC"},
        {"type": "location_select", "name": "发送位置", "key": "PLACE"},
    ],
}


def create(simulator: Simulator, *buttons: object) -> int:
    """The errcode of menu/create with these buttons."""
    return simulator.api("menu/create", {"button": list(buttons)})["errcode"]


def test_a_menu_lives_from_create_to_delete(simulator: Simulator) -> None:
    none_yet = simulator.api("menu/get")["errcode"]
    created = create(simulator, ASK, MINE, MORE)
    menu = simulator.api("menu/get")["menu"]
    shown = simulator.api("get_current_selfmenu_info")
    deleted = simulator.api("menu/delete")["errcode"]

    assert (none_yet, created, deleted) == (46003, 0, 0)
    assert menu["button"][0] == ASK | {"sub_button": []}
    assert menu["button"][2]["sub_button"] == [sub | {"sub_button": []} for sub in MORE["sub_button"]]
    assert shown["is_menu_open"] == 1
    assert shown["selfmenu_info"]["button"][2]["sub_button"]["list"] == MORE["sub_button"]
    assert simulator.api("menu/get")["errcode"] == 46003
    assert simulator.api("get_current_selfmenu_info")["is_menu_open"] == 0


def test_a_menu_of_the_console_is_shown_but_not_got(simulator: Simulator) -> None:
    simulator.control("/accounts/main/menu", {"button": [MINE]})

    assert simulator.api("menu/get")["errcode"] == 46003
    assert simulator.api("get_current_selfmenu_info")["selfmenu_info"]["button"] == [MINE]


BAD_MENUS = [
    ([], 40016, "no button"),
    ([ASK] * 4, 40016, "four buttons"),
    ([ASK, "x"], 40016, "no object"),
    ([ASK | {"name": "六个中文字哦"}], 40018, "18 bytes at the top"),
    ([ASK | {"name": ""}], 40018, "no name"),
    ([{"name": "空"}], 65308, "no action"),
    ([ASK | {"type": "dance"}], 40017, "an unknown type"),
    ([ASK | {"key": "k" * 129}], 40019, "129 bytes of key"),
    ([ASK | {"key": ""}], 40019, "no key"),
    ([MINE | {"url": "https://example.com/" + "x" * 1024}], 40020, "too long an address"),
    ([MINE | {"url": "javascript:alert(1)"}], 65317, "no web address"),
    ([{"name": "多", "sub_button": [ASK] * 6}], 40023, "six below"),
    ([{"name": "多", "sub_button": [MORE]}], 40022, "a third level"),
    ([{"name": "多", "sub_button": [ASK | {"name": "字" * 21}]}], 40025, "63 bytes below"),
    ([{"name": "多", "sub_button": [ASK | {"type": "dance"}]}], 40024, "an unknown type below"),
    ([{"name": "多", "sub_button": [ASK | {"key": ""}]}], 40026, "no key below"),
    ([{"name": "多", "sub_button": [MINE | {"url": ""}]}], 40027, "no address below"),
    (
        [{"type": "miniprogram", "name": "小", "appid": "wxmini", "pagepath": "p", "url": "https://a.b"}],
        40166,
        "foreign",
    ),
]


@pytest.mark.parametrize(("buttons", "errcode", "why"), BAD_MENUS, ids=[row[2] for row in BAD_MENUS])
def test_a_menu_that_breaks_a_rule_is_refused_and_the_old_one_stays(
    simulator: Simulator, buttons: list, errcode: int, why: str
) -> None:
    create(simulator, ASK)

    assert create(simulator, *buttons) == errcode, why
    assert simulator.api("menu/get")["menu"]["button"][0]["key"] == "ASK"


def test_the_longest_names_and_a_linked_mini_program_are_taken(start: Start) -> None:
    simulator = start(account=make_account(mini_programs=("wxmini",)))
    mini = {"type": "miniprogram", "name": "小程序", "appid": "wxmini", "pagepath": "p", "url": "https://a.b"}

    assert (
        create(
            simulator, ASK | {"name": "五个中文字1"}, {"name": "多", "sub_button": [ASK | {"name": "字" * 20}]}, mini
        )
        == 0
    )


def test_a_tap_does_what_the_button_says(simulator: Simulator) -> None:
    openid = simulator.openid()
    create(simulator, ASK, MINE, MORE)

    click = simulator.say(openid, type="menu", name="我要咨询")["xml"]
    view = simulator.say(openid, type="menu", at=[1])["xml"]
    scan = simulator.say(openid, type="menu", at=[2, 0])["xml"]

    assert "<Event><![CDATA[CLICK]]></Event><EventKey><![CDATA[ASK]]></EventKey>" in click
    assert "<Event><![CDATA[VIEW]]></Event><EventKey><![CDATA[https://example.com/my]]></EventKey>" in view
    assert "<MenuId>430000001</MenuId>" in view
    assert "<ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType>" in scan


@pytest.mark.parametrize(("place", "kinds"), [(1, ["event", "image"]), (2, ["event", "location"])])
def test_what_a_button_collects_follows_as_a_message(simulator: Simulator, place: int, kinds: list) -> None:
    openid = simulator.openid()
    create(simulator, ASK, MINE, MORE)

    pushed = simulator.say(openid, type="menu", at=[2, place])

    assert len(pushed["copies"]) == 1
    assert [entry["type"] for entry in simulator.transcript(openid)] == kinds


def test_opening_a_page_gives_no_window_and_a_click_gives_three_messages(simulator: Simulator) -> None:
    openid = simulator.openid()
    create(simulator, ASK, MINE)
    simulator.say(openid, type="menu", name="我的工单")
    after_view = simulator.send(openid)["errcode"]
    simulator.say(openid, type="menu", name="我要咨询")

    assert after_view == 45015
    assert simulator.get(f"/_control/followers/{openid}").json()["remaining"] == 3


def test_a_tap_on_a_button_that_is_not_there_is_a_mistake(simulator: Simulator) -> None:
    for where in ({"at": [7]}, {"name": "没有"}):
        answer = simulator.post(f"/_control/followers/{simulator.openid()}/say", {"type": "menu", **where})
        assert answer.status_code == 422
