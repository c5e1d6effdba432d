"""The words in which working time is explained, Chinese and English. No arithmetic."""

from datetime import date, datetime
from typing import Literal

from service.sla.pieces import PieceKind

Lang = Literal["zh", "en"]

PIECES: dict[Lang, dict[PieceKind, str]] = {
    "zh": {
        PieceKind.OPEN: "工作时间",
        PieceKind.MAKEUP: "工作时间（{name}调休上班）",
        PieceKind.SHORT: "工作时间（{name}当天缩短）",
        PieceKind.LUNCH: "午休",
        PieceKind.NIGHT: "非工作时间",
        PieceKind.WEEKEND: "周末",
        PieceKind.REST: "休息日",
        PieceKind.HOLIDAY: "节假日（{name}）",
        PieceKind.DUTY: "值班时间",
        PieceKind.OFF_DUTY: "非值班时间",
    },
    "en": {
        PieceKind.OPEN: "opening hours",
        PieceKind.MAKEUP: "opening hours (make-up workday for {name})",
        PieceKind.SHORT: "opening hours (shortened: {name})",
        PieceKind.LUNCH: "lunch break",
        PieceKind.NIGHT: "outside opening hours",
        PieceKind.WEEKEND: "weekend",
        PieceKind.REST: "day off",
        PieceKind.HOLIDAY: "holiday ({name})",
        PieceKind.DUTY: "duty hours",
        PieceKind.OFF_DUTY: "outside duty hours",
    },
}

# names of the national holidays in other languages; a company's own are shown as written
NAMES: dict[Lang, dict[str, str]] = {
    "zh": {},
    "en": {
        "元旦": "New Year's Day",
        "春节": "Spring Festival",
        "清明节": "Qingming",
        "劳动节": "Labour Day",
        "端午节": "Dragon Boat Festival",
        "中秋节": "Mid-Autumn Festival",
        "国庆节": "National Day",
    },
}

# kinds whose hours depend on the announcement of the year's holidays
ANNOUNCED_KINDS = frozenset({PieceKind.OPEN, PieceKind.MAKEUP, PieceKind.SHORT, PieceKind.HOLIDAY})

UNCONFIRMED: dict[Lang, str] = {"zh": "，{year}年日历未确认", "en": ", calendar of {year} not confirmed"}

STEPS: dict[Lang, dict[str, str]] = {
    "zh": {
        "arrival": "收到当天不计",
        "day": "第 {k} 个工作日（{day}）",
        "makeup_day": "第 {k} 个工作日（{day}，{name}调休上班）",
        "extended_day": "延期第 {extra} 个工作日（{day}）",
        "extended_makeup_day": "延期第 {extra} 个工作日（{day}，{name}调休上班）",
        "extended": "其中含批准的延期 {extra} 个工作日",
        "made_good": "顺延，补足暂停占用的时间（{day}）",
        "pause": "暂停：{reason}",
        "open_pause": "暂停中：{reason}，恢复后时限顺延",
        "calendar_changed": "时限按当时的日历算定，日历此后有变更",
        "promise_kept": "原承诺不缩短：按现行日历和规则 {at} 到期，仍以先前的时限为准",
    },
    "en": {
        "arrival": "the day of arrival does not count",
        "day": "working day {k} ({day})",
        "makeup_day": "working day {k} ({day}, make-up workday for {name})",
        "extended_day": "working day {extra} of the extension ({day})",
        "extended_makeup_day": "working day {extra} of the extension ({day}, make-up workday for {name})",
        "extended": "{extra} working days of it were granted as an extension",
        "made_good": "makes good the time of pauses ({day})",
        "pause": "paused: {reason}",
        "open_pause": "paused now: {reason}; the due time moves on when it resumes",
        "calendar_changed": "the due time was set on the calendar of its day, which has changed since",
        "promise_kept": "a promise is not shortened: today it would be due {at}, the former word stands",
    },
}

# reasons that the service itself gives; any other reason is shown as written
REASONS: dict[Lang, dict[str, str]] = {
    "zh": {
        "waiting_for_window": "答复待客户来信后送达",
        "waiting_customer": "等待客户补充",
        "suspended": "挂起",
    },
    "en": {
        "waiting_for_window": "the reply waits for the customer's next message",
        "waiting_customer": "waiting for the customer",
        "suspended": "suspended",
    },
}

WEEKDAYS: dict[Lang, str] = {"zh": "一 二 三 四 五 六 日", "en": "Mon Tue Wed Thu Fri Sat Sun"}
DAYS: dict[Lang, str] = {"zh": "{month}月{day}日 周{weekday}", "en": "{weekday} {year}-{month:02}-{day:02}"}


def piece_words(kind: PieceKind, name: str, *, unconfirmed: int | None, lang: Lang) -> str:
    """Why a piece counts or not; `unconfirmed` is its year where that is not announced."""
    text = PIECES[lang][kind].format(name=name_words(name, lang))
    if unconfirmed is None or kind not in ANNOUNCED_KINDS:
        return text
    return text + UNCONFIRMED[lang].format(year=unconfirmed)


def name_words(name: str, lang: Lang) -> str:
    """A holiday's name."""
    return NAMES[lang].get(name, name)


def day_words(day: date, lang: Lang) -> str:
    """A day as staff read it: 2月24日 周二."""
    weekday = WEEKDAYS[lang].split()[day.weekday()]
    return DAYS[lang].format(year=day.year, month=day.month, day=day.day, weekday=weekday)


def instant_words(at: datetime, lang: Lang) -> str:
    """A local time with its day: 2月24日 周二 09:15."""
    return f"{day_words(at.date(), lang)} {at:%H:%M}"


def reason_words(reason: str, lang: Lang) -> str:
    """A pause's reason: the known ones in words, any other as written."""
    return REASONS[lang].get(reason, reason)
