"""What the server adds to the bare SDK per trivial call and at its start, and how soon a call that is given up stops.

Baseline: a server of one trivial tool on the SDK alone (bare_server.py), called in turn with ours, so that each pair
meets the same machine. Run: python -m tests.benchmarks.server
"""

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import anyio
from mcp import Client
from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

from reamo_mcp.client import ReamoClient
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from reamo_mcp.types.answers import Answer
from reamo_mcp.types.media import Document
from tests.benchmarks.bare_server import bare_server
from tests.doubles.scripted_extractor import ScriptedExtractor
from tests.server import spoken as spoken_server
from tests.server.served import TOKEN, serve
from tests.server.spoken import Spoken
from tests.server.test_real_engine import silence

PAIRS = 200
WARM_UP = 20
STARTS = 9
CANCELS = 7
REPOSITORY = Path(__file__).parent.parent.parent
BARE = [sys.executable, "-c", "from tests.benchmarks.bare_server import main; main()"]


@dataclass(frozen=True)
class Row:
    """Times of ours and of the baseline in ms, pair by pair, and what ours may add."""

    name: str
    ours: Sequence[float]
    bare: Sequence[float]
    most: float

    def __str__(self) -> str:
        added = sorted(one - other for one, other in zip(self.ours, self.bare, strict=True))
        median, low, high = statistics.median(added), added[len(added) // 10], added[len(added) * 9 // 10]
        return (
            f"{self.name:48} {len(added):5} {statistics.median(self.ours):8.2f} {statistics.median(self.bare):8.2f} "
            f"{median:8.2f} {low:7.2f} to {high:7.2f} {self.most:6g}  {'held' if median <= self.most else 'missed'}"
        )


HEAD = f"{'milliseconds':48} pairs     ours baseline    added     p10 to     p90   most"


async def pairs(
    ours: Callable[[], Awaitable[object]], bare: Callable[[], Awaitable[object]], count: int
) -> tuple[list[float], list[float]]:
    """Return the times of both, called in turn; who comes first changes."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + count):
        order = ((times[0], ours), (times[1], bare))
        for kept, call in order if number % 2 else reversed(order):
            began = time.perf_counter()
            await call()
            kept.append((time.perf_counter() - began) * 1000)
    return times[0][WARM_UP:], times[1][WARM_UP:]


def calling(client: Client, tool: str, **arguments: object) -> Callable[[], Awaitable[object]]:
    """Return a call of a tool, as fast as the SDK's client can make it."""
    request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))

    async def call() -> CallToolResult:
        answer = await client.session.send_request(request, CallToolResult)
        assert not answer.is_error
        return answer

    return call


async def in_memory(settings: Settings) -> list[Row]:
    """Measure trivial calls without any transport: the state of the server, and a page of a small result at hand."""
    server = build_server(settings, open_extractor=ScriptedExtractor().opened)
    async with Client(server) as ours, Client(bare_server()) as bare:
        found = await ours.call_tool("extract_entities", {"text": "Ada met Bob in London"})
        page = calling(ours, "get_result", result_id=Answer.model_validate(found.structured_content).result_id)
        state, other = calling(ours, "server_status"), calling(bare, "state")
        return [
            Row("a call in memory", *await pairs(state, other, PAIRS), 1),
            Row("a page of a result, in memory", *await pairs(page, other, PAIRS), 1),
        ]


@contextmanager
def spoken(command: Sequence[str], environment: dict[str, str]) -> Generator[Spoken]:
    """Start a server; it is ended afterwards."""
    with spoken_server.started(command, environment, folder=REPOSITORY) as process:
        yield Spoken(process)


async def over_stdio(command: Sequence[str], environment: dict[str, str]) -> Row:
    """Measure a trivial call over stdio."""

    def asking(server: Spoken, tool: str) -> Callable[[], Awaitable[object]]:
        async def ask() -> None:
            assert not server.ask("tools/call", name=tool, arguments={})["result"].get("isError")

        return ask

    with spoken(command, environment) as ours, spoken(BARE, environment) as bare:
        times = await pairs(asking(ours, "server_status"), asking(bare, "state"), PAIRS)
    return Row("a call over stdio", *times, 2)


