"""What tests of the reply window share: its sweeps at the desk's time, and accounts with settings of their own."""

from dataclasses import replace

from service.channels import registry
from service.database import transaction
from service.messaging.ports import Limits
from service.tickets import invitations, notices, windows
from service.tickets.models import Ticket
from tests.factories import Desk
from tests.fakes import FakeChannel

SUBSCRIPTION = {"id": "SUB1", "fields": {"character_string1": "number", "thing2": "subject"}, "url": True}
TEMPLATE = {"id": "TPL1", "fields": {"keyword1": "number", "keyword2": "time"}, "url": True}


def limits_of(channel: str) -> Limits:
    return registry.channel_named(channel).limits


def warn(desk: Desk) -> int:
    with transaction() as session:
        return windows.warn_due(session, now=desk.now, rules=desk.rules, limits_of=limits_of)


def notify(desk: Desk) -> int:
    with transaction() as session:
        return notices.send_due(session, now=desk.now, rules=desk.rules, limits_of=limits_of)


def invite(desk: Desk) -> int:
    with transaction() as session:
        return invitations.invite_due(session, now=desk.now, rules=desk.rules, limits_of=limits_of)


def account_has(channel: FakeChannel, **own: object) -> None:
    """The channel's account has these limits of its own."""
    channel.limits = replace(channel.limits, **own)  # type: ignore[arg-type]


def said(desk: Desk, ticket: Ticket, action: str) -> list[str]:
    """What the ticket's events of this action say, in order."""
    return [event.because for event in desk.events(ticket) if event.action == action]
