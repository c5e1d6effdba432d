"""The book of accounts: at most a second old, read by one thread at a time, and it survives an outage."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from service.channels.wechat.accounts import AccountBook
from tests.wechat_fakes import make_account


class Shelf:
    """Where the book reads: counts readings, and can be away."""

    def __init__(self):
        self.accounts = {"main": make_account()}
        self.readings = 0
        self.away = False

    def load(self):
        self.readings += 1
        if self.away:
            raise OperationalError("SELECT", {}, Exception("connection refused"))
        return dict(self.accounts)


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def book(shelf, clock):
    return AccountBook(shelf.load, clock=clock)


def test_many_questions_of_one_second_are_one_reading(book, shelf, clock):
    for _ in range(100):
        clock.now += 0.009
        assert book.account_for("main") == make_account()

    assert shelf.readings == 1


def test_a_change_holds_within_two_seconds(book, shelf, clock):
    book.account_for("main")
    shelf.accounts = {"main": make_account(token="another1"), "second": make_account(slug="second")}
    clock.now += 1.1

    assert book.account_for("main").token == "another1"
    assert book.account_for("second") is not None
    assert book.account_for("third") is None


def test_a_change_in_this_process_holds_at_once(book, shelf):
    book.account_for("main")
    shelf.accounts = {}
    book.forget()

    assert book.account_for("main") is None


def test_during_an_outage_the_last_known_accounts_stand_and_the_database_is_not_stormed(book, shelf, clock):
    book.account_for("main")
    shelf.away = True
    clock.now += 60

    for _ in range(50):
        clock.now += 0.01
        assert book.account_for("main") == make_account()

    assert shelf.readings == 2
    shelf.away, shelf.accounts = False, {}
    clock.now += 1.1
    assert book.account_for("main") is None


def test_a_cold_start_without_a_database_says_so(book, shelf):
    shelf.away = True

    with pytest.raises(OperationalError):
        book.account_for("main")


def test_threads_that_ask_together_cause_one_reading(clock):
    entered, go_on = threading.Event(), threading.Event()
    readings = []

    def load():
        readings.append(1)
        entered.set()
        assert go_on.wait(5)
        return {"main": make_account()}

    book = AccountBook(load, clock=clock)
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(book.account_for, "main") for _ in range(8)]
        assert entered.wait(5)
        go_on.set()
        answers = [question.result(5) for question in asked]

    assert answers == [make_account()] * 8
    assert len(readings) == 1


def test_no_secret_is_in_the_text_of_an_account():
    account = make_account()

    text = repr(account)

    assert not [secret for secret in (account.app_secret, account.token, account.aes_key) if secret in text]
