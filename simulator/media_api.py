"""Media at the platform's API: media/upload, media/get and what a page recorded (jssdk). Raises RefusedError."""

from flask import Response, request

from simulator.config import Account
from simulator.endpoints import Answer, Endpoint
from simulator.state import State
from simulator.tokens import RefusedError
from simulator.values import Values, text


def upload(state: State, account: Account, values: Values) -> Answer:
    """Keep the file of the field `media` for three days."""
    part = request.files.get("media")
    if part is None:
        raise RefusedError(41005)
    kind = text(values, "type") or request.form.get("type", "")
    item = state.store(account.slug, kind, part.read())
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: item.id, "created_at": int(item.created_at)}


def get(state: State, account: Account, values: Values) -> Answer:
    """The file itself; of a video its address."""
    media_id = text(values, "media_id")
    if not media_id:
        raise RefusedError(41006)
    item = state.find_media(account, media_id)
    if item.type == "video":
        return {"video_url": f"{request.host_url}media/{item.id}"}
    response = Response(item.data, content_type=item.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{item.filename}"'
    return response


def get_recording(state: State, account: Account, values: Values) -> Answer:
    """A voice in its better quality; the simulator has one quality."""
    if not text(values, "media_id"):
        raise RefusedError(41006)
    state.find_media(account, text(values, "media_id"), ("voice",))
    return get(state, account, values)


ENDPOINTS = {
    "media/upload": Endpoint("POST", upload, is_upload=True),
    "media/get": Endpoint("GET", get),
    "media/get/jssdk": Endpoint("GET", get_recording),
}
