"""Files of holidays: read in every form they come in, and every mistake named in one sentence."""

import json
from datetime import date
from pathlib import Path

import pytest

from service.sla.import_words import MISTAKES, mistake_words
from service.sla.importing import Notice, OfficialDay, UnusableNotice, differences, read_notice
from tests.holidays import notice_2027, off, work, year_2027

SHIPPED = Path("service/defaults/calendar_cn.json")


def as_csv(*more: str, header: str = "date,type,name") -> str:
    """The year 2027 as CSV."""
    lines = [f"{each.day.isoformat()},{each.kind},{each.name}" for each in read_notice(year_2027()).days]
    return "\r\n".join([header, *lines, *more]) + "\r\n"


def mistakes_of(data: bytes | str, lang: str = "zh") -> list[str]:
    with pytest.raises(UnusableNotice) as refused:
        read_notice(data)
    return [mistake_words(mistake, lang) for mistake in refused.value.mistakes]  # type: ignore[arg-type]


def test_a_holiday_cn_file_is_read() -> None:
    notice = notice_2027()

    assert (notice.year, len(notice.days), notice.papers) == (2027, 31, ("https://www.gov.cn/2027.htm",))
    assert notice.days[0] == OfficialDay(date(2027, 1, 1), "holiday", "元旦")
    assert OfficialDay(date(2027, 2, 13), "makeup_workday", "春节") in notice.days


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (as_csv().encode(), "UTF-8"),
        (as_csv().encode("utf-8-sig"), "UTF-8 as spreadsheets save it"),
        (as_csv().encode("gbk"), "GBK as older spreadsheets save it"),
        (as_csv().replace("\r\n", "\n\n").encode(), "blank lines"),
        (
            as_csv().replace("2027-0", "2027/").replace("makeup_workday", "班").replace("holiday", "休").encode(),
            "by hand",
        ),
        (as_csv(header="日期,类型,名称").encode(), "Chinese heads"),
        (as_csv(), "pasted"),
    ],
)
def test_csv_says_the_same_as_json(data: bytes | str, why: str) -> None:
    assert read_notice(data).days == notice_2027().days, why
    assert read_notice(data).year == 2027, why


def test_a_notice_may_decide_the_end_of_the_december_before() -> None:
    assert read_notice(year_2027(off("2026-12-31"))).days[0].day == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "文件是空的。"),
        (b" \r\n ", "文件是空的。"),
        (b"\xff\xff\xff", "文件的文字编码认不出来，请另存为 UTF-8 或 GBK。"),
        ("x" * (1 << 20) + "x", "文件太大：一年的节假日安排不会超过 1 MB。"),
        ('{"year": 2027,', "文件看起来是 JSON，却不完整，请重新下载。"),
        ("[" * 100_000, "文件看起来是 JSON，却不完整，请重新下载。"),
        ("[]", "文件里没有日期。"),
        ('{"year": 2027, "days": []}', "文件里没有日期。"),
        (year_2027(year="2027"), "JSON 里没有 year（年份）。"),
        (year_2027(year=1066), "年份 1066 不合理。"),
        ("春节放假七天", "CSV 第一行须为 date,type,name。"),
        ("date,type,name\n", "文件里没有日期。"),
        (year_2027(days=[off("2027-01-01")] * 401), "文件里超过 400 天，不像一年的节假日安排。"),
        (year_2027(off("2027-02-30")), "第 32 条：日期“2027-02-30”读不出来，请写成 2027-02-06。"),
        (year_2027({"date": 5}), "第 32 条：日期“5”读不出来，请写成 2027-02-06。"),
        (
            year_2027({"date": "2027-03-06", "name": "春节", "isOffDay": "yes"}),
            "第 32 条（2027-03-06）：类型“yes”不认识，请写 holiday（休）或 makeup_workday（班）。",
        ),
        (
            as_csv("2027-03-06,maybe,春节"),
            "第 33 条（2027-03-06）：类型“maybe”不认识，请写 holiday（休）或 makeup_workday（班）。",
        ),
        (as_csv("2027-03-06,holiday"), "第 33 条（2027-03-06）：缺少节日名称，或名称超过 40 个字。"),
        (year_2027(off("2027-03-06", "春\0节")), "第 32 条（2027-03-06）：缺少节日名称，或名称超过 40 个字。"),
        (year_2027(off("2027-01-01", "新年")), "2027-01-01 出现了不止一次。"),
        (year_2027(off("2029-01-01")), "2029-01-01 不在 2027 年或相邻年份。"),
        (year_2027(work("2027-02-15")), "2027-02-15 是周一，本来就上班，不可能是调休上班日。"),
        (year_2027(days=[off("2027-01-01")]), "2027 年的放假天数是 1 天，应在 20 到 45 天之间；文件可能不完整。"),
    ],
)
def test_a_file_that_cannot_be_right_is_refused_with_the_reason(data: bytes | str, sentence: str) -> None:
    assert mistakes_of(data) == [sentence]


def test_all_mistakes_of_a_file_are_named_at_once() -> None:
    assert len(mistakes_of(year_2027(work("2027-02-15"), off("2027-13-01"), off("2027-01-01")))) == 3


def test_every_mistake_has_its_sentence_in_both_languages() -> None:
    assert set(MISTAKES["zh"]) == set(MISTAKES["en"])
    assert mistakes_of(year_2027(work("2027-02-15")), "en") == [
        "2027-02-15 is a Mon, a workday anyway: it cannot be a make-up workday."
    ]


def test_too_many_days_off_are_refused_as_well() -> None:
    more = [off(f"2027-07-{day:02}", "假") for day in range(1, 24)]

    assert mistakes_of(year_2027(*more)) == ["2027 年的放假天数是 50 天，应在 20 到 45 天之间；文件可能不完整。"]


@pytest.mark.parametrize("year", [2025, 2026])
def test_the_announced_years_that_are_shipped_pass(year: int) -> None:
    rows = json.loads(SHIPPED.read_text("utf-8"))
    days = [f"{row['key']},{row['kind']},{row['name']}" for row in rows if row["key"].startswith(f"{year}-")]

    assert len(read_notice("\n".join(["date,type,name", *days])).days) == len(days) > 30


def test_the_difference_names_what_is_added_removed_and_changed() -> None:
    day, other, third = date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)
    was = {day: OfficialDay(day, "holiday", "元旦"), other: OfficialDay(other, "holiday", "元旦")}
    notice = Notice(2027, (OfficialDay(day, "holiday", "新年"), OfficialDay(third, "makeup_workday", "元旦")))

    diff = differences(notice, was)

    assert [each.day for each in diff.added] == [third]
    assert [each.day for each in diff.removed] == [other]
    assert [(each.before, each.after) for each in diff.changed] == [(was[day], notice.days[0])]
    assert [each.day for each in diff.all] == [day, other, third]


def test_what_is_the_same_is_no_difference() -> None:
    notice = notice_2027()

    assert differences(notice, {each.day: each for each in notice.days}).all == ()
