"""What a follower's coming, going and withdrawing their consent oblige to; and what staff note about them."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from service import alerts, audit
from service.errors import IllegalTransition, InvalidInput, NotFound
from service.messaging import profiles
from service.messaging.followers import Follower
from service.messaging.ports import Inbound
from service.people import User
from service.tickets import judgements, opinions

MODIFIED = "event:user_info_modified"
REVOKED = "event:user_authorization_revoke"
CANCELLED = "event:user_authorization_cancellation"
PRIVACY = frozenset({MODIFIED, REVOKED, CANCELLED})
PRIVACY_ALERT = "privacy"
TO_DO = (
    "有粉丝撤回授权或注销了微信账号，工单台已清除其资料（备注、标签、来源）。请到“粉丝”页按“资料已清除”查看："
    "未办完的工单办完为止；导出的表格、截图等系统外的副本请一并删除，并留下处理记录。"
)


def following(session: Session, follower_id: int, message: Inbound, *, now: datetime) -> None:
    """A subscribe or unsubscribe event of a follower whose row is locked."""
    if message.kind == "subscribe":
        profiles.came(session, follower_id, scene=message.extra.get("scene", ""), at=message.sent_at, now=now)
    else:
        profiles.left(session, follower_id, now=message.sent_at)


def privacy_event(session: Session, message: Inbound, *, now: datetime) -> None:
    """A person changed or withdrew what they let the account know. The event names them in a field of its own."""
    address = message.extra.get("OpenID") or message.follower
    query = select(Follower).where(Follower.channel == message.channel, Follower.address == address)
    follower = session.scalar(query.with_for_update(key_share=True))
    if follower is None:
        return
    if message.kind == MODIFIED:
        follower.profile_due_at = now
        return
    if message.kind == CANCELLED:
        profiles.left(session, follower.id, now=now, why=profiles.GONE)
    erase(session, follower, actor=audit.FOLLOWER, now=now, because=message.kind.removeprefix("event:"))
    alerts.raised(session, scope=message.channel, kind=PRIVACY_ALERT, detail=TO_DO, now=now)


def erase(session: Session, follower: Follower, *, actor: str, now: datetime, because: str) -> None:
    """Profile data go for good; tickets and messages stay for their term under a pseudonym.

    Nothing is learnt any more from what they wrote.
    """
    profiles.forget(session, follower.id)
    judgements.forget(session, follower.id)
    opinions.forget(session, follower.id)
    session.execute(update(Follower).where(Follower.id == follower.id).values(erased_at=now))
    session.refresh(follower)
    _record(session, follower, "erased", actor=actor, now=now, because=because)


def set_remark(session: Session, follower_id: int, remark: str, *, by: User, now: datetime) -> Follower:
    """What staff call the follower; "" takes it away. Raises InvalidInput, NotFound."""
    check_remark(remark)
    follower = _locked(session, follower_id)
    before, follower.remark = follower.remark, remark.strip() or None
    if before != follower.remark:
        # the words themselves are profile data: they stand in the history, which is emptied with the profile
        _record(session, follower, "remark", actor=by.username, now=now, detail=follower.remark or "")
    return follower


def check_remark(remark: str) -> None:
    """Raises InvalidInput for one that the platform would not take."""
    if len(remark.strip().encode()) > profiles.LONGEST_REMARK:
        raise InvalidInput(remark=f"use at most {profiles.LONGEST_REMARK} bytes, which are nine Chinese characters")


def retag(session: Session, follower_id: int, tags: Mapping[str, int | None], *, by: User, now: datetime) -> Follower:
    """The follower has exactly these tags (name -> the platform's number). Raises InvalidInput, NotFound."""
    check_tags(tags)
    follower = _locked(session, follower_id)
    before = set(follower.tags or ())
    profiles.set_tags(session, follower, tags)
    changes = [*(f"+{name}" for name in sorted(tags.keys() - before)), *(f"-{n}" for n in sorted(before - tags.keys()))]
    if changes:
        _record(session, follower, "tags", actor=by.username, now=now, detail=" ".join(changes))
    return follower


def check_tags(names: Iterable[str]) -> None:
    """Raises InvalidInput for tags that the platform would not take."""
    listed = list(names)
    if len(listed) > profiles.MOST_TAGS_OF_ONE:
        raise InvalidInput(tags=f"a follower has at most {profiles.MOST_TAGS_OF_ONE} tags")
    for name in listed:
        if not name.strip() or len(name.encode()) > profiles.LONGEST_TAG:
            raise InvalidInput(tags=f"a tag has 1 to {profiles.LONGEST_TAG} bytes, which are ten Chinese characters")


def block(session: Session, follower_id: int, *, reason: str, by: User, now: datetime) -> Follower:
    """From now on their messages are kept and open nothing. Raises InvalidInput, IllegalTransition, NotFound."""
    if not reason.strip():
        raise InvalidInput(reason="say why: it is kept in the audit trail")
    follower = _locked(session, follower_id)
    if follower.blocked_at is not None:
        raise IllegalTransition("the follower is blocked already")
    follower.blocked_at = now
    _record(session, follower, "blocked", actor=by.username, now=now, because=reason)
    return follower


def unblock(session: Session, follower_id: int, *, reason: str, by: User, now: datetime) -> Follower:
    """Their messages count again. Raises IllegalTransition, NotFound."""
    follower = _locked(session, follower_id)
    if follower.blocked_at is None:
        raise IllegalTransition("the follower is not blocked")
    follower.blocked_at = None
    _record(session, follower, "unblocked", actor=by.username, now=now, because=reason)
    return follower


def _locked(session: Session, follower_id: int) -> Follower:
    query = select(Follower).where(Follower.id == follower_id).execution_options(populate_existing=True)
    follower = session.scalar(query.with_for_update(key_share=True))
    if follower is None:
        raise NotFound("no such follower")
    return follower


def _record(
    session: Session, follower: Follower, kind: str, *, actor: str, now: datetime, detail: str = "", because: str = ""
) -> None:
    """In the audit trail without profile data, and in the follower's own history."""
    after = {"follower": follower.id}
    audit.record(session, at=now, actor=actor, action=f"follower_{kind}", after=after, because=because)
    profiles.note(session, follower.id, kind, actor=actor, now=now, detail=detail or because)
    session.flush()
