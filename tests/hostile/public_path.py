"""The server as callers meet it: real opening, decoder child, boundary and client; models that answer from a script."""

import os
import re
import signal
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.types import CallToolResult

from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Answer, Line
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from tests.doubles.scripted_roles import (
    ScriptedDetector,
    ScriptedTextExtractor,
    ScriptedTextReader,
    ScriptedTranscriber,
)
from tests.processes import is_alive

_CODE = re.compile(r"\[([a-z_]+)\]")


@dataclass(frozen=True)
class Seen:
    """What came of one call: its outcome, all its words, what it cost, the slowest answer to another call meanwhile.

    ``memory`` is what the decoder held at most, in bytes over what it held before.
    """

    outcome: str
    words: str
    seconds: float
    processor_seconds: float
    memory: int
    slowest_other: float


class PublicPath:
    """Calls the server, watches its decoder, and asks for its status all the while."""

    def __init__(self, portal: BlockingPortal, client: Client, decoder: ChildDecoder, reader: "WatchedReader") -> None:
        self.portal, self.client = portal, client
        self.reader = reader
        self._decoder = decoder

    def read(self, path: str, entity_types: Sequence[str] = ("person",)) -> Seen:
        """Extract from one file."""
        before = self._measures()
        for process in before:
            _forget_peak(process)
        base_memory, base_time = sum(m for m, _ in before.values()), time.process_time()
        peak, spent, slowest, start = base_memory, 0.0, 0.0, time.monotonic()
        arguments: dict[str, object] = {"files": [path], "entity_types": list(entity_types)}
        call = self.portal.start_task_soon(self._whole, arguments)
        while not call.done():
            asked = time.monotonic()
            self.portal.call(self.client.call_tool, "server_status", None)
            slowest = max(slowest, time.monotonic() - asked)
            now = self._measures()
            peak = max(peak, sum(m for m, _ in now.values()))
            spent = max(spent, sum(t - before.get(pid, (0, 0.0))[1] for pid, (_, t) in now.items()))
            time.sleep(0.01)
        seconds = time.monotonic() - start
        peak = max(peak, sum(_peak(process) for process in self._decoder.process_ids()))
        return Seen(*told(call.result()), seconds, spent + time.process_time() - base_time, peak - base_memory, slowest)

    async def _whole(self, arguments: dict[str, object]) -> CallToolResult:
        """Return the answer, however long the work takes."""
        answer = await self.client.call_tool("extract_entities", arguments)
        while not answer.is_error and structured(answer)["status"] == "running":
            handle: dict[str, object] = {"result_id": structured(answer)["result_id"]}
            answer = await self.client.call_tool("get_result", handle)
        return answer

    def call(self, tool: str, **arguments: object) -> CallToolResult:
        """Call a tool with any arguments."""
        return self.portal.call(self.client.call_tool, tool, arguments)

    def chill(self) -> None:
        """End the decoder, so that the next call starts one."""
        for process in self._decoder.process_ids():
            os.kill(process, signal.SIGKILL)
            while is_alive(process):
                time.sleep(0.001)

    def children(self) -> tuple[int, ...]:
        """Return the decoders that run now."""
        return self._decoder.process_ids()

    def _measures(self) -> dict[int, tuple[int, float]]:
        found: dict[int, tuple[int, float]] = {}
        for process in self._decoder.process_ids():
            try:
                pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
                fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            found[process] = (pages * os.sysconf("SC_PAGE_SIZE"), used)
        return found


def _forget_peak(process: int) -> None:
    """Let the kernel count the most memory of a process anew; where it may not, sampling alone tells."""
    try:
        Path(f"/proc/{process}/clear_refs").write_text("5", "ascii")
    except OSError:
        pass


def _peak(process: int) -> int:
    """Return the most memory that a process held since `_forget_peak`."""
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii")
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) << 10 if "VmHWM:" in status else 0


def told(answer: CallToolResult) -> tuple[str, str]:
    """Return the outcome of an answer ('ok', 'partial' or the code of an error), and all its words."""
    words = "\n".join(block.text for block in answer.content if block.type == "text")
    if answer.is_error:
        code = _CODE.search(words)
        return (code[1] if code else "untyped"), words
    found = structured(answer)
    return str(found["status"]), f"{words}\n{found}"


def structured(answer: CallToolResult) -> dict[str, Any]:
    """Return the structured form of an answer."""
    assert answer.structured_content is not None
    return answer.structured_content


@dataclass
class WatchedReader(ScriptedTextReader):
    """Reads nothing in pictures, and calls the test at each of them, while the file is being read."""

    meanwhile: Callable[[int], None] = lambda _: None

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        answers = super().read(pictures, control)
        self.meanwhile(self.pictures)
        return answers


@contextmanager
def public_path(
    *roots: Path, cache: Path, cache_bytes: int = 0, limits: Limits | None = None, most_queued: int = 16
) -> Generator[PublicPath]:
    """Yield a client of a server that may read below these roots."""
    settings = Settings(
        roots=roots, cache=cache, cache_bytes=cache_bytes, limits=limits or Limits(), most_queued=most_queued
    )
    decoder, reader = ChildDecoder(settings.limits), WatchedReader()

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncGenerator[Extractor]:
        names = ScriptedTextExtractor({"Alice": "person", "Bob": "person", "literal": "person"})
        engine = Engine(
            profile="scripted",
            text_extractor=names,
            text_reader=reader,
            transcriber=ScriptedTranscriber(),
            detectors=(ScriptedDetector(),),
        )
        yield Extractor(engine, decoder, Store(cache, cache_bytes), settings)

    with closing(decoder), start_blocking_portal() as portal:
        server = build_server(settings, transport="stdio", open_extractor=opened)
        with portal.wrap_async_context_manager(Client(server)) as client:
            yield PublicPath(portal, client, decoder, reader)
