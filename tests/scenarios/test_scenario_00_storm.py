"""Nothing is lost while workers are killed and Redis is emptied: the storm, and every message after it.

It runs first, and test_storm_is_over.py looks at the replies last: the lease of a worker that was
killed while it sent takes a minute to end, and the other scenarios run meanwhile.
"""

from scenario_clients import answered
from scenario_rig import Rig
from scenario_storm import SENTENCES, Storm, sentence


def test_each_message_is_stored_once_while_workers_are_killed_and_redis_is_emptied(rig: Rig, storm: Storm) -> None:
    api = rig.api("supervisor")

    kept = []
    for phone in storm.phones:
        follower = api.ticket(storm.numbers[phone.openid])["follower"]["id"]
        items = answered(api.get(f"/followers/{follower}/messages"))["items"]
        kept.append(sorted(item["text"] for item in items if item["direction"] == "inbound"))

    assert (storm.killed, storm.flushed) == (storm.force.kills, storm.force.flushes)
    assert kept == [[sentence(place, n) for n in range(SENTENCES)] for place in range(storm.force.followers)]


def test_each_follower_of_the_storm_has_one_ticket_and_saw_no_failure(rig: Rig, storm: Storm) -> None:
    assert len(set(storm.numbers.values())) == storm.force.followers
    for phone in storm.phones:
        assert phone.lines("failure") == []
        assert {line for line in phone.lines("receipt") if storm.numbers[phone.openid] not in line} == set()
