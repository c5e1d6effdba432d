"""The quality of the classification as its page shows it: the line, the matrix, the scale of confidence, the models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import g
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import EXCLUDE, fields, validate
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from service.learning import runs, shelf
from service.learning.runs import TrainingRun
from service.people import User
from service.routing.model import shipped_model
from service.tickets import quality
from service.tickets.judgements import CONFIRMED, CORRECTED
from service.tickets.quality import BINS, WEEK, Found, Summary, Tally, Wanted, Word
from service.tickets.queries import Page
from service.trained_models import ACTIVE, KEPT, TrainedModel
from service.web import formats
from service.web.naming import actor_name, category_name, people_names
from service.web.schemas import In

SPANS: Mapping[str, int] = {"4w": 4, "13w": 13, "52w": 52}  # weeks
SPAN_NAMES: Mapping[str, LazyString] = {"4w": _l("最近 4 周"), "13w": _l("最近 3 个月"), "52w": _l("最近 1 年")}
USUAL = "13w"
STATES: Mapping[str, tuple[LazyString, str]] = {  # of a model -> words, tone
    "active": (_l("启用中"), "green"),
    "kept": (_l("曾启用"), "grey"),
    "refused": (_l("未发布"), "amber"),
    "candidate": (_l("待定"), "mute"),
}
ENDS: Mapping[str, LazyString] = {  # of a training
    runs.PUBLISHED: _l("新模型已发布"),
    runs.REFUSED: _l("新模型不够好，未发布"),
    runs.SAME: _l("结果与现有模型相同"),
    runs.SKIPPED: _l("没有训练"),
    runs.FAILED: _l("训练失败"),
}
STAGES: Mapping[str, LazyString] = {
    "": _l("等待开始"),
    "gathering": _l("正在收集更正"),
    "training": _l("正在训练"),
    "measuring": _l("正在评估"),
    "publishing": _l("正在发布"),
}
FIGURES: Mapping[str, LazyString] = {  # of the fixed part; the last is better when smaller
    "macro_f1": _l("宏平均 F1"),
    "accuracy": _l("准确率"),
    "complaint_recall": _l("投诉召回率"),
    "silent_complaints": _l("投诉被悄悄归错"),
}
OBJECTIONS: Mapping[str, LazyString] = {**FIGURES, "recall": _l("召回率")}
AGAINST: Mapping[str, LazyString] = {"active": _l("启用中的模型"), "shipped": _l("随程序发布的模型")}
HIGH, TOP = 140, 12  # of the line chart, px
FLOOR = 0.8  # the axis begins here, or lower where a week was worse
LEVELS = 4  # shades of the matrix


class QualityIn(In):
    """The address of the page and of the list behind a number; what it does not know is left out."""

    class Meta:
        unknown = EXCLUDE

    span = fields.String(load_default=USUAL, validate=validate.OneOf(list(SPANS)))
    category = fields.String(load_default="", validate=validate.Length(max=50))
    final = fields.String(load_default="", validate=validate.Length(max=50))
    kind = fields.String(load_default="", validate=validate.OneOf(("", CONFIRMED, CORRECTED)))
    triage = fields.Boolean(load_default=None, allow_none=True)
    cursor = fields.String(load_default=None)


@dataclass(frozen=True, slots=True)
class Point:
    """A week of the line chart: x in percent, y in px; y None: nothing was settled then."""

    monday: datetime
    tally: Tally
    x: float
    y: float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the matrix; `level`: how much of its row it is, 0 for none, up to LEVELS."""

    judged: str
    final: str
    number: int
    level: int

    @property
    def is_right(self) -> bool:
        return self.judged == self.final


@dataclass(frozen=True, slots=True)
class Bin:
    """Verdicts of like confidence: what was said, and what was true."""

    low: float
    tally: Tally
    said: float


@dataclass(frozen=True, slots=True)
class ModelView:
    """A trained model. `figures`: name -> (of it, of the one it was held against); None: not measured."""

    model: TrainedModel
    by: str
    figures: Mapping[str, tuple[float | None, float | None]]
    newest: tuple[float | None, float | None]
    because: str
    may_return: bool


