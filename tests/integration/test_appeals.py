"""Promises about judging breaches: confirmed by a supervisor, appealed against in time, answered by another."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from service.database import reading, transaction
from service.errors import Forbidden, IllegalTransition, InvalidInput
from service.people import User
from service.tickets import appeals, breaches, sweeps
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.register import Appeal, Breach, Notification
from tests.factories import Desk


@pytest.fixture
def handler(desk: Desk) -> User:
    return desk.person("li", "agent", "QGB")


@pytest.fixture
def other(desk: Desk) -> User:
    """A second supervisor."""
    return desk.person("second", "supervisor", "QGB")


@pytest.fixture
def breach(desk: Desk, handler: User) -> int:
    """Somebody's late first reply."""
    ticket = desk.accept(desk.ticket(), handler)
    desk.later(hours=2)
    with transaction() as session:
        sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)
    with reading() as session:
        return session.scalars(select(Breach.id).where(Breach.ticket_id == ticket.id)).one()


def acting(desk: Desk, by: User, breach: int, act, **how: object) -> None:  # type: ignore[no-untyped-def]
    with transaction() as session:
        person = session.get_one(User, by.id)
        act(
            session,
            breaches.breach_for(session, person, breach),
            Deed(by=person, now=desk.now, rules=desk.rules),
            **how,
        )


def confirm(desk: Desk, by: User, breach: int) -> None:
    acting(desk, by, breach, appeals.judge, confirmed=True, note="属实")


def appeal(desk: Desk, by: User, breach: int, text: str = "客户要求周末再答复") -> None:
    acting(desk, by, breach, appeals.appeal, text=text)


def answer(desk: Desk, by: User, breach: int, *, upheld: bool = True, note: str = "情况属实") -> None:
    acting(desk, by, breach, appeals.answer, upheld=upheld, note=note)


def stored(breach: int) -> tuple[Breach, Appeal | None]:
    with reading() as session:
        found = session.get_one(Breach, breach, populate_existing=True)
        made = session.get(Appeal, breach, populate_existing=True)
        session.expunge_all()
    return found, made


def events(desk: Desk, breach: int) -> list[tuple[str, str, str]]:
    found, _ = stored(breach)
    return [(e.action, e.actor, e.because) for e in desk.events(Ticket(id=found.ticket_id))]


def told(kind: str) -> list[tuple[object, int | None]]:
    with reading() as session:
        query = select(Notification).where(Notification.kind == kind).order_by(Notification.id)
        return [(row.facts["what"], row.user_id) for row in session.scalars(query)]


def remind(desk: Desk) -> int:
    with transaction() as session:
        return appeals.late_due(session, now=desk.now, rules=desk.rules)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00")


def test_a_supervisor_confirms_and_whoever_is_blamed_and_their_head_hear(
    desk: Desk, breach: int, handler: User, boss: User
):
    head = desk.person("head", "dept_head", "QGB")

    confirm(desk, boss, breach)

    found, _ = stored(breach)
    assert (found.state, found.judged_by, found.judged_at, found.note) == ("confirmed", "boss", desk.now, "属实")
    assert events(desk, breach)[-1] == ("breach_judged", "boss", "")  # the words stand in the register only
    assert set(told("breach")) == {("confirmed", handler.id), ("confirmed", head.id)}
    with pytest.raises(IllegalTransition, match="judged already"):
        confirm(desk, boss, breach)


def test_dismissing_needs_a_reason_and_blames_nobody(desk: Desk, breach: int, boss: User):
    with pytest.raises(InvalidInput, match="note"):
        acting(desk, boss, breach, appeals.judge, confirmed=False, note="")

    acting(desk, boss, breach, appeals.judge, confirmed=False, note="平台故障")

    assert stored(breach)[0].state == "dismissed"
    assert told("breach") == []


def test_several_are_judged_at_once_and_what_is_judged_already_stays(desk: Desk, breach: int, boss: User, other: User):
    for number in range(3):
        desk.says("请问几点上班", follower=f"oMore{number:08}")
    desk.later(days=1)
    with transaction() as session:
        sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)
    confirm(desk, other, breach)
    with transaction() as session:
        person = session.get_one(User, boss.id)
        ids = session.scalars(select(Breach.id)).all()
        deed = Deed(by=person, now=desk.now, rules=desk.rules)

        done = appeals.judge_several(session, person, ids, deed, confirmed=False, note="停电")

    assert set(done) == set(ids) - {breach}
    assert stored(breach)[0].state == "confirmed"
    with reading() as session:
        assert {b.state for b in session.scalars(select(Breach).where(Breach.id.in_(done)))} == {"dismissed"}


