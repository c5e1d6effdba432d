"""Pages of the codes that tell where followers come from."""

from datetime import timedelta

from flask import current_app, render_template, send_file, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import IntegerField, RadioField, StringField
from wtforms.validators import Length, NumberRange, Optional, Regexp

from service import audit
from service.channels.wechat import accounts
from service.channels.wechat import qrcodes as platform
from service.channels.wechat.accounts import Account
from service.channels.wechat.calls import RefusedError
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import InvalidInput, NotFound
from service.messaging import qrcodes
from service.messaging.qrcodes import QrCode
from service.people import Permission
from service.tickets import sources
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.forms import CHOSEN, REQUIRED, options
from service.web.languages import language
from service.web.pages import Answer, admin, go, looking

MANAGE = Permission.MANAGE_ACCOUNTS
KINDS = {"temporary": _l("临时（到期失效，最长 30 天）"), "permanent": _l("永久（全账号最多 10 万个）")}
MOST_DAYS = platform.LONGEST_LIFE.days


class CodeForm(FlaskForm):
    name = StringField(
        _l("名称"), description=_l("给自己人看，例如“十二号门店收银台”"), validators=[REQUIRED, Length(max=60)]
    )
    scene = StringField(
        _l("场景值"),
        description=_l("1 到 64 个字母、数字、下划线或横线，例如 src_store_12。扫码的人能看到它，不要写入个人信息"),
        validators=[
            REQUIRED,
            Regexp(f"^{qrcodes.SCENE.pattern}$", message=_l("只能用 1 到 64 个字母、数字、下划线或横线")),
        ],
    )
    kind = RadioField(_l("期限"), choices=options(KINDS.items()), default="temporary", validators=[CHOSEN])
    days = IntegerField(
        _l("有效天数（临时码）"),
        default=MOST_DAYS,
        validators=[Optional(), NumberRange(1, MOST_DAYS, message=_l("请填写 1 到 30"))],
    )


def account_of(slug: str) -> Account:
    found = accounts.account_for(slug)
    if found is None:
        raise NotFound(f"no official account {slug}")
    return found


def code_of(session: Session, channel: str, code_id: int, *, lock: bool = False) -> QrCode:
    found = qrcodes.find_code(session, channel, code_id, lock=lock)
    if found is None:
        raise NotFound("no such code")
    return found


@admin.get("/accounts/<slug>/codes")
@needs(MANAGE)
def codes(slug: str) -> Answer:
    return page(account_of(slug), CodeForm(formdata=None))


def page(account: Account, form: CodeForm, refusal: str = "", status: int = 200) -> Answer:
    with looking() as session:
        rows = qrcodes.listing(session, account.channel)
        counts = sources.tickets_by_source(session, account.channel)
        return render_template(
            "admin/codes.html",
            account=account,
            form=form,
            rows=rows,
            counts=counts,
            searched=sources.SEARCHED,
            refusal=refusal,
            can_make=platform.can_make(account),
            nothing=NothingForm(formdata=None),
        ), status


@admin.post("/accounts/<slug>/codes")
@needs(MANAGE)
def make_code(slug: str) -> Answer:
    """Made at the platform first, then kept: where it refuses, nothing is kept."""
    account, form = account_of(slug), CodeForm()
    if not form.validate_on_submit():
        return page(account, form, status=422)
    scene, life = form.scene.data, life_of(form)
    with reading() as session:
        if qrcodes.find_scene(session, account.channel, scene) is not None:
            form.scene.errors = [_("已有这个场景值的二维码，请换一个，或在列表里重新生成")]
            return page(account, form, status=422)
    return made(account, form, life, QrCode(channel=account.channel, scene=scene, name=form.name.data.strip()))


def life_of(form: CodeForm) -> timedelta | None:
    return None if form.kind.data == "permanent" else timedelta(days=form.days.data or MOST_DAYS)


def made(account: Account, form: CodeForm, life: timedelta | None, row: QrCode) -> Answer:
    if not platform.can_make(account):
        raise InvalidInput(account="only certified service accounts can make codes with a scene")
    try:
        given = platform.make(account, row.scene, life)
    except RefusedError as refused:
        return page(account, form, refused.sentence(language()), 422)
    with transaction() as session:
        row.kind, row.created_by, row.created_at = "permanent" if life is None else "temporary", me().username, utcnow()
        session.add(row)
        keep(session, row, given, "code_made")
    return go(url_for("admin.codes", slug=account.slug), _("二维码已生成"))


@admin.post("/accounts/<slug>/codes/<int:code_id>/renew")
@needs(MANAGE)
def renew_code(slug: str, code_id: int) -> Answer:
    """A temporary code for another thirty days; its picture changes, its counts go on."""
    account = account_of(slug)
    with reading() as session:
        scene = code_of(session, account.channel, code_id).scene
    try:
        given = platform.make(account, scene, platform.LONGEST_LIFE)
    except RefusedError as refused:
        return page(account, CodeForm(formdata=None), refused.sentence(language()), 422)
    with transaction() as session:
        keep(session, code_of(session, account.channel, code_id, lock=True), given, "code_renewed")
    return go(url_for("admin.codes", slug=slug), _("已重新生成，请更换印刷或投放的图片"))


def keep(session: Session, row: QrCode, given: platform.Made, action: str) -> None:
    """Write down what the platform gave."""
    row.ticket, row.url, row.digest = given.ticket, given.url, None
    row.expires_at = None if given.life is None else utcnow() + given.life
    session.flush()
    about = {"about": row.channel, "scene": row.scene, "kind": row.kind}
    audit.record(session, at=utcnow(), actor=me().username, action=action, after=about)


@admin.get("/accounts/<slug>/codes/<int:code_id>.png")
@needs(MANAGE)
def code_picture(slug: str, code_id: int) -> Answer:
    """The picture, fetched from the platform once and kept."""
    account, files = account_of(slug), current_app.extensions["files"]
    with reading() as session:
        row = code_of(session, account.channel, code_id)
        digest, ticket, name = row.digest, row.ticket, row.scene
    if digest is None or not files.path(digest).is_file():
        try:
            digest = files.put(platform.picture(ticket))
        except RefusedError as refused:
            raise NotFound(refused.sentence(language())) from refused
        with transaction() as session:
            row = code_of(session, account.channel, code_id, lock=True)
            if row.ticket == ticket:
                row.digest = digest
    path = files.path(digest)
    with path.open("rb") as file:
        kind = platform.type_of(file.read(8)) or "application/octet-stream"
    suffix = "jpg" if kind == "image/jpeg" else "png"
    return send_file(path, mimetype=kind, conditional=True, etag=digest, max_age=0, download_name=f"{name}.{suffix}")
