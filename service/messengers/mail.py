"""Mail by SMTP: one message, one recipient, and whether it surely did not go out."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from service.messengers.outcome import Fate, SendError

TIMEOUT = 5.0  # seconds, of each step
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
PERMANENT = 500  # from here on a server's reply means never
PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is to read. `key` is the same for every attempt, so that a server can tell a repeat."""

    to: str
    subject: str
    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in; `url` as in the setting SMTP_URL."""

    url: str
    sender: str

    def __repr__(self) -> str:  # the address holds a password
        return f"Server({urlsplit(self.url).hostname})"


def send(server: Server, letter: Letter, *, now: datetime) -> None:
    """Hand the letter in. Raises SendError."""
    message = message_of(letter, server.sender, now).as_bytes(policy=SMTP)
    with connected(server) as smtp:
        with step("mail_sender"):
            taken(*smtp.mail(parseaddr(server.sender)[1]), problem="mail_sender")
        with step("mail_recipient"):
            taken(*smtp.rcpt(letter.to), problem="mail_recipient", whole=False)
        try:
            reply = smtp.data(message)
        except smtplib.SMTPDataError as error:  # refused before a word of it went out
            reply = error.smtp_code, bytes(error.smtp_error) if isinstance(error.smtp_error, bytes) else b""
        except (smtplib.SMTPException, OSError) as error:
            raise SendError("broken", fate=Fate.UNKNOWN, told=type(error).__name__) from error
        taken(*reply, problem="mail_refused", whole=False)


def message_of(letter: Letter, sender: str, now: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers
    message.set_content(letter.text, cte="base64")
    return message


@contextmanager
def connected(server: Server) -> Iterator[smtplib.SMTP]:
    """A session at the server, signed in where the address names a user. Raises SendError."""
    parts = urlsplit(server.url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    with step("unreachable"):
        if parts.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
        else:
            smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        with step("unreachable"):
            smtp.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp+starttls":
            with step("mail_tls"):
                smtp.starttls(context=ssl.create_default_context())
        if parts.username:
            with step("mail_login"):
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
        yield smtp
    finally:
        goodbye(smtp)


@contextmanager
def step(problem: str) -> Iterator[None]:
    """Before the letter itself: whatever goes wrong, it surely was not sent."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SendError("certificate", fate=Fate.NOT_SENT, told=error.verify_message, pause=PAUSE) from error
    except smtplib.SMTPResponseException as error:
        told = f"{error.smtp_code} {said(error.smtp_error)}"
        raise SendError(problem, fate=Fate.NOT_SENT, told=told, pause=PAUSE) from error
    except smtplib.SMTPNotSupportedError as error:
        raise SendError(problem, fate=Fate.NOT_SENT, told=said(str(error)), pause=PAUSE) from error
    except (smtplib.SMTPException, OSError) as error:
        raise SendError("unreachable", fate=Fate.NOT_SENT, told=type(error).__name__, pause=PAUSE) from error


def taken(code: int, told: bytes, *, problem: str, whole: bool = True) -> None:
    """Raise SendError unless the server's reply means yes."""
    if code // 100 == 2:
        return
    fate = Fate.REFUSED if code >= PERMANENT and not whole else Fate.NOT_SENT
    raise SendError(problem, fate=fate, told=f"{code} {said(told)}", whole=whole, pause=PAUSE)


def said(told: bytes | str) -> str:
    """A server's words on one line, short."""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
    return " ".join(text.split())[:160]


def goodbye(smtp: smtplib.SMTP) -> None:
    """End the session; what it says to that changes nothing."""
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()
