"""What is wrong with a file of holidays, a sentence a mistake, Chinese and English."""

from collections.abc import Mapping

from service.sla.importing import Mistake
from service.sla.words import WEEKDAYS, Lang

MISTAKES: Mapping[Lang, Mapping[str, str]] = {
    "zh": {
        "empty": "文件是空的。",
        "large": "文件太大：一年的节假日安排不会超过 1 MB。",
        "encoding": "文件的文字编码认不出来，请另存为 UTF-8 或 GBK。",
        "not_json": "文件看起来是 JSON，却不完整，请重新下载。",
        "not_csv": "CSV 读不出来，请另存为逗号分隔的文本。",
        "no_header": "CSV 第一行须为 date,type,name。",
        "no_days": "文件里没有日期。",
        "no_year": "JSON 里没有 year（年份）。",
        "many_days": "文件里超过 {most} 天，不像一年的节假日安排。",
        "year": "年份 {year} 不合理。",
        "date": "第 {place} 条：日期“{day}”读不出来，请写成 2027-02-06。",
        "type": "第 {place} 条（{day}）：类型“{written}”不认识，请写 holiday（休）或 makeup_workday（班）。",
        "name": "第 {place} 条（{day}）：缺少节日名称，或名称超过 40 个字。",
        "twice": "{day} 出现了不止一次。",
        "other_year": "{day} 不在 {year} 年或相邻年份。",
        "makeup_in_week": "{day} 是周{weekday}，本来就上班，不可能是调休上班日。",
        "count": "{year} 年的放假天数是 {count} 天，应在 {least} 到 {most} 天之间；文件可能不完整。",
    },
    "en": {
        "empty": "The file is empty.",
        "large": "The file is too large: a year's arrangement has less than 1 MB.",
        "encoding": "The encoding of the file is unknown; save it as UTF-8 or GBK.",
        "not_json": "The file begins like JSON and is not; download it again.",
        "not_csv": "The CSV cannot be read; save it as comma-separated text.",
        "no_header": "The first line of a CSV is date,type,name.",
        "no_days": "There are no days in the file.",
        "no_year": "The JSON has no year.",
        "many_days": "More than {most} days: this is not a year's arrangement.",
        "year": "The year {year} is not plausible.",
        "date": "Entry {place}: the date {day!r} cannot be read; write 2027-02-06.",
        "type": "Entry {place} ({day}): the type {written!r} is unknown; write holiday or makeup_workday.",
        "name": "Entry {place} ({day}): the holiday's name is missing or longer than 40 characters.",
        "twice": "{day} is there more than once.",
        "other_year": "{day} lies neither in {year} nor in a year beside it.",
        "makeup_in_week": "{day} is a {weekday}, a workday anyway: it cannot be a make-up workday.",
        "count": "{year} would have {count} days off, not between {least} and {most}; the file may be incomplete.",
    },
}


def mistake_words(mistake: Mistake, lang: Lang) -> str:
    """What is wrong, in one sentence."""
    values = dict(mistake.values)
    weekday = values.get("weekday")
    if isinstance(weekday, int):
        values["weekday"] = WEEKDAYS[lang].split()[weekday]
    return MISTAKES[lang][mistake.code].format(**values)
