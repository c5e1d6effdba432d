"""The hours in which people are left in peace, and when they hear of what came meanwhile. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.sla.rows import Row, text_in

KEY = "hours"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `begin` to `end`, mostly over midnight; at `digest` everything goes out that had to wait."""

    begin: time
    end: time
    digest: time

    def __post_init__(self) -> None:
        """Refuse a digest that would wake people."""
        if self._holds(self.digest):
            raise ValueError(f"the digest at {self.digest:%H:%M} lies within the quiet hours")

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether `at` lies within them; their last instant does not. None at all where begin and end are the same."""
        return self._holds(at.astimezone(zone).time())

    def next_digest(self, at: datetime, zone: ZoneInfo) -> datetime:
        """The first digest after `at`."""
        here = at.astimezone(zone)
        today = self.digest_on(here.date(), zone)
        return today if today > here else self.digest_on(here.date() + timedelta(days=1), zone)

    def digest_on(self, day: date, zone: ZoneInfo) -> datetime:
        """When the digest of a day goes out."""
        return datetime.combine(day, self.digest, zone)

    def _holds(self, at: time) -> bool:
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def quiet_hours_from(rows: Iterable[Row]) -> QuietHours:
    """The hours from their rows, a later one in place of an earlier. Raises ValueError that names what is wrong."""
    row = {str(row.get("key")): row for row in rows}[KEY]
    return QuietHours(*(time.fromisoformat(text_in(row, name)) for name in ("from", "to", "digest")))
