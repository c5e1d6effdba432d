"""Files that staff send: uploaded to the platform once for each account, and known there by an id for three days."""

from collections.abc import Mapping
from datetime import timedelta

from redis import Redis, RedisError

from service.channels.wechat import api
from service.channels.wechat.accounts import Account
from service.files import FileStore
from service.messaging.ports import DeliveryError, Failure

KEPT = timedelta(days=2, hours=12)  # the platform keeps it for three days; the rest is for what waits in the outbox
TIMEOUT = (3.0, 30.0)  # seconds to connect, and between bytes: ten megabytes take a while
SUFFIXES = {  # the platform goes by the name; it must be ASCII, and never carries what the file was called
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "audio/mpeg": "mp3",
    "audio/amr": "amr",
    "video/mp4": "mp4",
}


class MediaIds:
    """The platform's ids of our files, in Redis: losing one costs an upload and nothing else."""

    def __init__(self, redis: Redis, files: FileStore, base_url: str) -> None:
        self._redis, self._files, self._url = redis, files, f"{base_url}/cgi-bin/media/upload"

    def known(self, account: Account, kind: str, digest: str) -> str | None:
        """The id under which the platform surely still has the file; None where it has to be uploaded."""
        try:
            found = self._redis.get(_key(account, kind, digest))
        except (RedisError, OSError):
            return None
        return found.decode() if isinstance(found, bytes) else found if isinstance(found, str) else None

    def forget(self, account: Account, kind: str, digest: str) -> None:
        """The platform does not know the id any more."""
        try:
            self._redis.delete(_key(account, kind, digest))
        except (RedisError, OSError):
            return

    def keep(self, account: Account, kind: str, digest: str, media_id: str) -> None:
        try:
            self._redis.set(_key(account, kind, digest), media_id, ex=KEPT)
        except (RedisError, OSError):
            return

    def upload(self, kind: str, content: Mapping[str, object], token: str) -> api.Answer:
        """Hand the platform the file of an Outbound's content. Raises DeliveryError: nothing was sent to anybody."""
        digest, content_type = str(content.get("digest", "")), str(content.get("content_type", ""))
        path = self._files.path(digest)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DeliveryError("文件不在这台服务器上，请重新添加后再发", kind=Failure.PERMANENT) from error
        name = f"{digest[:12]}.{SUFFIXES.get(content_type, 'bin')}"
        try:
            with api.translated():
                response = api.session().post(
                    self._url,
                    params={"access_token": token, "type": kind},
                    files={"media": (name, data, content_type)},
                    timeout=TIMEOUT,
                    allow_redirects=False,  # a redirect would carry the token to another host
                )
                return api.answer_in(response.content, response.status_code)
        except (api.UnsentError, api.UnclearError) as error:
            raise DeliveryError(f"文件没能交给微信平台：{error}", kind=Failure.PASSING) from error


def _key(account: Account, kind: str, digest: str) -> str:
    return f"gongdan:wechat:media:{account.app_id}:{kind}:{digest}"
