"""How times, lengths and numbers are written on a page, in the service's zone and the page's language."""

from datetime import datetime, timedelta

from flask import Flask, current_app, g
from flask_babel import gettext as _

from service.clock import utcnow

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def init_app(app: Flask) -> None:
    """Make the formats filters of every template."""
    for function in (
        moment,
        ago,
        minute,
        second,
        clock_time,
        due,
        duration,
        worked,
        counted,
        span,
        tally,
        size,
        percent,
        iso,
        ratio_width,
    ):
        app.jinja_env.filters[function.__name__] = function


def now() -> datetime:
    """The instant of this request: one for the whole page, so that its rows agree."""
    if "now" not in g:
        g.now = utcnow()
    known: datetime = g.now
    return known


def local(at: datetime) -> datetime:
    return at.astimezone(current_app.config["SETTINGS"].time_zone)


def moment(at: datetime | None) -> str:
    """As in lists: 刚刚, 5分钟前, 14:05, 昨天 14:05, 02-24 14:05, 2025-02-24."""
    if at is None:
        return "—"
    here, today = local(at), local(now())
    seconds = (today - here).total_seconds()
    if 0 <= seconds < HOUR:
        return ago(at)
    days = (today.date() - here.date()).days
    if days == 0:
        return f"{here:%H:%M}"
    if days == 1:
        return _("昨天 %(time)s", time=f"{here:%H:%M}")
    return f"{here:%m-%d %H:%M}" if here.year == today.year else f"{here:%Y-%m-%d}"


def ago(at: datetime) -> str:
    """刚刚 or 5分钟前, longer spans as a duration."""
    seconds = int((now() - at).total_seconds())
    if seconds < MINUTE:
        return _("刚刚")
    return _("%(length)s前", length=duration(timedelta(seconds=seconds)))


def minute(at: datetime | None) -> str:
    """2026-02-24 09:15, whatever the day."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else "—"


def second(at: datetime | None) -> str:
    """2026-02-24 09:15:00: tooltips."""
    return f"{local(at):%Y-%m-%d %H:%M:%S}" if at else "—"


def clock_time(at: datetime) -> str:
    """10:42, of a day that is understood."""
    return f"{local(at):%H:%M}"


def due(at: datetime | None) -> str:
    """A deadline: 今天 17:30, 明天 09:15, 02-24 09:15."""
    if at is None:
        return "—"
    here, today = local(at), local(now())
    days = (here.date() - today.date()).days
    near = {-1: _("昨天 %(time)s"), 0: _("今天 %(time)s"), 1: _("明天 %(time)s")}
    if days in near:
        return near[days] % {"time": f"{here:%H:%M}"}
    return f"{here:%m-%d %H:%M}" if here.year == today.year else f"{here:%Y-%m-%d %H:%M}"


def duration(length: timedelta) -> str:
    """2天3小时, 3小时20分, 35分钟: the two largest units, never decimals."""
    seconds = abs(int(length.total_seconds()))
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    if days:
        return _("%(days)d天%(hours)d小时", days=days, hours=hours) if hours else _("%(days)d天", days=days)
    if hours:
        short = _("%(hours)d小时", hours=hours)
        return _("%(hours)d小时%(minutes)d分", hours=hours, minutes=minutes) if minutes else short
    return _("%(minutes)d分钟", minutes=minutes) if minutes else _("不到1分钟")


def worked(length: timedelta, day: timedelta) -> str:
    """Working time, whose days are working days: 3个工作日1小时, 3小时20分, 35分钟."""
    days, rest = divmod(length, day)
    if not days:
        return duration(length)
    hours = int(rest.total_seconds()) // HOUR
    if hours:
        return _("%(days)d个工作日%(hours)d小时", days=days, hours=hours)
    return _("%(days)d个工作日", days=days)


def counted(minutes: int) -> str:
    """Minutes that have counted, never in days: 25小时, 3小时20分, 35分钟."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return _("%(minutes)d分钟", minutes=rest)
    short = _("%(hours)d小时", hours=hours)
    return _("%(hours)d小时%(minutes)d分", hours=hours, minutes=rest) if rest else short


def span(start: datetime, end: datetime) -> str:
    """From one moment to another, the day named once where it is the same: 02-24 09:00–12:00."""
    same = local(start).date() == local(end).date()
    return f"{due(start)}–{local(end):%H:%M}" if same else f"{due(start)} – {due(end)}"


def tally(number: int, cap: int = 1000) -> str:
    """1,234; a count that stopped at the cap says 999+."""
    return f"{cap - 1}+" if number >= cap else f"{number:,}"


def size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "—"
    if size_bytes < 1024 * 1024:
        return f"{max(1, round(size_bytes / 1024)):,} KB"
    return f"{size_bytes / 1024 / 1024:,.1f} MB"


def percent(share: float) -> str:
    return f"{share * 100:.1f}%"


def iso(at: datetime) -> str:
    """For `<time datetime>`."""
    return local(at).isoformat(timespec="seconds")


def ratio_width(part: float, whole: float) -> str:
    """Width of a bar as an SVG attribute; a share too small to see keeps two points of a hundred."""
    return f"{max(2.0, 100 * part / whole):.1f}%" if part and whole else "0%"
