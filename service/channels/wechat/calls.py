"""Calls of the platform's API beside messages: with the account's token, and refusals in words."""

import json
import logging
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from flask import current_app

from service.channels.wechat import api
from service.channels.wechat.accounts import Account
from service.channels.wechat.errcodes import VERDICTS
from service.channels.wechat.tokens import provider
from service.messaging.ports import DeliveryError

log = logging.getLogger(__name__)

TIMEOUT = (api.CONNECT_TIMEOUT, api.READ_TIMEOUT)
OTHER = {
    "zh": "平台没有接受，请按错误码查看公众平台文档，或联系维护人员。",
    "en": "The platform refused; look the code up in its documentation, or call the maintainer.",
}
UNCLEAR = {
    "zh": "平台没有给出明确的回答，不能确定是否已生效。请稍候核对，再决定是否重做。",
    "en": "The platform gave no clear answer, so it may have happened or not. Check before you repeat it.",
}
UNSENT = {
    "zh": "连不上微信平台，什么都没有改变。请检查网络后重试。",
    "en": "The platform cannot be reached and nothing was changed. Check the network and try again.",
}


class RefusedError(Exception):
    """The platform did not do it. `code` is its errcode, None where it gave none."""

    def __init__(self, code: int | None, words: Mapping[str, str]) -> None:
        """`words` say by language what a person should do about it."""
        super().__init__(code)
        self.code = code
        self.words = words

    def __str__(self) -> str:
        return f"errcode {self.code}: {self.words['en']}"

    def sentence(self, language: str) -> str:
        """What went wrong and what to do next, with the code that the platform's documentation explains."""
        advice = self.words["en" if language.startswith("en") else "zh"]
        return advice if self.code is None else f"{advice} ({self.code})"


def post(account: Account, path: str, body: Mapping[str, object]) -> api.Answer:
    """Post JSON to `/cgi-bin/<path>`. Raises RefusedError."""
    return _call(account, lambda base, token: api.post(f"{base}/cgi-bin/{path}", body, token=token))


def get(account: Account, path: str) -> api.Answer:
    """Ask `/cgi-bin/<path>`. Raises RefusedError."""
    return _call(account, lambda base, token: api.get(f"{base}/cgi-bin/{path}", token=token))


def fetch(url: str, query: Mapping[str, str], *, largest: int) -> bytes:
    """A public file of the platform, at most `largest` bytes. Raises RefusedError."""
    try:
        with api.translated():
            response = api.session().get(url, params=dict(query), timeout=TIMEOUT, allow_redirects=False, stream=True)
            with response:
                content = response.raw.read(largest + 1, decode_content=True)
    except (api.UnsentError, api.UnclearError) as error:
        raise RefusedError(None, UNSENT) from error
    if response.status_code != 200 or len(content) > largest:
        raise RefusedError(response.status_code, OTHER)
    return bytes(content)


def base_url() -> str:
    """Where the platform is."""
    url: str = current_app.config["SETTINGS"].wechat_api_base_url
    return url


def _call(account: Account, ask: Callable[[str, str], api.Answer]) -> api.Answer:
    try:
        answer = provider().call(account, lambda token: ask(base_url(), token))
    except DeliveryError as error:
        raise RefusedError(error.code, {"zh": error.reason, "en": error.reason}) from error
    except api.UnsentError as error:
        raise RefusedError(None, UNSENT) from error
    except api.UnclearError as error:
        raise RefusedError(None, UNCLEAR) from error
    if answer.code:
        log.warning("call refused", extra={"account": account.slug, "code": answer.code})
        raise RefusedError(answer.code, words_of(answer.code))
    return answer


def words_of(code: int) -> Mapping[str, str]:
    """What a refusal means to a person, by language."""
    found = _table().get(code)
    if found is not None:
        return found
    known = VERDICTS.get(code)
    return OTHER if known is None else {"zh": known.zh, "en": known.en}


@cache
def _table() -> Mapping[int, Mapping[str, str]]:
    rows = json.loads(Path(__file__).with_name("refusals.json").read_text(encoding="utf-8"))
    return {int(code): row for code, row in rows.items()}
