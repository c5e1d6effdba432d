"""Messages beyond the reply window: templates, and notices that a follower subscribed to. Raises RefusedError."""

import re
from collections.abc import Callable, Mapping

from simulator import current
from simulator.book import Book, Sent, Template
from simulator.config import Account, ConfigError
from simulator.content import Content
from simulator.endpoints import OK, Endpoint
from simulator.pushes import Pusher
from simulator.receipts import push_event
from simulator.state import Follower
from simulator.tokens import RefusedError
from simulator.values import Values, inner, text

CLIENT_ID_BYTES = 64
TEMPLATE_KINDS = ("templates", "notifications")


def _longest(count: int) -> Callable[[str], bool]:
    return lambda value: 1 <= len(value) <= count


def _fits(pattern: str) -> Callable[[str], bool]:
    return lambda value: re.fullmatch(pattern, value) is not None


# the field's name without its number -> whether a value is right
FIELDS: dict[str, Callable[[str], bool]] = {
    "thing": _longest(20),
    "phrase": _longest(5),
    "name": _longest(10),
    "character_string": _fits(r"[\x21-\x7e]{1,32}"),
    "letter": _fits(r"[A-Za-z]{1,32}"),
    "symbol": _longest(5),
    "number": _fits(r"-?\d{1,32}(\.\d+)?"),
    "phone_number": _fits(r"[\d+\-() ]{1,17}"),
    "amount": _fits(r"[^\d]?\d{1,10}(\.\d+)?元?"),
    "car_number": _longest(8),
    "time": _fits(r"(?=\S)(\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日?)?[ T]?(\d{1,2}:\d{2}(:\d{2})?)?(~.+)?"),
    "date": _fits(r"\d{4}[年/-]\d{1,2}[月/-]\d{1,2}日?([ T]\d{1,2}:\d{2}(:\d{2})?)?"),
    "const": _longest(20),
}


def _filled(template: Template, values: Values) -> tuple[tuple[str, str], ...]:
    """Label and value of each of the template's lines; raises RefusedError 47003 naming the field that is not right."""
    data = inner(values, "data")
    found = []
    for label, name in template.fields:
        value = text(inner(data, name), "value")
        is_right = FIELDS.get(name.rstrip("0123456789"), _longest(200))
        if "\n" in value or not is_right(value):
            raise RefusedError(47003, f"data.{name}.value")
        found.append((label, value))
    return tuple(found)


def send_template(pusher: Pusher, account: Account, values: Values) -> dict[str, object]:
    """Take a template message; what became of it is pushed later. The same client_msg_id is sent once."""
    state, book = pusher.state, pusher.state.book(account)
    follower = state.recipient(account, text(values, "touser"))
    template = book.templates.get(text(values, "template_id"))
    if template is None:
        raise RefusedError(40037)
    if not follower.following:
        raise RefusedError(43004)
    client_id = text(values, "client_msg_id")
    if len(client_id.encode()) > CLIENT_ID_BYTES:
        raise RefusedError(45067)
    rows, now = _filled(template, values), state.now()
    before = book.sent.get((follower.openid, client_id)) if client_id else None
    if before is not None and now - before.at < state.settings(account.slug).client_msg_id_seconds:
        return OK | {"msgid": before.msg_id}
    msg_id = state.next_msg_id()
    if client_id:
        book.sent[follower.openid, client_id] = Sent(msg_id, now)
    outcome = "failed:user block" if follower.is_muted else state.settings(account.slug).template_outcome
    if outcome == "success":
        content = Content("template", template.title, rows=rows, url=text(values, "url"))
        state.show(follower, "notice", content)
    nodes = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": msg_id, "Status": outcome}
    push_event(pusher, account, follower.openid, nodes)
    return OK | {"msgid": msg_id}


def send_notice(pusher: Pusher, account: Account, values: Values) -> dict[str, object]:
    """Send a notice that the follower agreed to; each agreement is good for one, unless the template is long-term."""
    state = pusher.state
    follower = state.recipient(account, text(values, "touser"))
    template = state.book(account).notifications.get(text(values, "template_id"))
    if template is None:
        raise RefusedError(40037)
    rows = _filled(template, values)
    if follower.grants.get(template.id, 0) < 1:
        raise RefusedError(43101)
    if not template.is_long_term:
        follower.grants[template.id] -= 1
    code = state.settings(account.slug).subscribe_error_code
    msg_id = state.next_msg_id()
    if code == 0:
        content = Content("subscription", template.title, rows=rows, url=text(values, "page"))
        state.show(follower, "notice", content)
    status = "success" if code == 0 else "failed"
    row = {"TemplateId": template.id, "MsgID": msg_id, "ErrorCode": code, "ErrorStatus": status}
    nodes = {"Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": row}}
    push_event(pusher, account, follower.openid, nodes)
    return OK | ({"msgid": msg_id} if state.settings(account.slug).subscribe_answers_msgid else {})


def every_template(book: Book) -> dict[str, object]:
    """The account's templates in the form of get_all_private_template."""
    return {
        "template_list": [
            {
                "template_id": template.id,
                "title": template.title,
                "primary_industry": "",
                "deputy_industry": "",
                "content": template.content,
                "example": "",
            }
            for template in book.templates.values()
        ]
    }


def every_notification(book: Book) -> dict[str, object]:
    """The account's templates of notices in the form of newtmpl/gettemplate; type 2 is once, 3 long-term."""
    rows = [
        {"priTmplId": t.id, "title": t.title, "content": t.content, "example": "", "type": 3 if t.is_long_term else 2}
        for t in book.notifications.values()
    ]
    return OK | {"data": rows}


def agreed(book: Book, follower: Follower, answers: Mapping[str, object]) -> list[tuple[str, str]]:
    """Note what the follower answered for each template, `accept` or `reject`; the pairs in order.

    Raises ConfigError on an unknown template or answer.
    """
    found = []
    for template_id, answer in answers.items():
        if template_id not in book.notifications or answer not in ("accept", "reject"):
            raise ConfigError(f"no template {template_id}, or {answer!r} is neither accept nor reject")
        before = follower.grants.get(template_id, 0)
        follower.grants[template_id] = before + 1 if answer == "accept" else 0
        found.append((template_id, str(answer)))
    return found


def templates_from(rows: list[Values]) -> dict[str, Template]:
    """Templates from JSON values `{id, title, content, is_long_term?}`; raises ConfigError."""
    found = {}
    for row in rows:
        template = Template(text(row, "id"), text(row, "title"), text(row, "content"), row.get("is_long_term") is True)
        if not template.id or not template.fields:
            raise ConfigError("a template needs an id, and a content with {{….DATA}}")
        found[template.id] = template
    return found


ENDPOINTS = {
    "message/template/send": Endpoint("POST", lambda s, a, v: send_template(current.pusher(), a, v), access="service"),
    "message/subscribe/bizsend": Endpoint("POST", lambda s, a, v: send_notice(current.pusher(), a, v)),
    "template/get_all_private_template": Endpoint("GET", lambda s, a, v: every_template(s.book(a)), access="service"),
    "wxaapi/newtmpl/gettemplate": Endpoint("GET", lambda s, a, v: every_notification(s.book(a))),
}
