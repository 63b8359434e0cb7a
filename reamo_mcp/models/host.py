"""The roles across the process border: models run in the engine child, which opens no user file.

Each hosted role knows its card without asking the child. A child that dies over one item is started anew; that item
alone fails, the others are asked again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from reamo_mcp.errors import EngineFailed, OutOfMemory, ReamoError, of_code
from reamo_mcp.isolation.arrays import Array
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import ChildFailed, HandlerFailed
from reamo_mcp.isolation.handling import Handler, Handlers, Reply, Request
from reamo_mcp.isolation.process import ChildProcess
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import (
    Answer,
    Failed,
    Found,
    HeardWord,
    Line,
    Mentions,
    ModelCard,
    Region,
    Sound,
    SpeechTranscript,
    Unsupported,
)
from reamo_mcp.settings import Settings
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

_SILENCE = 120.0  # seconds: the longest step of a model without a word, loading included
_OPEN_FILES = 1024
_MOST_PICTURES = 16  # in one message

T = TypeVar("T")
R = TypeVar("R")


class _Measures(Record):
    """A picture without its pixels."""

    scale: float
    original_width: float
    original_height: float


class _Ask(Record):
    """What the child is asked; the arrays of pictures or sounds travel beside it."""

    detector: int = 0
    texts: tuple[str, ...] = ()
    ontology: Ontology = Ontology()
    pictures: tuple[_Measures, ...] = ()
    starts: tuple[float, ...] = ()
    text: str = ""


class _Told(Record, Generic[T]):
    """An `Answer` as it crosses the border."""

    found: tuple[T, ...] | None = None
    unsupported: str | None = None
    code: str = ""
    message: str = ""

    def answer(self) -> Answer[T]:
        if self.found is not None:
            return Found(self.found)
        return Failed(self.code, self.message) if self.unsupported is None else Unsupported(self.unsupported)


def _told(answer: Answer[T]) -> _Told[T]:
    match answer:
        case Found(items):
            return _Told(found=items)
        case Unsupported(reason):
            return _Told(unsupported=reason)
        case Failed(code, message):
            return _Told(code=code, message=message)


_MENTIONS = TypeAdapter(tuple[_Told[Mentions], ...])
_LINES = TypeAdapter(tuple[_Told[Line], ...])
_REGIONS = TypeAdapter(tuple[_Told[Region], ...])
_WORDS = TypeAdapter(tuple[_Told[HeardWord], ...])
_TRANSCRIPTS = TypeAdapter(tuple[SpeechTranscript, ...])


def engine_program(settings: Settings) -> Program:
    """Return the program that runs the engine of the settings' profile."""
    threads = str(settings.threads)
    return Program(
        target="reamo_mcp.models.host:serve",
        bounds=Bounds(open_files=_OPEN_FILES, silence=_SILENCE),
        environment={
            "REAMO_PROFILE": settings.profile,
            "REAMO_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "MALLOC_ARENA_MAX": "2",
        },
    )


class EngineChild:
    """The child that runs the models of one engine: one request at a time, as there is one device."""

    def __init__(self, program: Program) -> None:
        self._child = ChildProcess(program)

    @property
    def process_id(self) -> int | None:
        """The process, None while there is none."""
        return self._child.process_id

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def answers(
        self,
        method: str,
        ask: _Ask,
        arrays: Sequence[Array],
        form: "TypeAdapter[tuple[_Told[T], ...]]",
        count: int,
        control: Control,
    ) -> list[Answer[T]]:
        """Return ``count`` answers. Raises ChildFailed, and errors of `reamo_mcp.errors`."""
        answers = [told.answer() for told in self.checked(method, ask, arrays, form, control)]
        if len(answers) != count:
            raise ChildFailed("protocol", "another number of answers")
        return answers

    def checked(self, method: str, ask: _Ask, arrays: Sequence[Array], form: TypeAdapter[T], control: Control) -> T:
        """Return the one reply, validated. Raises ChildFailed, and errors of `reamo_mcp.errors`."""
        try:
            reply = self._child.one(Request(method, ask.model_dump_json().encode(), (), arrays), control)
            return form.validate_json(reply.body)
        except ValidationError:
            raise ChildFailed("protocol", "an answer of no known form") from None
        except HandlerFailed as failure:
            known = of_code(failure.code, failure.message, failure.hint)
            raise known or EngineFailed(
                f"a model failed: {failure.message}", "This is a defect; please report it"
            ) from None


