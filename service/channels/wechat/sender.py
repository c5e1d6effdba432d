"""Messages out and media in, for one account: the adapter between the platform and ports.py."""

import logging
from collections.abc import Callable, Mapping

from flask import current_app

from service.channels.wechat import api
from service.channels.wechat.accounts import Account, account_for
from service.channels.wechat.bodies import FILES, body_of, path_of
from service.channels.wechat.downloads import download
from service.channels.wechat.errcodes import RIGHTS, UNLISTED, pause_after, verdict_on
from service.channels.wechat.mediaids import MediaIds
from service.channels.wechat.tokens import TokenProvider, provider
from service.channels.wechat.windows import limits_of
from service.clock import utcnow
from service.doorbell import Doorbell
from service.errors import NotFound
from service.messaging.ports import NOTICES, DeliveryError, Failure, Media, Outbound

log = logging.getLogger(__name__)

LONGEST_TEXT = 2048  # bytes of UTF-8
LOST_MEDIA = 40007
TAKEN_BEFORE = frozenset({40241, 45065})  # a notice that the platform has had already: the one that it has counts
TYPING = "typing"  # in an account's notices: false switches the indicator off
TYPING_PATH = "message/custom/typing"


class WeChatChannel:
    """One official account as a channel; made anew from its row whenever it is needed."""

    def __init__(
        self, account: Account, tokens: TokenProvider, base_url: str, media_ids: MediaIds | None = None
    ) -> None:
        """Without `media_ids` it cannot send files."""
        self.name = account.channel
        self.limits = limits_of(account, LONGEST_TEXT, on=utcnow().date())
        self.account = account
        self.tokens = tokens
        self.base_url = base_url
        self.media_ids = media_ids

    def send(self, message: Outbound) -> str:
        """Deliver; the platform's id of a notice, "" for anything else because it gives none. Raises DeliveryError."""
        self._refuse_if_pointless()
        is_notice = message.kind in NOTICES
        if not self.account.certified:
            # what waits for the follower's next message goes out in the reply to it
            kind = Failure.PERMANENT if is_notice else Failure.WINDOW_CLOSED
            raise DeliveryError("未认证的公众号只能在用户来信时回复", kind=kind)
        answer = self._send_file(message) if message.kind in FILES else self._post(message)
        if answer.code and not (is_notice and answer.code in TAKEN_BEFORE):
            raise _failure(answer, is_notice=is_notice, refreshes=self.limits.refreshes)
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

    def show_typing(self, follower: str, *, on: bool) -> None:
        """Ask the platform to show it, where the account wants that; whatever comes of it matters to nobody."""
        account = self.account
        if not (account.active and account.certified) or account.halted_reason or account.notices.get(TYPING) is False:
            return
        body = {"touser": follower, "command": "Typing" if on else "CancelTyping"}
        try:
            self._with_token(lambda token: self._call(TYPING_PATH, body, token))
        except DeliveryError:
            return

    def _send_file(self, message: Outbound) -> api.Answer:
        """Send by the id of an upload; upload once more if the platform has lost it."""
        kind, digest = FILES[message.kind], str(message.content.get("digest", ""))
        if self.media_ids is None:
            raise DeliveryError("文件没有准备好，请联系维护人员", kind=Failure.PERMANENT)
        known = self.media_ids.known(self.account, kind, digest)
        answer = self._post(message, known or self._upload(self.media_ids, kind, message))
        if answer.code != LOST_MEDIA:
            return answer
        self.media_ids.forget(self.account, kind, digest)
        return self._post(message, self._upload(self.media_ids, kind, message))

    def _upload(self, media_ids: MediaIds, kind: str, message: Outbound) -> str:
        answer = self._with_token(lambda token: media_ids.upload(kind, message.content, token))
        if answer.code:
            raise _failure(answer, is_notice=True)  # what we may not upload says nothing about texts
        media_id = answer.text("media_id")
        if not media_id:
            raise DeliveryError("文件没能交给微信平台：平台的回答中没有编号", kind=Failure.PASSING)
        media_ids.keep(self.account, kind, str(message.content.get("digest", "")), media_id)
        return media_id

    def _post(self, message: Outbound, media_id: str = "") -> api.Answer:
        body = body_of(message, media_id)
        return self._with_token(lambda token: self._call(path_of(message.kind), body, token))

    def _call(self, path: str, body: Mapping[str, object], token: str) -> api.Answer:
        try:
            return api.post(f"{self.base_url}/cgi-bin/{path}", body, token=token)
        except api.UnsentError as error:
            raise DeliveryError(f"连不上微信平台：{error}", kind=Failure.PASSING) from error
        except api.UnclearError as error:
            # a gateway's page or silence says nothing about the message: it may have passed before
            raise DeliveryError(f"不能确定是否送达：{error}", kind=Failure.UNKNOWN) from error

    def _with_token(self, call: Callable[[str], api.Answer]) -> api.Answer:
        return self.tokens.call(self.account, call)


def channel_for(slug: str) -> WeChatChannel | None:
    """The channel of an account of the current app; None if there is no such account."""
    account = account_for(slug)
    if account is None:
        return None
    bell: Doorbell = current_app.extensions["doorbell"]
    media_ids = MediaIds(bell.redis, current_app.extensions["files"], _base_url())
    return WeChatChannel(account, provider(), _base_url(), media_ids)


def probe(slug: str) -> None:
    """Ask the platform for a token, whether sending is halted or not. Raises NotFound, DeliveryError."""
    account = account_for(slug)
    if account is None:
        raise NotFound(f"no official account {slug}")
    provider().check(account)


def _base_url() -> str:
    url: str = current_app.config["SETTINGS"].wechat_api_base_url
    return url


def _failure(answer: api.Answer, *, is_notice: bool = False, refreshes: bool = True) -> DeliveryError:
    """`is_notice`: what the account may not do here is no reason to stop its messages to followers who wrote.

    A used-up window that no message refills (`refreshes`) is shut: ours may end later, and would hold back the next.
    """
    verdict = verdict_on(answer.code)
    if verdict is UNLISTED:
        log.error("errcode %d is not in the table: %s", answer.code, answer.message)
    kind = Failure.PERMANENT if is_notice and answer.code in RIGHTS else verdict.kind
    if kind is Failure.QUOTA_USED and not refreshes:
        kind = Failure.WINDOW_CLOSED
    reason = f"{verdict.zh}（{answer.code}：{answer.message}）"
    return DeliveryError(reason, kind=kind, code=answer.code, pause=pause_after(answer.code, utcnow()))
