"""What followers thought of the work, for those who supervise it."""

from datetime import timedelta

from flask import render_template, request

from service.people import Permission
from service.tickets import ratings as votes
from service.web import formats
from service.web.auth import me, needs
from service.web.pages import desk, looking

SPANS = (7, 30, 90)  # days
USUAL = 30


@desk.get("/ratings")
@needs(Permission.SUPERVISE)
def ratings() -> str:
    """Average, distribution, and the bad ones."""
    asked = request.args.get("days", "")
    days = int(asked) if asked in {str(span) for span in SPANS} else USUAL
    with looking() as session:
        summary = votes.summary(session, me(), formats.now() - timedelta(days=days))
        return render_template("desk/ratings.html", summary=summary, days=days, spans=SPANS, most=votes.BAD_SHOWN)