def _one_by_one(
    ask: "Callable[[Sequence[T]], list[Answer[R]]]", items: Sequence[T], *, tries: int = 2
) -> "list[Answer[R]]":
    """Ask for all items at once; if the child dies, one by one, so that one bad item fails alone.

    A single item is asked for twice: the child may have been killed for a reason that was none of its own.
    """
    try:
        return ask(items)
    except ChildFailed as failure:
        if failure.cause == "not_started":
            raise _not_started(failure) from None
        if len(items) == 1:
            if failure.cause == "crashed" and tries > 1:
                return _one_by_one(ask, items, tries=tries - 1)
            return [_failed(failure)]
    return [answer for item in items for answer in _one_by_one(ask, [item], tries=tries)]


def _failed(failure: ChildFailed) -> Failed:
    if failure.cause == "memory":
        return Failed(OutOfMemory.code, "the engine ran out of memory over this")
    return Failed(EngineFailed.code, f"the engine {'stood still' if failure.cause == 'silent' else 'died'} over this")


def _not_started(failure: ChildFailed) -> ReamoError:
    return EngineFailed(f"the engine process could not be started ({failure.detail})", "See `reamo-mcp doctor`")


def _pictures_asked(pictures: Sequence[Picture], detector: int = 0) -> tuple[_Ask, list[Array]]:
    measures = tuple(
        _Measures(scale=picture.scale, original_width=picture.original_width, original_height=picture.original_height)
        for picture in pictures
    )
    return _Ask(pictures=measures, detector=detector), [picture.pixels for picture in pictures]


class HostedTextExtractor:
    """A text extractor that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        """Return one `Mentions` per text."""

        def ask(some: Sequence[str]) -> list[Answer[Mentions]]:
            asked = _Ask(texts=tuple(some), ontology=ontology)
            return self._child.answers("extract", asked, (), _MENTIONS, len(some), control)

        return _one_by_one(ask, texts)


class HostedTextReader:
    """A text reader that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        """Return the lines of each picture."""

        def ask(some: Sequence[Picture]) -> list[Answer[Line]]:
            asked, arrays = _pictures_asked(some)
            return self._child.answers("read", asked, arrays, _LINES, len(some), control)

        return [answer for batch in _batches(pictures) for answer in _one_by_one(ask, batch)]


class HostedDetector:
    """An object detector that runs in the engine child; ``number`` is its place in the engine."""

    def __init__(self, child: EngineChild, card: ModelCard, number: int) -> None:
        self._child = child
        self._number = number
        self.card = card

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        """Return the regions of each picture."""

        def ask(some: Sequence[Picture]) -> list[Answer[Region]]:
            asked, arrays = _pictures_asked(some, self._number)
            return self._child.answers("detect", asked, arrays, _REGIONS, len(some), control)

        return [answer for batch in _batches(pictures) for answer in _one_by_one(ask, batch)]


def _batches(pictures: Sequence[Picture]) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), _MOST_PICTURES):
        yield pictures[start : start + _MOST_PICTURES]


