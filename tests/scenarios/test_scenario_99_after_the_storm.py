"""What became of the replies that were written during the storm of test_scenario_00_storm.py."""

from collections import Counter

from scenario_clients import Json
from scenario_processes import eventually
from scenario_rig import Rig
from scenario_storm import ANSWERED_AFTER, FOLLOWERS, Storm

LEASE = 60.0  # seconds, of the contract
SWEPT = 30.0
SETTLED = ("sent", "unknown")


def replies_of(rig: Rig, storm: Storm) -> dict[str, list[Json]]:
    return {
        phone.openid: rig.api("supervisor").messages(storm.numbers[phone.openid], "outbound") for phone in storm.phones
    }


def test_each_of_200_replies_arrived_once_or_is_shown_as_unknown(rig: Rig, storm: Storm) -> None:
    def all_settled() -> bool:
        states = Counter(m["delivery"]["state"] for replies in replies_of(rig, storm).values() for m in replies)
        return all(state in SETTLED for state in states)

    eventually(all_settled, within=LEASE + SWEPT, what="every reply sent or unknown")

    arrived = {phone.openid: phone.lines("reply") for phone in storm.phones}
    kept = replies_of(rig, storm)
    print(Counter((m["delivery"]["state"], m["text"] in arrived[o]) for o, ms in kept.items() for m in ms))
    assert sum(len(replies) for replies in kept.values()) == FOLLOWERS * len(ANSWERED_AFTER)
    doubled = {openid: lines for openid, lines in arrived.items() if len(lines) != len(set(lines))}
    assert doubled == {}
    for openid, replies in kept.items():
        assert [m["text"] for m in replies] == [m["text"] for m in storm.replies[openid]]
        sent = [m["text"] for m in replies if m["delivery"]["state"] == "sent"]
        perhaps = {m["text"] for m in replies if m["delivery"]["state"] == "unknown"}
        assert [line for line in arrived[openid] if line not in perhaps] == sent
        assert set(arrived[openid]) <= set(sent) | perhaps
