"""The official conformance suite against our server over HTTP, with its fixtures added, in both revisions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance.conftest import Serve
from tests.conformance.node import INSTALLED, Node

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(600)]

TASKS = "the tasks extension is not offered: result_id, get_result and cancel do its work with every client"
NOT_OFFERED = {
    "2026-07-28": {
        "tasks-lifecycle": TASKS,
        "tasks-capability-negotiation": TASKS,
        "tasks-wire-fields": TASKS,
        "tasks-request-state-removal": TASKS,
        "tasks-mrtr-input": TASKS,
        "tasks-request-headers": TASKS,
        "tasks-dispatch-and-envelope": TASKS,
        "tasks-required-task-error": TASKS,
        "tasks-mrtr-composition": TASKS,
        "json-schema-2020-12": "wants a tool whose arguments depend on each other; ours have none",
    },
    "2025-11-25": {
        "json-schema-2020-12": "wants a tool whose arguments depend on each other; ours have none",
        "server-sse-polling": "broken streams are not resumed: the work goes on, and get_result answers it",
    },
}
"""What the suite runs but no revision requires, and we do not offer. A scenario that passes must be taken out."""


FAILED = ("FAILURE", "WARNING")


@pytest.mark.parametrize("revision", ["2026-07-28", "2025-11-25"])
def test_every_requirement_of_the_revision_is_met(revision: str, node: Node, serve: Serve, tmp_path: Path) -> None:
    url = serve("tests.conformance.fixture_server", "PORT")
    ended = node.run_program(
        "conformance", "server", "--url", url, "--requirements", revision, "--output-dir", str(tmp_path / "seen")
    )
    checks = read_checks(tmp_path / "seen")
    required = scenarios(revision)
    assert required
    assert required <= set(checks), f"{ended.out[-2000:]}{ended.err[-2000:]}"
    failed = {
        name: told
        for name, made in checks.items()
        if (told := [f"{check['id']}: {check.get('errorMessage')}" for check in made if check["status"] in FAILED])
    }
    assert {name: told for name, told in failed.items() if name not in NOT_OFFERED[revision]} == {}
    assert set(failed) == set(NOT_OFFERED[revision])
    assert all(any(check["status"] == "SUCCESS" for check in checks[name]) for name in required)
    assert ended.code == 0, ended.out[-2000:]


def read_checks(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the checks that were made, by scenario: each has a folder called server-SCENARIO-TIME."""
    made: dict[str, list[dict[str, Any]]] = {}
    for path in folder.glob("*/checks.json"):
        name = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", path.parent.name)
        assert name is not None, path
        made[name[1]] = json.loads(path.read_text(encoding="utf-8"))
    return made


def scenarios(revision: str) -> set[str]:
    """Return the scenarios for servers that the suite says the revision requires."""
    path = INSTALLED / "node_modules" / "@modelcontextprotocol" / "conformance" / "requirements" / f"{revision}.yaml"
    return set(yaml.safe_load(path.read_text(encoding="utf-8"))["server"])
