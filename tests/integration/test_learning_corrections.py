"""The promise: two hundred corrections of a new kind of matter are learnt, and nothing else suffers."""

import itertools
import random

from sqlalchemy import select

from service import retraining
from service.database import reading, transaction
from service.learning import runs
from service.learning.comparison import ENOUGH, TOLERANCE, allowed
from service.learning.corpus import fixed_examples
from service.learning.figures import figures
from service.people import User
from service.routing.classifier import shipped
from service.tickets.models import Ticket
from tests.factories import Desk
from tests.learning_rig import correct

CORRECTIONS = 200
KIND = "fault"  # where staff file stuck charging points, which the shipped messages do not know
DEVICES = ("充电桩", "充电枪", "快充桩", "慢充桩", "充电位")
TROUBLES = (
    "枪头拔不出来",
    "扣了钱不出电",
    "扫码没反应",
    "一插就跳枪",
    "屏幕黑了",
    "锁枪了，拔不下来",
    "充一半自己停了",
)
OPENINGS = ("", "你好，", "请问", "麻烦看下，", "急，", "师傅，", "在吗，")
ENDS = ("", "，怎么办", "，什么情况", "？", "，快来人", "，谢谢")
SEEN = (OPENINGS, ("地下车库的", "小区门口的", "B2层", "三号楼下面的"), TROUBLES, ENDS)
# other places, and what was not the matter before
FURTHER = (OPENINGS, ("商场停车场的", "东门", "学校旁边的", "院里的"), (*TROUBLES, "显示离线"), ENDS)


def messages(parts: tuple[tuple[str, ...], ...], number: int) -> list[str]:
    """So many different ones of this make, the same each time."""
    openings, places, troubles, ends = parts
    made = ["".join(words) for words in itertools.product(openings, places, DEVICES, troubles, ends)]
    return random.Random(7).sample(made, number)


def correct_all(desk: Desk, boss: User, texts: list[str]) -> None:
    """Followers write, the worker judges, a person files every one of them under KIND."""
    for number, text in enumerate(texts):
        desk.says(text, follower=f"oFollower{number:04d}")
    desk.classify()
    desk.classify()
    with reading() as session:
        tickets = session.scalars(select(Ticket).order_by(Ticket.id)).all()
        session.expunge_all()
    for ticket in tickets:
        desk.later(seconds=30)
        correct(desk, ticket, boss, to=KIND)


def test_two_hundred_corrections_are_learnt_and_nothing_else_suffers(desk: Desk, boss: User):
    further = messages(FURTHER, CORRECTIONS)
    knew = sum(shipped().classify(text).category == KIND for text in further)
    correct_all(desk, boss, messages(SEEN, CORRECTIONS))
    with transaction() as session:
        runs.ask(session, by="boss", now=desk.now)
        run_id = runs.claim(session, now=desk.now).id

    outcome = retraining.perform(run_id, by="boss")

    desk.app.extensions["rulebook"].forget()
    learnt = desk.rules.classifier
    assert outcome.state == runs.PUBLISHED, outcome.because
    assert knew < CORRECTIONS / 2  # the kind was new
    assert sum(learnt.classify(text).category == KIND for text in further) > 0.9 * CORRECTIONS
    before, after = figures(shipped(), fixed_examples()), figures(learnt, fixed_examples())
    for name in ("accuracy", "macro_f1", "inquiry_against_complaint", "complaint_recall", "decided_alone_accuracy"):
        assert getattr(after, name) >= getattr(before, name) - TOLERANCE, name
    assert after.silent_complaints <= before.silent_complaints + TOLERANCE
    for code, (recall, number) in before.recall_by_category.items():
        assert number < ENOUGH or after.recall_by_category[code][0] >= recall - allowed(number), code
