"""The layering, checked: lower rooms do not know higher ones, files and functions stay small, one place commits."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST_FILE, LONGEST_FUNCTION = 400, 50
LEAVES = {"clock", "errors", "config"}
LOW = LEAVES | {
    "database",
    "people",
    "audit",
    "alerts",
    "policy_versions",
    "publishing",
    "rulebook",
    "doorbell",
    "files",
    "defaults",
    "sla",
    "routing",
    "messaging",
    "masking",
}
MAY_IMPORT = {  # room -> rooms of ours that it may use; None: any, it is an edge or the composition root
    "clock": set(),
    "errors": set(),
    "config": {"setting_values"},
    "setting_values": set(),
    "defaults": set(),
    "sla": {"errors"},
    "routing": {"errors"},
    "database": set(),
    "files": {"errors"},
    "masking": set(),
    "playable": set(),
    "doorbell": {"database"},
    "people": {"database"},
    "audit": {"database"},
    "alerts": {"database"},
    "publishing": {"audit", "database", "errors"},
    "credentials": {"database", "errors", "people"},
    "calendars": {"audit", "database", "doorbell", "errors", "rulebook", "sla"},
    "policies": {"audit", "database", "doorbell", "errors", "policy_versions", "rulebook", "sla"},
    "staff": LEAVES | {"audit", "credentials", "database", "people", "rulebook"},
    "keyword_rules": {"audit", "database", "errors", "routing", "rulebook", "trained_models"},
    "routing_rows": {"audit", "database", "errors", "routing", "rulebook"},
    "policy_versions": {"database"},
    "trained_models": {"database", "routing"},
    "rulebook": {"database", "people", "policy_versions", "publishing", "sla", "routing", "defaults", "trained_models"},
    "messaging": {"database", "doorbell"},
    "tickets": LOW - {"config", "defaults", "clock"},
    "channels": {"messaging", "database", "doorbell", "errors", "config", "clock", "alerts", "files", "publishing"},
    "learning": {"alerts", "audit", "database", "errors", "routing", "rulebook", "tickets", "trained_models"},
    "assets": set(),
    "messengers": set(),
    "opinions": set(),
    "runtime": {"config", "errors"},
    "web": LOW
    | {
        "tickets",
        "channels",
        "credentials",
        "staff",
        "calendars",
        "policies",
        "keyword_rules",
        "routing_rows",
        "playable",
        "messengers",
        "learning",
        "trained_models",
    },
}
EDGES = {
    "",
    "jobs",
    "sweeping",
    "notices_out",
    "opinions_out",
    "cli",
    "command",
    "calendar_command",
    "policy_command",
    "learning_command",
    "retraining",
    "setup",
    "checkup",
    "demo",
    "wsgi",
    "migrations",
}
PURE = {"sla", "routing"}
FORBIDDEN = {  # libraries that mark an edge
    **{room: {"flask", "sqlalchemy", "redis", "rq", "wechatpy", "requests"} for room in PURE},
    "messaging": {"flask", "redis", "rq", "wechatpy", "requests"},
    "tickets": {"flask", "redis", "rq", "wechatpy", "requests"},
}
WECHATPY_ROOMS = ("service/channels/wechat", "simulator", "tests")
SERVICE = sorted((ROOT / "service").rglob("*.py"))
ALL = [*SERVICE, *sorted((ROOT / "simulator").rglob("*.py")), ROOT / "worker.py"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    first = path.relative_to(ROOT / "service").parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(source: str) -> Iterator[str]:
    """Full names of what the source imports, relative imports refused."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            # `from service import x` names a room in its aliases
            yield from ({f"service.{a.name}" for a in node.names} if node.module == "service" else {node.module or ""})


def violations(room: str, source: str) -> list[str]:
    """What this source may not import from where it stands."""
    allowed = None if room in EDGES else MAY_IMPORT[room]
    found = []
    for name in imports(source):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == "service" and other != room and allowed is not None and other not in allowed:
            found.append(name)
        if top in FORBIDDEN.get(room, ()):
            found.append(name)
    return found


@pytest.mark.parametrize("path", SERVICE, ids=name_of)
def test_imports_point_downwards(path: Path):
    assert violations(room_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("room", "planted"),
    [
        ("sla", "import sqlalchemy"),
        ("routing", "from service.tickets import models"),
        ("messaging", "from service.tickets.models import Ticket"),
        ("tickets", "from service.channels import registry"),
        ("tickets", "import flask"),
        ("channels", "from service import tickets"),
        ("database", "from service.people import User"),
    ],
)
def test_a_planted_import_is_found(room: str, planted: str):
    assert violations(room, planted) != []


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_only_the_channel_and_the_simulator_know_wechatpy(path: Path):
    known = any(name.partition(".")[0] == "wechatpy" for name in imports(path.read_text()))
    assert not known or name_of(path).startswith(WECHATPY_ROOMS)


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_files_and_functions_stay_small(path: Path):
    source = path.read_text()
    if "migrations" in path.parts:  # a migration is a record, not a room
        return
    assert source.count("\n") <= LONGEST_FILE
    long = [
        node.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


@pytest.mark.parametrize("path", SERVICE, ids=name_of)
def test_one_place_commits(path: Path):
    if path.name in ("database.py", "setup.py"):  # setup holds the lock of a migration, on a connection of its own
        return
    calls = [
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert not {"commit", "rollback"} & set(calls)


@pytest.mark.parametrize("path", [p for p in SERVICE if room_of(p) in LOW | {"tickets"} - {"clock"}], ids=name_of)
def test_only_edges_read_the_clock(path: Path):
    if path.name == "clock.py":
        return
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}
    assert not {"utcnow", "datetime.now", "datetime.utcnow"} & calls


def test_only_one_function_assigns_a_status():
    places = []
    for path in (ROOT / "service/tickets").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            targets = node.targets if isinstance(node, ast.Assign) else []
            flat = [t for target in targets for t in (target.elts if isinstance(target, ast.Tuple) else [target])]
            places += [path.name for t in flat if isinstance(t, ast.Attribute) and t.attr == "status"]
    assert places == ["changes.py"]


def test_inner_packages_hold_a_docstring_only():
    for path in (ROOT / "service").rglob("__init__.py"):
        if path.parent.name in ("service", "demo"):
            continue
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert isinstance(body[0], ast.Expr), path