class HostedTranscriber:
    """A transcriber that runs in the engine child. Each window that it is given is heard by itself."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield one transcript per window of sound, in order. Raises EngineFailed where the child dies of one."""
        for sound in sounds:
            asked = _Ask(starts=(sound.start,))
            try:
                heard = self._child.checked("transcribe", asked, (sound.samples,), _TRANSCRIPTS, control)
            except ChildFailed as failure:
                raise EngineFailed(
                    f"the engine {'could not start' if failure.cause == 'not_started' else 'died'} over speech",
                    "Try once more; see `reamo-mcp doctor`",
                ) from None
            yield from heard

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        """Return the given words at the times they are spoken in this window."""

        def ask(some: Sequence[Sound]) -> list[Answer[HeardWord]]:
            asked = _Ask(starts=(some[0].start,), text=text)
            return self._child.answers("align", asked, (some[0].samples,), _WORDS, 1, control)

        return _one_by_one(ask, [sound])[0]


def hosted(engine: Engine, child: EngineChild) -> Engine:
    """Return the same engine with its roles in the child; ``close`` ends the child."""
    return replace(
        engine,
        text_extractor=engine.text_extractor and HostedTextExtractor(child, engine.text_extractor.card),
        text_reader=engine.text_reader and HostedTextReader(child, engine.text_reader.card),
        transcriber=engine.transcriber and HostedTranscriber(child, engine.transcriber.card),
        detectors=tuple(
            HostedDetector(child, detector.card, number) for number, detector in enumerate(engine.detectors)
        ),
        close=child.close,
    )


def serve() -> Handlers:
    """Return the handlers of the engine child, over the profile that its environment names."""
    from reamo_mcp.models.profiles import plain_engine

    return handlers_over(plain_engine(Settings.from_environment()))


def handlers_over(engine: Engine) -> Handlers:
    """Return handlers that answer with the roles of this engine."""

    def extract(request: Request, control: Control) -> Iterator[Reply]:
        ask = _Ask.model_validate_json(request.body)
        role = _present(engine.text_extractor)
        yield _reply(_MENTIONS, role.extract(ask.texts, ask.ontology, _Alive(control)))

    def read(request: Request, control: Control) -> Iterator[Reply]:
        role = _present(engine.text_reader)
        yield _reply(_LINES, role.read(_pictures(request), _Alive(control)))

    def detect(request: Request, control: Control) -> Iterator[Reply]:
        ask = _Ask.model_validate_json(request.body)
        yield _reply(_REGIONS, engine.detectors[ask.detector].detect(_pictures(request), _Alive(control)))

    def transcribe(request: Request, control: Control) -> Iterator[Reply]:
        role = _present(engine.transcriber)
        heard = tuple(role.transcribe(iter([_sound(request)]), _Alive(control)))
        yield Reply(_TRANSCRIPTS.dump_json(heard))

    def align(request: Request, control: Control) -> Iterator[Reply]:
        ask = _Ask.model_validate_json(request.body)
        role = _present(engine.transcriber)
        yield _reply(_WORDS, [role.align(_sound(request), ask.text, _Alive(control))])

    handlers: dict[str, Handler] = {
        "extract": extract,
        "read": read,
        "detect": detect,
        "transcribe": transcribe,
        "align": align,
    }
    return handlers


class _Alive:
    """A control whose every check also tells the parent that the model is at work."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._latest = (0.0, 0.0, "")

    def check(self) -> None:
        self._control.check()
        self._control.progress(*self._latest)

    def progress(self, done: float, total: float, unit: str) -> None:
        self._latest = (done, total, unit)
        self._control.progress(done, total, unit)


def _present(role: T | None) -> T:
    if role is None:
        raise EngineFailed("this engine does not fill the role it was asked for", "This is a defect; please report it")
    return role


def _reply(form: "TypeAdapter[tuple[_Told[T], ...]]", answers: Sequence[Answer[T]]) -> Reply:
    return Reply(form.dump_json(tuple(_told(answer) for answer in answers)))


def _pictures(request: Request) -> list[Picture]:
    ask = _Ask.model_validate_json(request.body)
    return [
        Picture(pixels, measures.scale, measures.original_width, measures.original_height)
        for pixels, measures in zip(request.arrays, ask.pictures, strict=True)
    ]


def _sound(request: Request) -> Sound:
    ask = _Ask.model_validate_json(request.body)
    return Sound(request.arrays[0], ask.starts[0])
