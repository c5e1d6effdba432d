"""Statutory days of China for years whose official arrangement is not announced yet; never a make-up day."""

from datetime import date, timedelta
from functools import cache
from typing import NamedTuple

# (month, day, name): the days off that need no lunar calendar (State Council regulation of November 2024)
FIXED = (
    (1, 1, "元旦"),
    (5, 1, "劳动节"),
    (5, 2, "劳动节"),
    (10, 1, "国庆节"),
    (10, 2, "国庆节"),
    (10, 3, "国庆节"),
)


class Lunar(NamedTuple):
    """The dates of one year that follow the moon or the sun; `new_year` is the first day of the first month."""

    new_year: tuple[int, int]
    qingming: tuple[int, int]
    dragon_boat: tuple[int, int]
    mid_autumn: tuple[int, int]


LUNAR = {
    2027: Lunar(new_year=(2, 6), qingming=(4, 5), dragon_boat=(6, 9), mid_autumn=(9, 15)),
    2028: Lunar(new_year=(1, 26), qingming=(4, 4), dragon_boat=(5, 28), mid_autumn=(10, 3)),
    2029: Lunar(new_year=(2, 13), qingming=(4, 4), dragon_boat=(6, 16), mid_autumn=(9, 22)),
    2030: Lunar(new_year=(2, 3), qingming=(4, 5), dragon_boat=(6, 5), mid_autumn=(9, 12)),
}

# days off around the first day of the first month: from New Year's Eve to the third day
SPRING_FESTIVAL = (-1, 0, 1, 2)


@cache
def statutory_days(year: int) -> dict[date, str]:
    """Name of each statutory day of a year; lunar ones only from 2027 to 2030, where the table knows them."""
    days = {date(year, month, day): name for month, day, name in FIXED}
    lunar = LUNAR.get(year)
    if lunar is None:
        return days
    new_year = date(year, *lunar.new_year)
    days |= {new_year + timedelta(days=offset): "春节" for offset in SPRING_FESTIVAL}
    days |= {date(year, *lunar.qingming): "清明节", date(year, *lunar.dragon_boat): "端午节"}
    days.setdefault(date(year, *lunar.mid_autumn), "中秋节")
    return days
