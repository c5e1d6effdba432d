"""What a message shows on the phone, whichever way it came there."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """One card of a news message; addresses may be empty."""

    title: str
    description: str
    url: str
    picture_url: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One item of a survey; a tap comes back as a text with this id."""

    id: str
    content: str


@dataclass(frozen=True, slots=True)
class Content:
    """A message's body: text is what one reads, media_id what one looks at or listens to, url where a tap leads."""

    type: str
    text: str = ""
    media_id: str = ""
    articles: tuple[Article, ...] = ()
    choices: tuple[Choice, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()  # label and value
    url: str = ""
    more: str = ""

    def as_json(self) -> dict[str, object]:
        """Fields for JSON, with the address under which this simulator serves the media."""
        return asdict(self) | {"media_url": f"/media/{self.media_id}" if self.media_id else None}