@dataclass(frozen=True, slots=True)
class QualityBoard:
    """The page."""

    span: str
    summary: Summary
    points: Sequence[Point]
    floor: float
    codes: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    bins: Sequence[Bin]
    calibration_error: float
    words: Sequence[Word]
    models: Sequence[ModelView]
    shipped_version: str
    shipped_is_active: bool
    under_way: TrainingRun | None
    last_run: TrainingRun | None

    @property
    def pieces(self) -> Sequence[tuple[Point, Point]]:
        """Weeks that follow each other, as ends of a line."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [(a, b) for a, b in pairs if a.y is not None and b.y is not None]

    @property
    def grid(self) -> Sequence[tuple[float, float]]:
        """Shares with the height at which they stand."""
        return [(share, height_of(share, self.floor)) for share in (1.0, (1 + self.floor) / 2, self.floor)]


def asked_from(arguments: MultiDict[str, str]) -> dict[str, object]:
    """The address as values. Raises ValidationError for a value that no page of ours makes."""
    asked: dict[str, object] = QualityIn().load({name: value for name, value in arguments.items() if value})
    return asked


def since(span: str) -> datetime:
    """Monday, midnight here, of the first of so many weeks, this one among them."""
    here = formats.local(formats.now())
    monday = (here - timedelta(days=here.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return monday - WEEK * (SPANS[span] - 1)


def board_of(session: Session, user: User, span: str) -> QualityBoard:
    start, weeks = since(span), SPANS[span]
    summary = quality.summary(session, user, since=start, weeks=weeks)
    floor = floor_of(summary)
    codes = codes_of(summary)
    bins = [
        Bin(at / BINS, tally, said)
        for at, (tally, said) in enumerate(zip(summary.bins, summary.confidences, strict=True))
    ]
    models = shelf.listing(session)
    last = runs.newest(session, limit=5)
    return QualityBoard(
        span=span,
        summary=summary,
        points=[point_of(start + WEEK * at, tally, at, weeks, floor) for at, tally in enumerate(summary.weeks)],
        floor=floor,
        codes=codes,
        rows=[(code, cells_of(summary, code, codes)) for code in codes],
        bins=bins,
        calibration_error=error_of(bins, summary.all.whole),
        words=quality.words(session, user, since=start),
        models=views_of(session, models),
        shipped_version=shipped_model().version,
        shipped_is_active=not any(model.state == ACTIVE for model in models),
        under_way=runs.under_way(session),
        last_run=next((run for run in last if run.ended_at is not None), None),
    )


def floor_of(summary: Summary) -> float:
    """Where the axis begins: a tenth, so that every week is above it."""
    worst = min((tally.share for tally in summary.weeks if tally.share is not None), default=1.0)
    return min(FLOOR, int(worst * 10) / 10)


def height_of(share: float, floor: float) -> float:
    return round(TOP + HIGH * (1 - share) / (1 - floor), 1)


def point_of(monday: datetime, tally: Tally, at: int, weeks: int, floor: float) -> Point:
    y = None if tally.share is None else height_of(tally.share, floor)
    return Point(monday, tally, round(100 * (at + 0.5) / weeks, 2), y)


def codes_of(summary: Summary) -> list[str]:
    """The categories of the rulebook, and those of before that still stand in the numbers."""
    met = {code for pair in summary.pairs for code in pair if code}
    return [*g.rules.categories, *sorted(met - set(g.rules.categories))]


def cells_of(summary: Summary, judged: str, codes: Sequence[str]) -> list[Cell]:
    whole = sum(number for (code, _final), number in summary.pairs.items() if code == judged)
    return [cell_of(judged, final, summary.pairs.get((judged, final), 0), whole) for final in codes]


def cell_of(judged: str, final: str, number: int, whole: int) -> Cell:
    level = min(LEVELS, 1 + int(LEVELS * number / whole)) if number else 0
    return Cell(judged, final, number, level)


def error_of(bins: Sequence[Bin], whole: int) -> float:
    """Mean distance between what was said and what was true."""
    if not whole:
        return 0.0
    return (
        sum(abs(each.tally.share - each.said) * each.tally.whole for each in bins if each.tally.share is not None)
        / whole
    )


def views_of(session: Session, models: Sequence[TrainedModel]) -> list[ModelView]:
    there = shelf.with_bytes(session, [model.version for model in models])
    names = people_names(session, [name for model in models for name in (model.by, model.active_by)])
    return [_view(model, names, has_bytes=model.version in there) for model in models]


def _view(model: TrainedModel, names: Mapping[str, str], *, has_bytes: bool) -> ModelView:
    fixed, newest = _part(model.figures, "fixed"), _part(model.figures, "newest")
    candidate, other = _part(fixed, "candidate"), _part(fixed, "active")
    return ModelView(
        model=model,
        by=actor_name(model.by, names),
        figures={name: (_number(candidate, name), _number(other, name)) for name in FIGURES},
        newest=(_number(newest, "candidate"), _number(newest, "active")),
        because=objection_words(model.figures) or model.because,
        may_return=model.state == KEPT and has_bytes,
    )


def _part(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def _number(values: Mapping[str, object], name: str) -> float | None:
    found = values.get(name)
    return float(found) if isinstance(found, int | float) else None


def objection_words(figures: Mapping[str, object]) -> str:
    """Why it was refused, in the language of the page; "" where nothing spoke against it."""
    listed = figures.get("objections")
    return _("；").join(_objection(row) for row in listed) if isinstance(listed, list) else ""


def _objection(row: Mapping[str, object]) -> str:
    what = str(OBJECTIONS.get(str(row["figure"]), row["figure"]))
    if row["category"]:
        what = f"{category_name(str(row['category']))} {what}"
    if row["part"] == "newest":
        what = _("最新更正的%(what)s", what=what)
    before, after = (formats.percent(float(str(row[name]))) for name in ("before", "after"))
    against = str(AGAINST.get(str(row["against"]), ""))
    return _(
        "%(what)s %(before)s → %(after)s（对比%(against)s）", what=what, before=before, after=after, against=against
    )


def tickets_of(session: Session, user: User, asked: Mapping[str, object]) -> Page[Found]:
    """The tickets behind a number of the page."""
    triage = asked["triage"]
    wanted = Wanted(
        since=since(str(asked["span"])),
        category=str(asked["category"]),
        final=str(asked["final"]),
        kind=str(asked["kind"]),
        triage=triage if isinstance(triage, bool) else None,
        cursor=str(asked["cursor"]) if asked["cursor"] else None,
    )
    return quality.tickets(session, user, wanted)


def title_of(asked: Mapping[str, object]) -> str:
    """What the list shows: 判为咨询，实为投诉."""
    parts = []
    if asked["category"]:
        parts.append(_("判为%(category)s", category=category_name(str(asked["category"]))))
    if asked["final"]:
        parts.append(_("实为%(category)s", category=category_name(str(asked["final"]))))
    if asked["kind"] == CORRECTED:
        parts.append(_("已更正"))
    if asked["kind"] == CONFIRMED:
        parts.append(_("已认可"))
    if asked["triage"] is not None:
        parts.append(_("交人判断") if asked["triage"] else _("自动判定"))
    return _("，").join(parts) or _("全部")
