"""The conversations that the demonstration plays: read from data files, filled in with names, places and dates."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from itertools import takewhile

from service.demo.people import COMPANY
from service.sla.calendar import Calendar

CUSTOMER = ("customer", "picture")
STAFF = ("interim", "ask", "final", "phone", "note", "transfer", "suspend", "end")
MARKED = ("picture", "transfer", "end")  # the turn's second word is not what is said
PACES = ("quick", "day", "days")
WEEKDAYS = "一二三四五六日"

PLACES = ("和悦花园", "和悦春江", "云栖苑", "翡翠湾", "锦绣里", "望江府", "梧桐里", "紫荆城")
ENGINEERS = ("李师傅", "马师傅", "张师傅", "陈师傅", "刘工", "周师傅", "王工", "何师傅")
STEWARDS = ("管家小吴", "管家小郭", "管家小张", "管家小沈", "管家小孟")
PLATES = ("A·7K2", "A·D53", "B·9T1", "A·F08", "C·6M4", "A·3N7", "B·D12", "A·2R5")


@dataclass(frozen=True, slots=True)
class Turn:
    """One step. `texts` are variants; `mark` is the picture, the department of a transfer, or the way it ends."""

    kind: str
    texts: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A matter from its first word to its last. `again`: what the follower says if it comes back, `redo` the answer."""

    key: str
    category: str
    turns: tuple[Turn, ...]
    priority: str | None = None  # None: what the classifier or the category says
    pace: str = "quick"
    plan: str = ""
    why: str = ""  # why a person corrects the category, where one has to
    again: str = ""
    redo: str = ""

    @property
    def opening(self) -> tuple[Turn, ...]:
        """What the follower writes before anybody answers."""
        return tuple(takewhile(lambda turn: turn.kind in CUSTOMER, self.turns))

    @property
    def rest(self) -> tuple[Turn, ...]:
        return self.turns[len(self.opening) :]

    def has(self, kind: str) -> bool:
        return any(turn.kind == kind for turn in self.turns)


@cache
def conversations() -> tuple[Conversation, ...]:
    """All of them, file by file in the order of their names. Raises ValueError on one that cannot be played."""
    folder = resources.files("service.demo").joinpath("conversations")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return tuple(conversation_from(row) for file in files for row in json.loads(file.read_text("utf-8")))


def conversation_from(row: Mapping[str, object]) -> Conversation:
    """A conversation from its row. Raises ValueError that names what is wrong."""
    values = dict(row)
    values["turns"] = tuple(_turn_from(turn, str(row["key"])) for turn in row["turns"])  # type: ignore[attr-defined]
    made = Conversation(**values)  # type: ignore[arg-type]
    if made.pace not in PACES or not made.opening or bool(made.again) != bool(made.redo):
        raise ValueError(f"{made.key}: pace, opening, or one of again and redo is wrong")
    return made


def _turn_from(row: Sequence[object], key: str) -> Turn:
    kind, rest = str(row[0]), list(row[1:])
    if kind not in CUSTOMER + STAFF:
        raise ValueError(f"{key}: no turn is called {kind!r}")
    mark = str(rest.pop(0)) if kind in MARKED else ""
    said = rest[0] if rest else ""
    return Turn(kind, tuple(said) if isinstance(said, list) else (str(said),), mark)


def slots(chance: random.Random, name: str) -> dict[str, str]:
    """What stays the same through one matter: who, where, which car, which bill."""
    room = chance.randint(6, 28) * 100 + chance.randint(1, 4)
    return {
        "name": name,
        "company": COMPANY,
        "place": chance.choice(PLACES),
        "building": str(chance.randint(1, 18)),
        "unit": str(chance.randint(1, 3)),
        "floor": str(room // 100),
        "room": str(room),
        "plate": chance.choice(PLATES) + f"{chance.randint(10, 99)}",
        "amount": f"{chance.randint(120, 2600)}.{chance.randint(0, 9)}0",
        "small": str(chance.choice((5, 8, 10, 12, 15, 18, 20, 26, 35))),
        "order": f"HY{chance.randint(10_000_000, 99_999_999)}",
        "tail": f"{chance.randint(1000, 9999)}",
        "code": f"{chance.randint(1, 9)}-{chance.randint(1, 6)}-{chance.randint(1000, 9999)}",
        "engineer": chance.choice(ENGINEERS),
        "steward": chance.choice(STEWARDS),
        "few": chance.choice("两三四五"),
        "number": str(chance.randint(2, 9)),
    }


def dates(now: datetime, calendar: Calendar) -> dict[str, str]:
    """What depends on when it is said: today, the next working day, the one after, two working hours from now."""
    here = now.astimezone(calendar.zone)
    following = [calendar.end_of_working_day(now, days).astimezone(calendar.zone) for days in (1, 2, 3)]
    soon = calendar.add(now, timedelta(hours=2)).astimezone(calendar.zone)
    soon += timedelta(minutes=-soon.minute % 30)
    day = "今天" if soon.date() == here.date() else _day(soon)
    return {
        "today": _day(here),
        "yesterday": _day(here - timedelta(days=1)),
        "next_day": f"{_day(following[0])}（周{WEEKDAYS[following[0].weekday()]}）",
        "second_day": f"{_day(following[1])}（周{WEEKDAYS[following[1].weekday()]}）",
        "third_day": f"{_day(following[2])}（周{WEEKDAYS[following[2].weekday()]}）",
        "soon": f"{day} {soon:%H:%M}",
        "month": f"{here.month}月",
        "last_month": f"{(here.month - 2) % 12 + 1}月",
    }


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its {slots} replaced. Raises KeyError for a slot that nobody fills."""
    return text.format_map(values)


def _day(at: datetime) -> str:
    return f"{at.month}月{at.day}日"
