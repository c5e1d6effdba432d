"""A table of targets before it is one: what is wrong with it, cell by cell. Pure: no clock, no database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from service.sla.policy import (
    ANY_PRIORITY,
    PRIORITIES,
    TARGETS,
    Policy,
    PolicyTable,
    policy_from,
    row_of,
    target_from,
)
from service.sla.rows import Row, number_in, row_in, text_in
from service.sla.target_words import Unreadable, checked
from service.sla.words import Lang

CLOCKLESS = ("praise", "invalid")  # categories that have no clocks
MOST_ROWS = 200
LONGEST_TAG_BYTES = 30  # as the platform has it
SHARE = "follow_up_share"
ORDER = {name: place for place, name in enumerate((*PRIORITIES, ANY_PRIORITY))}

MISTAKES: Mapping[Lang, Mapping[str, str]] = {
    "zh": {
        "unreadable": "看不懂，请写成 30 分钟、4 小时、1 工作日或 2 小时自然；不计时写 —",
        "unit": "请写单位，例如 30 分钟、1 工作日",
        "days": "请写明工作日，例如 1 工作日；按自然时间请写小时，例如 24 小时自然",
        "natural_days": "自然时间请写小时或分钟，例如 24 小时自然",
        "both": "工作时间和自然时间只能写一种",
        "fraction": "须为整分钟",
        "zero": "至少为 1；不计时请写 —",
        "large": "太长：最多 400 工作日或 8784 小时",
        "share": "请写 0 到 100 的百分数，例如 10%",
        "share_without_follow_up": "抽样大于 0 时，须写回访时限",
        "row": "这一行读不出来：{detail}",
        "category": "没有“{category}”这个类别",
        "priority": "优先级“{priority}”不认识",
        "tag": "标签名须为 1 到 30 字节（约 10 个汉字）",
        "twice": "{name} 有两行，请去掉一行",
        "clockless": "{category} 不计时，不能有时限",
        "missing": "缺少 {name} 的时限：粉丝没有标签时也要有规则",
        "unclocked": "{name} 没有任何时限：除表扬和无效外，每个类别至少要有受理或办结时限",
        "many": "最多 200 行",
        "empty": "表是空的",
        "unchanged": "与现行规则完全相同，没有需要保存的改动",
        "other": "您编辑期间已有新版本（版本 {version}），请载入最新版本后再改",
        "note": "请写明为什么调整",
    },
    "en": {
        "unreadable": "cannot be read; write 30 min, 4 h, 1 workday or 2 h natural; — for no clock",
        "unit": "write a unit, such as 30 min or 1 workday",
        "days": "say workdays, such as 1 workday; for natural time write hours, such as 24 h natural",
        "natural_days": "write natural time in hours or minutes, such as 24 h natural",
        "both": "either working or natural time, not both",
        "fraction": "must be whole minutes",
        "zero": "at least 1; write — for no clock",
        "large": "too long: at most 400 workdays or 8784 h",
        "share": "write percent from 0 to 100, such as 10%",
        "share_without_follow_up": "a share above 0 needs a follow-up target",
        "row": "this row cannot be read: {detail}",
        "category": "there is no category {category!r}",
        "priority": "unknown priority {priority!r}",
        "tag": "a tag has 1 to 30 bytes",
        "twice": "there are two rows for {name}; take one away",
        "clockless": "{category} has no clocks and can have no targets",
        "missing": "{name} is missing: followers without a tag need targets too",
        "unclocked": "{name} has no target at all: all but praise and invalid need one to accept or to resolve",
        "many": "at most 200 rows",
        "empty": "the table is empty",
        "unchanged": "the same as now: there is nothing to save",
        "other": "version {version} was saved while you edited; load the newest version and change that",
        "note": "say why it is changed",
    },
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a cell; `row` None: with the table."""

    code: str
    row: int | None = None
    column: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


