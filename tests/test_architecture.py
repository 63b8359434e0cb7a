"""What holds for the house as a whole."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import reamo_mcp
from reamo_mcp import errors
from reamo_mcp.content import folder
from reamo_mcp.server.boundary import told

ROOT = Path(reamo_mcp.__file__).parent
MOST_LINES = 400
LONGER: dict[str, str] = {}
"""Longer files by their path below the repository, each with its reason."""

PUBLIC = {
    "Document",
    "EntityType",
    "EventType",
    "Extraction",
    "Ontology",
    "ReamoClient",
    "RelationType",
    "open_extractor",
}
HEAVY = {"torch", "transformers", "numpy", "onnxruntime", "cv2", "PIL", "av", "scipy", "moviepy", "typer", "rich"}
FORBIDDEN_NAMES = {"utils", "util", "common", "base", "core", "manager", "helpers", "misc"}


def source_files() -> list[Path]:
    below = [ROOT, folder("tools"), folder("examples"), Path(__file__).parent]
    return sorted(path for place in below for path in place.rglob("*.py"))


def test_files_stay_short_or_say_why_not() -> None:
    lines = {
        path.relative_to(ROOT.parent).as_posix(): path.read_text(encoding="utf-8").count("\n")
        for path in source_files()
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES and name not in LONGER} == {}
    assert [name for name in LONGER if lines.get(name, 0) <= MOST_LINES] == [], "an exception that is needed no more"
    assert all(LONGER.values())


def test_module_names_say_what_is_inside() -> None:
    names = {part for path in ROOT.rglob("*.py") for part in path.relative_to(ROOT).with_suffix("").parts}
    assert names & FORBIDDEN_NAMES == set()


def test_every_package_says_in_its_first_line_what_it_is() -> None:
    assert [path for path in ROOT.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text("utf-8")))] == []


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after the statement."""
    script = f"import sys; {statement}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_else() -> None:
    assert loaded_by("import reamo_mcp") & (HEAVY | {"pydantic", "mcp", "anyio"}) == set()


def test_the_public_names_load_no_torch() -> None:
    loaded = loaded_by("from reamo_mcp import *")
    assert "mcp" in loaded
    assert loaded & {"torch", "transformers", "onnxruntime", "cv2", "moviepy"} == set()


def test_the_engine_that_nobody_named_is_chosen_without_loading_torch() -> None:
    """Whatever was pulled and whichever GPU is here: the models run in a child."""
    loaded = loaded_by(
        "from reamo_mcp.models.profiles import plain_engine; from reamo_mcp.settings import Settings; "
        "plain_engine(Settings(profile='auto')).cards()"
    )
    assert "reamo_mcp" in loaded
    assert loaded & {"torch", "transformers"} == set()


def test_the_public_names_are_those_that_are_promised() -> None:
    assert set(reamo_mcp.__all__) == PUBLIC == set(dir(reamo_mcp))
    for name in reamo_mcp.__all__:
        value = reamo_mcp.__getattr__(name)
        assert value.__doc__, name
    with pytest.raises(AttributeError, match="no_such_name"):
        reamo_mcp.__getattr__("no_such_name")


def test_tools_import_only_what_the_server_offers_them() -> None:
    allowed = ("reamo_mcp.server", "reamo_mcp.types", "pydantic", "typing", "mcp.types")
    foreign: list[str] = []
    for path in folder("tools").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                foreign += [f"{path.name}: {name.name}" for name in node.names if not name.name.startswith(allowed)]
            elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith(allowed):
                foreign.append(f"{path.name}: {node.module}")
    assert foreign == []


TELLS_ITS_MODULES = """
import os, sys
leave = os._exit
def tell_and_leave(code):
    print(*(name for name, module in sys.modules.items() if module), file=sys.stderr, flush=True)
    leave(code)
os._exit = tell_and_leave
from reamo_mcp.__main__ import main
main()
"""


def test_the_server_answers_its_first_questions_without_loading_an_engine(tmp_path: Path) -> None:
    asked = [
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    with subprocess.Popen(
        [sys.executable, "-c", TELLS_ITS_MODULES, "--root", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdin.write("".join(f"{json.dumps(message)}\n" for message in asked))
        server.stdin.flush()
        json.loads(server.stdout.readline())
        tools = json.loads(server.stdout.readline())["result"]["tools"]
        server.stdin.close()
        loaded = {name.partition(".")[0] for name in server.stderr.read().split()}
        assert server.wait(timeout=10) == 0
    assert {tool["name"] for tool in tools} >= {"extract_knowledge", "server_status"}
    assert "mcp" in loaded
    assert loaded & HEAVY == set()


def leaves(kind: type[errors.ReamoError]) -> list[type[errors.ReamoError]]:
    below = kind.__subclasses__()
    return [kind] if not below else [leaf for child in below for leaf in leaves(child)]


def test_every_error_has_a_code_of_its_own_and_stands_in_the_tree() -> None:
    kinds = leaves(errors.ReamoError)
    assert len({kind.code for kind in kinds}) == len(kinds)
    lines = (errors.__doc__ or "").splitlines()
    for kind in kinds:
        assert any(kind.__name__ in line and kind.code in line for line in lines), kind


@pytest.mark.parametrize("kind", leaves(errors.ReamoError))
def test_every_error_reaches_people_and_models_with_its_remedy(kind: type[errors.ReamoError]) -> None:
    error = kind("the file is odd", "Take another")
    assert told(error) == f"[{kind.code}] the file is odd. Take another"
    again = errors.of_code(kind.code, "the file is odd", "Take another")
    assert type(again) is kind
