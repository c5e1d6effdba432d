"""Pages of the custom menu: written by one person, reviewed and published by another, compared with the platform."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import current_app, flash, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import audit, publishing, rulebook
from service.channels.wechat import accounts, menu_rules, menus, watching
from service.channels.wechat.accounts import Account, Kind
from service.channels.wechat.calls import RefusedError
from service.clock import utcnow
from service.database import reading, transaction
from service.errors import Forbidden, IllegalTransition, NotFound
from service.people import Permission
from service.publishing import Publication, State
from service.routing.menu_keys import KNOWN
from service.web import menu_form
from service.web.auth import SIGNED_IN, me, needs
from service.web.languages import language
from service.web.naming import people_names
from service.web.pages import Answer, admin, go, looking

EDIT, REVIEW = Permission.EDIT_CONTENT, Permission.REVIEW_CONTENT
Content = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the editor shows beside what is saved: a form that was refused, and why the platform refused."""

    content: Content | None = None
    refusal: str = ""
    checked: bool = False  # say what is wrong with the draft


def account_of(slug: str) -> Account:
    """The account, for somebody who writes or reviews. Raises Forbidden, NotFound."""
    refuse_others()
    found = accounts.account_for(slug)
    if found is None:
        raise NotFound(f"no official account {slug}")
    return found


@admin.get("/menus")
@needs(SIGNED_IN)
def menus_of_all() -> Answer:
    return accounts_with(menus.KIND, "admin.menu", "admin/menus.html")


def accounts_with(kind: str, endpoint: str, template: str) -> Answer:
    """Every account with the state of its document of that kind; straight to the one where there is one."""
    refuse_others()
    with looking() as session:
        rows = accounts.listing(session)
        if len(rows) == 1:
            return go(url_for(endpoint, slug=rows[0].slug))
        listed = [
            (row, publishing.published(session, kind, channel), publishing.in_work(session, kind, channel))
            for row in rows
            for channel in [accounts.PREFIX + row.slug]
        ]
        return render_template(template, rows=listed)


def refuse_others() -> None:
    """Raises Forbidden for who neither writes nor reviews."""
    if not (me().may(EDIT) or me().may(REVIEW)):
        raise Forbidden("your role does not allow this", permission=str(EDIT))


@admin.get("/menus/<slug>")
@needs(SIGNED_IN)
def menu(slug: str) -> Answer:
    return page(account_of(slug), Shown())


def page(account: Account, shown: Shown, status: int = 200) -> Answer:
    """The menu's page: what is in force, what is being written, the history, and the last comparison."""
    with looking() as session:
        in_force = publishing.published(session, menus.KIND, account.channel)
        work = publishing.in_work(session, menus.KIND, account.channel)
        content = shown.content or (work.content if work else in_force.content if in_force else first_draft(account))
        versions = publishing.history(session, menus.KIND, account.channel)
        problems = menu_rules.problems(content) if shown.checked or (work and work.state == State.DRAFT) else []
        authors = people_names(session, [name for v in versions for name in (v.author, v.reviewer)])
        return render_template(
            "admin/menu.html",
            account=account,
            in_force=in_force,
            work=work,
            content=content,
            columns=menu_form.columns(content, problems),
            problems=problems,
            versions=versions,
            people=authors,
            check=menus.check_of(session, account.channel),
            refusal=shown.refusal,
            can_publish=menus.can_publish(account),
            may_edit=me().may(EDIT) and (work is None or work.state == State.DRAFT),
            may_review=may_decide(work),
            form=menu_form,
            rules=menu_rules,
            pages=own_pages(account),
        ), status


def may_decide(work: Publication | None) -> bool:
    return work is not None and work.state == State.SUBMITTED and me().may(REVIEW) and me().username not in work.writers


def public_url() -> str:
    url: str = current_app.config["SETTINGS"].public_url
    return url.rstrip("/")


def own_pages(account: Account) -> Mapping[str, str]:
    """Our own pages that an item may open."""
    return {_("我的工单"): f"{public_url()}/my/{account.slug}/", _("进度查询"): f"{public_url()}/progress"}


def first_draft(account: Account) -> Content:
    """The shipped menu. Only certified service accounts can open the follower's own page from a menu."""
    opens = account.certified and account.kind is Kind.SERVICE
    return menu_rules.default_menu(f"{public_url()}/my/{account.slug}/" if opens else "")


@admin.post("/menus/<slug>")
@needs(EDIT)
def save_menu(slug: str) -> Answer:
    """Save the draft, whatever is wrong with it; move an item; or hand the draft in, if nothing is wrong."""
    account = account_of(slug)
    content = menu_form.read(request.form)
    step = request.form.get("move", "")
    if step:
        content = menu_form.moved(content, step)
    is_handed_in = request.form.get("do") == "submit" and not step
    problems = menu_rules.problems(content)
    with transaction() as session:
        draft = publishing.write(
            session,
            menus.KIND,
            account.channel,
            content,
            author=me().username,
            note=request.form.get("note", "").strip()[:500],
            now=utcnow(),
        )
        if is_handed_in and not problems:
            publishing.submit(session, draft, by=me().username, now=utcnow())
    if is_handed_in and problems:
        return page(account, Shown(content, checked=True), 422)
    message = _("已提交，请另一位同事审核发布") if is_handed_in else _("草稿已保存")
    anchor = f"#place-{step.partition(':')[0]}" if step else ""
    return go(url_for("admin.menu", slug=slug) + anchor, "" if step else message)


