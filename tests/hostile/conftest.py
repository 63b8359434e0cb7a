"""The ground that hostile files stand on, and the account of what came of them."""

import http.server
import shutil
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.hostile.public_path import PublicPath, Seen, public_path
from tests.hostile.rows import Ground, Row

ACCOUNT = pytest.StashKey[list[tuple[Row, Seen]]]()


class Canary:
    """A server on the loopback interface that counts who calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                calls.append(self.path)
                self.send_error(404)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture(scope="session")
def canary() -> Generator[Canary]:
    canary = Canary()
    thread = threading.Thread(target=canary.server.serve_forever, args=(0.05,))
    thread.start()
    yield canary
    canary.server.shutdown()
    canary.server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[PublicPath, Path]]:
    """A server with a warm decoder, and the folder that its root ``inside`` lies in."""
    folder = tmp_path_factory.mktemp("hostile")
    inside = folder / "inside"
    inside.mkdir()
    with public_path(inside, folder / "cache") as path:
        (inside / "warm.txt").write_text("Alice", encoding="utf-8")
        assert path.read("warm.txt").outcome == "ok"
        yield path, folder


@pytest.fixture
def ground(server: tuple[PublicPath, Path], canary: Canary) -> Ground:
    """An empty root, and a file outside of it that nobody may read."""
    _, folder = server
    for place in folder.iterdir():
        if place.name != "cache":
            shutil.rmtree(place)
    ground = Ground(folder / "inside", folder / "outside", canary.address)
    ground.inside.mkdir()
    ground.outside.mkdir()
    ground.secret.write_text("TOP SECRET CANARY\n", encoding="utf-8")
    return ground


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ACCOUNT] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table where the large files were asked for too (`make hostile`)."""
    account = config.stash[ACCOUNT]
    if not account or "not big" in config.option.markexpr:
        return
    terminalreporter.write_line("| row | input | outcome | wall s | CPU s | MB over the base |")
    terminalreporter.write_line("|---|---|---|---|---|---|")
    for row, seen in account:
        cost = f"{seen.seconds:.2f} | {seen.processor_seconds:.2f} | {seen.memory / 1e6:.0f}"
        what = row.what.replace("|", "\\|")
        terminalreporter.write_line(f"| {row.number} | {what} | {seen.outcome} | {cost} |")
