"""A server in a process of its own, spoken to line by line without any client."""

import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import children_of
from tests.server import spoken as spoken_server

PROGRAM = Path(__file__).with_name("server_program.py")


class Spoken(spoken_server.Spoken):
    """The server, and every line that it wrote."""

    def extract(self, name: str, **arguments: object) -> dict[str, Any]:
        """Extract persons from one file."""
        return self.call("extract_entities", files=[name], entity_types=["person"], **arguments)

    def children(self) -> list[int]:
        """Return the processes that the server started."""
        return sorted(children_of(self.process.pid))


def outcome(result: dict[str, Any]) -> str:
    """Return 'ok', 'partial', 'running' or the code of an error."""
    if result.get("isError"):
        return str(result["content"][0]["text"]).partition("]")[0].lstrip("[")
    return str(result["structuredContent"]["status"])


@contextmanager
def spoken(
    root: Path,
    environment: Mapping[str, str] | None = None,
    *,
    bounded: Callable[[], None] | None = None,
    log: Path | None = None,
) -> Generator[Spoken]:
    """Start a server below this root; ``bounded`` bounds the process before it begins. An empty cache is the usual."""
    own = {"REAMO_CACHE": str(root.with_name("cache")), "REAMO_ROOTS": str(root), **(environment or {})}
    variables = {name: said for name, said in {**os.environ, **own}.items() if said or name != "REAMO_CACHE"}
    with open(log or os.devnull, "wb") as errors:
        command = [sys.executable, str(PROGRAM)]
        with spoken_server.started(command, variables, errors=errors, bounded=bounded) as process:
            yield Spoken(process)
