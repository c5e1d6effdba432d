"""The shapes of replies and uploads, in and out. Plain schemas: they never touch the database."""

from collections.abc import Mapping

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from service.tickets.uploads import MOST_FILES, Upload
from service.web.schemas import LARGEST_ID, LONGEST_TEXT, In, is_not_blank, message_id_field

LONGEST_URL, LONGEST_TITLE, LONGEST_DESCRIPTION = 1_024, 64, 120  # of a link card
is_address = validate.URL(schemes={"http", "https"}, require_tld=False)


def is_address_or_nothing(value: str) -> None:
    if value:
        is_address(value)


def address_field(*, required: bool = True) -> fields.String:
    """A web address that a telephone opens; "" where it may be left out."""
    check = [validate.Length(max=LONGEST_URL), is_address if required else is_address_or_nothing]
    return fields.String(required=True, validate=check) if required else fields.String(load_default="", validate=check)


class LinkIn(In):
    """A link card."""

    url = address_field()
    title = fields.String(required=True, validate=[validate.Length(1, LONGEST_TITLE), is_not_blank])
    description = fields.String(load_default="", validate=validate.Length(0, LONGEST_DESCRIPTION))
    picurl = address_field(required=False)


class WordsIn(In):
    """What goes to the follower: a text, files that were uploaded before, a link card, or several of them."""

    text = fields.String(required=True, validate=validate.Length(0, LONGEST_TEXT))  # "" with files or a link alone
    attachments = fields.List(
        fields.Integer(strict=True, validate=validate.Range(1, LARGEST_ID)),
        load_default=list,
        validate=validate.Length(max=MOST_FILES),
    )
    link = fields.Nested(LinkIn, load_default=None, allow_none=True)
    seen = message_id_field()
    force = fields.Boolean(load_default=False)

    @validates_schema
    def refuse_nothing(self, values: Mapping[str, object], **_: object) -> None:
        if not str(values.get("text", "")).strip() and not values.get("attachments") and not values.get("link"):
            raise ValidationError("must not be blank", "text")


class ReplyIn(WordsIn):
    kind = fields.String(required=True, validate=validate.OneOf(("interim", "final")))
    via = fields.String(load_default="wechat", validate=validate.OneOf(("wechat", "phone", "in_person")))


class AskIn(WordsIn):
    pass


class UploadOut(Schema):
    """A file that a reply may carry; see `upload_out`."""

    id = fields.Integer()
    kind = fields.String(validate=validate.OneOf(("image", "voice")))
    content_type = fields.String()
    size_bytes = fields.Integer()
    seconds = fields.Float(allow_none=True)


def upload_out(upload: Upload) -> dict[str, object]:
    return {name: getattr(upload, name) for name in UploadOut._declared_fields}
