"""The life of a ticket: one table, read top to bottom. Everything else asks `after()`."""

from enum import StrEnum

from service.errors import IllegalTransition


class Status(StrEnum):
    PENDING_ACCEPTANCE = "pending_acceptance"  # nobody has taken it
    IN_PROGRESS = "in_progress"
    WAITING_CUSTOMER = "waiting_customer"  # we asked; the resolve clock stands still
    SUSPENDED = "suspended"  # something else has to happen first, with a reason and a date
    ANSWERED = "answered"  # the final answer arrived; a follow-up may be open
    CLOSED = "closed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    INVALID = "invalid"


class Action(StrEnum):
    """What may happen to a ticket; also the `action` of its events."""

    OPEN = "open"
    ACCEPT = "accept"
    REPLY = "reply"
    ASK = "ask"
    ANSWER = "answer"  # a final reply that counts: the platform took it, or it was given by phone or in person
    NOTE = "note"
    CLASSIFY = "classify"
    PROPOSE = "propose"  # the classifier's opinion on a ticket that a person already has in hand
    ASSIGN = "assign"
    TRANSFER = "transfer"
    SUSPEND = "suspend"
    RESUME = "resume"
    CUSTOMER_WRITES = "customer_writes"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    INVALIDATE = "invalid"
    FOLLOW_UP = "follow_up"  # an attempt that settled nothing
    SOLVED = "follow_up_solved"
    UNSOLVED = "follow_up_unsolved"
    CLOSE = "close"
    REOPEN = "reopen"
    MERGE = "merge"
    SEND_AGAIN = "send_again"
    CANCEL = "cancel"
    DELIVERY = "delivery"  # what became of a reply
    OVERDUE = "overdue"
    CALENDAR = "calendar"  # the working calendar has changed, and due times with it
    WINDOW = "window"  # the reply window is about to shut, or has shut, while the ticket waits for us
    NOTICE = "notice"  # what was tried to tell the follower that an answer waits
    INVITE = "invite"  # the follower is asked to rate it
    CUSTOMER_URGE = "customer_urge"  # the follower asks for haste
    URGE = "urge"  # a colleague asks for haste
    ESCALATE = "escalate"  # a rung of the ladder is reached
    SUPERVISE = "supervise"  # a supervision order is opened, or its level raised
    ANSWER_ORDER = "supervision_answer"
    CLOSE_ORDER = "supervision_close"
    ASK_EXTENSION = "extension_request"
    EXTEND = "extension_granted"
    REFUSE_EXTENSION = "extension_refused"
    LAPSE_EXTENSION = "extension_lapsed"  # nobody decided before it was too late
    JUDGE_BREACH = "breach_judged"  # confirmed or dismissed by a supervisor
    APPEAL = "appeal"
    JUDGE_APPEAL = "appeal_judged"
    POLICY = "policy"  # the ticket goes over to another version of the targets
    RATE = "rate"  # the follower says how it was handled
    HAND_BACK = "hand_back"  # to the pool of its department
    RECUSE = "recuse"  # somebody keeps away from it, for it is about them
    UNRECUSE = "unrecuse"


