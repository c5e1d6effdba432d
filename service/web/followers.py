"""Pages of followers: who they are as far as anybody knows, everything they wrote, and what staff note about them."""

from collections.abc import Callable, Mapping, Sequence

from flask import flash, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, Optional

from service.channels.wechat import accounts
from service.channels.wechat.accounts import PREFIX
from service.errors import InvalidInput
from service.messaging import profiles
from service.messaging.followers import Follower
from service.people import Permission
from service.tickets import correspondence, queries
from service.tickets.models import Message
from service.web import chips, follower_access, follower_acts, formats, presenting, problems
from service.web.auth import me, needs
from service.web.follower_access import Wanted, follower_for, messages_seen_by
from service.web.forms import REQUIRED
from service.web.naming import people_names
from service.web.pages import Answer, desk, go, looking
from service.web.schemas import LONGEST_REASON
from service.web.talk import Said, known_names, said_of

MANAGE = Permission.MANAGE_FOLLOWERS
MESSAGES = 100
STATES = {"blocked": _l("已拉黑"), "erased": _l("资料已清除")}
EVENTS: Mapping[str, LazyString] = {
    "subscribe": _l("关注"),
    "unsubscribe": _l("取消关注"),
    "erased": _l("资料已清除"),
    "blocked": _l("拉黑"),
    "unblocked": _l("移出黑名单"),
    "remark": _l("改备注"),
    "tags": _l("改标签"),
}
SCENES: Mapping[str, LazyString] = {  # the platform's own words, an open list
    "ADD_SCENE_SEARCH": _l("搜索公众号"),
    "ADD_SCENE_ACCOUNT_MIGRATION": _l("公众号迁移"),
    "ADD_SCENE_PROFILE_CARD": _l("名片分享"),
    "ADD_SCENE_QR_CODE": _l("扫描二维码"),
    "ADD_SCENE_PROFILE_LINK": _l("文章内公众号名称"),
    "ADD_SCENE_PROFILE_ITEM": _l("文章右上角菜单"),
    "ADD_SCENE_PAID": _l("支付后关注"),
    "ADD_SCENE_WECHAT_ADVERTISEMENT": _l("微信广告"),
    "ADD_SCENE_REPRINT": _l("他人转载"),
    "ADD_SCENE_LIVESTREAM": _l("视频号直播"),
    "ADD_SCENE_CHANNELS": _l("视频号"),
    "ADD_SCENE_WXA": _l("小程序"),
    "ADD_SCENE_OTHERS": _l("其他"),
}


class RemarkForm(FlaskForm):
    remark = StringField(
        _l("备注名"), description=_l("最多 29 字节（约 9 个汉字），客户看不到"), validators=[Optional(), Length(max=29)]
    )


class TagForm(FlaskForm):
    tags = StringField(
        _l("添加标签"), description=_l("最多 10 个汉字；多个用逗号隔开"), validators=[REQUIRED, Length(max=300)]
    )


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("原因"), validators=[REQUIRED, Length(max=LONGEST_REASON)])


@desk.get("/followers")
@needs(Permission.SEE)
def followers() -> Answer:
    """Find a follower; without a question, the newest ones."""
    tag_id = request.args.get("tag", "")
    wanted = Wanted(
        q=request.args.get("q", "").replace("\0", "")[:100],
        tag=int(tag_id) if tag_id.isascii() and tag_id.isdigit() and len(tag_id) <= queries.LONGEST_ID else None,
        channel=request.args.get("account", "").replace("\0", "")[:100],
        state=request.args.get("state", "") if request.args.get("state") in STATES else "",
    )
    with looking() as session:
        channels = {PREFIX + row.slug: row.name for row in accounts.listing(session)}
        tags = [tag for channel in channels for tag in profiles.tags_of(session, channel)]
        rows = follower_access.search(session, me(), wanted, channels)
        views = [(row, chips.window_chip(row, formats.now(), waits=False)) for row in rows]
        return render_template(
            "desk/followers.html",
            rows=views,
            wanted=wanted,
            channels=channels,
            tags=tags,
            states=STATES,
            searched=follower_access.SEARCHED,
            is_full=len(rows) == follower_access.LISTED,
        )


@desk.get("/followers/<int:follower_id>")
@needs(Permission.SEE)
def follower(follower_id: int) -> Answer:
    return page(follower_id)


