"""Auto-replies in words: what a rule does, and how one version of the document differs from another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from service.web.labels import NO, YES, Labels
from service.web.menu_form import ACTIONS

Content = Mapping[str, object]
Row = Mapping[str, object]

HOWS: Labels = {"exact": _l("完全等于"), "contains": _l("包含"), "pattern": _l("符合表达式")}
PICKS: Labels = {"all": _l("全部发送"), "random": _l("随机一条")}
HOURS: Labels = {"any": _l("不限"), "inside": _l("仅工作时间"), "outside": _l("仅非工作时间")}
DAYS: Sequence[LazyString] = (_l("周一"), _l("周二"), _l("周三"), _l("周四"), _l("周五"), _l("周六"), _l("周日"))
WRONG: Mapping[str, LazyString] = {  # what InvalidInput calls a field -> what to do
    "name": _l("请填写规则名称，最多 60 字"),
    "keywords": _l("请至少填写一个关键词，一条规则最多 50 个"),
    "words": _l("每个关键词最多 100 字，一条规则最多 50 个"),
    "pattern": _l("这个表达式不能用：不是正确的表达式、过于复杂会拖慢答复，或者任何消息都会命中"),
    "answers": _l("请至少填写一条答复，每条最多 600 字"),
    "priority": _l("请填写 0 到 100 的整数"),
    "days": _l("请至少选择一天"),
    "start": _l("请同时填写开始和结束时间，如 09:00，两者不能相同"),
    "rules": _l("最多 300 条规则，编号不能重复"),
    "paragraphs": _l("每段最多 600 字，最多 10 段"),
    "gift": _l("最多 600 字"),
    "inside": _l("最多 600 字"),
    "outside": _l("最多 600 字"),
}
LEFT: Labels = {  # what the console has and an import leaves
    "img": _l("图片"),
    "voice": _l("语音"),
    "video": _l("视频"),
    "news": _l("没有网址的图文"),
    "long": _l("超过 600 字的文字"),
    "empty": _l("没有可用的关键词或答复，整条未导入"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A detail of a rule or a text; `before` is "" for what is new, `after` for what is gone."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Change:
    kind: str  # added removed changed
    name: str
    lines: Sequence[Line]


def rules_of(content: Content) -> list[Row]:
    found = content.get("rules")
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def part(content: Content, name: str) -> Row:
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def texts(row: Row, name: str) -> list[str]:
    found = row.get(name)
    return [str(text) for text in found] if isinstance(found, list) else []


def keywords_told(rule: Row) -> str:
    """完全等于：进度、查询；包含：发票"""
    rows = rule.get("keywords")
    told = (
        f"{HOWS.get(str(key.get('how')), '')}：{'、'.join(texts(key, 'words'))}"
        for key in (rows if isinstance(rows, list) else [])
        if isinstance(key, dict)
    )
    return "；".join(told)


def window_told(rule: Row) -> str:
    """When it holds; "" for always."""
    window = part(rule, "window")
    days = window.get("days")
    told = []
    if isinstance(days, list) and len(days) < len(DAYS):
        told.append("、".join(str(DAYS[day]) for day in days if isinstance(day, int) and 0 <= day < len(DAYS)))
    if window.get("start") and window.get("end"):
        told.append(f"{window['start']}–{window['end']}")
    if window.get("hours") in ("inside", "outside"):
        told.append(str(HOURS[str(window["hours"])]))
    return " ".join(told)


def details(rule: Row) -> dict[str, str]:
    """Everything that a reviewer has to see of a rule, by its label."""
    return {
        _("名称"): str(rule.get("name") or ""),
        _("关键词"): keywords_told(rule),
        _("做什么"): str(ACTIONS.get(str(rule.get("action") or "text"), "")),
        _("答复"): "\n\n".join(texts(rule, "answers")),
        _("多条答复"): str(PICKS.get(str(rule.get("pick") or "all"), "")),
        _("时间"): window_told(rule) or str(HOURS["any"]),
        _("优先级"): str(rule.get("priority", 50)),
        _("仅自动回复"): str(YES if rule.get("only_reply") else NO),
        _("启用"): str(YES if rule.get("enabled", True) else NO),
    }


def sayings(content: Content) -> dict[str, str]:
    """Welcome and default answers by their labels."""
    welcome, defaults = part(content, "welcome"), part(content, "defaults")
    return {
        _("关注欢迎语"): "\n\n".join(texts(welcome, "paragraphs")),
        _("礼包"): str(welcome.get("gift") or ""),
        _("默认答复（工作时间）"): str(defaults.get("inside") or ""),
        _("默认答复（非工作时间）"): str(defaults.get("outside") or ""),
    }


def changes(old: Content, new: Content) -> list[Change]:
    """What publishing `new` would change, in the order of the page; empty where it says the same."""
    found = []
    before, after = sayings(old), sayings(new)
    lines = [Line(label, before[label], after[label]) for label in after if before[label] != after[label]]
    if lines:
        found.append(Change("changed", _("欢迎语与默认答复"), lines))
    earlier = {str(rule.get("id")): rule for rule in rules_of(old)}
    for rule in rules_of(new):
        was = earlier.pop(str(rule.get("id")), None)
        now = details(rule)
        if was is None:
            found.append(Change("added", str(rule.get("name")), [Line(k, "", v) for k, v in now.items() if v]))
        elif details(was) != now:
            then = details(was)
            found.append(
                Change("changed", str(rule.get("name")), [Line(k, then[k], now[k]) for k in now if then[k] != now[k]])
            )
    gone = (Change("removed", str(rule.get("name")), ()) for rule in earlier.values())
    return [*found, *gone]
