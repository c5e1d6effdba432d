"""The shapes of extensions in JSON."""

from marshmallow import Schema, fields, validate

from service.sla.allowances import MOST_DAYS
from service.tickets.extensions import STATES
from service.tickets.register import ExtensionRequest
from service.web.schemas import In, local, reason_field


class ExtensionIn(In):
    days = fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST_DAYS))
    reason = reason_field()


class DecideExtensionIn(In):
    """A refusal says why."""

    granted = fields.Boolean(required=True)
    note = reason_field(required=False)


class ExtensionsIn(In):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    cursor = fields.String(load_default=None)


class ExtensionOut(Schema):
    """See `extension_out`."""

    id = fields.Integer()
    ticket = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    days = fields.Integer()
    reason = fields.String()
    at = fields.String()
    by = fields.String()
    due_before = fields.String()
    due_after = fields.String()
    decided_at = fields.String(allow_none=True)
    decided_by = fields.String(allow_none=True)
    note = fields.String(allow_none=True)


def extension_out(request: ExtensionRequest, number: str) -> dict[str, object]:
    """A request, and the number of its ticket."""
    times = ("at", "due_before", "due_after", "decided_at")
    words = ("state", "days", "reason", "by", "decided_by", "note")
    return {
        "id": request.id,
        "ticket": number,
        **{name: getattr(request, name) for name in words},
        **{name: local(getattr(request, name)) for name in times},
    }
