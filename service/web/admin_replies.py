"""Pages of the auto-replies: written by one person, tried out, reviewed and published by another."""

from collections.abc import Callable, Mapping

from flask import flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session

from service import publishing, rulebook
from service.channels.wechat import autoreply_import
from service.channels.wechat.accounts import Account
from service.channels.wechat.calls import RefusedError
from service.clock import utcnow
from service.database import transaction
from service.errors import Forbidden, IllegalTransition, InvalidInput, NotFound
from service.people import Permission
from service.publishing import Publication, State
from service.routing import autoreply
from service.tickets import hits
from service.tickets.answers import KIND, default_document
from service.web import replies_words
from service.web.admin_forms import NothingForm
from service.web.admin_menu import account_of, accounts_with, may_decide
from service.web.auth import SIGNED_IN, me, needs
from service.web.languages import language
from service.web.naming import people_names
from service.web.pages import Answer, admin, go, looking
from service.web.presenting import rules
from service.web.replies_forms import NoteForm, RuleForm, SayingsForm, TrialForm
from service.web.replies_trial import Tried, tried

EDIT, REVIEW = Permission.EDIT_CONTENT, Permission.REVIEW_CONTENT
Content = Mapping[str, object]
DAYS_COUNTED = 30


@admin.get("/replies")
@needs(SIGNED_IN)
def replies_of_all() -> Answer:
    return accounts_with(KIND, "admin.replies", "admin/replies_all.html")


@admin.get("/replies/<slug>")
@needs(SIGNED_IN)
def replies(slug: str) -> Answer:
    return page(account_of(slug))


def page(account: Account, *, refusal: str = "", status: int = 200) -> Answer:
    """What is in force, what is being written and how it differs, the box to try it, the history."""
    channel = account.channel
    with looking() as session:
        in_force, work = publishing.published(session, KIND, channel), publishing.in_work(session, KIND, channel)
        old = in_force.content if in_force else default_document()
        content = work.content if work else old
        versions = publishing.history(session, KIND, channel)
        trial = TrialForm(request.args)
        page = render_template(
            "admin/replies.html",
            account=account,
            in_force=in_force,
            work=work,
            content=content,
            listed=replies_words.rules_of(content),
            counts=hits.lately(session, channel, now=utcnow(), zone=rules(session).zone, days=DAYS_COUNTED),
            changes=replies_words.changes(old, work.content) if work else [],
            versions=versions,
            people=people_names(session, [name for v in versions for name in (v.author, v.reviewer)]),
            trial=trial,
            tried=attempt(session, content, trial, channel),
            refusal=refusal,
            may_edit=me().may(EDIT) and (work is None or work.state == State.DRAFT),
            may_review=may_decide(work),
            words=replies_words,
            note=NoteForm(formdata=None),
            nothing=NothingForm(formdata=None),
        )
        return page, status


def attempt(session: Session, content: Content, trial: TrialForm, channel: str) -> Tried | None:
    """The answer to the message in the box; None while there is none."""
    if not (trial.text.data and trial.validate()):
        return None
    return tried(session, content, trial.text.data, trial.at.data or utcnow(), channel=channel, rules=rules(session))


@admin.route("/replies/<slug>/rules/new", methods=["GET", "POST"])
@needs(EDIT)
def new_rule(slug: str) -> Answer:
    return rule_page(account_of(slug), None)


@admin.route("/replies/<slug>/rules/<rule_id>", methods=["GET", "POST"])
@needs(EDIT)
def rule(slug: str, rule_id: str) -> Answer:
    return rule_page(account_of(slug), rule_id)


def rule_page(account: Account, rule_id: str | None) -> Answer:
    """The editor of one rule; what is saved goes into the draft."""
    with looking() as session:
        content = latest(session, account)
    known = {str(row.get("id")): row for row in replies_words.rules_of(content)}
    if rule_id is not None and rule_id not in known:
        raise NotFound("no such rule")
    form = RuleForm()
    if request.method == "GET":
        form.show(known[rule_id] if rule_id else {})
    elif form.validate() and saved(form, account, lambda old: with_rule(old, form.rule(rule_id))):
        return go(url_for("admin.replies", slug=account.slug), _("规则已写入草稿，提交并由另一位同事发布后生效"))
    with looking():
        page = render_template("admin/replies_rule.html", account=account, form=form, rule_id=rule_id)
    return page, 422 if form.errors else 200


@admin.post("/replies/<slug>/rules/<rule_id>/delete")
@needs(EDIT)
def delete_rule(slug: str, rule_id: str) -> Answer:
    def without(old: Content) -> Content:
        return {**old, "rules": [row for row in replies_words.rules_of(old) if str(row.get("id")) != rule_id]}

    with transaction() as session:
        write(session, account_of(slug), without)
    return go(url_for("admin.replies", slug=slug), _("规则已从草稿中删除"))


@admin.route("/replies/<slug>/sayings", methods=["GET", "POST"])
@needs(EDIT)
def sayings(slug: str) -> Answer:
    account, form = account_of(slug), SayingsForm()
    if request.method == "GET":
        with looking() as session:
            form.show(latest(session, account))
    elif form.validate() and saved(form, account, lambda old: {**old, **form.sayings()}):
        return go(url_for("admin.replies", slug=slug), _("已写入草稿，提交并由另一位同事发布后生效"))
    with looking():
        page = render_template("admin/replies_sayings.html", account=account, form=form)
    return page, 422 if form.errors else 200


