"""Errors a caller may be shown. None of them knows HTTP; web/errors.py maps them."""


class ServiceError(Exception):
    """Base of every error that is the caller's to act on. `code` is stable; str() is one sentence."""

    code = "service_error"

    def __init__(self, detail: str = "", **data: object) -> None:
        super().__init__(detail)
        self.detail = detail
        self.data = data  # what the answer carries beside the sentence


class NotFound(ServiceError):
    code = "not_found"


class Forbidden(ServiceError):
    code = "forbidden"


class Recused(Forbidden):
    """The matter is about the person who wants to work on it."""

    code = "recused"


class IllegalTransition(ServiceError):
    code = "illegal_transition"


class TooSoon(ServiceError):
    """The same again before its time; `again_at` says when it is possible."""

    code = "too_soon"


class StaleVersion(ServiceError):
    code = "stale_version"


class StaleReply(ServiceError):
    """Somebody wrote since the author looked; `messages` carries what is newer."""

    code = "stale_reply"


class LastMessage(ServiceError):
    """An interim reply would spend the window's last message."""

    code = "last_message"


class InvalidInput(ServiceError):
    """Well-formed but not acceptable; `errors` maps a field to its sentences."""

    code = "invalid"

    def __init__(self, **errors: str) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.data = {"errors": {name: [text] for name, text in errors.items()}}
