"""What crosses the border to the engine child: questions, answers, and the child itself."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from reamo_mcp.errors import EngineFailed, OutOfMemory, ReamoError, of_code
from reamo_mcp.isolation.arrays import Array
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import ChildFailed, HandlerFailed
from reamo_mcp.isolation.handling import Reply, Request
from reamo_mcp.isolation.process import ChildProcess
from reamo_mcp.isolation.program import Program
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import Answer, Failed, Found, Unsupported
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class Measures(Record):
    """A picture without its pixels."""

    scale: float
    original_width: float
    original_height: float


class Question(Record):
    """What the child is asked; the arrays of pictures or sounds travel beside it."""

    detector: int = 0
    texts: tuple[str, ...] = ()
    ontology: Ontology = Ontology()
    pictures: tuple[Measures, ...] = ()
    starts: tuple[float, ...] = ()
    text: str = ""


class ToldAnswer(Record, Generic[T]):
    """An `Answer` as it crosses the border."""

    found: tuple[T, ...] | None = None
    unsupported: str | None = None
    code: str = ""
    message: str = ""

    def answer(self) -> Answer[T]:
        """Return it as the roles tell it."""
        if self.found is not None:
            return Found(self.found)
        return Failed(self.code, self.message) if self.unsupported is None else Unsupported(self.unsupported)


def told_answer(answer: Answer[T]) -> ToldAnswer[T]:
    """Return an answer in the form that crosses the border."""
    match answer:
        case Found(items):
            return ToldAnswer(found=items)
        case Unsupported(reason):
            return ToldAnswer(unsupported=reason)
        case Failed(code, message):
            return ToldAnswer(code=code, message=message)


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
        ask: Record,
        arrays: Sequence[Array],
        form: "TypeAdapter[tuple[ToldAnswer[T], ...]]",
        count: int,
        control: Control,
    ) -> list[Answer[T]]:
        """Return ``count`` answers. Raises ChildFailed, and errors of `reamo_mcp.errors`."""
        answers = [told.answer() for told in self.checked(method, ask, arrays, form, control)]
        if len(answers) != count:
            raise ChildFailed("protocol", "another number of answers")
        return answers

    def checked(self, method: str, ask: Record, arrays: Sequence[Array], form: TypeAdapter[T], control: Control) -> T:
        """Return the one reply, validated. Raises ChildFailed, and errors of `reamo_mcp.errors`."""
        try:
            reply = self._child.one(_request(method, ask, arrays), control)
            return form.validate_json(reply.body)
        except ValidationError:
            raise ChildFailed("protocol", "an answer of no known form") from None
        except HandlerFailed as failure:
            raise _of_model(failure) from None

    def replies(self, method: str, ask: Record, arrays: Sequence[Array], control: Control) -> Iterator[Reply]:
        """Yield the replies, not validated. Raises ChildFailed, and errors of `reamo_mcp.errors`."""
        try:
            with closing(self._child.request(_request(method, ask, arrays), control)) as replies:
                yield from replies
        except HandlerFailed as failure:
            raise _of_model(failure) from None


def _request(method: str, ask: Record, arrays: Sequence[Array]) -> Request:
    return Request(method, ask.model_dump_json().encode(), (), arrays)


def _of_model(failure: HandlerFailed) -> ReamoError:
    known = of_code(failure.code, failure.message, failure.hint)
    if known is not None:
        return known
    log.error("a model failed: %s", failure)
    return EngineFailed(f"a model failed: {failure.message}", "This is a defect; please report it")


def one_by_one(ask: "Callable[[Sequence[T]], list[Answer[R]]]", items: Sequence[T]) -> "list[Answer[R]]":
    """Ask for all items at once; if the child dies, one by one, so that one bad item fails alone."""
    try:
        return ask(items)
    except ChildFailed as failure:
        if failure.cause == "not_started":
            raise not_started(failure) from None
        if len(items) == 1:
            return [failed(failure)]
    return [answer for item in items for answer in one_by_one(ask, [item])]


def failed(failure: ChildFailed) -> Failed:
    """Return the answer about an item over which the child ended."""
    if failure.cause == "memory":
        return Failed(OutOfMemory.code, "the engine ran out of memory over this")
    return Failed(EngineFailed.code, f"the engine {'stood still' if failure.cause == 'silent' else 'died'} over this")


def not_started(failure: ChildFailed) -> ReamoError:
    """Return the error of a child that could not be started."""
    return EngineFailed(f"the engine process could not be started ({failure.detail})", "See `reamo-mcp doctor`")


def measures_of(picture: Picture) -> Measures:
    """Return a picture without its pixels."""
    return Measures(scale=picture.scale, original_width=picture.original_width, original_height=picture.original_height)


def with_pixels(measures: Measures, pixels: "NDArray[numpy.uint8]") -> Picture:
    """Return the picture that crossed the border in two parts."""
    return Picture(pixels, measures.scale, measures.original_width, measures.original_height)


def pictures_asked(pictures: Sequence[Picture], detector: int = 0) -> tuple[Question, list[Array]]:
    """Return a question about pictures and the arrays that travel beside it."""
    measures = tuple(measures_of(picture) for picture in pictures)
    return Question(pictures=measures, detector=detector), [picture.pixels for picture in pictures]


class Alive:
    """A control whose every check also tells the parent that the model is at work."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._latest = (0.0, 0.0, "")

    def check(self) -> None:
        """Raise what the control raises; else tell the parent."""
        self._control.check()
        self._control.progress(*self._latest)

    def progress(self, done: float, total: float, unit: str) -> None:
        """Tell the parent how far the work is."""
        self._latest = (done, total, unit)
        self._control.progress(done, total, unit)


def present(role: T | None) -> T:
    """Return a role that the engine fills. Raises EngineFailed if it does not."""
    if role is None:
        raise EngineFailed("this engine does not fill the role it was asked for", "This is a defect; please report it")
    return role


def reply_of(form: "TypeAdapter[tuple[ToldAnswer[T], ...]]", answers: Sequence[Answer[T]]) -> Reply:
    """Return answers as a reply of the child."""
    return Reply(form.dump_json(tuple(told_answer(answer) for answer in answers)))


def pictures_of(request: Request) -> list[Picture]:
    """Return the pictures of a question."""
    ask = Question.model_validate_json(request.body)
    return [with_pixels(measures, pixels) for pixels, measures in zip(request.arrays, ask.pictures, strict=True)]


def sound_of(request: Request) -> Sound:
    """Return the sound of a question."""
    ask = Question.model_validate_json(request.body)
    return Sound(request.arrays[0], ask.starts[0])
