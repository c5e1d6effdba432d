"""Followers, tags and the black list as an account's program meets them."""

import pytest
from simulator_rig import Simulator, Start, make_account


def tag(simulator: Simulator, name: str = "报修") -> int:
    """The number of a new tag."""
    return simulator.api("tags/create", {"tag": {"name": name}})["tag"]["id"]


def test_a_remark_and_the_scene_of_a_code_are_told(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, type="unsubscribe")
    simulator.say(openid, type="scan", scene="src_store_12")

    assert simulator.api("user/info/updateremark", {"openid": openid, "remark": "王女士 3号楼"})["errcode"] == 0

    told = simulator.api("user/info", openid=openid)
    assert (told["remark"], told["qr_scene_str"], told["qr_scene"]) == ("王女士 3号楼", "src_store_12", 0)
    assert told["subscribe_scene"] == "ADD_SCENE_QR_CODE"


def test_a_number_as_scene_is_told_as_one(simulator: Simulator) -> None:
    simulator.say(simulator.openid(), type="scan", scene="77")

    told = simulator.api("user/info", openid=simulator.openid())

    assert (told["qr_scene"], told["qr_scene_str"]) == (77, "")


def test_a_remark_of_thirty_bytes_is_too_long(simulator: Simulator) -> None:
    body = {"openid": simulator.openid(), "remark": "字" * 10}

    assert simulator.api("user/info/updateremark", body)["errcode"] == 40092


def test_a_hundred_followers_are_told_at_once(simulator: Simulator) -> None:
    openid = simulator.openid()

    hundred = simulator.api("user/info/batchget", {"user_list": [{"openid": openid, "lang": "zh_CN"}] * 100})
    more = simulator.api("user/info/batchget", {"user_list": [{"openid": openid}] * 101})

    assert len(hundred["user_info_list"]) == 100
    assert more["errcode"] == 40032


def test_the_union_id_is_told_where_there_is_one(simulator: Simulator) -> None:
    openid = simulator.openid()
    before = simulator.api("user/info", openid=openid)
    simulator.control(f"/followers/{openid}/traits", {"unionid": "oUnion"})

    assert "unionid" not in before
    assert simulator.api("user/info", openid=openid)["unionid"] == "oUnion"


def test_followers_are_listed_without_those_who_left(simulator: Simulator) -> None:
    simulator.say(simulator.openid(1), type="unsubscribe")

    first = simulator.api("user/get")
    rest = simulator.api("user/get", next_openid=simulator.openid(3))

    assert (first["total"], first["count"], first["next_openid"]) == (5, 5, "")
    assert simulator.openid(1) not in first["data"]["openid"]
    assert rest["data"]["openid"] == [simulator.openid(4), simulator.openid(5)]


def test_ten_thousand_followers_a_page(start: Start) -> None:
    simulator = start(follower_names=tuple(f"粉丝 {number}" for number in range(10_001)))

    first = simulator.api("user/get")
    second = simulator.api("user/get", next_openid=first["next_openid"])
    nothing = simulator.api("user/get", next_openid="o" * 28)

    assert (first["count"], len(first["data"]["openid"])) == (10_000, 10_000)
    assert (second["count"], second["next_openid"]) == (1, "")
    assert nothing["errcode"] == 40003


def test_a_tag_lives_from_its_name_to_its_end(simulator: Simulator) -> None:
    openid, number = simulator.openid(), tag(simulator)
    body = {"openid_list": [openid, simulator.openid(1)], "tagid": number}

    assert simulator.api("tags/members/batchtagging", body)["errcode"] == 0
    assert {"id": number, "name": "报修", "count": 2} in simulator.api("tags/get")["tags"]
    assert simulator.api("tags/getidlist", {"openid": openid})["tagid_list"] == [number]
    assert simulator.api("user/info", openid=openid)["tagid_list"] == [number]
    members = simulator.api("user/tag/get", {"tagid": number, "next_openid": ""})
    assert (members["count"], members["data"]["openid"]) == (2, body["openid_list"])
    assert simulator.api("tags/members/batchuntagging", {"openid_list": [openid], "tagid": number})["errcode"] == 0
    assert simulator.api("tags/getidlist", {"openid": openid})["tagid_list"] == []
    assert simulator.api("tags/update", {"tag": {"id": number, "name": "投诉"}})["errcode"] == 0
    assert simulator.api("tags/delete", {"tag": {"id": number}})["errcode"] == 0
    assert simulator.api("tags/getidlist", {"openid": simulator.openid(1)})["tagid_list"] == []


