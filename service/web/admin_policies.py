"""The page of the targets: the newest version as a table to edit, a trial of the draft, and every version before."""

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import policies
from service.clock import utcnow
from service.database import transaction
from service.people import Permission
from service.policies import Edit
from service.sla.drafts import UnusableTable, rows_of
from service.sla.trial import TRIED
from service.tickets import policy_moves, trial
from service.tickets.trial import Trial
from service.web import admin_policies_form as sheet
from service.web import formats, labels, naming
from service.web.admin_policies_form import Draft, draft_from, draft_of
from service.web.auth import me, needs
from service.web.pages import Answer, admin, go, looking
from service.web.schemas import LONGEST_REASON

LOOK, CHANGE = Permission.SUPERVISE, Permission.MANAGE_RULES
USUAL_SPAN = 30


@admin.get("/policies")
@needs(LOOK)
def policies_page() -> Answer:
    """The newest targets, or an older version as a draft on top of them."""
    wanted = request.args.get("from", type=int)
    with looking() as session:
        newest = policies.newest(session)
        version = newest if wanted is None else policies.get_version(session, wanted)
        return page_of(session, draft_of(version, newest.version), loaded=wanted)


def page_of(
    session: Session, draft: Draft, *, loaded: int | None = None, tried: Trial | None = None, note: str = ""
) -> Answer:
    """The page; 422 where something is wrong with the draft."""
    newest = policies.newest(session)
    before = request.args.get("before", type=int)
    versions = policies.versions(session, before=before)
    page = render_template(
        "admin/policies.html",
        draft=draft,
        newest=newest,
        now_is={policy.name: sheet.cells_of(policy) for policy in newest.table.policies},
        sheet=sheet,
        loaded=loaded,
        trial=tried,
        note=note,
        also_open=request.form.get("also_open") == "y",
        days=tried.days if tried else USUAL_SPAN,
        spans=trial.SPANS,
        most=trial.MOST,
        versions=versions,
        differences=policies.differences,
        open_tickets=policy_moves.open_by_version(session),
        progress=policy_moves.progress(session),
        names=naming.people_names(session, [version.by for version in versions]),
        categories=[c for c in g.rules.categories if c not in sheet.CLOCKLESS],
        priorities={**labels.PRIORITIES, sheet.ANY_PRIORITY: _("所有优先级")},
        tried_kinds=TRIED,
        may_change=me().may(CHANGE),
    )
    return page, 200 if draft.is_good else 422


@admin.post("/policies")
@needs(LOOK)
def edit_policies() -> Answer:
    """The draft with a row more or less, or only looked at: nothing is saved."""
    draft = draft_from(request.form)
    removed = request.form.get("remove", type=int)
    with looking() as session:
        if removed is not None:
            return page_of(session, draft.without_row(removed), note=note_in_form())
        if request.form.get("do") == "add":
            added = (request.form.get(f"add-{name}", "").strip() for name in ("category", "priority", "tag"))
            return page_of(session, draft.with_row(*added), note=note_in_form())
        return page_of(session, judged(session, draft), note=note_in_form())


def judged(session: Session, draft: Draft) -> Draft:
    """The draft with what is wrong with it."""
    try:
        draft.table(session)
    except UnusableTable as unusable:
        return draft.with_mistakes(unusable.mistakes)
    return draft.tidied()


def note_in_form() -> str:
    return request.form.get("note", "").replace("\0", "").strip()[:LONGEST_REASON]


@admin.post("/policies/try")
@needs(LOOK)
def try_policies() -> Answer:
    """What the draft would have made of the last days."""
    draft, days = draft_from(request.form), request.form.get("days", USUAL_SPAN, type=int)
    with looking() as session:
        try:
            table = draft.table(session)
        except UnusableTable as unusable:
            return page_of(session, draft.with_mistakes(unusable.mistakes), note=note_in_form())
        days = days if days in trial.SPANS else USUAL_SPAN
        found = trial.run(session, me(), table, days=days, now=formats.now(), rules=g.rules)
        return page_of(session, draft.tidied(), tried=found, note=note_in_form())


@admin.post("/policies/save")
@needs(CHANGE)
def save_policies() -> Answer:
    """The draft as the next version, for new tickets or for the open ones too."""
    draft, note = draft_from(request.form), note_in_form()
    also_open = request.form.get("also_open") == "y"
    try:
        with transaction() as session:
            table = draft.table(session)
            carry = sum(policy_moves.open_by_version(session).values()) if also_open else None
            edit = Edit(me().username, utcnow(), note)
            made = policies.save(session, rows_of(table), edit, base=draft.base, carry=carry).version
    except UnusableTable as unusable:
        with looking() as session:
            draft = draft.with_mistakes(unusable.mistakes)
            if any(mistake.column == "note" for mistake in unusable.mistakes):
                draft = draft.with_words(_("请写明为什么调整（备注）"))
            return page_of(session, draft, note=note)
    words = _("版本 %(version)d 已保存，新工单开始使用。", version=made)
    return go(url_for("admin.policies_page"), words + (_("未结工单正在转过来，已承诺的不会提前。") if carry else ""))


@admin.get("/policies/progress")
@needs(LOOK)
def policies_progress() -> Answer:
    """How far the open tickets have gone over, for a page that is open."""
    with looking() as session:
        return render_template("admin/_policies_progress.html", progress=policy_moves.progress(session), done=True)
