"""The ground that hostile files stand on, what must hold at the end of every test, and the account of it all."""

import gc
import http.server
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.public_path import PublicPath, public_path
from tests.hostile.rows import SECRET, Ground
from tests.processes import children_of

_PATIENCE = 3.0  # seconds in which a closed server or child lets go of what it held
_OF_CHILDREN = tempfile.gettempdir()  # child processes do not know of the folder that these tests have for themselves


@dataclass
class Line:
    """One line of the account; memory is in bytes over the base, of a warm and of a fresh decoder."""

    number: str
    what: str
    outcome: str = ""
    seconds: float = 0.0
    processor_seconds: float = 0.0
    warm: int | None = None
    fresh: int | None = None


ACCOUNT = pytest.StashKey[list[Line]]()


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


@pytest.fixture(scope="session", autouse=True)
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """A folder for temporary files of these tests alone."""
    folder, usual = tmp_path_factory.mktemp("temporary"), tempfile.tempdir
    tempfile.tempdir = str(folder)
    yield folder
    tempfile.tempdir = usual


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[PublicPath, Path]]:
    """A server with a warm decoder, and the folder that its root ``inside`` lies in."""
    folder = tmp_path_factory.mktemp("hostile")
    inside = folder / "inside"
    inside.mkdir()
    with public_path(inside, cache=folder / "cache") as path:
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
    ground.secret.write_text(f"{SECRET}\n", encoding="utf-8")
    return ground


@pytest.fixture(autouse=True)
def nothing_is_left(canary: Canary, temporary: Path, caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """What holds for every hostile test: nobody called, nothing stayed open or behind, no content in the log."""
    before, calls = _held(temporary), len(canary.calls)
    yield
    deadline = time.monotonic() + _PATIENCE
    while (left := _more(before, _held(temporary))) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.02)
    assert not left, "something was left behind"
    assert len(canary.calls) == calls, "somebody called"
    assert SECRET not in caplog.text
    assert "Alice" not in caplog.text


def _held(temporary: Path) -> dict[str, int]:
    """Count the descriptors and children of this process, and the temporary files."""
    files = len(os.listdir(temporary)) + sum("reamo" in name for name in os.listdir(_OF_CHILDREN))
    return {"descriptors": len(os.listdir("/proc/self/fd")), "children": len(children_of()), "temporary files": files}


def _more(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    # One decoder stays warm: where it had just been ended, the test that starts it anew leaves its two descriptors.
    warm = 1 if before["children"] == 0 and after["children"] == 1 else 0
    allowed = {"children": warm, "descriptors": 2 * warm, "temporary files": 0}
    return {what: count for what, count in after.items() if count > before[what] + allowed[what]}


Account = Callable[[str, str], AbstractContextManager[Line]]


@pytest.fixture
def account(request: pytest.FixtureRequest) -> Account:
    """Return what enters a line into the account: ``with account("7", "file that grows") as line: ...``."""

    @contextmanager
    def entered(number: str, what: str) -> Generator[Line]:
        line = Line(number, what)
        start, used = time.monotonic(), time.process_time()
        yield line
        line.seconds = line.seconds or time.monotonic() - start
        line.processor_seconds = line.processor_seconds or time.process_time() - used
        request.config.stash[ACCOUNT].append(line)

    return entered


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ACCOUNT] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table where the large files were asked for too (`make hostile`)."""
    account = config.stash[ACCOUNT]
    if not account or "not big" in config.option.markexpr:
        return
    terminalreporter.write_line("| row | input | outcome | wall s | CPU s | MB, warm | MB, fresh |")
    terminalreporter.write_line("|---|---|---|---|---|---|---|")
    for line in sorted(account, key=_order):
        cost = f"{line.seconds:.2f} | {line.processor_seconds:.2f} | {_megabytes(line.warm)} | {_megabytes(line.fresh)}"
        what = line.what.replace("|", "\\|")
        terminalreporter.write_line(f"| {line.number} | {what} | {line.outcome} | {cost} |")


def _order(line: Line) -> tuple[int, str]:
    number = re.match(r"\d+", line.number)
    return (int(number[0]) if number else 0, line.number)


def _megabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.0f}"
