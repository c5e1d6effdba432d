"""Promises about followers who come, go, return, and withdraw what they let us know."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from service import alerts
from service.audit import Event
from service.channels.wechat import watching
from service.clock import utcnow
from service.database import reading, transaction
from service.messaging import profiles
from service.messaging.followers import Follower
from service.messaging.ports import Contact
from service.messaging.profiles import FollowerEvent, Tagging
from service.messaging.qrcodes import QrCode
from service.people import User
from service.tickets import profiles as deeds
from tests.factories import COMPLAINT, Desk
from tests.fakes import FakeChannel
from tests.follower_rig import OPENID, follows, happens, knowing_platform, known
from tests.page_rig import Visitor, visitor
from tests.wechat_fakes import FakePlatform, Reply, as_json


@pytest.fixture
def desk(now_desk: Desk) -> Desk:
    return now_desk


@pytest.fixture
def platform(app: Flask) -> Iterator[FakePlatform]:
    with knowing_platform(app) as running:
        yield running


# ---- coming and going


def leave_something(desk: Desk, platform: FakePlatform, boss: User, app: Flask) -> Visitor:
    """A follower of a known source with a ticket, a remark and a tag."""
    follows(desk, "src_a")
    desk.ticket(COMPLAINT, follower=OPENID)
    person = visitor(app, boss)
    person.post(f"/followers/{known().id}/remark", {"remark": "王女士"})
    person.post(f"/followers/{known().id}/tags", {"tags": "业主"})
    assert (known().remark, known().tags) == ("王女士", ["业主"])
    return person


def test_case_39_unsubscribing_stops_sending_and_forgets_the_profile_at_once(
    app: Flask, desk: Desk, boss: User, platform: FakePlatform
):
    person = leave_something(desk, platform, boss, app)

    happens(desk, "unsubscribe")

    gone = known()
    assert (gone.following, gone.unreachable, gone.window_closes_at) == (False, profiles.LEFT, None)
    assert (gone.remark, gone.tags, gone.union_id, gone.first_source, gone.last_source) == (None,) * 5
    with reading() as session:
        assert session.scalars(select(Tagging)).all() == []
        assert [e.detail for e in session.scalars(select(FollowerEvent)) if e.detail] == []
    ticket = desk.newest()
    page = person.get(f"/tickets/{ticket.number}")
    assert "王女士" not in page.text
    assert "微信用户·7f3a" in page.text
    assert COMPLAINT in page.text


def test_who_leaves_while_their_profile_is_read_stays_forgotten(app: Flask, desk: Desk, platform: FakePlatform):
    follows(desk)
    row = {"subscribe": 1, "openid": OPENID, "subscribe_time": 1795013600, "remark": "王女士", "unionid": "oUnion1"}

    def told_too_late() -> Reply:
        with app.app_context():
            happens(desk, "unsubscribe")
        return as_json(user_info_list=[row])

    platform.lay("/cgi-bin/user/info/batchget", told_too_late)

    watching.read_profiles(now=utcnow())

    assert (known().following, known().remark, known().union_id) == (False, None, None)


def test_case_39_nothing_goes_out_to_whoever_left(
    app: Flask, desk: Desk, boss: User, channel: FakeChannel, platform: FakePlatform
):
    leave_something(desk, platform, boss, app)
    happens(desk, "unsubscribe")
    ticket = desk.newest()

    desk.reply(ticket, boss)
    desk.deliver()

    assert channel.sent == []
    assert desk.messages(ticket)[-1].delivery != "sent"


def test_case_39_whoever_returns_is_the_same_contact_and_their_source_is_recorded_once(
    app: Flask, desk: Desk, boss: User, platform: FakePlatform
):
    leave_something(desk, platform, boss, app)
    before = known().id
    happens(desk, "unsubscribe")

    follows(desk, "src_x")
    follows(desk, "src_y")
    happens(desk, "scan", contact=Contact.SCAN, scene="src_z")

    back = known()
    assert (back.id, back.following, back.unreachable) == (before, True, None)
    assert (back.first_source, back.last_source) == ("src_x", "src_z")
    assert back.profile_due_at is not None
    with reading() as session:
        kinds = [event.kind for event in profiles.history(session, back.id)]
    assert kinds.count("subscribe") == 3
    assert kinds.count("unsubscribe") == 1


def test_a_code_counts_who_follows_by_it_and_who_scans_it_again(desk: Desk):
    names = {
        "channel": "wechat:main",
        "name": "门店",
        "kind": "permanent",
        "ticket": "t",
        "url": "u",
        "created_by": "b",
    }
    with transaction() as session:
        session.add(QrCode(scene="src_a", created_at=desk.now, **names))

    follows(desk, "src_a")
    happens(desk, "scan", contact=Contact.SCAN, scene="src_a")
    happens(desk, "scan", contact=Contact.SCAN, scene="src_nobody_made")

    with reading() as session:
        code = session.scalars(select(QrCode)).one()
    assert (code.follows, code.scans) == (1, 1)


# ---- privacy


@pytest.mark.parametrize("kind", [deeds.REVOKED, deeds.CANCELLED])
def test_whoever_withdraws_consent_has_their_profile_erased_and_the_operator_is_told_what_to_do(
    app: Flask, desk: Desk, boss: User, platform: FakePlatform, kind: str
):
    leave_something(desk, platform, boss, app)

    happens(desk, kind, follower="gh_0a1b2c3d4e5f", OpenID=OPENID)

    found = known()
    assert found.erased_at == desk.now
    assert (found.remark, found.tags, found.first_source) == (None, None, None)
    with reading() as session:
        (alert,) = alerts.of_kind(session, deeds.PRIVACY_ALERT)
        event = session.scalars(select(Event).where(Event.action == "follower_erased")).one()
        assert session.scalars(select(Follower).where(Follower.address.startswith("gh_"))).all() == []
    assert OPENID not in alert.detail
    assert event.after == {"follower": found.id}
    assert desk.newest().subject == COMPLAINT


def test_a_changed_profile_is_read_again(desk: Desk):
    follows(desk)
    with transaction() as session:
        profiles.postpone(session, [known().id], None)

    happens(desk, deeds.MODIFIED, OpenID=OPENID)

    assert known().profile_due_at == desk.now


def test_a_privacy_event_about_somebody_whom_we_do_not_know_makes_nobody(desk: Desk):
    happens(desk, deeds.REVOKED, follower="oNobody", OpenID="oNobody")

    with reading() as session:
        assert session.scalars(select(Follower)).all() == []