def page(follower_id: int, *, form: FlaskForm | None = None) -> Answer:
    """Everything about a follower that the person may see; `form` is one that was refused."""
    with looking() as session:
        found = follower_for(session, me(), follower_id)
        talk = correspondence.messages_before(
            session, messages_seen_by(me(), found), request.args.get("cursor"), MESSAGES
        )
        events = profiles.history(session, found.id)
        offered = [tag.name for tag in profiles.tags_of(session, found.channel) if tag.name not in (found.tags or ())]
        return render_template(
            "desk/follower.html",
            follower=found,
            window=chips.window_chip(found, formats.now(), waits=False),
            tickets=queries.tickets_of(session, me(), found),
            lines=lines_of(session, found, talk.items),
            older=talk.next_cursor,
            events=events,
            actors=people_names(session, [event.actor for event in events]),
            numbers=numbers_of(session, talk.items),
            offered=offered,
            may_manage=me().may(MANAGE),
            EVENTS=EVENTS,
            SCENES=SCENES,
            remark=given(form, RemarkForm) or RemarkForm(formdata=None, remark=found.remark or ""),
            tag_form=given(form, TagForm) or TagForm(formdata=None),
            reason=given(form, ReasonForm) or ReasonForm(formdata=None),
        ), 422 if form is not None else 200


def given(form: FlaskForm | None, kind: type[FlaskForm]) -> FlaskForm | None:
    return form if isinstance(form, kind) else None


def lines_of(session: Session, found: Follower, messages: Sequence[Message]) -> list[Said]:
    """Messages as the conversation shows them; nothing can be sent again from here."""
    names = known_names(session, messages, [])
    parts = presenting.parts_of(session, messages)
    return [said_of(m, parts[m.id], names, found.channel, may_handle=False) for m in messages]


def numbers_of(session: Session, messages: Sequence[Message]) -> Mapping[int, str]:
    """Numbers of the tickets that these messages belong to, by id."""
    return correspondence.numbers_of(session, {m.ticket_id for m in messages if m.ticket_id is not None})


@desk.post("/followers/<int:follower_id>/remark")
@needs(MANAGE)
def remark_follower(follower_id: int) -> Answer:
    form = RemarkForm()
    return done(follower_id, form, lambda: follower_acts.set_remark(me(), follower_id, form.remark.data or ""))


@desk.post("/followers/<int:follower_id>/tags")
@needs(MANAGE)
def tag_follower(follower_id: int) -> Answer:
    form = TagForm()

    def act() -> None:
        names = (form.tags.data or "").replace("，", ",").replace("、", ",").split(",")
        follower_acts.retag(me(), follower_id, add=names)

    return done(follower_id, form, act)


@desk.post("/followers/<int:follower_id>/untag")
@needs(MANAGE)
def untag_follower(follower_id: int) -> Answer:
    name = request.form.get("tag", "")
    return done(follower_id, TagForm(tags=name or "-"), lambda: follower_acts.retag(me(), follower_id, remove=[name]))


@desk.post("/followers/<int:follower_id>/block")
@needs(MANAGE)
def block_follower(follower_id: int) -> Answer:
    form = ReasonForm()
    return done(follower_id, form, lambda: follower_acts.block(me(), follower_id, reason=form.reason.data))


@desk.post("/followers/<int:follower_id>/unblock")
@needs(MANAGE)
def unblock_follower(follower_id: int) -> Answer:
    form = ReasonForm()
    return done(follower_id, form, lambda: follower_acts.unblock(me(), follower_id, reason=form.reason.data))


def done(follower_id: int, form: FlaskForm, act: Callable[[], str | None]) -> Answer:
    """Carry it out and go back to the follower; what was wrong stands beside its field."""
    if not form.validate():
        return page(follower_id, form=form)
    try:
        trouble = act()
    except InvalidInput as error:
        for name, texts in error.data["errors"].items():  # type: ignore[attr-defined]
            field = getattr(form, name, None) or next(iter(form))
            field.errors = [*field.errors, *(problems.sentence(text) for text in texts)]
        return page(follower_id, form=form)
    if trouble:
        flash(_("本系统已生效，但微信平台没有接受：%(why)s", why=trouble), "error")
    return go(url_for("desk.follower", follower_id=follower_id), "" if trouble else _("已保存"))
