import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from reamo_mcp.errors import EngineFailed
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.faults.resumable import BarReader, drawn_pages, extractor

STEPS = 20
PERSONS = Ontology.of(entity_types=["person"])
PROGRAM = Path(__file__).with_name("job_that_is_killed.py")


class Killed(BaseException):
    """Ends the work as a killed process does: nothing may catch it."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "bars.pdf"
    path.write_bytes(drawn_pages(STEPS))
    return path


@pytest.fixture(scope="module")
async def undisturbed(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Extraction:
    return await extractor(tmp_path_factory.mktemp("undisturbed"), BarReader()).extract(Document.of(document), PERSONS)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def failing(step: int, error: BaseException) -> Callable[[int], None]:
    def before(page: int) -> None:
        if page == step:
            raise error

    return before


@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_work_that_ends_at_any_step_is_taken_up_there(
    step: int, document: Path, undisturbed: Extraction, tmp_path: Path
) -> None:
    first, second = BarReader(failing(step, Killed())), BarReader()
    with pytest.raises(Killed):
        await extractor(tmp_path, first).extract(Document.of(document), PERSONS)
    again = await extractor(tmp_path, second).extract(Document.of(document), PERSONS)
    assert again == undisturbed
    assert first.pages + second.pages == list(range(1, STEPS + 1)), "a finished page was read again"


@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_an_engine_that_fails_at_any_step_loses_that_step_alone(
    step: int, document: Path, tmp_path: Path
) -> None:
    reader = BarReader(failing(step, EngineFailed("the model died")))
    partial = await extractor(tmp_path, reader).extract(Document.of(document), PERSONS)
    assert partial.status == "partial"
    assert len(reader.pages) == STEPS - 1
    missed = [part.not_read for part in partial.coverage.media if part.reader == "picture_text"]
    assert [(gap.start, gap.end) for gaps in missed for gap in gaps] == [(step, step + 1)]


@pytest.mark.parametrize("step", [1, STEPS // 2, STEPS])
async def test_a_step_that_the_engine_failed_at_is_tried_again_by_the_next_call(
    step: int, document: Path, undisturbed: Extraction, tmp_path: Path
) -> None:
    first, second = BarReader(failing(step, EngineFailed("the model died"))), BarReader()
    await extractor(tmp_path, first).extract(Document.of(document), PERSONS)
    again = await extractor(tmp_path, second).extract(Document.of(document), PERSONS)
    assert second.pages == [step]
    assert again == undisturbed


def killed_at(document: Path, folder: Path, pages: int) -> bool:
    """Run the job and kill it once so many pages were looked at in all; False if it ended before."""
    log = folder / "log.txt"
    job = subprocess.Popen([sys.executable, str(PROGRAM), str(document), str(folder / "cache"), str(log)])
    deadline = time.monotonic() + 60
    while job.poll() is None:
        assert time.monotonic() < deadline
        if log.exists() and log.read_bytes().count(b"\n") >= pages:
            job.send_signal(signal.SIGKILL)
            job.wait()
            return True
        time.sleep(0.001)
    return False


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.big)])
async def test_a_job_that_is_killed_again_and_again_gives_the_same_result(kills: int, tmp_path: Path) -> None:
    units = 100
    document = tmp_path / "bars.pdf"
    document.write_bytes(drawn_pages(units))
    points = sorted(random.Random(kills).sample(range(1, units), kills))
    killed = sum(killed_at(document, tmp_path, point) for point in points)
    assert not killed_at(document, tmp_path, 10 * units)
    looked = Counter((tmp_path / "log.txt").read_text("ascii").split())
    assert len(looked) == units
    assert looked.total() <= units + killed, "a kill costs at most the unit that was under way"
    found = Extraction.model_validate_json((tmp_path / "log.json").read_bytes())
    assert found == await extractor(tmp_path / "fresh", BarReader()).extract(Document.of(document), PERSONS)
