"""Customer-service messages out and media in, for one account: the adapter between the platform and ports.py."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from flask import current_app

from service.channels.wechat import api
from service.channels.wechat.accounts import Account, account_for
from service.channels.wechat.document import legal
from service.channels.wechat.downloads import download
from service.channels.wechat.errcodes import DEAD_TOKEN, UNLISTED, verdict_on
from service.channels.wechat.tokens import TokenProvider
from service.doorbell import Doorbell
from service.errors import NotFound
from service.messaging.ports import Contact, DeliveryError, Failure, Limits, Media, Outbound

log = logging.getLogger(__name__)

LONGEST_TEXT = 2048  # bytes of UTF-8
WINDOWS: Mapping[Contact, tuple[int, timedelta]] = {
    Contact.MESSAGE: (5, timedelta(hours=48)),
    Contact.FOLLOW: (3, timedelta(minutes=1)),
    Contact.MENU: (3, timedelta(minutes=1)),
    Contact.SCAN: (3, timedelta(minutes=1)),
}


class WeChatChannel:
    """One official account as a channel; made anew from its row whenever it is needed."""

    def __init__(self, account: Account, tokens: TokenProvider, base_url: str) -> None:
        self.name = account.channel
        self.limits = Limits(text_bytes=LONGEST_TEXT, windows=WINDOWS, can_send=account.certified)
        self.account = account
        self.tokens = tokens
        self.base_url = base_url

    def send(self, message: Outbound) -> str:
        """Deliver a text; "" because the platform gives no id. Raises DeliveryError."""
        self._refuse_if_pointless()
        if not self.account.certified:
            # what waits for the follower's next message goes out in the reply to it
            raise DeliveryError("未认证的公众号只能在用户来信时回复", kind=Failure.WINDOW_CLOSED)
        text = legal(message.text)
        if not text.strip():
            raise DeliveryError(verdict_on(44004).zh, kind=Failure.PERMANENT, code=44004)
        body = {"touser": message.follower, "msgtype": "text", "text": {"content": text}}
        answer = self._with_token(lambda token: self._post(body, token))
        if answer.code:
            raise _failure(answer)
        return answer.text("msgid")

    def fetch(self, media: Media) -> bytes:
        """The file's bytes. Raises DeliveryError; PASSING where trying again may help."""
        self._refuse_if_pointless()
        if not self.account.certified:
            raise DeliveryError("未认证的公众号无法下载用户发来的文件", kind=Failure.PERMANENT)
        answer = self._with_token(lambda token: download(self.base_url, media.media_id, token))
        if answer.code:
            raise _failure(answer)
        return answer.content

    def _refuse_if_pointless(self) -> None:
        if not self.account.active:
            raise DeliveryError("公众号已停用", kind=Failure.HALTED)
        if self.account.halted_reason:
            raise DeliveryError(self.account.halted_reason, kind=Failure.HALTED)

    def _post(self, body: Mapping[str, object], token: str) -> api.Answer:
        try:
            return api.post(f"{self.base_url}/cgi-bin/message/custom/send", body, token=token)
        except api.UnsentError as error:
            raise DeliveryError(f"连不上微信平台：{error}", kind=Failure.PASSING) from error
        except api.UnclearError as error:
            # a gateway's page or silence says nothing about the message: it may have passed before
            raise DeliveryError(f"不能确定是否送达：{error}", kind=Failure.UNKNOWN) from error

    def _with_token(self, call: Callable[[str], api.Answer]) -> api.Answer:
        """Make the call, and once more with another token if the platform refuses the first."""
        token = self.tokens.token_for(self.account)
        answer = call(token)
        if answer.code not in DEAD_TOKEN:
            return answer
        answer = call(self.tokens.renewed(self.account, dead=token))
        if answer.code in DEAD_TOKEN:
            log.error("a fresh access token was refused too", extra={"account": self.account.slug, "code": answer.code})
        return answer


def channel_for(slug: str) -> WeChatChannel | None:
    """The channel of an account of the current app; None if there is no such account."""
    account = account_for(slug)
    return WeChatChannel(account, _tokens(), _base_url()) if account is not None else None


def probe(slug: str) -> None:
    """Ask the platform for a token, whether sending is halted or not. Raises NotFound, DeliveryError."""
    account = account_for(slug)
    if account is None:
        raise NotFound(f"no official account {slug}")
    _tokens().check(account)


def _tokens() -> TokenProvider:
    """One for the whole process: it holds the locks."""
    found = current_app.extensions.get("wechat_tokens")
    if isinstance(found, TokenProvider):
        return found
    bell: Doorbell = current_app.extensions["doorbell"]
    made: TokenProvider = current_app.extensions.setdefault("wechat_tokens", TokenProvider(bell.redis, _base_url()))
    return made


def _base_url() -> str:
    url: str = current_app.config["SETTINGS"].wechat_api_base_url
    return url


def _failure(answer: api.Answer) -> DeliveryError:
    verdict = verdict_on(answer.code)
    if verdict is UNLISTED:
        log.error("errcode %d is not in the table: %s", answer.code, answer.message)
    return DeliveryError(f"{verdict.zh}（{answer.code}：{answer.message}）", kind=verdict.kind, code=answer.code)
