"""Mail is handed in once, and it is known whether it surely did not go out."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from service.messengers import mail
from service.messengers.mail import Letter, Server
from service.messengers.outcome import Fate, SendError
from tests.messenger_rig import FakeMailServer, running_mail_server

NOW = datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
SENDER = "工单台 <desk@example.com>"
LETTER = Letter("zhang@example.com", "【工单台】超时：首次回复", "工单 GD20260304-0001\n.\n完", "gongdan-7")


@pytest.fixture
def post() -> Iterator[FakeMailServer]:
    with running_mail_server() as found:
        yield found


def refused(post: FakeMailServer) -> SendError:
    with pytest.raises(SendError) as caught:
        mail.send(Server(post.url, SENDER), LETTER, now=NOW)
    return caught.value


def test_a_letter_arrives_as_it_was_written(post: FakeMailServer):
    mail.send(Server(post.url, SENDER), LETTER, now=NOW)

    ((to, letter),) = post.letters
    assert (to, letter["Subject"], letter["From"]) == (LETTER.to, LETTER.subject, SENDER)
    assert letter.get_content().replace("\r\n", "\n").rstrip("\n") == LETTER.text
    assert (letter["Message-ID"], letter["Auto-Submitted"]) == ("<gongdan-7@example.com>", "auto-generated")


def test_the_user_of_the_address_signs_in(post: FakeMailServer):
    mail.send(Server(post.url.replace("://", "://desk:p%40ss@"), SENDER), LETTER, now=NOW)

    assert post.logins == ["\0desk\0p@ss"]
    assert len(post.letters) == 1


@pytest.mark.parametrize(
    ("command", "reply", "problem", "fate", "whole"),
    [
        ("MAIL", "550 not yours", "mail_sender", Fate.NOT_SENT, True),
        ("RCPT", "550 no such user", "mail_recipient", Fate.REFUSED, False),
        ("RCPT", "450 later", "mail_recipient", Fate.NOT_SENT, False),
        ("DATA", "451 later", "mail_refused", Fate.NOT_SENT, False),
        ("END", "451 later", "mail_refused", Fate.NOT_SENT, False),
        ("END", "554 looks like spam", "mail_refused", Fate.REFUSED, False),
    ],
)
def test_what_the_server_says_decides(
    post: FakeMailServer, command: str, reply: str, problem: str, fate: Fate, whole: bool
):
    post.replies[command] = reply

    error = refused(post)

    assert (error.problem, error.fate, error.whole) == (problem, fate, whole)
    assert reply in error.sentence()
    assert post.letters == []


def test_a_wrong_password_is_said_as_such_and_never_shown(post: FakeMailServer):
    post.replies["AUTH"] = "535 authentication failed"
    post.url = post.url.replace("://", "://desk:s3cret@")

    error = refused(post)

    assert (error.problem, error.fate) == ("mail_login", Fate.NOT_SENT)
    assert "s3cret" not in error.sentence() + repr(Server(post.url, SENDER))


def test_a_server_that_hangs_up_after_the_letter_may_have_it(post: FakeMailServer):
    post.hangs_up_after_data = True

    assert refused(post).fate is Fate.UNKNOWN


def test_a_server_that_is_not_there_surely_has_nothing(post: FakeMailServer):
    post.url = "smtp://127.0.0.1:9"

    error = refused(post)

    assert (error.problem, error.fate) == ("unreachable", Fate.NOT_SENT)


def test_a_server_without_starttls_gets_no_password(post: FakeMailServer):
    post.url = post.url.replace("smtp://", "smtp+starttls://desk:p@")

    assert refused(post).problem == "mail_tls"
    assert post.logins == []