class UnusableTable(ValueError):
    """A table that cannot be one; str() is all sentences in English."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(f"{place_of(m)}{mistake_words(m, 'en')}" for m in mistakes))
        self.mistakes = tuple(mistakes)


def mistake_words(mistake: Mistake, lang: Lang) -> str:
    """What is wrong, in one sentence."""
    return MISTAKES[lang][mistake.code].format(**mistake.values)


def place_of(mistake: Mistake) -> str:
    """Where in a file: "row 3, accept: "."""
    if mistake.row is None:
        return ""
    return ", ".join(filter(None, (f"row {mistake.row + 1}", mistake.column))) + ": "


def table_from(rows: Sequence[Row], categories: Collection[str]) -> PolicyTable:
    """The table of rows in a fixed order. Raises UnusableTable with everything that is wrong.

    Categories without clocks need no row and get one without targets.
    """
    if not rows or len(rows) > MOST_ROWS:
        raise UnusableTable([Mistake("many" if rows else "empty")])
    mistakes = [mistake for number, row in enumerate(rows) for mistake in mistakes_in(number, row, categories)]
    if mistakes:
        raise UnusableTable(mistakes)
    policies = [policy_from(row) for row in rows]
    mistakes = [*twice(policies), *missing(policies, categories)]
    if mistakes:
        raise UnusableTable(mistakes)
    have = {policy.category for policy in policies}
    policies += [clockless(category) for category in CLOCKLESS if category in categories and category not in have]
    places = {category: place for place, category in enumerate(categories)}
    policies.sort(key=lambda p: (places[p.category], bool(p.tag), 0 if p.tag else ORDER[p.priority]))
    return PolicyTable(tuple(policies))


def rows_of(table: PolicyTable) -> list[dict[str, object]]:
    """The rows of a table as they are stored."""
    return [row_of(policy) for policy in table.policies]


def clockless(category: str) -> Policy:
    return Policy(category, ANY_PRIORITY, None, None, None, None, None, 0.0)


def mistakes_in(number: int, row: Row, categories: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with one row by itself."""
    try:
        category, priority = text_in(row, "category"), text_in(row, "priority")
        share, tag = number_in(row, SHARE), row.get("tag")
    except ValueError as error:
        yield Mistake("row", number, values={"detail": str(error)})
        return
    if category not in categories:
        yield Mistake("category", number, "category", {"category": category})
    if priority not in ORDER:
        yield Mistake("priority", number, "priority", {"priority": priority})
    if tag and not (isinstance(tag, str) and len(tag.encode()) <= LONGEST_TAG_BYTES):
        yield Mistake("tag", number, "tag")
    if not 0 <= share <= 1:
        yield Mistake("share", number, SHARE)
    elif share and not row.get("follow_up"):
        yield Mistake("share_without_follow_up", number, "follow_up")
    yield from wrong_targets(number, row)
    if category in CLOCKLESS and any(row.get(name) for name in TARGETS):
        yield Mistake("clockless", number, "category", {"category": category})
    elif category not in CLOCKLESS and not (row.get("accept") or row.get("resolve")):
        yield Mistake("unclocked", number, "accept", {"name": f"{category}/{priority}"})


def wrong_targets(number: int, row: Row) -> Iterator[Mistake]:
    for name in TARGETS:
        if name == "next_reply" and name not in row:  # the same as the first reply
            continue
        try:
            target = target_from(row_in(row, name))
            if target is not None:
                checked(target.amount, target.unit)
        except Unreadable as unreadable:
            yield Mistake(unreadable.code, number, name)
        except ValueError as error:
            yield Mistake("row", number, name, {"detail": str(error)})


def twice(policies: Sequence[Policy]) -> Iterator[Mistake]:
    names: set[str] = set()
    for number, policy in enumerate(policies):
        if policy.name in names:
            yield Mistake("twice", number, "tag" if policy.tag else "priority", {"name": policy.name})
        names.add(policy.name)


def missing(policies: Sequence[Policy], categories: Collection[str]) -> Iterator[Mistake]:
    """What followers without a tag would have no targets for."""
    untagged = {policy.name: policy for policy in policies if not policy.tag}
    table = PolicyTable(tuple(untagged.values()))
    for category in categories:
        if category in CLOCKLESS:
            continue
        gaps = [priority for priority in PRIORITIES if table.find(category, priority) is None]
        for name in [category] if len(gaps) == len(PRIORITIES) else [f"{category}/{gap}" for gap in gaps]:
            yield Mistake("missing", values={"name": name})
