"""Servers as child processes that listen on this machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOKEN = "a token of the test"
SCRIPTED = Path(__file__).with_name("scripted_server.py")


@dataclass(frozen=True)
class Served:
    """A server that listens."""

    url: str
    process: "subprocess.Popen[bytes]"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def listening(command: Sequence[str], port: int, folder: Path, **variables: str) -> Generator[Served]:
    """Start a program whose cache and temporary files lie in the folder; yield it once it listens."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "REAMO_CACHE": str(folder / "cache"),
        "REAMO_TOKEN": TOKEN,
        "TMPDIR": str(temporary),
        **variables,
    }
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)  # until it listens: nothing else tells
        yield Served(f"http://127.0.0.1:{port}/mcp", process)
    finally:
        process.kill()
        process.wait()


@contextmanager
def serve(root: Path, folder: Path | None = None) -> Generator[Served]:
    """Run `reamo-mcp serve`."""
    port = free_port()
    command = [sys.executable, "-m", "reamo_mcp", "serve", "--root", str(root), "--port", str(port)]
    with listening(command, port, folder or root) as served:
        yield served


@contextmanager
def serve_scripted(folder: Path, port: int | None = None, **variables: str) -> Generator[Served]:
    """Run the server over an extractor that takes the steps it is told to; see scripted_server.py."""
    port = port or free_port()
    own = {"REAMO_ROOTS": str(folder), "SCRIPT_LOG": str(folder / "log"), **variables}
    with listening([sys.executable, str(SCRIPTED), "http", str(port)], port, folder, **own) as served:
        yield served
