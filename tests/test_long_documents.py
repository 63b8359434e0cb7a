"""Long documents through a reasoner with a short memory: who is known is carried on, all is shown, and once."""

import re
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy

from reamo_mcp.content import read_prompt
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Frame, FramePlan, OpenFile, Outcome, Picture, StreamEnd
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, Capacity, TextPassage, VideoPassage
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaRelation, MetaResponse
from reamo_mcp.models.roles import Answer, Found, ModelCard, Reasoned, Region, TrackedRegion, TrackStep
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.reading.asked_modules import Modules
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.propose_by_reasoner import Reasoning, propose_by_reasoner
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Box, TextSpan
from reamo_mcp.types.media import Document, OpenedDocument, VideoMedium
from reamo_mcp.types.ontology import EntityType, Ontology, RelationType
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.hostile.documents import pdf

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name="object")), relation_types=(RelationType(name="knows"),)
)
PAGES = 90
ADA = "Ada Byron"
FIRST = (
    "Ann Bea Cid Dan Eve Fay Gus Hal Ivy Jon Kay Lea Max Nan Ola Pam Quin Rae Sam Tom Una Vic Wes Xan Yul Zoe "
    "Abel Bram Carl Dora Emil Fred Gina Hugo Ines Jude Karl Lena Mona Nils"
).split()
LAST = "Brandt Castro Dupont".split()
NAMES = [f"{first} {last}" for last in LAST for first in FIRST][:PAGES]


