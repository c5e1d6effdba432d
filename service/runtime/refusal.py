"""The one error of this package."""


class RefusedError(Exception):
    """The processes cannot be started as things are; str() is one sentence that says what would be right."""
