"""The routing table in words: conditions of a row, what is wrong with it, why it did not fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flask import g
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from service.routing.autoreply import Window
from service.routing.coverage import Trouble, Why
from service.routing.rules import ALWAYS, CONDITIONS, Matter, RoutingRow, words_in
from service.sla.policy import ANY_PRIORITY
from service.web import labels
from service.web.naming import category_name, subcategory_name
from service.web.replies_words import DAYS, HOURS

NAMES: Mapping[str, LazyString] = {
    "category": _l("类别"),
    "subcategory": _l("子类"),
    "priority": _l("优先级"),
    "account": _l("公众号"),
    "menu_key": _l("菜单 KEY"),
    "scene": _l("二维码场景"),
    "tag": _l("粉丝标签"),
    "keyword": _l("含有词语"),
    "window": _l("时间"),
}
TROUBLES: Mapping[Why, LazyString] = {
    Why.NO_CATEGORY: _l("永远不会命中：类别“%(value)s”不存在"),
    Why.NO_SUBCATEGORY: _l("永远不会命中：该类别没有子类“%(value)s”"),
    Why.NO_PRIORITY: _l("永远不会命中：优先级“%(value)s”不存在"),
    Why.NO_ACCOUNT: _l("永远不会命中：公众号“%(value)s”未登记"),
    Why.NO_WORDS: _l("永远不会命中：没有可以比对的词语"),
    Why.NO_TIME: _l("永远不会命中：时间段是空的"),
    Why.COVERED: _l("永远不会命中：符合它的事项都已先被第 %(rows)s 行接走，请上移或删除"),
    Why.NO_DEPARTMENT: _l("部门“%(value)s”不存在或已停用：命中后留在受理部门"),
    Why.NO_TARGETS: _l("时限规则中没有“%(value)s”：命中后按工单自己的类别和优先级计时"),
}


@dataclass(frozen=True, slots=True)
class Condition:
    name: str
    label: LazyString
    value: str


def conditions(row: RoutingRow, accounts: Mapping[str, str]) -> Iterator[Condition]:
    """What the row asks for; nothing: it fits any matter. `accounts`: names by slug."""
    for name in CONDITIONS:
        value = wanted(row, name, accounts)
        if value:
            yield Condition(name, NAMES[name], value)


def wanted(row: RoutingRow, name: str, accounts: Mapping[str, str]) -> str:
    """What the row wants of one condition, "" where it wants nothing."""
    if name == "window":
        return window_told(row.window)
    return told(name, getattr(row, name), row.category, accounts)


def told(name: str, value: str | None, category: str | None, accounts: Mapping[str, str]) -> str:
    if not value:
        return ""
    if name == "category":
        return category_name(value)
    if name == "subcategory":
        return subcategory_name(category, value)
    if name == "priority":
        return str(labels.PRIORITIES.get(value, value))
    if name == "account":
        return accounts.get(value, value)
    return _("、").join(words_in(value)) if name == "keyword" else value


def window_told(window: Window) -> str:
    if window == ALWAYS:
        return ""
    parts = []
    if len(window.days) < len(DAYS):
        parts.append(_("、").join(str(DAYS[day]) for day in sorted(window.days)))
    if window.start is not None and window.end is not None:
        parts.append(f"{window.start:%H:%M}–{window.end:%H:%M}")
    if window.hours != "any":
        parts.append(str(HOURS[window.hours]))
    return " ".join(parts)


def is_of(matter: Matter, name: str, accounts: Mapping[str, str]) -> str:
    """What the matter has where the row wants something else."""
    if name == "window":
        return f"{DAYS[matter.at.weekday()]} {matter.at:%H:%M}" if matter.at else ""
    if name == "tag":
        return _("、").join(matter.tags)
    if name == "keyword":
        return ""
    return told(name, getattr(matter, name), matter.category, accounts)


def misfit(row: RoutingRow, matter: Matter, name: str, accounts: Mapping[str, str]) -> str:
    """Why the row does not fit, in a sentence."""
    want, there = wanted(row, name, accounts), is_of(matter, name, accounts)
    if name == "keyword":
        return _("没有出现“%(want)s”", want=want)
    return _("%(name)s要求%(want)s，实际是%(there)s", name=NAMES[name], want=want, there=there or _("无"))


def trouble_told(trouble: Trouble, numbers: Mapping[str, int]) -> str:
    """What is wrong with a row; `numbers`: places in the table by the names of rows."""
    rows = _("、").join(str(numbers[row.name]) for row in trouble.by)
    return str(TROUBLES[trouble.why]) % {"value": trouble.value, "rows": rows}


def targets_name(key: str | None) -> str:
    """The key "complaint/high" as people say it; "" for none."""
    category, _slash, priority = (key or "").partition("/")
    if not category:
        return ""
    words = category_name(category)
    return words if priority in ("", ANY_PRIORITY) else f"{words} · {labels.PRIORITIES.get(priority, priority)}"


def target_keys() -> Sequence[str]:
    """Targets that a row may name, in the order of their table."""
    return [policy.name for policy in g.rules.policies.policies if policy.tag is None]
