"""What became of the replies that were written during the storm of test_scenario_00_storm.py."""

from functools import partial

from scenario_clients import Json, Phone
from scenario_processes import eventually
from scenario_rig import Rig
from scenario_storm import ANSWERED_AFTER, Storm

LEASE = 60.0  # seconds, of the contract
SWEPT = 30.0
SETTLED = ("sent", "unknown")


def replies_of(rig: Rig, storm: Storm, phone: Phone) -> list[Json]:
    return rig.api("supervisor").messages(storm.numbers[phone.openid], "outbound")


def test_each_reply_arrived_once_or_is_shown_as_unknown(rig: Rig, storm: Storm) -> None:
    def is_settled(phone: Phone) -> bool:
        return all(message["delivery"]["state"] in SETTLED for message in replies_of(rig, storm, phone))

    for phone in storm.phones:
        eventually(partial(is_settled, phone), within=LEASE + SWEPT, what="every reply sent or unknown")

    arrived = {phone.openid: phone.lines("reply") for phone in storm.phones}
    kept = {phone.openid: replies_of(rig, storm, phone) for phone in storm.phones}
    assert sum(len(replies) for replies in kept.values()) == storm.force.followers * len(ANSWERED_AFTER)
    doubled = {openid: lines for openid, lines in arrived.items() if len(lines) != len(set(lines))}
    assert doubled == {}
    for openid, replies in kept.items():
        assert [m["text"] for m in replies] == [m["text"] for m in storm.replies[openid]]
        sent = [m["text"] for m in replies if m["delivery"]["state"] == "sent"]
        perhaps = {m["text"] for m in replies if m["delivery"]["state"] == "unknown"}
        assert [line for line in arrived[openid] if line not in perhaps] == sent
        assert set(arrived[openid]) <= set(sent) | perhaps
