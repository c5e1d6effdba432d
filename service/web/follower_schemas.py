"""The shapes of a follower in JSON."""

from datetime import datetime

from marshmallow import fields, validate

from service.messaging.followers import Follower
from service.messaging.profiles import MOST_TAGS_OF_ONE
from service.web.schemas import In, local, reason_field, window_out

TAG = validate.Length(1, 100)  # the limit in bytes is checked where tags are given


class RemarkIn(In):
    remark = fields.String(required=True, validate=validate.Length(0, 100))


class TagsIn(In):
    add = fields.List(fields.String(validate=TAG), load_default=list, validate=validate.Length(0, MOST_TAGS_OF_ONE))
    remove = fields.List(fields.String(validate=TAG), load_default=list, validate=validate.Length(0, MOST_TAGS_OF_ONE))


class FollowerReasonIn(In):
    reason = reason_field()


def follower_out(follower: Follower, now: datetime) -> dict[str, object]:
    """Everything about a follower but their tickets."""
    return {
        "id": follower.id,
        "display_name": follower.display_name,
        "account": follower.channel.partition(":")[2],
        "following": follower.following,
        "unreachable": follower.unreachable,
        "blocked_at": local(follower.blocked_at),
        "erased_at": local(follower.erased_at),
        "remark": follower.remark,
        "tags": follower.tags or [],
        "source": {"first": follower.first_source, "last": follower.last_source, "scene": follower.subscribe_scene},
        "subscribed_at": local(follower.subscribed_at),
        "first_seen_at": local(follower.first_seen_at),
        "last_seen_at": local(follower.last_seen_at),
        "reply_window": window_out(follower, now),
    }
