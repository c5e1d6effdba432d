"""What tests of notifications share: a department with its people, robots, what was written, and the sender at work."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Flask
from sqlalchemy import select

from service import notices_out
from service.database import reading, transaction
from service.people import Department, User
from service.tickets import notifying
from service.tickets.changes import Deed
from service.tickets.models import Ticket
from service.tickets.notifying import Matter
from service.tickets.register import Notification, Robot
from tests.factories import COMPLAINT, Desk
from tests.messenger_rig import FakeMailServer, FakeVendor

FACTS = {"rung": "overdue", "clock": "first_reply", "due_at": "2026-03-04T03:30:00+00:00", "level": None}


@dataclass
class Company:
    """KFB, where complaints go, and those above it."""

    desk: Desk
    agent: User
    head: User
    supervisor: User
    leader: User

    def ticket(self, text: str = COMPLAINT, **more: str) -> Ticket:
        return self.desk.ticket(text, **more)

    def assigned(self) -> Ticket:
        """A ticket that the agent has."""
        return self.desk.accept(self.ticket(), self.agent)


def company_of(desk: Desk) -> Company:
    return Company(
        desk,
        desk.person("zhang", "agent", "KFB"),
        desk.person("head", "dept_head", "KFB"),
        desk.person("super", "supervisor", "QGB"),
        desk.person("leader", "supervisor", "LDS"),
    )


def mailed(*people: User) -> None:
    """These people have an address each."""
    with transaction() as session:
        for user in people:
            session.get_one(User, user.id).email = f"{user.username}@example.com"


def robot(name: str, vendor: FakeVendor | None, department: str | None = None, kind: str = "wecom") -> int:
    with transaction() as session:
        place = session.scalar(select(Department.id).where(Department.code == department)) if department else None
        url = vendor.url() if vendor else "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a"
        made = Robot(name=name, kind=kind, url=url, department_id=place, active=True)
        session.add(made)
        session.flush()
        return made.id


def tell(desk: Desk, ticket: Ticket | None, *who: str, by: User | None = None, **more: object) -> None:
    """A matter of that ticket, of a cause of its own unless one is given."""
    facts: Mapping[str, object] = {**FACTS, **(more.pop("facts", {}))}  # type: ignore[dict-item]
    values = {"cause": f"test:{desk.now.isoformat()}", "kind": "escalation", **more}
    with transaction() as session:
        found = session.get(Ticket, ticket.id) if ticket else None
        matter = Matter(ticket=found, facts=facts, who=who, **values)  # type: ignore[arg-type]
        notifying.tell(session, matter, Deed(by=by, now=desk.now, rules=desk.rules))


def written(way: str | None = None) -> list[Notification]:
    query = select(Notification).order_by(Notification.id)
    with reading() as session:
        found = session.scalars(query if way is None else query.where(Notification.way == way)).all()
        session.expunge_all()
    return list(found)


def names(way: str = "in_app") -> set[str]:
    """Usernames of those for whom something was written."""
    query = select(User.username).join(Notification, Notification.user_id == User.id).where(Notification.way == way)
    with reading() as session:
        return set(session.scalars(query))


def send(desk: Desk) -> None:
    """What the worker does at this desk's time, until nothing is due."""
    while notices_out.send_due(now=desk.now, rules=desk.rules):
        continue


def states(way: str) -> list[str | None]:
    return [row.state for row in written(way)]


def settings_with(app: Flask, post: FakeMailServer | None, vendor: FakeVendor | None) -> object:
    """The installation's settings with these servers."""
    changed = replace(
        app.config["SETTINGS"],
        smtp_url=post.url if post else None,
        mail_from="工单台 <desk@example.com>" if post else None,
        robot_hosts=(vendor.origin,) if vendor else (),
    )
    app.config["SETTINGS"] = changed
    return changed
