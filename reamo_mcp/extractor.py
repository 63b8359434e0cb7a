"""The main job: a document becomes readings, readings become candidates, candidates become a grounded extraction."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar

import anyio
from pydantic import Field

from reamo_mcp.content import installed_version
from reamo_mcp.errors import ReamoError, SourceChanged
from reamo_mcp.evidence.picture import Show, picture_of
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.threads import Caller, Progress, Report, in_thread
from reamo_mcp.linking.assemble import assemble
from reamo_mcp.linking.called import called
from reamo_mcp.linking.compose import compose, readings_of
from reamo_mcp.linking.phrase import ground_phrase
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.opening import Allowed, ensure_unchanged
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.profiles import open_decoder, open_engine
from reamo_mcp.reading.asked_modules import Modules, seek
from reamo_mcp.reading.expected_names import expected_names
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.perceive import perceive, perceive_given_text, renamed
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.reading.propose_by_reasoner import propose_by_reasoner, with_reasoning
from reamo_mcp.reading.propose_from_text import propose_from_text, reduced
from reamo_mcp.reading.setbacks import setback
from reamo_mcp.reading.sources import OpenedFile, OpenedSources, OpenedText, failure, nothing_readable, opened_sources
from reamo_mcp.settings import Settings
from reamo_mcp.store.keys import key
from reamo_mcp.store.records import RecordStore, Store
from reamo_mcp.types.coverage import FailedMedium
from reamo_mcp.types.extraction import Engine as EngineRecord
from reamo_mcp.types.extraction import EngineModel, Extraction, Notice
from reamo_mcp.types.grounding import Grounding
from reamo_mcp.types.media import Document, MediaKind, OpenedDocument, Part
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

T = TypeVar("T")
Task = Literal["entities", "relations", "events"]
_NOT_READING = frozenset(
    ("text_extractor", "reasoner", "image_segmenter", "video_tracker", "audio_segmenter", "confirmer")
)
ALL_TASKS: tuple[Task, ...] = ("entities", "relations", "events")


class Request(Record):
    """How an ontology is applied to a document."""

    part: Part = Part()
    tasks: tuple[Task, ...] = Field(default=ALL_TASKS, min_length=1)
    modalities: tuple[MediaKind, ...] = Field(default=(), description="Kinds of media to read; empty: all")
    listen_for: tuple[str, ...] = Field(default=(), description="Names to listen for besides those of other files")
    min_score: float = Field(default=0.0, ge=0, le=1, description="Items below this score are left out")


class Readings(Record):
    """A document that was read: the hub that extraction and phrase grounding start from."""

    document: OpenedDocument
    perceptions: tuple[Perception, ...]
    failed: tuple[FailedMedium, ...] = ()
    notices: tuple[Notice, ...] = ()


def _unreported(_: Progress) -> None:
    return None


class Extractor:
    """Extracts grounded knowledge with one engine, one decoder and one store. Safe for concurrent calls."""

    def __init__(self, engine: Engine, decoder: Decoder, store: Store, settings: Settings) -> None:
        self._engine = engine
        self._senses = Senses(decoder, engine.text_reader, engine.transcriber, engine.name_spotter, engine.detectors)
        self._store = store
        self._settings = settings
        self._limiter = anyio.CapacityLimiter(4)

    @property
    def engine(self) -> EngineRecord:
        """Which engine answers, and with which models."""
        models = tuple(
            EngineModel(role=card.role, name=card.name, revision=card.revision) for card in self._engine.cards()
        )
        return EngineRecord(profile=self._engine.profile, version=installed_version(), models=models)

    @property
    def device(self) -> str:
        """Where the models run."""
        return self._engine.device

    async def extract(
        self,
        document: Document,
        ontology: Ontology,
        *,
        request: Request | None = None,
        report: Report = _unreported,
        allowed: Allowed | None = None,
    ) -> Extraction:
        """Return what the document says and shows of the ontology's types, each item with its proof.

        ``allowed`` says which files may be opened (default: those that the document names). ``report`` is called
        from a worker thread. Raises errors of `reamo_mcp.errors`; a medium that fails beside others that can be read
        is told in the coverage instead.
        """
        return await self._in_thread(
            report, partial(self._extract, document, ontology, request or Request(), allowed or Allowed.named())
        )

    async def read(
        self,
        document: Document,
        *,
        request: Request | None = None,
        report: Report = _unreported,
        allowed: Allowed | None = None,
    ) -> Readings:
        """Return the readings of a document, from the store where they are known."""

        def work(caller: Caller) -> Readings:
            with self._opened(document, allowed or Allowed.named(), caller) as opened:
                return self._read(opened, request or Request(), caller)

        return await self._in_thread(report, work)

    async def ground(
        self,
        document: Document,
        phrase: str,
        *,
        request: Request | None = None,
        report: Report = _unreported,
        allowed: Allowed | None = None,
    ) -> Extraction:
        """Return every place where a phrase is said, shown or written, as the groundings of one entity.

        Where the engine has modules that see and hear, so are the places of what it names; words are found by their
        letters. Without entity where nothing says or shows it; see `Extraction.ungrounded` for each medium's reason.
        """

        def work(caller: Caller) -> Extraction:
            asked = request or Request()
            asked = asked.model_copy(update={"listen_for": (phrase, *asked.listen_for)})
            with self._opened(document, allowed or Allowed.named(), caller) as opened:
                readings = self._read(opened, asked, caller)
                control = caller.control("ground", "looking for the phrase")
                material = _material(opened, self._senses, asked)
                sought = seek(phrase, Modules.of(self._engine), readings.document, material, control)
                return ground_phrase(
                    phrase,
                    readings.document,
                    readings.perceptions,
                    readings.failed,
                    self.engine,
                    sought,
                    readings.notices,
                )

        return await self._in_thread(report, work)

    async def fingerprint(self, document: Document, *, allowed: Allowed | None = None) -> str:
        """Return the hash of the document's content: equal files give equal fingerprints, whatever their names."""

        def work(caller: Caller) -> str:
            with self._opened(document, allowed or Allowed.named(), caller) as opened:
                return opened.content_key()

        return await self._in_thread(_unreported, work)

    async def look(
        self,
        document: Document,
        extraction: Extraction,
        place: Grounding,
        *,
        show: Show = picture_of,
        allowed: Allowed | None = None,
    ) -> bytes | None:
        """Return a JPEG (or what ``show`` makes) of a place of an extraction of this document, None without a sight.

        Raises SourceChanged if the file is not the one that was read any more, and errors of opening and decoding.
        """
        medium = extraction.document.medium(place.media_id)

        def work(caller: Caller) -> bytes | None:
            with self._opened(document, allowed or Allowed.named(), caller) as opened:
                for source in opened.sources:
                    if isinstance(source, OpenedFile) and medium and source.file.sha256 == medium.sha256:
                        control = caller.control("open", f"looking at {source.file.name}")
                        return show(place, medium.kind, source.file, self._senses.decoder, control)
                if medium is not None and medium.kind == "text":
                    return None
            raise SourceChanged(
                f"{medium.name if medium else 'the file'} is not what was read any more", "Extract from it again"
            )

        return await self._in_thread(_unreported, work)

    async def _in_thread(self, report: Report, work: Callable[[Caller], T]) -> T:
        return await in_thread(work, report, self._limiter)

    def _opened(self, document: Document, allowed: Allowed, caller: Caller) -> AbstractContextManager[OpenedSources]:
        control = caller.control("open", "opening files")
        return opened_sources(document, allowed, self._settings.limits, control)

    def _extract(
        self, document: Document, ontology: Ontology, request: Request, allowed: Allowed, caller: Caller
    ) -> Extraction:
        with self._opened(document, allowed, caller) as opened:
            results = RecordStore(self._store.results)
            result_key = self._result_key(opened, ontology, request)
            kept = results.get(result_key, Extraction)
            if kept is not None:
                return kept
            readings = self._read(opened, request, caller)
            extraction = self._propose_and_ground(
                readings, _material(opened, self._senses, request), ontology, request, caller
            )
            if not extraction.retryable:
                results.put(result_key, extraction)
            return extraction

    def _read(self, opened: OpenedSources, request: Request, caller: Caller) -> Readings:
        perceived: dict[int, Perception] = {}
        failed = list(opened.failed)
        notices: list[Notice] = []
        setbacks: list[ReamoError] = []
        for number in _listening_last(opened):
            source = opened.sources[number]
            media_id = f"m{number + 1}"
            if isinstance(source, OpenedText):
                perceived[number] = perceive_given_text(source.text, source.name, media_id, source.sha256)
                continue
            if request.modalities and source.file.kind not in request.modalities:
                notices.append(
                    Notice(code="skipped", message=f"{source.file.name} is {source.file.kind}: not asked for")
                )
                continue
            control = caller.control("read", f"reading {source.file.name}")
            control.check()
            try:
                names = _expected(source, perceived.values(), request.listen_for)
                given = Given(source.file, "m0", request.part, source.sidecar, names)
                perceived[number] = renamed(self._perceive(given, control), media_id, source.file.name)
            except Exception as error:  # the other media are worth having without this one
                setbacks.append(setback(error, source.file.name))
                failed.append(failure(source.file.name, setbacks[-1]))
        perceptions = [perceived[number] for number in sorted(perceived)]
        if not perceptions and setbacks:
            raise nothing_readable(setbacks, failed)
        if (trouble := self._store.trouble) is not None:
            notices.append(Notice(code="cache_unusable", message=trouble))
        document = OpenedDocument(
            id=f"d{opened.content_key()[:16]}", media=tuple(perception.medium for perception in perceptions)
        )
        return Readings(document=document, perceptions=tuple(perceptions), failed=tuple(failed), notices=tuple(notices))

    def _perceive(self, given: Given, control: Control) -> Perception:
        kept_by = RecordStore(self._store.readings)
        cards = [card.model_dump_json() for card in self._engine.cards() if card.role not in _NOT_READING]
        alone = key(
            given.file.sha256,
            given.sidecar.sha256 if given.sidecar else None,
            given.part.model_dump_json(),
            self._settings.limits.model_dump_json(),
            cards,
            installed_version(),
        )
        in_company = key(alone, given.expected) if given.expected else alone
        perception = kept_by.get(in_company, Perception)
        if perception is None and given.expected:
            known = kept_by.get(alone, Perception)
            perception = known if known is not None and not known.is_draft else None
        if perception is None:
            perception = perceive(given, self._senses, control)
            ensure_unchanged(given.file)
            if not perception.retryable:
                kept_by.put(in_company if perception.is_draft else alone, perception)
        return perception

    def _propose_and_ground(
        self, readings: Readings, material: Material, ontology: Ontology, request: Request, caller: Caller
    ) -> Extraction:
        control = caller.control("propose", "looking for what was asked")
        perceptions = readings.perceptions
        texts = readings_of(perceptions)
        proposal = propose_from_text(texts, self._engine.text_extractor, ontology, request.tasks, control)
        reasoning = None
        if self._engine.reasoner is not None:
            control = caller.control("propose", "reasoning over everything")
            modules = Modules.of(self._engine)
            asked = reduced(ontology, request.tasks)
            reasoning = propose_by_reasoner(
                readings.document, texts, material, self._engine.reasoner, modules, asked, control
            )
            perceptions, proposal = with_reasoning(perceptions, proposal, reasoning)
        control = caller.control("ground", "proving what was found")
        control.progress(0, 1, "documents")
        found = assemble(
            proposal.candidates,
            readings.document,
            texts,
            ontology,
            tasks=request.tasks,
            min_score=request.min_score,
            control=control,
        )
        found, calls = called(reasoning.calls if reasoning else (), found)
        control.progress(1, 1, "documents")
        return compose(
            replace(found, ungrounded=(*found.ungrounded, *proposal.ungrounded)),
            readings.document,
            perceptions,
            readings.failed,
            self.engine,
            unsupported=proposal.unsupported,
            notices=(*readings.notices, *proposal.failed),
            calls=calls,
            complete=not proposal.failed,
        )

    def _result_key(self, opened: OpenedSources, ontology: Ontology, request: Request) -> str:
        return key(
            opened.content_key(),
            opened.names(),
            ontology.model_dump_json(),
            request.model_dump_json(),
            self._settings.limits.model_dump_json(),
            self.engine.model_dump_json(),
        )


