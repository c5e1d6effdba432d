"""Nothing speaks in the company's name before another person than its authors has agreed."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from service import publishing
from service.database import reading, transaction
from service.errors import Forbidden, IllegalTransition
from service.publishing import State

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DOCUMENT = ("autoreplies", "wechat:main")


def written(content: dict[str, object], author: str, *, hand_in: bool = True) -> None:
    with transaction() as session:
        draft = publishing.write(session, *DOCUMENT, content, author=author, now=NOW)
        if hand_in:
            publishing.submit(session, draft, by=author, now=NOW)


def decide(by: str, seen: str = "") -> None:
    with transaction() as session:
        draft = publishing.in_work(session, *DOCUMENT)
        assert draft is not None
        publishing.publish(session, draft, by=by, now=NOW, seen=seen)


def states() -> dict[int, str]:
    with reading() as session:
        return {row.version: row.state for row in publishing.history(session, *DOCUMENT)}


def test_nobody_who_wrote_a_version_publishes_it(app: Flask):
    written({"a": 1}, "lin", hand_in=False)
    written({"a": 2}, "zhou")

    for writer in ("lin", "zhou"):
        with pytest.raises(Forbidden):
            decide(by=writer)
    decide(by="chen")

    assert states() == {1: State.PUBLISHED}


def test_what_was_in_force_retires_and_can_be_brought_back(app: Flask):
    for content in ({"a": 1}, {"a": 2}):
        written(content, "lin")
        decide(by="chen")
    with transaction() as session:
        draft = publishing.restore(session, *DOCUMENT, 1, by="lin", now=NOW)
        assert (draft.content, draft.restored_from) == ({"a": 1}, 1)

    assert states() == {1: State.RETIRED, 2: State.PUBLISHED, 3: State.DRAFT}


def test_what_waits_for_review_is_not_written_over(app: Flask):
    written({"a": 1}, "lin")

    with pytest.raises(IllegalTransition):
        written({"a": 2}, "zhou")


def test_what_its_author_changed_after_it_was_read_is_not_published(app: Flask):
    written({"a": 1}, "lin")
    with transaction() as session:
        draft = publishing.in_work(session, *DOCUMENT)
        assert draft is not None
        read = draft.mark
        publishing.take_back(session, draft, by="lin", now=NOW)
        publishing.write(session, *DOCUMENT, {"a": 2}, author="lin", now=NOW)
        publishing.submit(session, draft, by="lin", now=NOW + timedelta(seconds=1))

    with pytest.raises(IllegalTransition):
        decide(by="chen", seen=read)

    assert states() == {1: State.SUBMITTED}


def test_the_database_holds_one_version_in_force(app: Flask):
    written({"a": 1}, "lin")
    decide(by="chen")
    written({"a": 2}, "lin")

    with pytest.raises(IntegrityError):
        force()


def force() -> None:
    with transaction() as session:
        draft = publishing.in_work(session, *DOCUMENT)
        assert draft is not None
        draft.state = State.PUBLISHED