S, A = Status, Action
TRANSITIONS: dict[tuple[Status, Action], Status] = {
    (S.PENDING_ACCEPTANCE, A.ACCEPT): S.IN_PROGRESS,
    (S.PENDING_ACCEPTANCE, A.REPLY): S.IN_PROGRESS,
    (S.PENDING_ACCEPTANCE, A.ASK): S.WAITING_CUSTOMER,
    (S.PENDING_ACCEPTANCE, A.ANSWER): S.ANSWERED,
    (S.PENDING_ACCEPTANCE, A.CLASSIFY): S.PENDING_ACCEPTANCE,
    (S.PENDING_ACCEPTANCE, A.ASSIGN): S.PENDING_ACCEPTANCE,
    (S.PENDING_ACCEPTANCE, A.TRANSFER): S.PENDING_ACCEPTANCE,
    (S.PENDING_ACCEPTANCE, A.HAND_BACK): S.PENDING_ACCEPTANCE,
    (S.PENDING_ACCEPTANCE, A.CUSTOMER_WRITES): S.PENDING_ACCEPTANCE,
    (S.PENDING_ACCEPTANCE, A.DECLINE): S.DECLINED,
    (S.PENDING_ACCEPTANCE, A.WITHDRAW): S.WITHDRAWN,
    (S.PENDING_ACCEPTANCE, A.INVALIDATE): S.INVALID,
    (S.PENDING_ACCEPTANCE, A.MERGE): S.MERGED,
    (S.IN_PROGRESS, A.REPLY): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.ASK): S.WAITING_CUSTOMER,
    (S.IN_PROGRESS, A.ANSWER): S.ANSWERED,
    (S.IN_PROGRESS, A.CLASSIFY): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.ASSIGN): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.TRANSFER): S.PENDING_ACCEPTANCE,
    (S.IN_PROGRESS, A.HAND_BACK): S.PENDING_ACCEPTANCE,
    (S.IN_PROGRESS, A.SUSPEND): S.SUSPENDED,
    (S.IN_PROGRESS, A.CUSTOMER_WRITES): S.IN_PROGRESS,
    (S.IN_PROGRESS, A.DECLINE): S.DECLINED,
    (S.IN_PROGRESS, A.WITHDRAW): S.WITHDRAWN,
    (S.IN_PROGRESS, A.INVALIDATE): S.INVALID,
    (S.IN_PROGRESS, A.MERGE): S.MERGED,
    (S.IN_PROGRESS, A.CLOSE): S.CLOSED,
    (S.WAITING_CUSTOMER, A.REPLY): S.WAITING_CUSTOMER,
    (S.WAITING_CUSTOMER, A.ASK): S.WAITING_CUSTOMER,
    (S.WAITING_CUSTOMER, A.ANSWER): S.ANSWERED,
    (S.WAITING_CUSTOMER, A.CLASSIFY): S.WAITING_CUSTOMER,
    (S.WAITING_CUSTOMER, A.ASSIGN): S.WAITING_CUSTOMER,
    (S.WAITING_CUSTOMER, A.TRANSFER): S.PENDING_ACCEPTANCE,
    (S.WAITING_CUSTOMER, A.HAND_BACK): S.WAITING_CUSTOMER,  # we still wait, whoever reads the answer
    (S.WAITING_CUSTOMER, A.SUSPEND): S.SUSPENDED,
    (S.WAITING_CUSTOMER, A.RESUME): S.IN_PROGRESS,
    (S.WAITING_CUSTOMER, A.CUSTOMER_WRITES): S.IN_PROGRESS,
    (S.WAITING_CUSTOMER, A.WITHDRAW): S.WITHDRAWN,
    (S.WAITING_CUSTOMER, A.INVALIDATE): S.INVALID,
    (S.WAITING_CUSTOMER, A.MERGE): S.MERGED,
    (S.WAITING_CUSTOMER, A.CLOSE): S.CLOSED,
    (S.SUSPENDED, A.REPLY): S.SUSPENDED,
    (S.SUSPENDED, A.ASK): S.WAITING_CUSTOMER,
    (S.SUSPENDED, A.ANSWER): S.ANSWERED,
    (S.SUSPENDED, A.CLASSIFY): S.SUSPENDED,
    (S.SUSPENDED, A.ASSIGN): S.SUSPENDED,
    (S.SUSPENDED, A.TRANSFER): S.PENDING_ACCEPTANCE,
    (S.SUSPENDED, A.HAND_BACK): S.SUSPENDED,
    (S.SUSPENDED, A.RESUME): S.IN_PROGRESS,
    (S.SUSPENDED, A.CUSTOMER_WRITES): S.IN_PROGRESS,
    (S.SUSPENDED, A.WITHDRAW): S.WITHDRAWN,
    (S.SUSPENDED, A.INVALIDATE): S.INVALID,
    (S.SUSPENDED, A.MERGE): S.MERGED,
    (S.SUSPENDED, A.CLOSE): S.CLOSED,
    (S.ANSWERED, A.REPLY): S.ANSWERED,
    (S.ANSWERED, A.ANSWER): S.ANSWERED,
    (S.ANSWERED, A.ASSIGN): S.ANSWERED,
    (S.ANSWERED, A.CUSTOMER_WRITES): S.IN_PROGRESS,
    (S.ANSWERED, A.FOLLOW_UP): S.ANSWERED,
    (S.ANSWERED, A.SOLVED): S.CLOSED,
    (S.ANSWERED, A.UNSOLVED): S.IN_PROGRESS,
    (S.ANSWERED, A.REOPEN): S.IN_PROGRESS,
    (S.ANSWERED, A.CLOSE): S.CLOSED,
    (S.ANSWERED, A.WITHDRAW): S.WITHDRAWN,
    (S.CLOSED, A.REOPEN): S.IN_PROGRESS,
    (S.DECLINED, A.REOPEN): S.IN_PROGRESS,
    (S.WITHDRAWN, A.REOPEN): S.IN_PROGRESS,
    (S.INVALID, A.REOPEN): S.IN_PROGRESS,
}
LIVE = (S.PENDING_ACCEPTANCE, S.IN_PROGRESS, S.WAITING_CUSTOMER, S.SUSPENDED, S.ANSWERED)  # a new message joins these
WORKABLE = (S.PENDING_ACCEPTANCE, S.IN_PROGRESS, S.WAITING_CUSTOMER, S.SUSPENDED)  # somebody still owes an answer
OURS = (S.PENDING_ACCEPTANCE, S.IN_PROGRESS, S.SUSPENDED)  # the next word is ours


def after(status: Status, action: Action) -> Status:
    """Status that `action` leads to; IllegalTransition if the table has no such row."""
    try:
        return TRANSITIONS[status, action]
    except KeyError:
        raise IllegalTransition(
            f"{action.value} is not possible on a ticket that is {status.value}", ticket_status=status.value
        ) from None


def allows(status: Status, action: Action) -> bool:
    return (status, action) in TRANSITIONS
