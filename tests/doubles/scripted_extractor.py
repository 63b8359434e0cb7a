"""An extractor whose answers, pace and failures are written by the test; it reads no file and runs no model."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import anyio

from reamo_mcp.errors import ReamoError
from reamo_mcp.evidence.picture import Show, picture_of
from reamo_mcp.extractor import Request
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.threads import Progress, Report
from reamo_mcp.linking.phrase import ground_phrase
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.reading.perception import Perception
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.types.coverage import Coverage, MediumCoverage
from reamo_mcp.types.extraction import Engine, Entity, Extraction, Relation
from reamo_mcp.types.grounding import Grounding, Provenance, TextSpan
from reamo_mcp.types.media import Document, OpenedDocument, TextMedium
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.reading import Reading

SCRIPT = Provenance(model="script", step="propose")
ENGINE = Engine(profile="scripted", version="0")


def _unreported(_: Progress) -> None:
    return None


def extraction_of(*texts: str, absent: bool = False) -> Extraction:
    """One entity per capitalised word of each text, the first two related, all grounded to the letter."""
    media = tuple(
        TextMedium(
            id=f"m{number}",
            name=f"text{number}",
            sha256=sha256(text.encode()).hexdigest(),
            format="utf-8",
            text=text,
            encoding="utf-8",
        )
        for number, text in enumerate(texts, start=1)
    )
    entities: list[Entity] = []
    for medium in media:
        position = 0
        for word in medium.text.split():
            start = medium.text.index(word, position)
            position = start + len(word)
            if not word[:1].isupper():
                continue
            span = TextSpan(
                id=f"g{len(entities) + 1}",
                media_id=medium.id,
                start=start,
                end=position,
                quote=word,
                score=0.9,
                provenance=SCRIPT,
            )
            others = tuple(other.id for other in media if other.id != medium.id) if absent else ()
            entities.append(
                Entity(
                    id=f"e{len(entities) + 1}", type="person", name=word, score=0.9, groundings=(span,), absent=others
                )
            )
    relations = (
        (Relation(id="r1", type="knows", head="e1", tail="e2", score=0.8, evidence=("g1", "g2")),)
        if len(entities) > 1
        else ()
    )
    coverage = Coverage(
        media=tuple(
            MediumCoverage(
                media_id=medium.id, reader="text", unit="characters", total=len(medium.text), read=len(medium.text)
            )
            for medium in media
        )
    )
    return Extraction(
        document=OpenedDocument(id="d1", media=media),
        entities=tuple(entities),
        relations=relations,
        coverage=coverage,
        engine=ENGINE,
    )


@dataclass
class ScriptedExtractor:
    """Reads texts and text files as they are; takes ``steps`` of ``pace`` seconds; raises ``failure`` at the end.

    ``steps_of`` may say how many steps other texts take.
    """

    steps: int = 0
    pace: float = 0.01
    failure: ReamoError | None = None
    answer: Callable[[Document], Extraction] | None = None
    picture: bytes | None = None
    clip: bytes | None = None
    steps_of: Callable[[Sequence[str]], int | None] | None = None
    began: list[Document] = field(default_factory=list[Document])
    ended: list[str] = field(default_factory=list[str])
    has_begun: anyio.Event = field(default_factory=anyio.Event)
    has_ended: anyio.Event = field(default_factory=anyio.Event)

    @property
    def engine(self) -> Engine:
        return ENGINE

    @property
    def device(self) -> str:
        return "paper"

    async def extract(
        self,
        document: Document,
        ontology: Ontology,
        *,
        request: Request | None = None,
        report: Report = _unreported,
        allowed: Allowed | None = None,
    ) -> Extraction:
        texts = self._texts(document, allowed)
        await self._work(document, texts, report)
        return self.answer(document) if self.answer else extraction_of(*texts)

    async def ground(
        self,
        document: Document,
        phrase: str,
        *,
        request: Request | None = None,
        report: Report = _unreported,
        allowed: Allowed | None = None,
    ) -> Extraction:
        texts = self._texts(document, allowed)
        read = extraction_of(*texts)
        await self._work(document, texts, report)
        perceptions = tuple(
            Perception(
                medium=medium,
                readings=(
                    Reading(id=f"{medium.id}.text", media_id=medium.id, kind="text", model="script", text=medium.text),
                ),
                coverage=(read.coverage.media[number],),
            )
            for number, medium in enumerate(read.document.media)
            if medium.kind == "text"
        )
        return ground_phrase(phrase, read.document, perceptions, (), ENGINE)

    async def fingerprint(self, document: Document, *, allowed: Allowed | None = None) -> str:
        return sha256("\n\n".join(self._texts(document, allowed)).encode()).hexdigest()

    async def look(
        self,
        document: Document,
        extraction: Extraction,
        place: Grounding,
        *,
        show: Show = picture_of,
        allowed: Allowed | None = None,
    ) -> bytes | None:
        self._texts(document, allowed)
        return self.picture if show is picture_of else self.clip

    async def _work(self, document: Document, texts: Sequence[str], report: Report) -> None:
        self.began.append(document)
        self.has_begun.set()
        told = self.steps_of(texts) if self.steps_of else None
        steps = self.steps if told is None else told
        try:
            for step in range(steps):
                report(Progress(stage="read", done=step, total=steps, unit="pages", message="reading a script"))
                await anyio.sleep(self.pace)
            if self.failure is not None:
                raise self.failure
            self.ended.append("finished")
        except anyio.get_cancelled_exc_class():
            self.ended.append("cancelled")
            raise
        finally:
            self.has_ended.set()

    def _texts(self, document: Document, allowed: Allowed | None) -> list[str]:
        texts: list[str] = []
        for source in document.sources:
            if source.kind == "text":
                texts.append(source.text)
                continue
            with open_file(source.path, allowed or Allowed.named(), Limits(), Unlimited()) as file:
                base = Path(f"/proc/self/fd/{file.fd}")
                texts.append(base.read_text(encoding="utf-8"))
        return texts

    def opened(self, settings: Settings) -> AbstractAsyncContextManager["ScriptedExtractor"]:
        """Stand in for `reamo_mcp.extractor.open_extractor`."""

        @asynccontextmanager
        async def opening() -> AsyncGenerator[ScriptedExtractor]:
            yield self

        return opening()
