"""Promises about the whole: endpoints guarded, jobs known, errors mapped, settings and words complete."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from service import errors, jobs
from service.config import SETTINGS
from service.doorbell import QUEUES
from service.web.auth import PUBLIC
from service.web.errors import HTTP_STATUS

ROOT = Path(__file__).parent.parent


def test_every_endpoint_is_public_or_states_its_permission(app: Flask):
    open_doors = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in PUBLIC and getattr(app.view_functions[rule.endpoint], "permission", None) is None
    ]
    assert open_doors == []


def test_what_is_public_exists(app: Flask):
    assert set(app.view_functions) >= PUBLIC


def test_every_rung_name_is_a_job():
    names = set(re.findall(r'ring\(session, "(\w+)"', "".join(p.read_text() for p in (ROOT / "service").rglob("*.py"))))
    assert names
    assert names <= set(jobs.JOBS)


def test_every_job_has_a_queue_that_workers_take_from():
    assert {callable(getattr(jobs, name)) for name in jobs.JOBS} == {True}
    assert set(jobs.JOBS.values()) <= set(QUEUES)
    assert set(jobs.PERIODIC) <= set(jobs.JOBS)


def test_every_error_has_an_http_status():
    ours = {c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.ServiceError)}
    assert ours == set(HTTP_STATUS)


def test_every_setting_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert [s.name for s in SETTINGS if f"`{s.name}`" not in readme] == []


def test_no_code_above_the_channels_asks_which_channel_it_is():
    pattern = re.compile(r"== *['\"](wechat|wecom|weibo)")
    rooms = [ROOT / "service" / room for room in ("tickets", "messaging", "sla", "routing", "web")]
    places = [str(p) for room in rooms for p in room.rglob("*.py") if pattern.search(p.read_text())]
    assert places == []


@pytest.mark.parametrize("path", sorted((ROOT / "service/templates").rglob("*.html")), ids=lambda p: p.name)
def test_templates_have_no_inline_script_or_style(path: Path):
    source = re.sub(r"\{[{%#].*?[}%#]\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=\"|\son\w+=\"", source)
    assert "|safe" not in path.read_text().replace(" ", "")


def test_tests_do_not_sleep():
    sleepers = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep"):
                sleepers.append(f"{path}:{node.lineno}")
    assert sleepers == []


def test_every_conformance_case_of_the_platform_is_borne_by_a_test():
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    borne = {int(number) for number in re.findall(r"^def test_case_(\d\d)_\w", sources, flags=re.MULTILINE)}
    assert sorted(set(range(1, 41)) - borne) == []
