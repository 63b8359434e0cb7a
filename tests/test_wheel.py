"""The wheel: what a pip user gets, where the content folders lie inside the package."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = """
import reamo_mcp
from reamo_mcp.content import folder, load_tools
from reamo_mcp.ontologies.installed import ontology_names
print(folder("tools"), folder("prompts"), folder("examples"))
print(*ontology_names(), *(tool.__name__ for tool in load_tools()))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack a freshly built wheel, as pip would, into a folder of its own."""
    target = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = target.glob("*.whl")
    site = target / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_finds_its_tools_prompts_and_examples_inside_itself(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert words[:3] == [str(installed / "reamo_mcp" / name) for name in ("tools", "prompts", "examples")]
    assert "general" in words
    assert "reamo_mcp.tools.extract_knowledge" in words


def test_the_wheel_carries_weights_and_licences_and_nothing_that_was_made_here(installed: Path) -> None:
    files = {path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()}
    assert any(name.endswith("licenses/LICENSE") for name in files)
    assert any(name.endswith("licenses/NOTICE") for name in files)
    assert any(name.endswith(".onnx") for name in files)
    assert "reamo_mcp/py.typed" in files
    assert "reamo_mcp/examples/make_press_kit.py" in files
    assert {name.partition("/")[0].partition("-")[0] for name in files} == {"reamo_mcp"}
    assert [name for name in files if "__pycache__" in name or name.endswith((".mp4", ".pyc"))] == []
