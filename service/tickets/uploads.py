"""Files that staff send: checked when they are handed in, kept until their author attaches them to a reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model
from service.errors import InvalidInput, NotFound
from service.files import LARGEST_PIXELS, FileStore, content_type_of, pixels_of
from service.messaging.outbox import Part
from service.people import User
from service.tickets.models import Attachment, Message
from service.tickets.voices import seconds_of

MOST_FILES = 9  # of one reply, as many as the telephone lets a person choose
LONGEST_VOICE = 60.0  # seconds
KEPT = timedelta(days=1)  # without being attached
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """What a follower's telephone shows a file as, and how large it may be."""

    kind: str
    largest_bytes: int
    too_large: str


PICTURE = Rule("image", 10 * MEGABYTE, "a picture may have 10 MB")
VOICE = Rule("voice", 2 * MEGABYTE, "a voice file may have 2 MB")
RULES: Mapping[str, Rule] = {
    "image/png": PICTURE,
    "image/jpeg": PICTURE,
    "image/gif": PICTURE,
    "audio/mpeg": VOICE,
    "audio/amr": VOICE,
}
WORDS: Mapping[str, str] = {"image": "[图片]", "voice": "[语音]", "news": "[链接]"}  # what a message without text says


class Upload(Model):
    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_user_id_at", "user_id", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("users.id"))
    at: Mapped[datetime]
    kind: Mapped[str]  # image voice
    content_type: Mapped[str]
    digest: Mapped[str]
    playable_digest: Mapped[str | None]  # the same in a form that browsers play
    size_bytes: Mapped[int]
    seconds: Mapped[float | None]  # of a voice


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that followers may be sent. `seconds` of a voice, else None."""

    content: bytes
    content_type: str
    kind: str
    seconds: float | None


def checked(content: bytes) -> Checked:
    """The file, once it is a picture or voice that the channels take. Raises InvalidInput."""
    try:
        content_type = content_type_of(content)
    except InvalidInput:
        content_type = ""
    rule = RULES.get(content_type)
    if rule is None:
        raise InvalidInput(file="send a PNG, JPEG or GIF picture, or an MP3 or AMR voice")
    if len(content) > rule.largest_bytes:
        raise InvalidInput(file=rule.too_large)
    if pixels_of(content, content_type) > LARGEST_PIXELS:
        raise InvalidInput(file="the picture has too many pixels")
    seconds = seconds_of(content, content_type) if rule is VOICE else None
    if rule is VOICE and seconds is None:
        raise InvalidInput(file="this voice file cannot be read; save it again as MP3 or AMR")
    if seconds is not None and seconds > LONGEST_VOICE:
        raise InvalidInput(file="a voice may last 60 seconds")
    return Checked(content, content_type, rule.kind, seconds)


def keep(
    session: Session, user: User, file: Checked, *, files: FileStore, now: datetime, playable: bytes | None = None
) -> Upload:
    """Keep the file for its author's next reply; what they left lying for a day is forgotten."""
    session.execute(delete(Upload).where(Upload.user_id == user.id, Upload.at < now - KEPT))
    made = Upload(user_id=user.id, at=now, kind=file.kind, content_type=file.content_type, seconds=file.seconds)
    made.digest, made.size_bytes = files.put(file.content), len(file.content)
    made.playable_digest = files.put(playable) if playable is not None else None
    session.add(made)
    session.flush()
    return made


def get_own(session: Session, user: User, upload_id: int) -> Upload:
    """The user's own upload; NotFound for any other."""
    found = session.get(Upload, upload_id)
    if found is None or found.user_id != user.id:
        raise NotFound("no such upload")
    return found


def chosen(session: Session, user: User | None, ids: Sequence[int]) -> list[Upload]:
    """The user's own uploads in this order, each once. Raises InvalidInput: one is not there, or there are too many."""
    if len(ids) > MOST_FILES:
        raise InvalidInput(attachments="a reply may carry 9 files")
    if not ids or user is None:
        return []
    found = own_among(session, user, ids)
    if len(found) != len(set(ids)):
        raise InvalidInput(attachments="a file is no longer there; add it again")
    return found


def own_among(session: Session, user: User, ids: Sequence[int]) -> list[Upload]:
    """Those of the uploads that are there and the user's own, in this order."""
    query = select(Upload).where(Upload.id.in_(ids[:MOST_FILES]), Upload.user_id == user.id)
    found = {upload.id: upload for upload in session.scalars(query)}
    return [found[upload_id] for upload_id in dict.fromkeys(ids) if upload_id in found]


def attach(session: Session, message: Message, uploads: Sequence[Upload], *, now: datetime) -> None:
    """Make the uploads files of the message, for staff to see."""
    for upload in uploads:
        file = Attachment(message_id=message.id, media_id="", kind=upload.kind, state="stored", retry_at=now)
        file.digest, file.playable_digest = upload.digest, upload.playable_digest
        file.content_type, file.size_bytes = upload.content_type, upload.size_bytes
        session.add(file)
    session.flush()


def part_of(upload: Upload) -> Part:
    """The upload as one send."""
    return Part(WORDS[upload.kind], upload.kind, {"digest": upload.digest, "content_type": upload.content_type})
