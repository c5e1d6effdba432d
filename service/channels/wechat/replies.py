"""Passive replies: the text that goes back inside the answer to a push. Pure."""

from service.channels.wechat.document import legal
from service.messaging.splitting import beginning

LONGEST_REPLY = 2047  # bytes of UTF-8; longer ones are not shown, and nobody is told


def text_reply(text: str, *, sender: str, follower: str, at: int) -> str:
    """The reply document; `at` is in seconds. A text that is too long ends in an ellipsis."""
    return (
        f"<xml><ToUserName>{_cdata(follower)}</ToUserName><FromUserName>{_cdata(sender)}</FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(fitted(text))}</Content></xml>"
    )


def fitted(text: str) -> str:
    """The text as far as the platform shows it, cut between what people take for characters."""
    shown, mark = legal(text), "…"
    data = shown.encode()
    if len(data) <= LONGEST_REPLY:
        return shown
    room = data[: LONGEST_REPLY - len(mark.encode())].decode("utf-8", "ignore")
    return beginning(shown, len(room)) + mark


def _cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
