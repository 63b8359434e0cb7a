import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from reamo_mcp.content import folder
from tests.conformance.node import Node, found_node

Serve = Callable[..., str]
REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def node() -> Node:
    """Node with the programs of others; tests that want it are skipped where there is none."""
    found = found_node()
    if isinstance(found, str):
        pytest.skip(found)
    found.install()
    return found


@pytest.fixture(scope="session")
def press_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a poster, a letter and a video."""
    place = tmp_path_factory.mktemp("kit")
    subprocess.run(
        [sys.executable, str(folder("examples") / "make_press_kit.py"), str(place)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return place


@pytest.fixture
def serve(tmp_path: Path) -> Generator[Serve]:
    """Return a function that starts a Python module as a server, and returns its address once it listens.

    The module gets a port of its own where an argument is ``PORT``, and the variables.
    """
    processes: list[subprocess.Popen[bytes]] = []

    def start(module: str, *arguments: str, **variables: str) -> str:
        port = free_port()
        command = [sys.executable, "-m", module, *(str(port) if part == "PORT" else part for part in arguments)]
        environment = {**os.environ, "REAMO_CACHE": str(tmp_path / "cache"), **variables}
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL)
        processes.append(process)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return f"http://127.0.0.1:{port}/mcp"
            except OSError:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)  # until it listens: nothing else tells

    yield start
    for process in processes:
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
