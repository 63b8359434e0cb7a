"""A thousand calls of all kinds through the server and its real children: nothing is left behind."""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from mcp import Client

from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from tests.soak.mixed_calls import MixedCalls
from tests.soak.remains import Held, held, memory
from tests.soak.small_files import SmallFiles

CALLS, FEW = 1000, 40
MOST_SHARE, MOST_BYTES = 1.05, 20_000_000

Memory = list[tuple[int, dict[str, int]]]
"""Resident bytes of each process after so many calls."""


async def soaked(folder: Path, temporary: Path, calls: int) -> tuple[Memory, list[Held]]:
    """Make the calls; return the memory after each block of them, and what was held at a tenth and at the end."""
    files = folder / "files"
    files.mkdir()
    small = SmallFiles(files)
    settings = Settings(roots=(files,), cache=folder / "cache")
    seen: Memory = []
    remains: list[Held] = []
    async with Client(build_server(settings, transport="stdio")) as client:
        mixed = MixedCalls(client, small, seed=1)
        while mixed.count < calls:
            await mixed.block()
            seen.append((mixed.count, memory()))
            if not remains and mixed.count >= calls // 10:
                await mixed.idle()
                remains.append(held(settings.cache_folder(), temporary))
        await mixed.idle()
        remains.append(held(settings.cache_folder(), temporary))
    assert held(settings.cache_folder(), temporary).children == 0
    return seen, remains


def between(seen: Memory, first: int, last: int) -> dict[str, float]:
    """Return the median of each process's bytes over some calls, and of all together."""
    chosen = [memory for count, memory in seen if first <= count <= last]
    programs = {program for memory in chosen for program in memory}
    medians = {program: statistics.median(memory.get(program, 0) for memory in chosen) for program in programs}
    return {**medians, "in all": statistics.median(sum(memory.values()) for memory in chosen)}


def told(early: dict[str, float], late: dict[str, float]) -> Sequence[str]:
    return [f"{program}: {early.get(program, 0) / 1e6:.1f} MB, then {late[program] / 1e6:.1f} MB" for program in late]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.soak
@pytest.mark.timeout(3000)
async def test_a_thousand_calls_leave_nothing_behind(
    tmp_path: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen, (early, late) = await soaked(tmp_path, temporary, CALLS)
    before, after = between(seen, 100, 200), between(seen, CALLS - 100, CALLS + 100)
    with capsys.disabled():
        sys.stdout.write("\n".join(("", *told(before, after), str(early), str(late), "")))
    assert after["in all"] <= max(before["in all"] * MOST_SHARE, before["in all"] + MOST_BYTES), told(before, after)
    assert (late.children, late.descriptors, late.files) == (early.children, early.descriptors, early.files)
    assert late.threads <= early.threads + 2  # a pool of threads grows to its bound


async def test_a_few_calls_leave_nothing_behind(tmp_path: Path, temporary: Path) -> None:
    _, (early, late) = await soaked(tmp_path, temporary, FEW)
    assert (late.children, late.descriptors, late.files) == (early.children, early.descriptors, ())