@admin.post("/menus/<slug>/take-back")
@needs(EDIT)
def take_menu_back(slug: str) -> Answer:
    return decided(
        slug, lambda s, d: publishing.take_back(s, d, by=me().username, now=utcnow()), _("已撤回，可继续修改")
    )


@admin.post("/menus/<slug>/discard")
@needs(EDIT)
def discard_menu(slug: str) -> Answer:
    return decided(slug, lambda s, d: publishing.discard(s, d, by=me().username, now=utcnow()), _("草稿已放弃"))


@admin.post("/menus/<slug>/reject")
@needs(REVIEW)
def reject_menu(slug: str) -> Answer:
    reason = request.form.get("reason", "").strip()[:500] or _("未说明原因")
    return decided(
        slug,
        lambda session, draft: publishing.reject(session, draft, by=me().username, reason=reason, now=utcnow()),
        _("已退回作者"),
    )


def decided(slug: str, step: Callable[[Session, Publication], None], message: str) -> Answer:
    """Take one step with the version that is in work."""
    account = account_of(slug)
    with transaction() as session:
        step(session, in_work(session, account, lock=True))
    return go(url_for("admin.menu", slug=slug), message)


def in_work(session: Session, account: Account, *, lock: bool = False) -> Publication:
    found = publishing.in_work(session, menus.KIND, account.channel, lock=lock)
    if found is None:
        raise IllegalTransition("no version is in work")
    return found


@admin.post("/menus/<slug>/publish")
@needs(REVIEW)
def publish_menu(slug: str) -> Answer:
    """To the platform first, then in force with us: where it refuses, what was in force stays on both sides."""
    account = account_of(slug)
    with reading() as session:
        draft = in_work(session, account)
        if not may_decide(draft):
            raise Forbidden("another person than the author has to publish this version")
        read, content = draft.mark, dict(draft.content)
    if request.form.get("seen", read) != read:
        raise IllegalTransition("the version has changed meanwhile")
    try:
        menus.put(account, content)
    except RefusedError as refused:
        return page(account, Shown(refusal=refused.sentence(language())), 422)
    with transaction() as session:
        publishing.publish(session, in_work(session, account, lock=True), by=me().username, now=utcnow(), seen=read)
        rulebook.bump(session)
        menus.compared(session, account.channel, {"menu": menu_rules.to_platform(content)}, now=utcnow())
    return go(url_for("admin.menu", slug=slug), _("菜单已发布，粉丝重新进入公众号或约 5 分钟后可见"))


@admin.post("/menus/<slug>/restore/<int:version>")
@needs(EDIT)
def restore_menu(slug: str, version: int) -> Answer:
    account = account_of(slug)
    with transaction() as session:
        publishing.restore(session, menus.KIND, account.channel, version, by=me().username, now=utcnow())
    return go(url_for("admin.menu", slug=slug), _("已恢复为草稿，提交后由另一位同事发布"))


@admin.post("/menus/<slug>/compare")
@needs(SIGNED_IN)
def compare_menu(slug: str) -> Answer:
    """Ask the platform what followers see, now."""
    account = account_of(slug)
    words = {
        menus.Outcome.SAME: _("与平台一致"),
        menus.Outcome.DIFFERENT: _("与平台不一致，请看下面的说明"),
        menus.Outcome.FAILED: _("平台没有回答，请稍后再核对"),
    }
    return go(url_for("admin.menu", slug=slug), words[watching.compare(account, now=utcnow())])


@admin.post("/menus/<slug>/import")
@needs(EDIT)
def import_menu(slug: str) -> Answer:
    """What followers see now becomes the draft."""
    account = account_of(slug)
    try:
        found = menus.shown(account)
    except RefusedError as refused:
        return page(account, Shown(refusal=refused.sentence(language())), 422)
    with transaction() as session:
        ours = publishing.published(session, menus.KIND, account.channel)
        known = {key: {"action": action.value, "text": ""} for key, action in KNOWN.items()}
        known |= {key: dict(row) for key, row in menu_rules.actions_of(ours.content if ours else {}).items()}
        content = menu_rules.from_platform(found, known)
        if not content["buttons"]:
            flash(_("平台上没有菜单，没有可导入的内容"), "error")
            return go(url_for("admin.menu", slug=slug))
        note = _("从公众平台导入")
        publishing.write(session, menus.KIND, account.channel, content, author=me().username, note=note, now=utcnow())
        audit.record(session, at=utcnow(), actor=me().username, action="menu_imported", after={"about": slug})
    return go(url_for("admin.menu", slug=slug), _("已导入为草稿，请补全点击后的答复再提交"))
