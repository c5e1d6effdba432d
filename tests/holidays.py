"""The arrangement of a year as files hold it."""

import json
from datetime import date, timedelta

from service.sla.importing import Notice, read_notice

OFF = (  # first day, number of days, name: made up, as nobody has announced 2027 yet
    ("2027-01-01", 3, "元旦"),
    ("2027-02-05", 7, "春节"),
    ("2027-04-03", 3, "清明节"),
    ("2027-05-01", 5, "劳动节"),
    ("2027-06-09", 1, "端午节"),
    ("2027-09-15", 1, "中秋节"),
    ("2027-10-01", 7, "国庆节"),
)
WORK = (("2027-01-31", "春节"), ("2027-02-13", "春节"), ("2027-05-08", "劳动节"), ("2027-10-09", "国庆节"))


def days_off() -> list[dict[str, object]]:
    return [
        {"name": name, "date": (date.fromisoformat(first) + timedelta(days=offset)).isoformat(), "isOffDay": True}
        for first, length, name in OFF
        for offset in range(length)
    ]


def work(day: str, name: str = "元旦") -> dict[str, object]:
    return {"name": name, "date": day, "isOffDay": False}


def off(day: str, name: str = "元旦") -> dict[str, object]:
    return {"name": name, "date": day, "isOffDay": True}


def year_2027(*more: dict[str, object], **changed: object) -> str:
    """The arrangement of 2027 as a holiday-cn file, with more days."""
    days = [*days_off(), *(work(day, name) for day, name in WORK), *more]
    return json.dumps({"year": 2027, "papers": ["https://www.gov.cn/2027.htm"], "days": days} | changed)


def notice_2027(*more: dict[str, object]) -> Notice:
    return read_notice(year_2027(*more))
