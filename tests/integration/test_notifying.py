"""Who is told, how, and once; nobody hears of a ticket that they may not see."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from service.database import transaction
from service.people import User
from service.tickets import closing, noticeboard, notifying
from service.tickets.models import Ticket
from service.tickets.register import Robot
from tests.factories import Desk
from tests.fakes import FakeBell
from tests.integration.notice_rig import Company, company_of, mailed, names, robot, tell, written
from tests.integration.supervision_rig import supervise
from tests.integration.test_races import at_once

SHANGHAI = ZoneInfo("Asia/Shanghai")
REPORT = "我要举报你们物业经理收受回扣"


@pytest.fixture
def company(desk: Desk) -> Company:
    return company_of(desk)


def off(*people: User) -> None:
    with transaction() as session:
        session.execute(update(User).where(User.id.in_([user.id for user in people])).values(active=False))


def restrict(ticket: Ticket) -> None:
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == ticket.id).values(restricted=True))


@pytest.mark.parametrize(
    ("who", "heard"),
    [
        ("handler", {"zhang"}),
        ("group_leader", {"head"}),
        ("department_head", {"head"}),
        ("supervisor", {"super", "leader"}),
        ("leadership", {"leader"}),
        ("follow_up_agent", {"caller"}),
    ],
)
def test_each_word_means_people(company: Company, who: str, heard: set[str]):
    company.desk.person("caller", "follow_up_agent", "QGB")
    tell(company.desk, company.assigned(), who)

    assert names() == heard


def test_a_ticket_that_nobody_has_is_the_head_s_then_the_agents_then_the_supervisors(company: Company):
    ticket, heard = company.ticket(), []

    for gone in ((), (company.head,), (company.agent,)):
        off(*gone)
        company.desk.later(seconds=1)
        tell(company.desk, ticket, "handler")
        heard.append({row.user_id for row in written() if row.at == company.desk.now})

    assert heard == [{company.head.id}, {company.agent.id}, {company.supervisor.id, company.leader.id}]


def test_where_nobody_leads_the_department_the_supervisors_hear(company: Company):
    off(company.head, company.leader)

    tell(company.desk, company.assigned(), "group_leader")

    assert names() == {"super"}


def test_each_person_hears_once_however_many_words_mean_them(company: Company):
    tell(company.desk, company.assigned(), "handler", "group_leader", "department_head", users=(company.head.id,))

    assert sorted(row.user_id for row in written()) == sorted([company.agent.id, company.head.id])


def test_whoever_did_it_needs_no_telling(company: Company):
    tell(company.desk, company.assigned(), "handler", "supervisor", by=company.supervisor)

    assert names() == {"zhang", "leader"}


def test_of_a_restricted_ticket_only_those_hear_who_may_see_it(company: Company):
    ticket = company.ticket()
    restrict(ticket)
    robot("客服群", None)

    everybody = ("handler", "department_head", "leadership")
    tell(company.desk, ticket, *everybody, how=("in_app", "mail", "robot"), users=(company.agent.id,))

    assert names() == {"super", "leader"}
    assert written("robot") == []


def test_robots_of_the_department_and_of_all_are_told(company: Company):
    own, everybody, _ = robot("客服群", None, "KFB"), robot("全体群", None), robot("财务群", None, "CWB")
    retired = robot("旧群", None)
    with transaction() as session:
        session.get_one(Robot, retired).active = False

    tell(company.desk, company.ticket(), "handler", how=("robot",))

    assert [row.robot_id for row in written()] == [own, everybody]
    assert all(row.user_id is None for row in written())


def test_mail_goes_to_those_who_have_an_address(company: Company, bell: FakeBell):
    mailed(company.head)

    tell(company.desk, company.assigned(), "handler", "department_head", how=("in_app", "mail"))

    assert (names("mail"), names("in_app")) == ({"head"}, {"zhang", "head"})
    assert "notify" in bell.rung
    assert {f"user:{company.agent.id}", f"user:{company.head.id}"} <= bell.announced


def test_what_is_for_the_browser_pops_up_and_the_rest_does_not(company: Company):
    ticket = company.assigned()

    tell(company.desk, ticket, "handler", cause="escalation:1", how=("in_app",))
    tell(company.desk, ticket, "handler", cause="escalation:2", how=("in_app", "browser"))

    assert [row.pops for row in written()] == [False, True]


def test_the_same_cause_is_told_once_even_when_others_would_hear_by_now(company: Company):
    ticket = company.assigned()

    tell(company.desk, ticket, "handler", cause="escalation:1")
    tell(company.desk, ticket, "supervisor", cause="escalation:1")

    assert names() == {"zhang"}


def test_two_processes_tell_the_same_cause_once(company: Company):
    desk, ticket = company.desk, company.assigned()
    robot("客服群", None)

    def again() -> None:
        tell(desk, ticket, "handler", "supervisor", cause="escalation:1", how=("in_app", "robot"))

    assert at_once(desk, *[again] * 4) == []
    assert len(written("in_app")) == 3
    assert len(written("robot")) == 1


AT_NIGHT = datetime(2026, 3, 4, 22, 0, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("at", "digest", "why"),
    [
        ("2026-03-04 20:59", None, "still the day"),
        ("2026-03-04 21:00", "2026-03-05 08:30", "the night has begun"),
        ("2026-03-05 03:00", "2026-03-05 08:30", "after midnight"),
        ("2026-03-05 07:59", "2026-03-05 08:30", "the last minute"),
        ("2026-03-05 08:00", None, "the night is over"),
    ],
)
def test_at_night_mail_and_robots_wait_for_the_morning(company: Company, at: str, digest: str | None, why: str):
    mailed(company.agent)
    robot("客服群", None)
    ticket = company.assigned()
    company.desk.now = datetime.fromisoformat(at).replace(tzinfo=SHANGHAI)

    tell(company.desk, ticket, "handler", how=("in_app", "mail", "robot"))

    wanted = datetime.fromisoformat(digest).replace(tzinfo=SHANGHAI) if digest else company.desk.now
    rows = [*written("mail"), *written("robot")]
    assert [(row.send_at, row.digest) for row in rows] == [(wanted.astimezone(UTC), digest is not None)] * 2, why
    assert [row.send_at for row in written("in_app")] == [None]


@pytest.mark.parametrize("grave", ["priority", "level"])
def test_what_is_urgent_goes_out_at_night_too(company: Company, grave: str):
    mailed(company.agent)
    ticket = company.assigned()
    if grave == "priority":
        with transaction() as session:
            session.execute(update(Ticket).where(Ticket.id == ticket.id).values(priority="urgent"))
    company.desk.now = AT_NIGHT

    tell(company.desk, ticket, "handler", how=("mail",), facts={"level": "red"} if grave == "level" else {})

    assert [(row.send_at, row.digest, row.urgent) for row in written()] == [(AT_NIGHT.astimezone(UTC), False, True)]


def escalated(company: Company) -> Ticket:
    """A rung with a level is told to the supervisor who is not of the leadership too."""
    ticket = company.assigned()
    off(company.leader)
    tell(company.desk, ticket, "handler", "supervisor", cause="escalation:1", facts={"level": "ordinary"})
    with transaction() as session:
        session.execute(update(User).where(User.id == company.leader.id).values(active=True))
    return ticket


def unread_due(desk: Desk) -> int:
    rules = desk.rules
    with transaction() as session:
        return notifying.unread_due(session, now=desk.now, rules=rules)


def reads(desk: Desk, user: User) -> None:
    with transaction() as session:
        noticeboard.read_all(session, session.get_one(User, user.id), up_to=None, now=desk.now)


def test_a_supervisor_has_one_working_day_to_look_and_nobody_else_has_to(company: Company):
    escalated(company)

    deadlines = {row.user_id: row.answer_by for row in written()}
    end_of_tomorrow = datetime(2026, 3, 5, 18, 0, tzinfo=SHANGHAI)
    assert deadlines == {company.agent.id: None, company.supervisor.id: end_of_tomorrow.astimezone(UTC)}


def test_a_supervisor_who_does_not_look_is_escalated_once(company: Company):
    desk, ticket = company.desk, escalated(company)
    desk.later(days=1)
    assert unread_due(desk) == 0

    desk.later(days=1)
    looked_at = [unread_due(desk), unread_due(desk)]

    told = [row for row in written() if row.kind == "unread"]
    assert looked_at == [1, 0]
    assert [(row.user_id, row.facts["of"], row.answer_by) for row in told] == [(company.leader.id, "escalation", None)]
    assert [e.after for e in desk.events(ticket) if e.action == "escalate"] == [{"rung": "unread"}]


def test_two_schedulers_escalate_an_unread_matter_once(company: Company):
    desk, ticket = company.desk, escalated(company)
    desk.later(days=2)

    at_once(desk, *[lambda: unread_due(desk)] * 3)

    assert [row.user_id for row in written() if row.kind == "unread"] == [company.leader.id]
    assert [e.action for e in desk.events(ticket)].count("escalate") == 1


def test_reading_in_time_is_enough(company: Company):
    escalated(company)
    reads(company.desk, company.supervisor)
    company.desk.later(days=2)

    unread_due(company.desk)

    assert [row.kind for row in written()] == ["escalation"] * 2


def test_it_is_enough_that_one_supervisor_has_read_it(company: Company):
    tell(company.desk, company.assigned(), "supervisor", facts={"level": "yellow"})
    reads(company.desk, company.leader)
    company.desk.later(days=2)

    unread_due(company.desk)

    assert {row.kind for row in written()} == {"escalation"}


def test_a_ticket_that_has_ended_needs_no_looking_at(company: Company):
    ticket = escalated(company)
    with company.desk.doing(ticket, company.supervisor) as d:
        closing.invalidate(d.session, d.ticket, d.deed, reason="重复")
    company.desk.later(days=2)

    unread_due(company.desk)

    assert [row.kind for row in written()] == ["escalation"] * 2


def test_an_order_with_a_time_to_answer_is_watched_too(company: Company):
    by = company.desk.now + timedelta(hours=4)

    tell(company.desk, company.assigned(), "supervisor", kind="supervision", answer_by=by)

    assert {row.answer_by for row in written()} == {by}


def remind(desk: Desk) -> int:
    rules = desk.rules
    with transaction() as session:
        return notifying.remind_red(session, now=desk.now, rules=rules)


def test_a_red_card_is_in_each_morning_s_digest_until_it_is_closed(company: Company):
    desk, ticket = company.desk, company.assigned()
    supervise(desk, ticket, company.supervisor, level="red")
    mailed(company.agent)
    robot("全体群", None)
    mornings = []

    for day in (5, 6):
        for time in ("08:19", "08:20", "08:21", "14:00", "23:00"):
            desk.now = datetime.fromisoformat(f"2026-03-0{day} {time}").replace(tzinfo=SHANGHAI).astimezone(UTC)
            mornings += [f"{day} {time}"] * remind(desk)
    with desk.doing(ticket, company.supervisor) as d:
        closing.invalidate(d.session, d.ticket, d.deed, reason="重复")
    desk.later(days=1)

    assert (mornings, remind(desk)) == (["5 08:20", "6 08:20"], 0)
    digest = [row for row in written("mail") if row.facts.get("what") == "standing"]
    assert [(row.digest, row.send_at.astimezone(SHANGHAI).strftime("%d %H:%M")) for row in digest] == [
        (True, "05 08:30"),
        (True, "06 08:30"),
    ]
    assert len([row for row in written("robot") if row.facts.get("what") == "standing"]) == 2


def test_a_red_card_of_this_very_day_is_not_told_twice(company: Company):
    ticket = company.assigned()
    supervise(company.desk, ticket, company.supervisor, level="red")
    company.desk.later(hours=1)

    assert remind(company.desk) == 0
