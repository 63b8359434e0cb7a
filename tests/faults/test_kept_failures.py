import gc
import weakref
from pathlib import Path

import pytest

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.jobs import JobRequest, open_jobs
from reamo_mcp.media.opening import Allowed
from reamo_mcp.settings import Settings
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document, TextSource
from tests.doubles.scripted_extractor import ScriptedExtractor


class InHand:
    """What the work holds when it fails."""


async def test_a_failure_that_is_kept_holds_nothing_of_the_work(tmp_path: Path) -> None:
    held: list[weakref.ref[InHand]] = []

    def answer(_: Document) -> Extraction:
        in_hand = InHand()
        held.append(weakref.ref(in_hand))
        raise CorruptMedia("a.png is damaged", "Give an undamaged copy")

    extractor = ScriptedExtractor(answer=answer)
    asked = JobRequest(document=Document(sources=(TextSource(text="Ada"),)))
    async with open_jobs(Settings(cache=tmp_path), lambda settings: extractor.opened(settings)) as jobs:
        result_id = await jobs.ask(asked, Allowed.named(), "caller")
        for _ in range(2):
            with pytest.raises(CorruptMedia, match=r"a\.png is damaged\. Give an undamaged copy"):
                await jobs.outcome(result_id, 5.0, Allowed.named(), "caller")
        gc.collect()
        assert [one() for one in held] == [None]


async def test_what_its_last_caller_left_is_begun_anew_for_the_next_one(tmp_path: Path) -> None:
    extractor = ScriptedExtractor(steps=100_000)
    asked = JobRequest(document=Document(sources=(TextSource(text="Ada"),)))
    async with open_jobs(Settings(cache=tmp_path), lambda settings: extractor.opened(settings)) as jobs:
        result_id = await jobs.ask(asked, Allowed.named(), "first")
        await extractor.has_begun.wait()
        assert await jobs.cancel(result_id, "first", seconds=0) == "cancelled"
        extractor.steps = 0
        assert await jobs.ask(asked, Allowed.named(), "second") == result_id
        found = await jobs.outcome(result_id, 5.0, Allowed.named(), "second")
        assert found is not None
        assert extractor.ended == ["cancelled", "finished"]
