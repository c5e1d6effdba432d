"""The page of messages that opened no ticket: advertising, repeats, talk; of each a person may still make a ticket."""

from flask import render_template, request, url_for
from flask_babel import gettext as _

from service.clock import utcnow
from service.database import transaction
from service.people import Permission
from service.routing.noise import advert_signs
from service.tickets import kept, taking_up
from service.tickets.changes import Deed
from service.web import presenting, rule_words
from service.web.admin_forms import NothingForm
from service.web.auth import me, needs
from service.web.pages import Answer, desk, go, looking

MANAGE = Permission.MANAGE_FOLLOWERS


@desk.get("/kept")
@needs(MANAGE)
def kept_messages() -> Answer:
    """The newest ones; first those where a rule has judged."""
    reason = request.args.get("reason", "")
    reasons = kept.REASONS if reason == "all" else (reason,) if reason in kept.REASONS else kept.DOUBTFUL
    with looking() as session:
        page = kept.listing(session, reasons, request.args.get("cursor"))
        return render_template(
            "desk/kept.html",
            page=page,
            reason=reason if reason in (*kept.REASONS, "all") else "",
            tabs=tabs(),
            signs=advert_signs,
            rule_words=rule_words,
            form=NothingForm(formdata=None),
        )


def tabs() -> dict[str, str]:
    """What the list may be asked for."""
    others = {reason: str(words) for reason, words in rule_words.KEPT.items() if reason not in kept.DOUBTFUL}
    return {"": _("广告与重复"), **others, "all": _("全部")}


@desk.post("/kept/<int:message_id>/ticket")
@needs(MANAGE)
def take_up(message_id: int) -> Answer:
    """Make a ticket of it, or put it into the follower's open one."""
    with transaction() as session:
        deed = Deed(by=me(), now=utcnow(), rules=presenting.rules(session))
        number = taking_up.open_from(session, message_id, deed)
    return go(url_for("desk.ticket", number=number), _("已建单；客户没有收到回执，请直接回复"))