def book(path: Path) -> Path:
    """Write ninety pages with somebody else on each; Ada Byron is on the second and on the last."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(PAGES)).encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (PAGES, kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, name in enumerate(NAMES, 1):
        said = f"{name} is on page {number}." + (f" {ADA} is here." if number in (2, PAGES) else "")
        drawing = b"BT /F 12 Tf 50 700 Td (%s) Tj ET" % said.encode()
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents %d 0 R" % (5 + 2 * (number - 1))
            + b"/Resources<</Font<</F 3 0 R>>>>>>",
            b"<< /Length %d >> stream\n%s\nendstream" % (len(drawing), drawing),
        ]
    path.write_bytes(pdf(objects))
    return path


def who_is_there(ask: Ask) -> MetaResponse:
    """Answer as a reasoner does that uses the numbers of those who are known, and gives the others new ones."""
    text = "\n".join(passage.text for passage in ask.passages if isinstance(passage, TextPassage))
    known = {one.name: one.id for one in ask.known}
    numbers: dict[str, str] = {}
    for name in (*NAMES, ADA):
        if name in text:
            numbers[name] = known.get(name, f"e{len(known) + len(numbers) + 1}")
    entities = tuple(
        MetaEntity(id=number, type="person", name=name, mentions=(MetaMention(source=ask.form.sources[0], quote=name),))
        for name, number in numbers.items()
    )
    relations = tuple(
        MetaRelation(type="knows", head=numbers[ADA], tail=numbers[name])
        for name in numbers
        if name != ADA and ADA in numbers
    )
    return MetaResponse(entities=entities, relations=relations)


async def extracted(folder: Path, reasoner: ScriptedReasoner, path: Path) -> Extraction:
    settings = Settings(cache=folder / "cache")
    engine = Engine(profile="scripted", reasoner=reasoner)
    store = Store(settings.cache_folder(), settings.cache_bytes)
    return await Extractor(engine, LocalDecoder(Limits()), store, settings).extract(Document.of(path), ONTOLOGY)


async def test_one_person_on_page_2_and_on_page_90_is_one_entity_whoever_comes_between(tmp_path: Path) -> None:
    for together in (1, 4):
        capacity = Capacity(characters=200, together=together)
        reasoner = ScriptedReasoner(who_is_there, capacity)
        extraction = await extracted(tmp_path / str(together), reasoner, book(tmp_path / "book.pdf"))
        assert len(reasoner.asks) > 10
        assert max(len(ask.known) for ask in reasoner.asks) == 60, "not more are carried on than an ask has room for"
        assert ADA in {one.name for one in reasoner.asks[-1].known}
        assert sorted(one.name for one in extraction.entities) == sorted([*NAMES, ADA])
        ada = next(one for one in extraction.entities if one.name == ADA)
        places = [place for place in ada.groundings if isinstance(place, TextSpan)]
        assert [part.page for place in places for part in place.parts] == [2, PAGES]
        known = {one.id: one.name for one in extraction.entities}
        assert {known[one.tail] for one in extraction.relations if one.head == ada.id} >= {NAMES[1], NAMES[-1]}
        (covered,) = (one for one in extraction.coverage.media if one.reader == "reasoner")
        assert covered.read == covered.total
        assert covered.not_read == ()
        assert extraction.status == "ok", extraction.warnings


async def test_every_character_of_a_book_is_shown_once(tmp_path: Path) -> None:
    capacity = Capacity(characters=200)
    reasoner = ScriptedReasoner(who_is_there, capacity)
    await extracted(tmp_path, reasoner, book(tmp_path / "book.pdf"))
    shown = " ".join(one.text for ask in reasoner.asks for one in ask.passages if isinstance(one, TextPassage))
    numbers = [int(number) for number in re.findall(r"is on page (\d+)\.", " ".join(shown.split()))]
    assert numbers == list(range(1, PAGES + 1))


async def test_no_example_of_the_prompt_becomes_a_result(tmp_path: Path) -> None:
    """A model may repeat what its instructions say; as names and quotes, nothing of it is proven."""
    examples = re.findall(r'"([^"\n]+)"', read_prompt("reason"))
    assert len(examples) > 10

    def script(ask: Ask) -> MetaResponse:
        source = ask.form.sources[0]
        return MetaResponse(
            entities=tuple(
                MetaEntity(
                    id=f"e{number}", type="person", name=said, mentions=(MetaMention(source=source, quote=said),)
                )
                for number, said in enumerate(dict.fromkeys(examples), 1)
            )
        )

    extraction = await extracted(tmp_path, ScriptedReasoner(script), book(tmp_path / "book.pdf"))
    assert extraction.entities == ()
    assert {item.text for item in extraction.ungrounded} == set(examples)


FILE = OpenFile(name="hour.mp4", fd=-1, size=1, sha256="0" * 64, kind="video", format="mov")
SIZE = (64, 48)


@dataclass(frozen=True)
class LongFilm:
    """A video of so many seconds whose frames all differ; each is made when it is asked for."""

    seconds: float

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        for number in range(int(self.seconds / plan.step)):
            time = number * plan.step
            pixels = numpy.full((SIZE[1], SIZE[0], 3), number % 251, numpy.uint8)
            yield Frame(time, time + plan.step, Picture(pixels, 1.0, *SIZE), shot_start=number == 0)
        outcome.end = StreamEnd(self.seconds)


@dataclass(frozen=True)
class Watching:
    """Asks for a ball in each stretch that it is shown, which it keeps nothing of."""

    capacity = Capacity(frames=16, frame_side=64, seconds=60)
    card = ModelCard(role="reasoner", name="watching", revision="1")

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        ball = MetaEntity(id="e1", type="object", name="ball", mentions=(MetaMention(source="m1"),))
        call = MetaCall(target="e1", medium="m1", module="video_tracker", instruction="the ball")
        response = MetaResponse(entities=(ball,), calls=(call,))
        assert all(isinstance(passage, VideoPassage) for ask in asks for passage in ask.passages)
        return [Found((Reasoned(response=response, complete=True),)) for _ in asks]


class Ball:
    """Sees a ball in every frame, at another place in each."""

    card = ModelCard(role="video_tracker", name="ball", revision="1")

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        for frame in frames:
            box = Box(x=frame.time % 40, y=5, width=10, height=10)
            region = TrackedRegion(id=1, region=Region(type=phrases[0], box=box, score=0.9))
            yield TrackStep(time=frame.time, regions=(region,))


def watched(seconds: float) -> Reasoning:
    width, height = SIZE
    medium = VideoMedium(
        id="m1", name=FILE.name, sha256=FILE.sha256, format="mov", width=width, height=height, duration=seconds,
        has_sound=False,
    )  # fmt: skip
    document = OpenedDocument(id="d", media=(medium,))
    material = Material(cast(Decoder, LongFilm(seconds)), {"m1": FILE})
    return propose_by_reasoner(document, (), material, Watching(), Modules(video_tracker=Ball()), ONTOLOGY, Unlimited())


def most_memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_hour_of_video_is_shown_and_followed_whole_in_the_memory_of_two_minutes() -> None:
    hour = watched(3600)
    (covered,) = hour.coverage
    assert (covered.read, covered.total) == (3600, 3600)
    (call, *_) = hour.calls
    assert call.outcome == "located"
    short = most_memory(lambda: watched(120))
    assert most_memory(lambda: watched(3600)) < 1.5 * short
