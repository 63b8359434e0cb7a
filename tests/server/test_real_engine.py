"""`reamo-mcp serve` with its own engine and decoder in their processes: what a cancelled call leaves behind."""

import time
import wave
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import pytest

from reamo_mcp import Document, ReamoClient
from tests.server.served import TOKEN, serve

MAIL = "Write to ada@example.org on 3 May 2024."


def silence(path: Path, seconds: int) -> Path:
    """Write a recording in which nobody speaks."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(4000)
        for _ in range(seconds):
            file.writeframesraw(b"\x80" * 4000)
    return path


def processes() -> dict[int, int]:
    """Return all processes with their parents."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it ended meanwhile
    return parents


def descendants(process: int) -> set[int]:
    """Return the processes below this one."""
    parents = processes()
    found: set[int] = set()
    while new := {child for child, parent in parents.items() if parent in {process, *found}} - found:
        found |= new
    return found


@pytest.mark.parametrize("era", ["auto", "legacy"])
async def test_work_is_cancelled_while_a_file_is_decoded_and_while_a_model_runs_and_leaves_nothing(
    era: Literal["auto", "legacy"], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    recording = silence(root / "silence.wav", 4 * 3600)
    book = root / "book.txt"
    book.write_text("\n\n".join(f"Ada Byron met Charles Babbage in room {n} of London." for n in range(40_000)))
    with serve(root, tmp_path) as served:
        took: list[float] = []
        trivial: list[float] = []
        children: set[int] = set()
        async with (
            ReamoClient.http(served.url, token=TOKEN, era=era) as client,
            ReamoClient.http(served.url, token=TOKEN) as watching,
        ):
            for file, phase in ((recording, "reading silence.wav: "), (book, "looking for what was asked: ")):
                working = anyio.Event()

                async def note(
                    _: float, __: float | None, told: str | None, phase: str = phase, working: anyio.Event = working
                ) -> None:
                    if told and told.startswith(phase):
                        working.set()

                async with anyio.create_task_group() as calls:
                    calls.start_soon(partial(client.extract_entities, Document.of(file), report=note))
                    with anyio.fail_after(60):
                        await working.wait()
                    begun = time.monotonic()
                    assert (await watching.server_status()).running == 1
                    trivial.append(time.monotonic() - begun)
                    children |= descendants(served.process.pid)
                    calls.cancel_scope.cancel()
                begun = time.monotonic()
                while (await watching.server_status()).running:
                    pass
                took.append(time.monotonic() - begun)
                assert (await client.extract_entities(Document.of(text=MAIL))).entities
        served.process.terminate()
        served.process.wait(timeout=10)
    assert max(trivial) < 1
    assert max(took) < 1 + 10 * max(trivial), "a second, and more on a busy machine"
    assert len(children) >= 2, "the decoder and the engine"
    assert not children & processes().keys()
    assert not list((tmp_path / "temporary").iterdir())
