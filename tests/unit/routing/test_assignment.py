"""Who takes a ticket: the least loaded with room."""

from service.routing.assignment import Load, choose


def test_the_least_loaded_takes_it() -> None:
    assert choose([Load("wang", 3), Load("li", 1), Load("zhao", 2)]) == "li"


def test_between_equals_the_name_decides_so_that_it_is_repeatable() -> None:
    assert choose([Load("wang", 1), Load("li", 1)]) == choose([Load("li", 1), Load("wang", 1)]) == "li"


def test_nobody_goes_over_the_limit() -> None:
    assert choose([Load("li", 5, limit=5), Load("wang", 7, limit=8)]) == "wang"
    assert choose([Load("li", 5, limit=5)]) is None
