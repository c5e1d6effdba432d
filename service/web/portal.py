"""Followers' own pages: their tickets, one ticket with what was said, more to say, and how it was."""

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from service import playable
from service.channels.registry import channel_named
from service.channels.wechat.accounts import Account
from service.clock import utcnow
from service.database import transaction
from service.errors import NotFound
from service.files import UNTOLD
from service.tickets import additions, locks, progress, ratings
from service.tickets.additions import Added, Addition, Picture
from service.tickets.models import Ticket
from service.tickets.ratings import Vote
from service.tickets.states import Status
from service.web import portal_progress, portal_words, presenting
from service.web.file_answers import file_answer
from service.web.pages import Answer, looking
from service.web.portal_entry import followers_only, portal, who_writes
from service.web.portal_forms import CommentForm, RatingForm, WriteForm
from service.web.security import limiter

__all__ = ["PARTS", "portal"]
PARTS = (portal_progress,)  # adds views of its own
# from one address, behind which a whole town may stand
limited = limiter.limit("600 per minute", key_func=get_remote_address)
# for each session
slowed = limiter.limit("20 per 10 minutes", key_func=who_writes, deduct_when=lambda answer: answer.status_code == 303)


@portal.get("/my/<slug>/")
@limited
@followers_only
def tickets(account: Account, follower_id: int) -> Answer:
    """What is open, then what has ended."""
    before = request.args.get("before", "")
    place = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None
    with looking() as session:
        still_open = [] if place else progress.open_tickets(session, follower_id)
        finished = progress.finished_tickets(session, follower_id, place)
        return render_template(
            "portal/tickets.html",
            account=account,
            open=[portal_words.view_of(t) for t in still_open],
            finished=[portal_words.view_of(t) for t in finished.items],
            older=finished.next_cursor,
            is_first=place is None,
        )


@portal.get("/my/<slug>/<number>")
@limited
@followers_only
def ticket(account: Account, follower_id: int, number: str) -> Answer:
    return page(account, follower_id, number)


@portal.post("/my/<slug>/<number>/messages")
@slowed
@followers_only
def write(account: Account, follower_id: int, number: str) -> Answer:
    """More to say, in words or pictures."""
    form = WriteForm()
    if not form.validate_on_submit():
        return page(account, follower_id, number, writing=form)
    with looking() as session:  # before anything is kept: the limit counts only what was taken
        own(session, follower_id, number)
    files = current_app.extensions["files"]
    pictures = [Picture(files.put(content), kind, len(content)) for content, kind in form.contents]
    limits = channel_named(account.channel).limits
    with transaction() as session:
        found = own(session, follower_id, number)
        addition = Addition(form.text.data, pictures, form.once.data)
        added = additions.add(session, found.id, addition, limits=limits, rules=presenting.rules(session), now=utcnow())
    return after_writing(account, number, added)


def after_writing(account: Account, number: str, added: Added | None) -> Response:
    """To the ticket that it went to, with a word of what happened."""
    if added is None or added.number is None:
        flash((added.reply if added else "") or _("已收到，谢谢。"), "success")
    elif added.is_new:
        flash(_("已登记为新的工单 %(number)s，我们会尽快处理。", number=added.number), "success")
    else:
        flash(added.reply or _("已收到您的补充。"), "success")
    target = added.number if added is not None and added.number is not None else number
    return to_ticket(account, target)


def to_ticket(account: Account, number: str) -> Response:
    """To the top of its page, where the word about it stands; a form's own fragment would be carried along."""
    return redirect(url_for("portal.ticket", slug=account.slug, number=number, _anchor="main"), 303)


@portal.post("/my/<slug>/<number>/rating")
@slowed
@followers_only
def rate(account: Account, follower_id: int, number: str) -> Answer:
    """How it was: the first vote counts."""
    form = RatingForm()
    if not form.validate_on_submit():
        return page(account, follower_id, number, rating=form)
    solved = {"yes": True, "no": False}.get(form.solved.data or "")
    vote = Vote(int(form.score.data), solved, tuple(form.tags.data or ()), form.comment.data)
    with transaction() as session:
        found = locks.lock_ticket(session, own(session, follower_id, number).id)
        rules = presenting.rules(session)
        kept = ratings.rate(session, found, follower_id, vote, via="page", now=utcnow(), rules=rules)
    if not kept:
        flash(_("您已经评价过了，以第一次为准。"), "info")
    elif ratings.is_called_back(found, vote):
        flash(_("很抱歉没有让您满意，工作人员会在 1 个工作日内联系您。"), "success")
    elif vote.is_bad:
        flash(_("很抱歉没有让您满意，您的意见已记录。如需继续处理，请在下面补充说明。"), "success")
    else:
        flash(_("感谢您的评价。"), "success")
    return to_ticket(account, number)


@portal.post("/my/<slug>/<number>/comment")
@slowed
@followers_only
def comment(account: Account, follower_id: int, number: str) -> Answer:
    """Something more to say about how it was, once."""
    form = CommentForm()
    if not form.validate_on_submit():
        return page(account, follower_id, number, commenting=form)
    with transaction() as session:
        found = locks.lock_ticket(session, own(session, follower_id, number).id)
        rules = presenting.rules(session)
        kept = ratings.add_comment(session, found, follower_id, form.comment.data, now=utcnow(), rules=rules)
    flash(_("感谢您的补充评价。") if kept else _("补充评价只能写一次。"), "success" if kept else "info")
    return to_ticket(account, number)


@portal.get("/my/<slug>/<number>/files/<int:file_id>")
@limited
@followers_only
def file(account: Account, follower_id: int, number: str, file_id: int) -> Answer:
    """A picture or recording of this conversation, never as a page of ours."""
    with looking() as session:
        found = progress.own_file(session, own(session, follower_id, number), file_id)
        if found is None or found.digest is None:
            raise NotFound("no such file")
        if found.playable_digest:
            return file_answer(found.playable_digest, playable.CONTENT_TYPE, file_id)
        return file_answer(found.digest, found.content_type or UNTOLD, file_id)


def own(session: Session, follower_id: int, number: str) -> Ticket:
    """The follower's own ticket. Raises NotFound, for another's too."""
    found = progress.own_ticket(session, follower_id, number)
    if found is None:
        raise NotFound("no such ticket")
    return found


def page(
    account: Account,
    follower_id: int,
    number: str,
    *,
    writing: WriteForm | None = None,
    rating: RatingForm | None = None,
    commenting: CommentForm | None = None,
) -> tuple[str, int]:
    """The page of a ticket; a form that was refused comes back as it was filled in."""
    with looking() as session:
        found = own(session, follower_id, number)
        merged = session.get(Ticket, found.merged_into_id) if found.status is Status.MERGED else None
        talk = progress.lines(session, found, request.args.get("before"))
        shown = render_template(
            "portal/ticket.html",
            account=account,
            view=portal_words.view_of(found),
            lines=[portal_words.line_of(m) for m in talk.items],
            older=talk.next_cursor,
            rating=ratings.find(session, found),
            may_rate=ratings.may_rate(found),
            merged=merged if merged is not None and merged.follower_id == follower_id else None,
            write_form=writing or WriteForm(formdata=None),
            rating_form=rating or RatingForm(formdata=None),
            comment_form=commenting or CommentForm(formdata=None),
            words=portal_words,
        )
    return shown, 422 if writing or rating or commenting else 200
