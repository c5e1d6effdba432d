"""The page of the keyword rules: search, edit, switch off, try a message, and see what a draft would change."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import parse_qsl, urlencode

from flask import g, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from service import keyword_rules
from service.clock import utcnow
from service.database import transaction
from service.errors import InvalidInput
from service.keyword_rules import Edit, Kept
from service.people import Permission
from service.routing.keywords import CATEGORIES, EFFECTS, Rule
from service.tickets import keyword_trial
from service.tickets.keyword_trial import Outcome
from service.web import formats, problems, rule_words, rules_trial
from service.web.admin import carried_out
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.labels import Labels
from service.web.pages import Answer, admin, go, looking
from service.web.rules_form import RuleForm, TrialForm
from service.web.rules_trial import Tried

LOOK, CHANGE = Permission.SUPERVISE, Permission.MANAGE_RULES
PAGE = 40


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for; empty means any."""

    q: str
    category: str
    effect: str
    state: str

    @property
    def query(self) -> dict[str, str]:
        """As it stands in an address."""
        return {name: each for name, each in asdict(self).items() if each}

    def fits(self, kept: Kept) -> bool:
        rule, q = kept.rule, self.q.lower()
        states = {"off": not kept.is_on, "edited": kept.is_edited and kept.is_on, "own": not kept.is_shipped}
        effect = rule.effect or "none"
        return (
            (not q or q in rule.why.lower() or q in rule.pattern.lower())
            and self.category in ("", rule.category)
            and self.effect in ("", effect)
            and states.get(self.state, True)
        )


def wanted_from(args: dict[str, str]) -> Wanted:
    """Unknown words of the address are left out."""
    return Wanted(
        q=args.get("q", "").replace("\0", "")[:100].strip(),
        category=_one_of(args.get("category", ""), CATEGORIES),
        effect=_one_of(args.get("effect", ""), (*EFFECTS, "none")),
        state=_one_of(args.get("state", ""), rule_words.RULE_STATES),
    )


def _one_of(word: str, known: Sequence[str] | Labels) -> str:
    return word if word in known else ""


def edit() -> Edit:
    return Edit(me().username, utcnow())


@admin.get("/rules")
@needs(LOOK)
def keywords() -> Answer:
    return list_page(TrialForm(formdata=None))


@admin.post("/rules/try")
@needs(LOOK)
def try_keywords() -> Answer:
    """What the rules in force make of a message; its text stands in no address and in no log."""
    return list_page(TrialForm())


def list_page(form: TrialForm) -> Answer:
    wanted = wanted_from(request.args.to_dict())
    with looking() as session:
        known = keyword_rules.rows_of(session)
        text = (form.text.data or "").replace("\0", "").strip()
        is_tried = form.is_submitted() and form.validate() and bool(text)
        found = [kept for kept in known if wanted.fits(kept)]
        page = max(1, min(request.args.get("page", 1, type=int), -(-len(found) // PAGE) or 1))
        made = render_template(
            "admin/rules.html",
            form=form,
            tried=rules_trial.tried(g.rules.classifier, text, known) if is_tried else None,
            rows=found[(page - 1) * PAGE : page * PAGE],
            count=len(found),
            known=len(known),
            page=page,
            pages=-(-len(found) // PAGE),
            wanted=wanted,
            back=urlencode(wanted.query),
            categories=CATEGORIES,
            nothing=NothingForm(formdata=None),
            rule_words=rule_words,
            may_change=me().may(CHANGE),
        )
    return made, 422 if form.errors else 200


@admin.route("/rules/new", methods=["GET", "POST"])
@needs(CHANGE)
def new_keyword() -> Answer:
    form = RuleForm()
    with looking():
        form.offer()
    if form.validate_on_submit() and carried_out(form, lambda session: keyword_rules.add(session, form.rule, edit())):
        return go(url_for("admin.keywords"), _("规则已添加，两秒内生效"))
    return rule_page(form, None)


@admin.get("/rules/<int:rule_id>")
@needs(LOOK)
def keyword(rule_id: int) -> Answer:
    form = RuleForm(formdata=None)
    with looking() as session:
        form.offer()
        form.show(keyword_rules.get_rule(session, rule_id))
    return rule_page(form, rule_id)


@admin.post("/rules/<int:rule_id>")
@needs(CHANGE)
def save_keyword(rule_id: int) -> Answer:
    form = RuleForm()
    with looking() as session:
        form.offer()
        keyword_rules.get_rule(session, rule_id)

    def save(session: Session) -> None:
        keyword_rules.change(session, rule_id, form.rule, edit(), mark=form.mark.data or "")

    if form.validate() and carried_out(form, save):
        return go(url_for("admin.keywords"), _("规则已保存，两秒内生效"))
    return rule_page(form, rule_id)


@admin.post("/rules/<int:rule_id>/switch")
@needs(CHANGE)
def switch_keyword(rule_id: int) -> Answer:
    is_on = request.form.get("on") == "y"
    with transaction() as session:
        keyword_rules.switch(session, rule_id, edit(), on=is_on)
    back = request.form.get("back", "")
    words = _("规则已启用，两秒内生效") if is_on else _("规则已停用，两秒内生效；升级不会再打开它")
    query = urlencode(wanted_from(dict(parse_qsl(back))).query)
    return go(f"{url_for('admin.keywords')}?{query}", words)


@admin.post("/rules/draft")
@needs(LOOK)
def try_keyword_draft() -> Answer:
    """What the rule as it is written here would make of a message, or of the newest tickets; nothing is saved."""
    form, rule_id = RuleForm(), request.args.get("rule", type=int)
    with looking() as session:
        form.offer()
        draft = drafted(form)
        if draft is None:
            return page_of(session, form, rule_id)
        classifier = keyword_rules.draft_classifier(session, draft, rule_id)
        if request.form.get("do") == "effect":
            before = keyword_rules.draft_classifier(session, None, None)
            found = keyword_trial.run(session, me(), before, classifier, now=formats.now())
            return page_of(session, form, rule_id, outcome=found)
        others = [kept for kept in keyword_rules.rows_of(session) if kept.id != rule_id]
        text = (form.text.data or "").replace("\0", "").strip()
        return page_of(
            session, form, rule_id, tried=rules_trial.tried(classifier, text, others, draft) if text else None
        )


def drafted(form: RuleForm) -> Rule | None:
    """The rule of the form; None where something is wrong with it, which then stands beside its field."""
    if not form.validate():
        return None
    try:
        return keyword_rules.checked(form.rule)
    except InvalidInput as refused:
        for name, texts in refused.data["errors"].items():  # type: ignore[attr-defined]
            field = getattr(form, name)
            field.errors = [*field.errors, *(problems.sentence(text) for text in texts)]
    return None


def rule_page(form: RuleForm, rule_id: int | None) -> Answer:
    with looking() as session:
        return page_of(session, form, rule_id)


def page_of(
    session: Session, form: RuleForm, rule_id: int | None, *, tried: Tried | None = None, outcome: Outcome | None = None
) -> Answer:
    """The page of a rule, or of a new one; 422 where something is wrong with it."""
    made = render_template(
        "admin/rule.html",
        form=form,
        kept=keyword_rules.get_rule(session, rule_id) if rule_id is not None else None,
        rule_id=rule_id,
        tried=tried,
        outcome=outcome,
        most=keyword_trial.MOST,
        days=keyword_trial.SINCE.days,
        nothing=NothingForm(formdata=None),
        rule_words=rule_words,
        may_change=me().may(CHANGE),
    )
    return made, 422 if form.errors else 200
