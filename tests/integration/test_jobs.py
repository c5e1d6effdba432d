"""What workers run: takes what is due, survives one bad row among many, and may run twice without harm."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from service import jobs
from service.channels import registry
from service.channels.wechat import accounts
from service.clock import utcnow
from service.database import db, reading, transaction
from service.messaging import inbox, outbox
from service.messaging.followers import Follower
from service.messaging.inbox import InboxItem
from service.messaging.outbox import OutboxItem
from service.messaging.ports import Contact, DeliveryError, Failure, Inbound, Media, Outbound
from service.people import User
from service.tickets import handling
from service.tickets.models import Attachment, Ticket
from service.tickets.states import Status
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeBell, FakeChannel
from tests.integration.notice_rig import tell
from tests.policy_rig import saved

RULES_OF = ("rulebook", "rulebook_version", "alembic_version")
# these look after accounts, of which there is none here (test_halting, http/test_menu_pages), or are off: test_opinions
ACCOUNTS = ("beat", "probe", "show_typing", "check_menus", "ask_opinions")


@pytest.fixture
def agent(now_desk: Desk) -> User:
    return now_desk.person("zhang", "admin", "QGB")


def pushed(number: int, text: str = "请问物业费怎么交") -> Inbound:
    follower = f"oPushed{number:04}"
    return Inbound("wechat:main", f"m:{number}", follower, "text", text, utcnow(), "<xml/>", Contact.MESSAGE)


def left_behind(*messages: Inbound) -> None:
    """What a webhook stores that cannot handle it."""
    with transaction() as session:
        for message in messages:
            inbox.accept(session, message, now=utcnow())


def count(model: type) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables that a job could change."""
    tables = [t for t in db.metadata.sorted_tables if t.name not in RULES_OF]
    with reading() as session:
        return {t.name: sorted(map(tuple, session.execute(select(t))), key=repr) for t in tables}


@pytest.fixture
def busy(now_desk: Desk, agent: User, channel: FakeChannel) -> Desk:
    """Something to do for every job."""
    desk = now_desk
    late = desk.ticket(follower="oLate")
    asleep = desk.accept(desk.ticket(follower="oAsleep"), agent)
    with desk.doing(asleep, agent) as d:
        until = desk.now + timedelta(seconds=1)
        handling.suspend(d.session, d.ticket, d.deed, reason="等配件", until=until)
    lost = desk.ticket(follower="oLost")
    desk.reply(lost, agent)
    with transaction() as session:
        session.execute(update(Ticket).where(Ticket.id == late.id).values(breach_at=desk.now, calendar_version=0))
        item = session.scalars(select(OutboxItem)).one()
        item.state, item.leased_until = "sending", desk.now
    desk.reply(late, agent, "您好", "interim")
    with transaction() as session:
        session.get_one(User, agent.id).email = "zhang@example.com"
    tell(desk, late, users=(agent.id,), how=("mail",), facts={"level": "red"})
    desk.says("[图片]", kind="image", media=(Media("MEDIA1", "image"),), follower="oPicture")
    desk.says(COMPLAINT, follower="oFresh")
    left_behind(pushed(1), pushed(2))
    saved(desk, {"inquiry/normal": {"resolve": "2 工作日"}}, also_open=True)
    return desk


@pytest.mark.parametrize("name", jobs.JOBS)
def test_a_job_run_twice_does_no_more_than_once(busy: Desk, channel: FakeChannel, name: str):
    before = everything()
    getattr(jobs, name)()
    once, sent = everything(), list(channel.sent)

    getattr(jobs, name)()

    assert everything() == once
    assert channel.sent == sent
    assert (once != before) is (name not in ACCOUNTS)


def test_every_job_clears_its_bell_first(busy: Desk, bell: FakeBell):
    for name in jobs.JOBS:
        getattr(jobs, name)()

    assert bell.begun == list(jobs.JOBS)


# Inbox


def test_what_a_webhook_left_behind_is_handled(now_desk: Desk):
    left_behind(pushed(1), pushed(2))

    jobs.process_inbox()

    assert count(Ticket) == 2
    with reading() as session:
        replies = session.scalars(select(InboxItem.reply)).all()
    assert all("GD" in reply for reply in replies)