@admin.post("/replies/<slug>/import")
@needs(EDIT)
def import_replies(slug: str) -> Answer:
    """The rules of the platform's console go into the draft; what could not be taken over is named."""
    account = account_of(slug)
    try:
        found = autoreply_import.fetch(account)
    except RefusedError as refused:
        return page(account, refusal=refused.sentence(language()), status=422)
    if not (found.rules or found.welcome or found.default):
        flash(_("公众平台上没有可导入的自动回复"), "error")
        return go(url_for("admin.replies", slug=slug))
    with transaction() as session:
        write(session, account, lambda old: with_import(old, found), note=_("从公众平台导入"))
    for left in found.left:
        what = replies_words.LEFT.get(left.kind, left.kind)
        flash(_("未导入：%(rule)s 的%(what)s", rule=left.rule or _("欢迎语或默认答复"), what=what), "error")
    return go(url_for("admin.replies", slug=slug), _("已导入 %(count)s 条规则到草稿，请核对", count=len(found.rules)))


def with_rule(old: Content, row: Mapping[str, object]) -> Content:
    """The document with the rule in its place, or at the end."""
    listed = replies_words.rules_of(old)
    if not any(other.get("id") == row["id"] for other in listed):
        return {**old, "rules": [*listed, row]}
    return {**old, "rules": [row if other.get("id") == row["id"] else other for other in listed]}


def with_import(old: Content, found: autoreply_import.Imported) -> Content:
    made = old
    for row in found.rules:
        made = with_rule(made, row)
    if found.welcome:
        made = {**made, "welcome": {**replies_words.part(made, "welcome"), "paragraphs": [found.welcome]}}
    if found.default:
        made = {**made, "defaults": {"inside": found.default, "outside": found.default}}
    return made


def latest(session: Session, account: Account) -> Content:
    """What an editor goes on from: the draft, what is in force, or what is shipped."""
    found = publishing.in_work(session, KIND, account.channel) or publishing.published(session, KIND, account.channel)
    return found.content if found else default_document()


def saved(form: FlaskForm, account: Account, change: Callable[[Content], Content]) -> bool:
    """Whether the draft now has the change; what was wrong with a field stands beside it."""
    try:
        with transaction() as session:
            write(session, account, change)
    except InvalidInput as error:
        for name, texts in error.data["errors"].items():  # type: ignore[attr-defined]
            field = getattr(form, {"keywords": "exact", "words": "exact"}.get(name, name), None) or next(iter(form))
            field.errors = [*field.errors, str(replies_words.WRONG.get(name, texts[0]))]
        return False
    return True


def write(session: Session, account: Account, change: Callable[[Content], Content], *, note: str = "") -> None:
    """Change the draft. Raises InvalidInput, and IllegalTransition while a version waits for review."""
    content = change(latest(session, account))
    autoreply.read(content)
    publishing.write(session, KIND, account.channel, content, author=me().username, note=note, now=utcnow())


@admin.post("/replies/<slug>/<any('submit','take-back','discard','reject','publish'):step>")
@needs(SIGNED_IN)
def decide_replies(slug: str, step: str) -> Answer:
    """Take the version that is in work a step further, or back."""
    right, do, message = STEPS[step]
    if not me().may(right):
        raise Forbidden("your role does not allow this", permission=str(right))
    with transaction() as session:
        draft = publishing.in_work(session, KIND, account_of(slug).channel, lock=True)
        if draft is None:
            raise IllegalTransition("no version is in work")
        do(session, draft, request.form.get("note", "").strip()[:500])
    return go(url_for("admin.replies", slug=slug), str(message))


def submit(session: Session, draft: Publication, note: str) -> None:
    draft.note = note or draft.note
    publishing.submit(session, draft, by=me().username, now=utcnow())


def take_back(session: Session, draft: Publication, _note: str) -> None:
    publishing.take_back(session, draft, by=me().username, now=utcnow())


def discard(session: Session, draft: Publication, _note: str) -> None:
    publishing.discard(session, draft, by=me().username, now=utcnow())


def reject(session: Session, draft: Publication, note: str) -> None:
    publishing.reject(session, draft, by=me().username, reason=note or _("未说明原因"), now=utcnow())


def publish(session: Session, draft: Publication, _note: str) -> None:
    autoreply.read(draft.content)
    publishing.publish(session, draft, by=me().username, now=utcnow(), seen=request.form.get("seen", ""))
    rulebook.bump(session)


STEPS = {
    "submit": (EDIT, submit, _l("已提交，请另一位同事审核发布")),
    "take-back": (EDIT, take_back, _l("已撤回，可继续修改")),
    "discard": (EDIT, discard, _l("草稿已放弃")),
    "reject": (REVIEW, reject, _l("已退回作者")),
    "publish": (REVIEW, publish, _l("已发布，约一秒后生效")),
}


@admin.post("/replies/<slug>/restore/<int:version>")
@needs(EDIT)
def restore_replies(slug: str, version: int) -> Answer:
    account = account_of(slug)
    with transaction() as session:
        publishing.restore(session, KIND, account.channel, version, by=me().username, now=utcnow())
    return go(url_for("admin.replies", slug=slug), _("已恢复为草稿，提交后由另一位同事发布"))
