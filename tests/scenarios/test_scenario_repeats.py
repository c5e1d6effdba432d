"""Nothing is counted twice: the platform's repeats, and many threads at once."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from scenario_clients import NUMBER, Phone
from scenario_pushes import account, document, push
from scenario_rig import Rig

ROUNDS = 20
MESSAGES = 6
THREADS = 12


def kept(rig: Rig, number: str) -> list[str]:
    """Texts of everything that the ticket's follower ever wrote."""
    follower = rig.api("supervisor").ticket(number)["follower"]["id"]
    items = rig.api("supervisor").get(f"/followers/{follower}/messages").json()["items"]
    return [item["text"] for item in items if item["direction"] == "inbound"]


def same_receipt_each_time(phone: Phone, times: int) -> str:
    receipts = phone.lines("receipt")
    assert len(receipts) == times
    (receipt,) = set(receipts)
    (number,) = NUMBER.findall(receipt)
    return str(number)


def test_a_message_delivered_three_times_at_once_is_one_message_with_one_receipt(rig: Rig) -> None:
    phone = rig.phone()

    phone.says("请问营业时间", copies=3)

    number = same_receipt_each_time(phone, 3)
    assert kept(rig, number) == ["请问营业时间"]


def test_a_message_delivered_again_later_is_one_message_and_gets_its_receipt_again(rig: Rig) -> None:
    phone = rig.phone()
    first = {"msg_id": time.time_ns(), "create_time": int(time.time())}

    for _ in range(3):
        phone.says("请问营业时间", **first)

    number = same_receipt_each_time(phone, 3)
    assert kept(rig, number) == ["请问营业时间"]


def test_a_message_whose_answer_was_lost_is_pushed_again_and_counted_once(rig: Rig) -> None:
    phone = rig.phone("unruly")

    with rig.fault("push", "drop_after_accept", times=1):
        done = phone.says("请问怎么缴费")

    assert [attempt["outcome"] for attempt in done["attempts"]] == ["failed", "shown"]
    assert kept(rig, phone.number()) == ["请问怎么缴费"]


def test_the_same_words_written_twice_are_two_messages(rig: Rig) -> None:
    phone = rig.phone()
    number = phone.opens("怎么还没有人回复我")

    phone.says("怎么还没有人回复我")

    assert kept(rig, number) == ["怎么还没有人回复我"] * 2


def test_one_message_id_of_two_followers_or_of_two_accounts_is_two_messages(rig: Rig) -> None:
    first, second = rig.phones(2, "plain")
    same_id = str(time.time_ns())
    pushes = [("plain", first.openid), ("plain", second.openid), ("compat", first.openid)]

    answers = [push(rig, account(slug), document(slug, openid, "请问怎么缴费", same_id)) for slug, openid in pushes]

    numbers = [NUMBER.findall(answer.text)[0] for answer in answers]
    assert len(set(numbers)) == len(pushes)
    assert [kept(rig, number) for number in numbers] == [["请问怎么缴费"]] * len(pushes)


def test_twelve_threads_with_a_new_followers_first_messages_make_one_ticket_each_time(rig: Rig) -> None:
    sender, barrier = account("plain"), threading.Barrier(THREADS)
    rounds = [
        [document("plain", phone.openid, f"第{n}句话", f"{time.time_ns()}{n}") for n in range(MESSAGES)]
        for phone in rig.phones(ROUNDS, "plain")
    ]

    def deliver(place: int) -> list[tuple[int, str]]:
        said = []
        for documents in rounds:
            barrier.wait(60)
            answer = push(rig, sender, documents[place % MESSAGES])
            said.append((answer.status_code, answer.text))
        return said

    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(deliver, range(THREADS)))

    assert {status for status, _ in itertools.chain(*answers)} == {200}
    numbers = [{n for said in answers for n in NUMBER.findall(said[place][1])} for place in range(ROUNDS)]
    assert [len(found) for found in numbers] == [1] * ROUNDS
    assert len(set.union(*numbers)) == ROUNDS
    written = [sorted(kept(rig, found.pop())) for found in numbers]
    assert written == [[f"第{n}句话" for n in range(MESSAGES)]] * ROUNDS