def test_one_that_cannot_be_handled_holds_up_no_other_and_is_tried_again_later(now_desk: Desk):
    left_behind(replace(pushed(1), channel="wechat:gone"), pushed(2))

    jobs.process_inbox()

    with reading() as session:
        bad, good = session.scalars(select(InboxItem).order_by(InboxItem.id))
        assert good.handled_at is not None
        assert (bad.handled_at, bad.attempts) == (None, 1)
        assert bad.retry_at > utcnow()
    assert count(Ticket) == 1


# Outbox


def test_delivering_sends_several_followers_messages_each_in_order(now_desk: Desk, channel: FakeChannel, agent: User):
    tickets = [now_desk.ticket(follower=f"oFollower{n:04}") for n in range(4)]
    for text in ("第一句", "第二句"):
        for ticket in tickets:
            now_desk.reply(ticket, agent, text, "interim")

    jobs.deliver()

    for ticket in tickets:
        mine = [m.text for m in channel.sent if m.follower == ticket.follower.address]
        assert mine == ["第一句", "第二句"]


def test_a_channel_that_breaks_holds_up_no_other_message_and_is_never_asked_twice(
    now_desk: Desk, channel: FakeChannel, agent: User
):
    bad, good = now_desk.ticket(follower="oBad"), now_desk.ticket(follower="oGood")
    now_desk.reply(bad, agent)
    now_desk.reply(good, agent)
    asked = []

    class Broken(FakeChannel):
        def send(self, message: Outbound) -> str:
            asked.append(message.follower)
            if message.follower == "oBad":
                raise RuntimeError("a fault of ours")
            return channel.send(message)

    registry.register(Broken("wechat:main"))
    jobs.deliver()
    jobs.deliver()

    assert sorted(asked) == ["oBad", "oGood"]
    assert now_desk.reread(good).status is Status.ANSWERED
    assert now_desk.messages(bad)[-1].delivery == "sending"  # until its lease ends, and then unknown


def test_an_account_that_may_not_send_is_halted_and_the_message_kept(now_desk: Desk, channel: FakeChannel, agent: User):
    with transaction() as session:
        accounts.add(
            session,
            slug="main",
            name="物业服务号",
            original_id="gh_0123456789ab",
            app_id="wx0123456789abcdef",
            app_secret="0123456789abcdef0123456789abcdef",
            token="token123",
            aes_key="a" * 43,
            mode="safe",
            kind="service",
        )
    ticket = now_desk.ticket()
    now_desk.reply(ticket, agent)
    channel.failures = [DeliveryError("api unauthorized", kind=Failure.HALTED, code=48001)]

    jobs.deliver()

    with reading() as session:
        assert accounts.get_row(session, "main").halted_reason == "api unauthorized"
        assert session.get_one(Follower, ticket.follower_id).messages_left == 5
        item = session.scalars(select(OutboxItem)).one()
        assert (item.state, item.due_at > utcnow()) == ("queued", True)
    assert now_desk.messages(ticket)[-1].delivery == "queued"


def test_a_lease_that_ended_is_settled_by_the_sweep(busy: Desk):
    jobs.sweep()

    with reading() as session:
        assert outbox.expired(session, utcnow()) == []
        states = session.execute(
            select(OutboxItem.state, Ticket.status).join(Ticket, Ticket.follower_id == OutboxItem.follower_id)
        )
        assert ("unknown", Status.IN_PROGRESS) in [tuple(row) for row in states]


# Files


@pytest.mark.parametrize("trouble", ["no such channel", "a fault of ours"])
def test_one_file_in_trouble_holds_up_no_other_and_is_tried_again_later(
    now_desk: Desk, channel: FakeChannel, trouble: str
):
    class Stumbling(FakeChannel):
        def fetch(self, media: Media) -> bytes:
            if media.media_id == "BAD":
                raise RuntimeError("a fault of ours")
            return channel.fetch(media)

    registry.register(Stumbling("wechat:main"))
    registry.register(FakeChannel("wechat:gone"))
    where = "wechat:gone" if trouble == "no such channel" else "wechat:main"
    now_desk.says("[图片]", kind="image", media=(Media("BAD", "image"),), channel=where, follower="oA")
    now_desk.says("[图片]", kind="image", media=(Media("GOOD", "image"),), follower="oB")
    now_desk.app.extensions["channels"].pop("wechat:gone")

    jobs.fetch_media()

    with reading() as session:
        bad, good = session.scalars(select(Attachment).order_by(Attachment.id))
        assert (good.state, bad.state, bad.attempts) == ("stored", "pending", 1)
        assert bad.retry_at > utcnow()
