"""A server in a process of its own, spoken to line by line without any client."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = Path(__file__).with_name("server_program.py")
META: dict[str, object] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Spoken:
    """The server, and every line that it wrote."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []
        self._number = 0

    def send(self, method: str, number: int | None = None, **params: object) -> int:
        """Send a request and return its number; one may be given, to use it again."""
        self._number += 1
        used = self._number if number is None else number
        message = {"jsonrpc": "2.0", "id": used, "method": method, "params": {**params, "_meta": META}}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return used

    def answer(self, number: int) -> dict[str, Any]:
        """Return the answer to a request; what comes before it is passed over."""
        assert self.process.stdout is not None
        while True:
            line = self.process.stdout.readline()
            assert line, "the server is gone"
            self.lines.append(line)
            message = json.loads(line)
            if message.get("id") == number:
                return message

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its result."""
        return self.answer(self.send("tools/call", name=tool, arguments=arguments))["result"]

    def extract(self, name: str, **arguments: object) -> dict[str, Any]:
        """Extract persons from one file."""
        return self.call("extract_entities", files=[name], entity_types=["person"], **arguments)

    def children(self) -> list[int]:
        """Return the processes that the server started."""
        found: list[int] = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            found += map(int, (task / "children").read_text("ascii").split())
        return found


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
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=variables,
            preexec_fn=bounded,
        )
    server = Spoken(process)
    try:
        yield server
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