def _listening_last(opened: OpenedSources) -> list[int]:
    """Return the numbers of the sources in the order of reading: what is written tells what to listen for."""
    order = {"video": 1, "audio": 2}
    return sorted(
        range(len(opened.sources)),
        key=lambda number: (
            order.get(source.file.kind, 0) if isinstance(source := opened.sources[number], OpenedFile) else 0
        ),
    )


def _expected(source: OpenedFile, perceived: Iterable[Perception], asked: Sequence[str]) -> tuple[str, ...]:
    """Return the names to listen for in a source: those asked for, and what the media before it write.

    A transcript needs none.
    """
    if source.file.kind not in ("audio", "video") or source.sidecar is not None:
        return ()
    written = expected_names(reading for perception in perceived for reading in perception.readings)
    return tuple(dict.fromkeys((*asked, *written)))


def _material(opened: OpenedSources, senses: Senses, request: Request) -> Material:
    files = {
        f"m{number}": source.file
        for number, source in enumerate(opened.sources, start=1)
        if isinstance(source, OpenedFile)
    }
    return Material(senses.decoder, files, request.part)


@asynccontextmanager
async def open_extractor(settings: Settings | None = None, *, profile: str | None = None) -> AsyncGenerator[Extractor]:
    """Yield the extractor of this installation: its engine, decoder and store. Leaving ends their processes.

    Without ``settings`` they are read from the environment; ``profile`` replaces theirs. Raises InvalidArgument for
    settings that cannot be used; weights are opened by the first call that needs them.
    """
    chosen = settings or Settings.from_environment()
    if profile is not None:
        chosen = chosen.with_profile(profile)
    store = Store(chosen.cache_folder(), chosen.cache_bytes)
    with open_engine(chosen, store.readings) as engine, open_decoder(chosen) as decoder:
        yield Extractor(engine, decoder, store, chosen)