REFUSED_TAGS = [
    ("tags/create", {"tag": {"name": "报修"}}, 45157, "a name that is taken"),
    ("tags/create", {"tag": {"name": " "}}, 45157, "no name"),
    ("tags/create", {"tag": {"name": "字" * 31}}, 45158, "31 characters"),
    ("tags/update", {"tag": {"id": 2, "name": "新"}}, 45058, "a tag of the system"),
    ("tags/delete", {"tag": {"id": 2}}, 45058, "a tag of the system"),
    ("tags/delete", {"tag": {"id": 999}}, 45159, "an unknown tag"),
    ("user/tag/get", {"tagid": 999}, 45159, "an unknown tag"),
    ("tags/members/batchtagging", {"openid_list": [], "tagid": 100}, 40032, "nobody"),
    ("tags/members/batchtagging", {"openid_list": ["o"] * 51, "tagid": 100}, 40032, "51 at once"),
    ("tags/members/batchtagging", {"openid_list": ["o"], "tagid": 100}, 40003, "nobody's openid"),
    ("tags/getidlist", {"openid": "o"}, 40003, "nobody's openid"),
    ("tags/members/batchblacklist", {"openid_list": ["o"] * 21}, 40032, "21 at once"),
    ("tags/members/batchblacklist", {"openid_list": ["o"]}, 40003, "nobody's openid"),
]


@pytest.mark.parametrize(
    ("name", "body", "errcode", "why"), REFUSED_TAGS, ids=[f"{row[0]} {row[3]}" for row in REFUSED_TAGS]
)
def test_a_tag_request_that_breaks_a_rule_is_refused(
    simulator: Simulator, name: str, body: dict, errcode: int, why: str
) -> None:
    assert tag(simulator) == 100

    assert simulator.api(name, body)["errcode"] == errcode, why


def test_a_hundred_tags_and_twenty_for_a_follower(simulator: Simulator) -> None:
    openid = simulator.openid()
    numbers = [tag(simulator, f"标签 {index}") for index in range(100)]
    codes = [
        simulator.api("tags/members/batchtagging", {"openid_list": [openid], "tagid": number})["errcode"]
        for number in numbers[:21]
    ]

    assert simulator.api("tags/create", {"tag": {"name": "还有一个"}})["errcode"] == 45056
    assert codes == [0] * 20 + [45059]


def test_a_follower_of_another_account_cannot_be_tagged(start: Start) -> None:
    simulator = start(accounts=(make_account(), make_account(slug="two", app_id="wx2", app_secret="secret-2")))
    body = {"openid_list": [simulator.openid(account=1)], "tagid": tag(simulator)}

    assert simulator.api("tags/members/batchtagging", body)["errcode"] == 49003


def test_who_is_on_the_black_list_neither_writes_nor_reads(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    simulator.api("tags/members/batchblacklist", {"openid_list": [openid]})
    listed = simulator.api("tags/members/getblacklist", {"begin_openid": ""})
    refused = simulator.send(openid)["errcode"]
    answer = simulator.post(f"/_control/followers/{openid}/say", {"text": "喂"})
    simulator.api("tags/members/batchunblacklist", {"openid_list": [openid]})

    assert (listed["total"], listed["data"]["openid"]) == (1, [openid])
    assert refused == 43019
    assert answer.status_code == 409
    assert simulator.send(openid)["errcode"] == 0
    assert simulator.api("tags/members/getblacklist", {"begin_openid": ""})["total"] == 0


def test_who_refuses_messages_gets_none(simulator: Simulator) -> None:
    openid = simulator.openid()
    simulator.say(openid, text="在吗")
    simulator.control(f"/followers/{openid}/traits", {"refusing": True})

    assert simulator.send(openid)["errcode"] == 48002


def test_a_trait_that_is_none_is_named(simulator: Simulator) -> None:
    answer = simulator.post(f"/_control/followers/{simulator.openid()}/traits", {"muted": "yes"})

    assert answer.status_code == 422
    assert "muted" in answer.json()["error"]
