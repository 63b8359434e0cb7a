"""Every example runs as its reader would run it: as a program, in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reamo_mcp.content import folder

EXAMPLES = folder("examples")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a press kit in it."""
    place = tmp_path_factory.mktemp("home")
    made = run("make_press_kit.py", place)
    assert [Path(line).name for line in made.split()] == ["release.md", "poster.png", "letter.pdf", "launch.mp4"]
    return place


def run(name: str, place: Path) -> str:
    environment = {**os.environ, "REAMO_CACHE": str(place / "cache")}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    run_here = {"make_press_kit.py", "extract_with_library.py", "talk_to_server.py", "own_ontology.py"}
    assert {path.name for path in EXAMPLES.glob("*.py")} == run_here


def test_the_library_finds_one_organization_in_text_picture_and_scan(home: Path) -> None:
    lines = run("extract_with_library.py", home).splitlines()
    institute = next(line for line in lines if line.startswith("organization") and "Nordlys Institute" in line)
    assert all(name in institute for name in ("release.md", "poster.png", "letter.pdf"))
    assert any("2 April 2026" in line and "letter.pdf" in line for line in lines)
    assert any("https://nordlys.example.org/polaris" in line and "poster.png" in line for line in lines)
    assert any(line.startswith("not supported: ") for line in lines)


def test_the_client_gets_an_answer_from_a_server_it_started(home: Path) -> None:
    out = run("talk_to_server.py", home)
    assert "relations between" in out
    assert any(line.startswith("  ") and " of " in line for line in out.splitlines()), "progress was not told"


def test_types_of_ones_own_are_looked_for_in_files_read_once(home: Path) -> None:
    out = run("own_ontology.py", home)
    assert "ships:" in out
    assert "animals:" in out
