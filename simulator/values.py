"""Reading the values of a JSON object whose types nobody promised. Pure."""

from collections.abc import Mapping

Values = Mapping[str, object]


def text(values: Values, name: str) -> str:
    """The value as text; empty if it is missing or no text."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def whole(values: Values, name: str) -> int | None:
    """The value as a whole number, also where it came as digits in a text; None if it is neither."""
    value = values.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else None


def inner(values: Values, name: str) -> Values:
    """The object under the name; empty if there is none."""
    value = values.get(name)
    return value if isinstance(value, Mapping) else {}


def rows(values: Values, name: str) -> list[Values]:
    """The objects in the list under the name."""
    value = values.get(name)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def texts(values: Values, name: str) -> list[str]:
    """The texts in the list under the name."""
    value = values.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