def start(command: Sequence[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the milliseconds from the start of the process to its list of tools, and its processor time."""
    began = time.perf_counter()
    spent = _children_spent()
    with spoken(command, environment) as server:
        assert server.ask("tools/list")["result"]["tools"]
        took = time.perf_counter() - began
    return took * 1000, (_children_spent() - spent) * 1000


def _children_spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cold_starts(command: Sequence[str], environment: dict[str, str]) -> list[Row]:
    """Measure the start over stdio."""
    for warming in (command, BARE):  # the first reads files that later ones find in memory
        start(warming, environment)
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    for number in range(STARTS):
        order = ((ours, command), (bare, BARE))
        for kept, started in order if number % 2 else reversed(order):
            kept.append(start(started, environment))
    return [
        Row(name, [times[which] for times in ours], [times[which] for times in bare], 100)
        for which, name in enumerate(("from the start to the list of tools, stdio", "the same, processor time"))
    ]


async def through_a_front(folder: Path, environment: dict[str, str]) -> Row:
    """Measure a trivial call through a front, against the same call straight to its engine."""
    own = {name: value for name, value in environment.items() if name.startswith("REAMO_")}
    with serve(folder) as served:
        async with (
            ReamoClient.stdio(roots=[folder], engine=served.url, environment=own) as front,
            ReamoClient.http(served.url, token=TOKEN) as engine,
        ):
            times = await pairs(front.server_status, engine.server_status, PAIRS)
    return Row("a call through a front, against HTTP direct", *times, 6)


async def cancelled(folder: Path) -> list[Row]:
    """Measure how long a call that its client gives up goes on: while a file is decoded, and while a model runs."""
    recording = silence(folder / "silence.wav", 4 * 3600)
    book = folder / "book.txt"
    lines = (f"Ada Byron met Charles Babbage in room {number} of London." for number in range(40_000))
    book.write_text("\n\n".join(lines), encoding="utf-8")
    rows: list[Row] = []
    with serve(folder) as served:
        async with (
            ReamoClient.http(served.url, token=TOKEN) as client,
            ReamoClient.http(served.url, token=TOKEN) as watching,
        ):
            for file, phase in ((recording, "reading silence.wav: "), (book, "looking for what was asked: ")):
                took = [await until_stopped(client, watching, file, phase) for _ in range(CANCELS)]
                name = "decoding" if file is recording else "a model runs"
                rows.append(Row(f"a call given up while {name}, until it stops", took, [0.0] * CANCELS, 1000))
    return rows


async def until_stopped(client: ReamoClient, watching: ReamoClient, file: Path, phase: str) -> float:
    """Return the milliseconds from giving up a call to the end of its work."""
    working = anyio.Event()
    began = 0.0

    async def note(_: float, __: float | None, told: str | None) -> None:
        if told and told.startswith(phase):
            working.set()

    async with anyio.create_task_group() as calls:
        calls.start_soon(partial(client.extract_entities, Document.of(file), report=note))
        await working.wait()
        began = time.perf_counter()
        calls.cancel_scope.cancel()
    while (await watching.server_status()).running:
        pass
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "REAMO_CACHE": str(folder / "cache"), "REAMO_TOKEN": TOKEN}
        command = [sys.executable, "-m", "reamo_mcp", "--root", str(folder)]
        before = os.getloadavg()[0]
        rows = [
            *anyio.run(in_memory, Settings(cache=folder / "cache")),
            anyio.run(over_stdio, command, environment),
            *cold_starts(command, environment),
            anyio.run(through_a_front, folder, environment),
            *anyio.run(cancelled, folder),
        ]
    print(
        f"Python {sys.version.split()[0]}, mcp {version('mcp')}, {os.cpu_count()} processors, load {before:.1f} before "
        f"and {os.getloadavg()[0]:.1f} after; medians, and the spread of what is added within a pair"
    )
    print(HEAD)
    print(*rows, sep="\n")


if __name__ == "__main__":
    main()
