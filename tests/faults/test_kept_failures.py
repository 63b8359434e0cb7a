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
