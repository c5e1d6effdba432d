"""Files that followers sent: fetched from the platform, size-limited, from no other host than the platform's."""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from service.channels.wechat import api
from service.messaging.ports import DeliveryError, Failure

MAX_FILE = 20 * 1024 * 1024
MAX_SECONDS = 60.0  # for a whole file, however slowly it trickles in
LONGEST_JSON = 64 * 1024
CHUNK = 16 * 1024
PORTS = {"http": 80, "https": 443}
PLATFORM = ".weixin.qq.com"
VIDEO_HOSTS = (".weixin.qq.com", ".video.qq.com", ".qpic.cn")  # where the real platform keeps videos


def download(base_url: str, media_id: str, token: str) -> api.Answer:
    """The file as an Answer's content, or the platform's refusal. Raises DeliveryError: a download can be repeated."""
    try:
        with api.translated():
            answer = _get(f"{base_url}/cgi-bin/media/get", {"access_token": token, "media_id": media_id})
            address = answer.text("video_url")
            if answer.code or not address:
                return answer
            if not is_trusted(address, base_url):
                raise DeliveryError("视频地址不属于微信平台，未下载", kind=Failure.PERMANENT)
            return _get(address, None)
    except (api.UnsentError, api.UnclearError) as error:
        raise DeliveryError(f"文件没有取到：{error}", kind=Failure.PASSING) from error


def _get(url: str, params: Mapping[str, str] | None) -> api.Answer:
    timeout = (api.CONNECT_TIMEOUT, api.READ_TIMEOUT)
    with api.session().get(url, params=params, timeout=timeout, stream=True, allow_redirects=False) as response:
        content = _content(response)
        content_type = response.headers.get("Content-Type", "")
        # the platform answers 200 to everything: what it is shows only in the content
        if response.status_code != 200 or (content[:1] == b"{" and len(content) <= LONGEST_JSON):
            return api.answer_in(content, response.status_code)
        if not content or "html" in content_type:
            raise api.UnclearError("the answer is not a file")
        return api.Answer(0, content=content)


def _content(response: requests.Response) -> bytes:
    """The body, read no further than the limit."""
    ends_at = time.monotonic() + MAX_SECONDS
    chunks, size = [], 0
    for chunk in response.iter_content(CHUNK):
        size += len(chunk)
        if size > MAX_FILE:
            raise DeliveryError(f"文件超过 {MAX_FILE // 1024 // 1024} MB，未保存", kind=Failure.PERMANENT)
        if time.monotonic() > ends_at:
            raise api.UnclearError("the file came too slowly")
        chunks.append(chunk)
    return b"".join(chunks)


def is_trusted(address: str, base_url: str) -> bool:
    """Whether the address lies with the platform that we were told to use; anything else could be our own network."""
    try:
        there, here = urlsplit(address), urlsplit(base_url)
        if there.scheme not in PORTS or not there.hostname or "@" in there.netloc:
            return False
        port = there.port or PORTS[there.scheme]
        if (there.hostname, port) == (here.hostname, here.port or PORTS[here.scheme]):
            return True
        is_real = f".{here.hostname}".endswith(PLATFORM)
        return is_real and port in PORTS.values() and f".{there.hostname}".endswith(VIDEO_HOSTS)
    except ValueError:  # a port or a bracket that is none
        return False
