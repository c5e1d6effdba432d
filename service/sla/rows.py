"""Reading of configuration rows as administrators edit them: mappings from JSON whose values may be anything."""

from collections.abc import Mapping

Row = Mapping[str, object]


def text_in(row: Row, name: str) -> str:
    """A text that must be there. Raises ValueError otherwise."""
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name!r} must be a text in {dict(row)}")
    return value


def whole_in(row: Row, name: str) -> int:
    """A whole number that must be there. Raises ValueError otherwise."""
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name!r} must be a whole number in {dict(row)}")
    return value


def number_in(row: Row, name: str) -> float:
    """A number that must be there. Raises ValueError otherwise."""
    value = row.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name!r} must be a number in {dict(row)}")
    return float(value)


def row_in(row: Row, name: str) -> Row | None:
    """A row within a row; None where it is null. Raises ValueError on anything else, also where it is left out."""
    value = row.get(name, ...)
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"{name!r} must be an object or null in {dict(row)}")
    return value


def texts_in(row: Row, name: str) -> tuple[str, ...]:
    """A list of texts that must be there. Raises ValueError otherwise."""
    value = row.get(name)
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise ValueError(f"{name!r} must be a list of texts in {dict(row)}")
    return tuple(value)
