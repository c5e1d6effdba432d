"""Codes that tell where a follower came from: one row a scene, with how often it was scanned and followed."""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model

SCENE = re.compile(r"[A-Za-z0-9_\-]{1,64}")
LISTED = 500


class QrCode(Model):
    """A code with a scene. A temporary one that has expired may be made anew; its counts go on."""

    __tablename__ = "qr_codes"
    __table_args__ = (
        UniqueConstraint("channel", "scene"),
        Index("ix_qr_codes_channel_id", "channel", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    scene: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]  # temporary permanent
    ticket: Mapped[str]  # what the platform gives the picture for
    url: Mapped[str]  # what the code says
    digest: Mapped[str | None]  # the picture in the file store, once somebody has looked at it
    expires_at: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    scans: Mapped[int] = mapped_column(default=0)  # by those who followed already
    follows: Mapped[int] = mapped_column(default=0)


def listing(session: Session, channel: str) -> Sequence[QrCode]:
    """The channel's codes, the newest first."""
    query = select(QrCode).where(QrCode.channel == channel).order_by(QrCode.id.desc())
    return session.scalars(query.limit(LISTED)).all()


def find_code(session: Session, channel: str, code_id: int, *, lock: bool = False) -> QrCode | None:
    """One code of the channel."""
    query = select(QrCode).where(QrCode.channel == channel, QrCode.id == code_id)
    return session.scalar(query.with_for_update(key_share=True) if lock else query)


def find_scene(session: Session, channel: str, scene: str) -> QrCode | None:
    """The channel's code of that scene."""
    return session.scalar(select(QrCode).where(QrCode.channel == channel, QrCode.scene == scene))


def note_scan(session: Session, channel: str, scene: str, *, followed: bool) -> None:
    """Somebody came by the code: a new follower, or one who follows already. A scene that nobody made is ignored."""
    counted = {"follows": QrCode.follows + 1} if followed else {"scans": QrCode.scans + 1}
    ours = (QrCode.channel == channel) & (QrCode.scene == scene)
    session.execute(update(QrCode).where(ours).values(counted).execution_options(synchronize_session=False))