def test_nobody_judges_their_own_where_somebody_else_can(desk: Desk, boss: User):
    ticket = desk.accept(desk.ticket(), boss)
    desk.later(hours=2)
    with transaction() as session:
        sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)
        own = session.scalars(select(Breach.id).where(Breach.ticket_id == ticket.id)).one()
    second = desk.person("second", "supervisor", "QGB")
    with pytest.raises(Forbidden, match="nobody judges a breach of their own"):
        confirm(desk, boss, own)

    confirm(desk, second, own)


@pytest.mark.parametrize(
    ("confirmed", "appealed", "in_time"),
    [
        ("2026-03-04 11:30", "2026-03-11 18:00", True),  # the close of the fifth working day
        ("2026-03-04 11:30", "2026-03-11 18:01", False),
        ("2026-02-13 17:59", "2026-02-27 18:00", True),  # a make-up Saturday counts, the holidays do not
        ("2026-02-13 17:59", "2026-02-28 09:00", False),
    ],
)
def test_an_appeal_has_five_working_days(
    desk: Desk, handler: User, boss: User, confirmed: str, appealed: str, in_time: bool
):
    desk.now = at(confirmed) - timedelta(hours=2)
    ticket = desk.accept(desk.ticket(), handler)
    desk.now = at(confirmed)
    with transaction() as session:
        sweeps.mark_overdue(session, now=desk.now, rules=desk.rules)
        breach = session.scalars(select(Breach.id).where(Breach.ticket_id == ticket.id)).first()
    confirm(desk, boss, breach)
    desk.now = at(appealed)

    if not in_time:
        with pytest.raises(IllegalTransition, match="time to appeal has passed"):
            appeal(desk, handler, breach)
        return
    appeal(desk, handler, breach)

    _, made = stored(breach)
    assert made is not None
    assert made.answer_by == desk.rules.calendar.end_of_working_day(desk.now, 5)
    assert told("appeal") == [("filed", boss.id)]


def test_who_may_appeal_and_only_once(desk: Desk, breach: int, handler: User, boss: User):
    head, stranger = desk.person("head", "dept_head", "QGB"), desk.person("admin", "admin", "QGB")
    with pytest.raises(IllegalTransition, match="only a confirmed entry"):
        appeal(desk, handler, breach)
    confirm(desk, boss, breach)
    with pytest.raises(Forbidden, match="only whoever is blamed"):
        appeal(desk, stranger, breach)
    with pytest.raises(InvalidInput, match="text"):
        appeal(desk, handler, breach, " ")

    appeal(desk, head, breach)

    with pytest.raises(IllegalTransition, match="an appeal against this entry already"):
        appeal(desk, handler, breach)


def test_another_supervisor_revokes_and_the_history_stays(
    desk: Desk, breach: int, handler: User, boss: User, other: User
):
    confirm(desk, boss, breach)
    appeal(desk, handler, breach)
    with pytest.raises(Forbidden, match="another supervisor"):
        answer(desk, boss, breach)
    with pytest.raises(InvalidInput, match="note"):
        answer(desk, other, breach, note="")

    answer(desk, other, breach)

    found, made = stored(breach)
    assert made is not None
    assert (found.state, found.judged_by, found.note) == ("revoked", "boss", "属实")
    assert (made.by, made.text, made.upheld, made.decided_by) == ("li", "客户要求周末再答复", True, "second")
    assert [name for name, *_ in events(desk, breach)][-3:] == ["breach_judged", "appeal", "appeal_judged"]
    assert told("appeal")[-1] == ("upheld", handler.id)
    with pytest.raises(IllegalTransition, match="no appeal against this entry is open"):
        answer(desk, other, breach)


def test_what_is_not_upheld_stays_confirmed(desk: Desk, breach: int, handler: User, boss: User, other: User):
    confirm(desk, boss, breach)
    appeal(desk, handler, breach)

    answer(desk, other, breach, upheld=False, note="记录与事实相符")

    found, made = stored(breach)
    assert made is not None
    assert (found.state, made.upheld) == ("confirmed", False)
    assert told("appeal")[-1] == ("rejected", handler.id)


def test_where_there_is_no_other_supervisor_the_same_one_answers(desk: Desk, breach: int, handler: User, boss: User):
    confirm(desk, boss, breach)
    appeal(desk, handler, breach)

    answer(desk, boss, breach)

    assert stored(breach)[0].state == "revoked"


def test_an_appeal_that_nobody_answers_is_told_once(desk: Desk, breach: int, handler: User, boss: User):
    confirm(desk, boss, breach)
    appeal(desk, handler, breach)
    _, made = stored(breach)
    assert made is not None
    desk.now = made.answer_by
    assert remind(desk) == 0
    desk.later(seconds=1)

    assert [remind(desk), remind(desk)] == [1, 0]

    assert told("appeal")[1:] == [("unanswered", boss.id)]
    answer(desk, boss, breach)  # late, and still possible
    assert stored(breach)[0].state == "revoked"
