"""Every set of kinds of media and every task, through the public interface, with a model that knows nothing."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from reamo_mcp.extractor import Extractor, Request, Task
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Answer, Found, ModelCard, Reasoned, Reasoner
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from tests.doubles.media_asks import MEDIA, ONTOLOGY, TEXT, picture, tone
from tests.media_samples import VideoSample, write_sound, write_video

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]
TASKS: dict[str, tuple[Task, ...]] = {
    "NER": ("entities",),
    "RE": ("entities", "relations"),
    "EE": ("entities", "events"),
}
SUBSETS = [subset for size in range(1, 5) for subset in combinations(MEDIA, size)]
_BUDGET = 40  # tokens; nothing that this model says is worth more


class BriefReasoner:
    """A reasoner with little time: each answer has few tokens. It keeps what was asked and answered."""

    def __init__(self, reasoner: Reasoner) -> None:
        self._reasoner = reasoner
        self.card, self.capacity = reasoner.card, reasoner.capacity
        self.asks: list[Ask] = []
        self.answers: list[Answer[Reasoned]] = []

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        answers = self._reasoner.reason(asks, min(budget, _BUDGET), control)
        self.asks += asks
        self.answers += answers
        return answers


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    Image.fromarray(picture().pixels).save(folder / "figure.png")
    write_sound(folder / "tone.wav", tone(seconds=1.0).samples)
    film = write_video(folder / "film.mp4", VideoSample(frames=60, size=(96, 64), sound_start=0.0, sound_seconds=2.0))
    return {"image": folder / "figure.png", "audio": folder / "tone.wav", "video": film}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("media", SUBSETS, ids="+".join)
async def test_every_set_of_media_and_every_task_runs_and_is_accounted_for(
    thinker: "Thinker", files: dict[str, Path], media: tuple[str, ...], task: str, tmp_path: Path
) -> None:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    card = ModelCard(role="reasoner", name="tiny", revision="1")
    capacity = Capacity(picture_side=112, frame_side=56, frames=4)
    reasoner = BriefReasoner(LocalReasoner(card, lambda: thinker, capacity))
    settings = Settings(cache=tmp_path)
    engine = Engine(profile="tiny", reasoner=reasoner)
    extractor = Extractor(engine, LocalDecoder(Limits()), Store(tmp_path, settings.cache_bytes), settings)
    document = Document.of(*(files[one] for one in media if one != "text"), text=TEXT if "text" in media else None)

    extraction = await extractor.extract(document, ONTOLOGY, request=Request(tasks=TASKS[task]))

    assert reasoner.answers
    assert all(isinstance(answer, Found) for answer in reasoner.answers), reasoner.answers
    assert _accounted_for(extraction) == {medium.id for medium in extraction.document.media}
    kinds = {type(passage).__name__ for ask in reasoner.asks for passage in ask.passages}
    assert kinds == {
        f"{'Picture' if one == 'image' else 'Sound' if one == 'audio' else one.title()}Passage" for one in media
    }
    assert task == "RE" or not extraction.relations
    assert task == "EE" or not extraction.events


def _accounted_for(extraction: Extraction) -> set[str]:
    """Return the media of which all was read, or told as not read: few tokens may say nothing that can be used."""
    own = [one for one in extraction.coverage.media if one.reader == "reasoner"]
    missed = {id(one): sum(part.end - part.start for part in one.not_read) for one in own}
    return {one.media_id for one in own if one.read + missed[id(one)] == pytest.approx(one.total) and one.total > 0}


async def test_what_was_shown_in_less_detail_for_want_of_memory_is_told_in_the_record(
    thinker: "Thinker", files: dict[str, Path], tmp_path: Path
) -> None:
    import torch

    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner
    from tests.doubles.tiny_reasoners import DiceHead, headed

    class ShortOfMemory(DiceHead):
        """Runs out of memory the first time."""

        short = True

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            if self.short:
                self.short = False
                raise torch.OutOfMemoryError("no memory")
            return super().forward(hidden)

    card = ModelCard(role="reasoner", name="tiny", revision="1")
    settings = Settings(cache=tmp_path)
    engine = Engine(profile="tiny", reasoner=BriefReasoner(LocalReasoner(card, lambda: thinker)))
    extractor = Extractor(engine, LocalDecoder(Limits()), Store(tmp_path, settings.cache_bytes), settings)
    with headed(thinker, ShortOfMemory(thinker.grammars.width, 0)):
        extraction = await extractor.extract(Document.of(files["image"], text=TEXT), ONTOLOGY)
    told = [notice for notice in extraction.warnings if notice.code == "reduced"]
    assert [notice.media_id for notice in told] == ["m2"]
    assert "for want of memory" in told[0].message
