"""What is known of a follower beside their words: profile, tags, coming and going. Kept only while they follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database import BigId, Model
from service.messaging.followers import Follower

LEFT = "已取消关注"  # why nothing reaches them
GONE = "已注销微信账号"
AT_ONCE = 100  # profiles that one question to the platform may name
MOST_TAGS, MOST_TAGS_OF_ONE = 100, 20
LONGEST_REMARK, LONGEST_TAG = 29, 30  # bytes
TOLD = 100  # lines of a history


class Tag(Model):
    """A tag of a channel. `platform_id` is None while the platform does not know it."""

    __tablename__ = "tags"
    __table_args__ = (UniqueConstraint("channel", "name"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    channel: Mapped[str]
    name: Mapped[str]
    platform_id: Mapped[int | None]


class Tagging(Model):
    """A follower has a tag; `Follower.tags` names the same tags for whoever shows them."""

    __tablename__ = "taggings"
    __table_args__ = (Index("ix_taggings_follower_id", "follower_id"),)

    tag_id: Mapped[int] = mapped_column(BigId, ForeignKey("tags.id"), primary_key=True)
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"), primary_key=True)


class FollowerEvent(Model):
    """Something that changed what a follower is to us."""

    __tablename__ = "follower_events"
    __table_args__ = (Index("ix_follower_events_follower_id_at_id", "follower_id", "at", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    follower_id: Mapped[int] = mapped_column(BigId, ForeignKey("followers.id"))
    at: Mapped[datetime]
    kind: Mapped[str]  # subscribe unsubscribe erased blocked unblocked remark tags
    actor: Mapped[str]  # a username, "follower" or "system"
    detail: Mapped[str] = mapped_column(default="")  # goes with the profile


@dataclass(frozen=True, slots=True)
class Profile:
    """What the platform says of a follower."""

    following: bool
    subscribed_at: datetime | None = None
    union_id: str | None = None
    remark: str | None = None  # None: it has none to tell, ours stays; "": it has been taken away
    tags: Mapping[str, int] | None = None  # name -> the platform's number; None: not known this time
    scene: str | None = None  # how they found the account
    source: str | None = None  # scene of the code by which they came


@dataclass(frozen=True, slots=True)
class Due:
    """A follower whose profile is to be read."""

    id: int
    channel: str
    address: str


def note(session: Session, follower_id: int, kind: str, *, actor: str, now: datetime, detail: str = "") -> None:
    """Add a line to the follower's history."""
    session.add(FollowerEvent(follower_id=follower_id, at=now, kind=kind, actor=actor, detail=detail))


def history(session: Session, follower_id: int) -> Sequence[FollowerEvent]:
    """The newest lines, newest first."""
    query = select(FollowerEvent).where(FollowerEvent.follower_id == follower_id)
    return session.scalars(query.order_by(FollowerEvent.at.desc(), FollowerEvent.id.desc()).limit(TOLD)).all()


def came(session: Session, follower_id: int, *, scene: str, at: datetime, now: datetime) -> None:
    """The follower, whose row the caller has locked, follows (again): the same contact, whose profile is read anew."""
    values = {"following": True, "unreachable": None, "erased_at": None, "subscribed_at": at, "profile_due_at": now}
    _write(session, follower_id, values)
    note(session, follower_id, "subscribe", actor="follower", now=at, detail=scene)


def left(session: Session, follower_id: int, *, now: datetime, why: str = LEFT) -> None:
    """The follower, whose row is locked, is gone: nothing can be sent, and the profile goes at once.

    Messages and tickets stay for their term, under a pseudonym.
    """
    values = {"following": False, "unreachable": why, "window_closes_at": None, "messages_left": 0}
    _write(session, follower_id, values)
    forget(session, follower_id)
    note(session, follower_id, "unsubscribe", actor="follower", now=now)


def forget(session: Session, follower_id: int) -> None:
    """Profile data go: remark, tags, sources, the id that ties accounts together, and what the history says of them."""
    names = ("remark", "tags", "union_id", "subscribed_at", "subscribe_scene", "first_source", "last_source")
    _write(session, follower_id, dict.fromkeys((*names, "intent", "intent_until", "profile_at", "profile_due_at")))
    session.execute(delete(Tagging).where(Tagging.follower_id == follower_id))
    ours = FollowerEvent.follower_id == follower_id
    session.execute(update(FollowerEvent).where(ours, FollowerEvent.detail != "").values(detail=""))


def due(session: Session, now: datetime, limit: int = AT_ONCE) -> Sequence[Due]:
    """Whose profile is to be read, the longest waiting first."""
    query = select(Follower.id, Follower.channel, Follower.address).where(Follower.profile_due_at <= now)
    rows = session.execute(query.order_by(Follower.profile_due_at).limit(limit))
    return [Due(*row) for row in rows]


def postpone(session: Session, ids: Iterable[int], until: datetime | None) -> None:
    """Read these later; None: not at all."""
    ours = Follower.id.in_(list(ids))
    session.execute(update(Follower).where(ours).values(profile_due_at=until))


def learn(session: Session, follower_id: int, profile: Profile, *, now: datetime) -> None:
    """Take over what the platform says of a follower whose profile is due; of no other, who may have left meanwhile."""
    follower = session.get_one(Follower, follower_id, with_for_update={"key_share": True}, populate_existing=True)
    if follower.profile_due_at is None:
        return
    follower.profile_due_at = None
    if not profile.following:
        if follower.following:
            left(session, follower_id, now=now)
        return
    follower.profile_at, follower.union_id = now, profile.union_id
    follower.subscribed_at = profile.subscribed_at or follower.subscribed_at
    follower.subscribe_scene = profile.scene
    if profile.remark is not None:
        follower.remark = profile.remark or None
    if profile.source:
        follower.first_source = follower.first_source or profile.source
        follower.last_source = follower.last_source or profile.source
    if profile.tags is not None:
        set_tags(session, follower, profile.tags)
    session.flush()


def set_tags(session: Session, follower: Follower, tags: Mapping[str, int | None]) -> None:
    """The follower, who is locked, has these tags and no others; `tags` are name -> the platform's number, if known."""
    wanted = {_tag(session, follower.channel, name, number).id for name, number in tags.items()}
    have = set(session.scalars(select(Tagging.tag_id).where(Tagging.follower_id == follower.id)))
    gone = Tagging.tag_id.in_(have - wanted)
    if have - wanted:
        session.execute(delete(Tagging).where(Tagging.follower_id == follower.id, gone))
    session.add_all(Tagging(tag_id=tag_id, follower_id=follower.id) for tag_id in sorted(wanted - have))
    follower.tags = sorted(tags) or None
    session.flush()


def _tag(session: Session, channel: str, name: str, platform_id: int | None) -> Tag:
    tag = session.scalar(select(Tag).where(Tag.channel == channel, Tag.name == name))
    if tag is None:
        tag = Tag(channel=channel, name=name)
        session.add(tag)
    if platform_id is not None:
        tag.platform_id = platform_id
    session.flush()
    return tag


def tags_of(session: Session, channel: str) -> Sequence[Tag]:
    """The tags that the channel has, by name."""
    return session.scalars(select(Tag).where(Tag.channel == channel).order_by(Tag.name).limit(2 * MOST_TAGS)).all()


def _write(session: Session, follower_id: int, values: Mapping[str, object]) -> None:
    session.execute(update(Follower).where(Follower.id == follower_id).values(dict(values)))
