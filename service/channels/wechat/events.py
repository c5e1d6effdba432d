"""The platform's events as a table: what we call each, how a conversation shows it, which right to answer it gives."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.messaging.ports import Contact

LONGEST_NAME = 64  # of an event that we do not know


@dataclass(frozen=True, slots=True)
class EventKind:
    kind: str
    label: str = ""  # "": not a thing that anybody said or did to us, so it is no line in a conversation
    about: tuple[str, ...] = ("EventKey",)  # nodes that say more, the first that is filled is shown
    contact: Contact = Contact.NONE


def _plain(*names: str) -> dict[str, EventKind]:
    """Events that are kept and shown nowhere: receipts, reports, and what concerns the account itself."""
    return {name: EventKind(f"event:{name}") for name in names}


def _menu(name: str, label: str, *about: str, contact: Contact = Contact.NONE) -> dict[str, EventKind]:
    """A menu button that needs a telephone."""
    return {name: EventKind(f"event:{name}", label, (*about, "EventKey"), contact)}


def _console(name: str, label: str, *about: str) -> dict[str, EventKind]:
    """A session in the platform's own console: whoever answers here should know of it."""
    return {name: EventKind(f"event:{name}", label, about)}


# by lower-case name, for the platform's own case varies; LOCATION stays apart from a message of type location
EVENTS: Mapping[str, EventKind] = {
    "subscribe": EventKind("subscribe", "[关注]", contact=Contact.FOLLOW),
    "unsubscribe": EventKind("unsubscribe", "[取消关注]"),
    "scan": EventKind("scan", "[扫码]", contact=Contact.SCAN),
    "click": EventKind("click", "[菜单]", contact=Contact.MENU),
    "view": EventKind("view"),
    **_plain("view_miniprogram", "location"),
    **_menu("scancode_push", "[菜单扫码]", "ScanResult", contact=Contact.MENU),
    **_menu("scancode_waitmsg", "[菜单扫码]", "ScanResult", contact=Contact.MENU),
    **_menu("pic_sysphoto", "[菜单拍照]"),
    **_menu("pic_photo_or_album", "[菜单发图]"),
    **_menu("pic_weixin", "[菜单发图]"),
    **_menu("location_select", "[菜单选位置]", "Poiname", "Label"),
    **_console("kf_create_session", "[平台客服接入]", "KfAccount"),
    **_console("kf_close_session", "[平台客服结束]", "KfAccount"),
    **_console("kf_switch_session", "[平台客服转接]", "ToKfAccount"),
    **_plain("templatesendjobfinish", "masssendjobfinish"),
    **_plain("subscribe_msg_popup_event", "subscribe_msg_change_event", "subscribe_msg_sent_event"),
    **_plain("user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"),
    **_plain("qualification_verify_success", "qualification_verify_fail", "naming_verify_success"),
    **_plain("naming_verify_fail", "annual_renew", "verify_expired"),
}

# their sender is no follower but the platform or the account's own staff: no follower may be made of them
OF_THE_ACCOUNT = frozenset(
    f"event:{name}"
    for name in (
        "masssendjobfinish",
        "qualification_verify_success",
        "qualification_verify_fail",
        "naming_verify_success",
        "naming_verify_fail",
        "annual_renew",
        "verify_expired",
    )
)


def kind_of(name: str) -> EventKind:
    """What an event of this name is; one that the table does not know has a kind of its own and no line."""
    lower = name.lower()
    return EVENTS.get(lower) or EventKind(f"event:{lower[:LONGEST_NAME]}")
