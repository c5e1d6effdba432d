"""What differs between installations, as rows that administrators edit: read from here as one immutable value."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service import trained_models
from service.database import BigId, Model
from service.people import Department
from service.policy_versions import PolicyVersion
from service.publishing import Publication, State
from service.routing.assignment import EVERYBODY, AssignmentRules, assignment_from
from service.routing.classifier import Classifier, classifier_from, shipped_rows
from service.routing.rules import RoutingRow, in_order, row_from
from service.routing.subcategories import Subcategories, subcategories_from
from service.sla import shifts
from service.sla.allowances import Allowances, allowances_from
from service.sla.calendar import Calendar
from service.sla.ladder import Ladder, ladder_from
from service.sla.layers import calendars_from, shifts_by_scope
from service.sla.orders import OrderRules, order_rules_from
from service.sla.policy import PolicyTable, policies_from
from service.sla.quiet import QuietHours, quiet_hours_from
from service.sla.rows import Row
from service.sla.shifts import Shifts

RULES, CALENDAR = 1, 2  # what has a version
MOST_POLICIES = 200  # versions of the targets that open tickets may still have
FRESH_SECONDS = 1.0  # how old a process's copy may be; what a page changes holds everywhere within 2 s
SECTIONS = {  # section -> shipped file, and the field that names a row in it
    "categories": ("categories.json", "code"),
    "routing": ("routing.json", "position"),
    "keywords": ("keywords.json", "pattern"),
    "sla_policies": ("sla_policies.json", "key"),
    "calendar": ("calendar_cn.json", "key"),
    "texts": ("texts.json", "key"),
    "escalation": ("escalation.json", "key"),
    "supervision": ("supervision.json", "key"),
    "quiet_hours": ("quiet_hours.json", "key"),
    "extensions": ("extensions.json", "key"),
    "subcategories": ("subcategories.json", "key"),
    "assignment": ("assignment.json", "key"),
}


class RulebookRow(Model):
    """A row of one section; `edited` rows are the administrator's and no upgrade touches them."""

    __tablename__ = "rulebook"
    __table_args__ = (UniqueConstraint("section", "key"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    section: Mapped[str]
    key: Mapped[str]
    position: Mapped[int]
    value: Mapped[dict[str, object]] = mapped_column(JSON)
    edited: Mapped[bool] = mapped_column(default=False)
    changed_at: Mapped[datetime]


class RulebookVersion(Model):
    """A row that grows with every change of the rules, so that a process sees cheaply that its copy is old.

    Another one grows with the calendar: tickets remember with which of its versions their clocks were computed.
    """

    __tablename__ = "rulebook_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int]


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name_zh: str
    name_en: str
    default_priority: str
    restricted: bool


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Everything that decides, as values."""

    version: int
    zone: ZoneInfo
    calendar: Calendar
    policies: PolicyTable  # the newest version: of new tickets
    categories: Mapping[str, Category]
    routing: tuple[RoutingRow, ...]
    classifier: Classifier
    texts: Mapping[str, str]
    documents: Mapping[tuple[str, str], Mapping[str, object]]  # (kind, scope) -> the published version's content
    public_url: str
    departments: Mapping[str, int]  # code -> id
    department_codes: Mapping[int, str]
    intake_department_id: int
    calendar_version: int = 0
    calendars: Mapping[int, Calendar] = field(default_factory=dict)  # where a department has its own
    own_texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # channel -> texts in place of `texts`
    policy_version: int = 0
    policy_versions: Mapping[int, PolicyTable] = field(default_factory=dict)  # all of them
    ladder: Ladder = field(default_factory=lambda: Ladder(()))
    allowances: Allowances = field(default_factory=Allowances)
    orders: OrderRules = field(default_factory=lambda: orders_in())
    quiet: QuietHours = field(default_factory=lambda: quiet_hours_in())
    shifts: Mapping[str, Shifts] = field(default_factory=dict)  # by department code, "" for everybody's
    model_version: str = ""  # of the model that the classifier asks
    own_model: bool = False  # it was trained here, not shipped
    subcategories: Subcategories = field(default_factory=lambda: Subcategories())
    assignment: Mapping[str, AssignmentRules] = field(default_factory=dict)  # by department code, and EVERYBODY's

    def text(self, key: str, channel: str) -> str:
        """A text as this channel says it."""
        return self.own_texts.get(channel, {}).get(key) or self.texts[key]

    def speaking_for(self, channel: str) -> "Rulebook":
        """These rules with the channel's own texts in `texts`."""
        own = self.own_texts.get(channel)
        return replace(self, texts={**self.texts, **own}) if own else self

    def policies_of(self, version: int) -> PolicyTable:
        """The targets that a ticket of this version started with."""
        return self.policy_versions.get(version, self.policies)

    def on_duty(self, department_id: int, at: datetime) -> tuple[str, ...]:
        """Usernames of those who have a shift of the department, or of the whole company, at this instant."""
        code = self.department_codes.get(department_id, "")
        found = (shifts.on_duty(self.shifts.get(scope, {}), at, self.zone) for scope in (code, ""))
        return tuple(dict.fromkeys(username for people in found for username in people))

    def assignment_for(self, department_id: int) -> AssignmentRules:
        """How tickets of a department find their people."""
        own = self.assignment.get(self.department_codes.get(department_id, EVERYBODY))
        return own or self.assignment.get(EVERYBODY) or AssignmentRules()

    def calendar_for(self, department_id: int) -> Calendar:
        """The calendar on which a department works."""
        return self.calendars.get(department_id, self.calendar)

    def department_name(self, department_id: int) -> str:
        return self.department_codes[department_id]


@lru_cache
def shipped(name: str) -> list[dict[str, object]]:
    """The rows of a shipped default file."""
    return shipped_rows(name)


def install(session: Session, *, now: datetime) -> None:
    """Bring the shipped configuration in: missing rows are added, unedited ones renewed, edited ones left alone."""
    for position, row in enumerate(shipped("departments.json")):
        _install_department(session, row, position)
    calendar_changed = False
    for section, (name, key) in SECTIONS.items():
        present = {r.key: r for r in session.scalars(select(RulebookRow).where(RulebookRow.section == section))}
        for position, value in enumerate(shipped(name)):
            name_of_row = str(value[key])
            kept = present.get(name_of_row) or RulebookRow(section=section, key=name_of_row, edited=False)
            if not kept.edited and (kept.value, kept.position) != (value, position):
                calendar_changed |= section == "calendar" and kept.value != value
                kept.value, kept.position, kept.changed_at = value, position, now
            session.add(kept)
    bump(session, calendar=calendar_changed)


def _install_department(session: Session, row: Mapping[str, object], position: int) -> None:
    if session.scalar(select(Department.id).where(Department.code == row["code"])) is None:
        names = {"name_zh": str(row["name_zh"]), "name_en": str(row["name_en"])}
        intake = bool(row.get("intake", False))
        session.add(Department(code=str(row["code"]), position=position, intake=intake, active=True, **names))


def bump(session: Session, *, calendar: bool = False) -> None:
    """Every process reads the rules anew within FRESH_SECONDS of the commit.

    With `calendar`, `jobs.recompute` brings open tickets to the calendar as it is now.
    """
    for which in (RULES, CALENDAR) if calendar else (RULES,):
        row = session.get(RulebookVersion, which, with_for_update={"key_share": True}, populate_existing=True)
        if row is None:
            session.add(RulebookVersion(id=which, version=1))
        else:
            row.version += 1


def lock(session: Session) -> None:
    """Let one change after the other read the rules and write them."""
    session.get(RulebookVersion, RULES, with_for_update={"key_share": True}, populate_existing=True)


class RulebookCache:
    """A process's copy: at most FRESH_SECONDS behind the database, one reload at a time."""

    def __init__(
        self,
        zone: ZoneInfo,
        public_url: str = "",
        own_texts: Callable[[Session], Mapping[str, Mapping[str, str]]] = lambda _: {},
    ) -> None:
        """`own_texts` reads each channel's own; whoever changes them calls `bump`."""
        self._own_texts = own_texts
        self._zone = zone
        self._public_url = public_url
        self._rules: Rulebook | None = None
        self._checked = float("-inf")
        self._lock = threading.Lock()

    def forget(self) -> None:
        """Let the next use read everything anew."""
        with self._lock:
            self._rules = None

    def current(self, session: Session) -> Rulebook:
        """The rules as they are now. Raises LookupError on a database that `desk init` has not seen."""
        rules = self._rules
        if rules is not None and time.monotonic() - self._checked < FRESH_SECONDS:
            return rules
        with self._lock:
            if self._rules is None or time.monotonic() - self._checked >= FRESH_SECONDS:
                version = session.scalar(select(RulebookVersion.version).where(RulebookVersion.id == RULES))
                if version is None:
                    raise LookupError("the database has no rules yet: run `desk init`")
                if self._rules is None or self._rules.version != version:
                    rules = load(session, version, self._zone, self._public_url)
                    self._rules = replace(rules, own_texts=self._own_texts(session))
                self._checked = time.monotonic()
            return self._rules


def load(session: Session, version: int, zone: ZoneInfo, public_url: str = "") -> Rulebook:
    """Read all rows and make values of them."""
    sections: dict[str, list[dict[str, object]]] = {section: [] for section in SECTIONS}
    for row in session.scalars(select(RulebookRow).order_by(RulebookRow.position, RulebookRow.id)):
        if not row.value.get("off"):  # switched off: it stays known, or an upgrade would bring it back
            sections.setdefault(row.section, []).append(row.value)
    departments = session.scalars(select(Department).order_by(Department.position, Department.id)).all()
    codes = {d.code: d.id for d in departments}
    calendar, own_calendars = calendars_from(sections["calendar"], zone)
    policy_versions = policy_versions_in(session, sections["sla_policies"])
    newest, model = max(policy_versions), trained_models.in_use(session)
    return Rulebook(
        version=version,
        zone=zone,
        calendar=calendar,
        calendar_version=session.scalar(select(RulebookVersion.version).where(RulebookVersion.id == CALENDAR)) or 0,
        calendars={codes[code]: own for code, own in own_calendars.items() if code in codes},
        policies=policy_versions[newest],
        policy_version=newest,
        policy_versions=policy_versions,
        ladder=ladder_from(sections["escalation"]),
        # before `desk init` has brought them to an older database the shipped ones hold
        allowances=allowances_from(sections["extensions"] or shipped("extensions.json")),
        orders=orders_in(sections["supervision"]),
        quiet=quiet_hours_in(sections["quiet_hours"]),
        shifts=shifts_by_scope(sections["calendar"]),
        assignment=assignment_from([*shipped("assignment.json"), *sections["assignment"]]),
        categories=categories_from(sections["categories"]),
        subcategories=subcategories_from(sections["subcategories"] or shipped("subcategories.json")),
        routing=tuple(in_order(routing_from(sections["routing"]))),
        classifier=classifier_from(sections["keywords"], sections["categories"], model.weights),
        model_version=model.weights.version,
        own_model=model.is_own,
        texts={str(row["key"]): str(row["text"]) for row in sections["texts"]},
        documents=documents_in(session),
        public_url=public_url,
        departments=codes,
        department_codes={number: code for code, number in codes.items()},
        intake_department_id=next(d.id for d in departments if d.intake),
    )


def policy_versions_in(session: Session, as_shipped: Iterable[Row]) -> dict[int, PolicyTable]:
    """Version -> targets; 0 are the shipped ones."""
    rows = session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(MOST_POLICIES))
    return {0: policies_from(as_shipped)} | {row.version: policies_from(row.rows) for row in rows}


def orders_in(rows: Iterable[Row] = ()) -> OrderRules:
    """The numbers of supervision; as shipped where a row is not there yet."""
    return order_rules_from([*shipped("supervision.json"), *rows])


def quiet_hours_in(rows: Iterable[Row] = ()) -> QuietHours:
    """When people are left in peace; as shipped where the row is not there yet."""
    return quiet_hours_from([*shipped("quiet_hours.json"), *rows])


def documents_in(session: Session) -> dict[tuple[str, str], Mapping[str, object]]:
    """What is published; whoever publishes calls `bump`."""
    rows = session.scalars(select(Publication).where(Publication.state == State.PUBLISHED))
    return {(row.kind, row.scope): row.content for row in rows}


def categories_from(rows: Iterable[Mapping[str, object]]) -> dict[str, Category]:
    return {
        str(r["code"]): Category(
            code=str(r["code"]),
            name_zh=str(r["name_zh"]),
            name_en=str(r["name_en"]),
            default_priority=str(r["default_priority"]),
            restricted=bool(r["restricted"]),
        )
        for r in rows
    }


def routing_from(rows: Iterable[Mapping[str, object]]) -> Iterable[RoutingRow]:
    """The rows of the table; deleted shipped ones stay in the rulebook, or an upgrade would bring them back."""
    return (row_from(r, str(r.get("key") or r["position"])) for r in rows if not r.get("deleted"))
