"""What each role may do and where: the contract's table, written down a second time on purpose."""

import pytest

from service.people import ROLES, Permission, Role, Scope, User

NOWHERE, OWN, ANSWERED, ALL = None, Scope.DEPARTMENT, Scope.ANSWERED, Scope.ALL
WORKING = ("agent", "dept_head", "dispatcher", "follow_up_agent", "supervisor", "admin")
TABLE = {  # permission -> where, in the order of WORKING
    "see": (OWN, OWN, ALL, ANSWERED, ALL, ALL),
    "handle": (OWN, OWN, ALL, NOWHERE, ALL, ALL),
    "note": (OWN, OWN, ALL, ANSWERED, ALL, ALL),
    "transfer": (OWN, OWN, ALL, NOWHERE, ALL, ALL),
    "assign_self": (OWN, OWN, ALL, NOWHERE, ALL, ALL),
    "assign": (NOWHERE, OWN, ALL, NOWHERE, ALL, ALL),
    "dismiss": (NOWHERE, OWN, ALL, NOWHERE, ALL, ALL),
    "follow_up": (NOWHERE, OWN, NOWHERE, ANSWERED, ALL, ALL),
    "see_restricted": (NOWHERE, NOWHERE, ALL, NOWHERE, ALL, ALL),
    "oversee": (NOWHERE, OWN, NOWHERE, NOWHERE, ALL, ALL),
    "urge": (NOWHERE, OWN, ALL, NOWHERE, ALL, ALL),
    "decide_extension": (NOWHERE, OWN, NOWHERE, NOWHERE, ALL, ALL),
    "supervise": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL, ALL),
    "manage_people": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
    "manage_rules": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
    "manage_accounts": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
    "edit_content": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
    "review_content": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
    "manage_followers": (NOWHERE, NOWHERE, ALL, NOWHERE, ALL, ALL),
    "read_audit": (NOWHERE, NOWHERE, NOWHERE, NOWHERE, NOWHERE, ALL),
}
CELLS = [(role, name, where) for name, row in TABLE.items() for role, where in zip(WORKING, row, strict=True)]


def user(*roles: str, active: bool = True) -> User:
    return User(username="zhang", roles=list(roles), active=active)


@pytest.mark.parametrize(("role", "permission", "where"), CELLS)
def test_what_a_role_may_do_and_where(role: str, permission: str, where: Scope | None):
    assert ROLES[Role(role)].get(Permission(permission)) == where


def test_the_table_names_every_permission():
    assert set(TABLE) == set(Permission)


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("reviewer", {"review_content"}),
        ("account_admin", {"manage_accounts", "edit_content"}),
        ("auditor", {"read_audit"}),
    ],
)
def test_other_roles_touch_no_ticket(role: str, permissions: set[str]):
    assert set(ROLES[Role(role)]) == permissions


def test_several_roles_add_up():
    both = user("agent", "follow_up_agent")

    assert both.scopes(Permission.SEE) == {OWN, ANSWERED}
    assert both.may(Permission.FOLLOW_UP)


def test_a_disabled_person_may_nothing():
    gone = user("admin", active=False)

    assert not any(gone.may(permission) for permission in Permission)


def test_a_session_ends_when_its_version_grows():
    person = user("agent")
    person.id, person.session_version = 7, 1
    before = person.get_id()
    person.session_version += 1

    assert person.get_id() != before
