"""A case of MUIE-mini with an engine that knows its truth, and how well an extraction of it agrees with that truth."""

from pathlib import Path

from reamo_mcp.evaluation.facts import facts_of
from reamo_mcp.evaluation.mini.cases import Rendered
from reamo_mcp.evaluation.places import track_frames, track_miou
from reamo_mcp.evaluation.scoring import score_sample
from reamo_mcp.extractor import Extractor, Request, Task
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.meta_response import MetaResponse
from reamo_mcp.models.roles import Reasoner
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import VideoTrack
from reamo_mcp.types.media import VideoMedium
from tests.doubles.gold_answers import gold_response
from tests.doubles.oracle_modules import oracle_engine
from tests.doubles.scripted_reasoner import ScriptedReasoner

CAPACITY = Capacity(picture_side=224, frame_side=112, frames=8, together=8)
_TASKS: dict[str, tuple[Task, ...]] = {
    "NER": ("entities",),
    "RE": ("entities", "relations"),
    "EE": ("entities", "events"),
}


class GoldCase:
    """A case, and the answers that are true of it; ``folder`` is where its files lie."""

    def __init__(self, rendered: Rendered, folder: Path, capacity: Capacity = CAPACITY) -> None:
        self._rendered = rendered
        self._capacity = capacity
        self._folder = folder
        self._media: dict[str, str] = {}

    def truth(self, ask: Ask) -> MetaResponse:
        """Return what is true of what an ask shows."""
        return gold_response(self._rendered.case.gold, ask, self._media)

    async def scripted(self) -> Extraction:
        """Return what is extracted if the truth is told by a script."""
        return await self.extracted(ScriptedReasoner(self.truth, self._capacity))

    async def extracted(self, reasoner: Reasoner) -> Extraction:
        """Return what is extracted with a reasoner."""
        case = self._rendered.case
        settings = Settings(cache=self._folder / f"cache of {type(reasoner).__name__}")
        store = Store(settings.cache_folder(), settings.cache_bytes)
        engine = oracle_engine(self._rendered, reasoner)
        extractor = Extractor(engine, LocalDecoder(Limits()), store, settings)
        document, request = case.document(self._folder), Request(tasks=_TASKS[case.task])
        opened = (await extractor.read(document, request=request)).document
        names = {medium.name: medium.id for medium in opened.media}
        self._media = {medium.id: names[medium.name] for medium in case.gold.document.media}
        return await extractor.extract(document, case.ontology, request=request)

    def recognised(self, found: Extraction) -> dict[str, float]:
        """Return F1 by the names of the measures of the task."""
        case = self._rendered.case
        symmetric = [kind.name for kind in case.ontology.relation_types if kind.symmetric]
        counts = score_sample(case.gold, found, case.task, symmetric).counts
        measures = {"NER": ("NER",), "RE": ("RE symmetric",), "EE": ("ET", "EA")}[case.task]
        return {measure: counts[measure].f1 for measure in measures}

    def located(self, found: Extraction) -> dict[str, float]:
        """Return mIoU by the names of the measures, for those kinds of places that the gold has.

        In films only what is drawn is compared: print is read once a second, so its places between are estimates.
        """
        case = self._rendered.case
        places = score_sample(case.gold, found, case.task).places
        measures = {name: value for name in ("I-Seg", "A-Seg") if (value := places.get(name)) is not None}
        for medium in case.gold.document.media:
            if isinstance(medium, VideoMedium):
                mine, theirs = (_drawn_tracks(side, medium.name) for side in (case.gold, found))
                drawn = track_miou(track_frames(mine, theirs, medium.width, medium.height))
                measures |= {} if drawn is None else {"V-Trck drawn": drawn}
        return measures


def _drawn_tracks(extraction: Extraction, medium: str) -> list[VideoTrack]:
    places = (place for thing in facts_of(extraction).things for place in thing.places)
    return [one for one in places if isinstance(one, VideoTrack) and one.media_id == medium and one.quote is None]
