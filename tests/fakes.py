"""Stand-ins at the two ports, and nowhere else: the channel and the doorbell."""

from datetime import timedelta

from service.messaging.ports import Contact, DeliveryError, Limits, Media, Outbound

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)
WINDOWS = {
    Contact.MESSAGE: (5, timedelta(hours=48)),
    Contact.FOLLOW: (3, timedelta(minutes=1)),
    Contact.MENU: (3, timedelta(minutes=1)),
    Contact.SCAN: (3, timedelta(minutes=1)),
    Contact.TAP: (3, timedelta(minutes=1)),
}


class FakeChannel:
    """Takes every message, or fails as the test says: `failures` is used up from the front."""

    def __init__(self, name: str, *, can_send: bool = True) -> None:
        self.name = name
        self.limits = Limits(
            text_bytes=2048 if can_send else 2047, reply_bytes=2047, windows=WINDOWS, can_send=can_send
        )
        self.sent: list[Outbound] = []
        self.failures: list[DeliveryError] = []
        self.files: dict[str, bytes] = {}
        self.fetch_failures: list[DeliveryError] = []
        self.typing: list[tuple[str, bool]] = []

    def send(self, message: Outbound) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(message)
        return ""

    def fetch(self, media: Media) -> bytes:
        if self.fetch_failures:
            raise self.fetch_failures.pop(0)
        return self.files.get(media.media_id, PNG)

    def show_typing(self, follower: str, *, on: bool) -> None:
        self.typing.append((follower, on))

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.sent]


class FakeBell:
    """Remembers what was rung and announced."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.begun: list[str] = []
        self.left: dict[str, list[str]] = {}
        self.announced: set[str] = set()

    def ring(self, job: str) -> None:
        self.rung.append(job)

    def started(self, job: str) -> None:
        self.begun.append(job)

    def announce(self, *topics: str) -> None:
        self.announced.update(topics)

    def leave(self, job: str, note: str) -> None:
        self.left.setdefault(job, []).append(note)
        self.ring(job)

    def notes(self, job: str) -> list[str]:
        return self.left.pop(job, [])

    def seen(self, who: str) -> None:
        """A process lives."""
