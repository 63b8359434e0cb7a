"""The server as callers meet it: real opening, decoder child, boundary and client; models that answer from a script."""

import os
import re
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.types import CallToolResult

from reamo_mcp.extractor import Extractor
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from reamo_mcp.store.records import Store
from tests.doubles.scripted_roles import ScriptedDetector, ScriptedTextExtractor, ScriptedTextReader

_CODE = re.compile(r"\[([a-z_]+)\]")


@dataclass(frozen=True)
class Seen:
    """What came of one call: its outcome, all its words, what it cost, the slowest answer to another call meanwhile."""

    outcome: str
    words: str
    seconds: float
    processor_seconds: float
    memory: int
    slowest_other: float


class PublicPath:
    """Calls the server, watches its decoder, and asks for its status all the while."""

    def __init__(self, portal: BlockingPortal, client: Client, decoder: ChildDecoder) -> None:
        self._portal, self._client, self._decoder = portal, client, decoder

    def read(self, path: str) -> Seen:
        """Extract from one file."""
        before = self._measures()
        base_memory, base_time = sum(m for m, _ in before.values()), time.process_time()
        peak, spent, slowest, start = base_memory, 0.0, 0.0, time.monotonic()
        arguments = {"files": [path], "entity_types": ["person"]}
        call = self._portal.start_task_soon(self._client.call_tool, "extract_entities", arguments)
        while not call.done():
            asked = time.monotonic()
            self._portal.call(self._client.call_tool, "server_status", None)
            slowest = max(slowest, time.monotonic() - asked)
            now = self._measures()
            peak = max(peak, sum(m for m, _ in now.values()))
            spent = max(spent, sum(t - before.get(pid, (0, 0.0))[1] for pid, (_, t) in now.items()))
            time.sleep(0.01)
        seconds = time.monotonic() - start
        return Seen(
            *_told(call.result()), seconds, spent + time.process_time() - base_time, peak - base_memory, slowest
        )

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


def _told(answer: CallToolResult) -> tuple[str, str]:
    words = "\n".join(block.text for block in answer.content if block.type == "text")
    if answer.is_error:
        code = _CODE.search(words)
        return (code[1] if code else "untyped"), words
    assert answer.structured_content is not None
    return str(answer.structured_content["status"]), f"{words}\n{answer.structured_content}"


@contextmanager
def public_path(root: Path, cache: Path) -> Generator[PublicPath]:
    """Yield a client of a server that may read below this root."""
    settings = Settings(roots=(root,), cache=cache, cache_bytes=0)
    decoder = ChildDecoder(settings.limits)

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncGenerator[Extractor]:
        names = ScriptedTextExtractor({"Alice": "person", "Bob": "person", "literal": "person"})
        engine = Engine(
            profile="scripted",
            text_extractor=names,
            text_reader=ScriptedTextReader(),
            detectors=(ScriptedDetector(),),
        )
        yield Extractor(engine, decoder, Store(cache, 0), settings)

    with closing(decoder), start_blocking_portal() as portal:
        server = build_server(settings, transport="stdio", open_extractor=opened)
        with portal.wrap_async_context_manager(Client(server)) as client:
            yield PublicPath(portal, client, decoder)
