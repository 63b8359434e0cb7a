"""A server in a process of its own, spoken to line by line without any client."""

import json
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

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
        self._write({"id": used, "method": method, "params": {**params, "_meta": META}})
        return used

    def tell(self, method: str, **params: object) -> None:
        """Send what has no answer."""
        self._write({"method": method, "params": params})

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

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Send a request and return its answer."""
        return self.answer(self.send(method, None, **params))

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Call a tool and return its result."""
        return self.ask("tools/call", name=tool, arguments=arguments)["result"]

    def _write(self, message: dict[str, object]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()


@contextmanager
def started(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    errors: "int | IO[bytes]" = subprocess.DEVNULL,
    bounded: Callable[[], None] | None = None,
) -> "Generator[subprocess.Popen[str]]":
    """Start a program to speak to, in the folder; it is killed at last. ``bounded`` runs in it before it begins."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=environment,
        preexec_fn=bounded,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
