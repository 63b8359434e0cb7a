"""The decoder across the process border: untrusted bytes are parsed in a child under limits, never here."""

import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from reamo_mcp.errors import DecodeLimit, EngineFailed, ReamoError, of_code
from reamo_mcp.isolation.arrays import Array
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import Cause, ChildFailed, HandlerFailed
from reamo_mcp.isolation.handling import Reply, Request
from reamo_mcp.isolation.pool import ChildPool
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.media.decoded import (
    Cue,
    DecodedText,
    Description,
    Frame,
    FramePlan,
    OpenFile,
    Outcome,
    Page,
    Picture,
    SoundWindow,
    StreamEnd,
)
from reamo_mcp.media.messages import (
    CUES,
    DESCRIPTION,
    FRAME,
    PAGE,
    TEXT,
    WINDOW,
    Ask,
    FrameOrEnd,
    PageOrEnd,
    PictureMeasures,
    WindowOrEnd,
)
from reamo_mcp.settings import Limits

_TARGET = "reamo_mcp.media.decoder:serve"
_OPEN_FILES = 256
_LARGEST_ARRAY = 1 << 30
_LONGEST_WINDOW = 16_000 * 600

_PICTURE = TypeAdapter(PictureMeasures)

log = logging.getLogger(__name__)
T = TypeVar("T")

_LIMITS: dict[Cause, str] = {
    "silent": "took too long without an answer",
    "processor_time": "took too much processor time",
    "memory": "took more memory than allowed",
    "crashed": "made its decoder crash",
    "protocol": "made its decoder answer nonsense",
}


class ChildDecoder:
    """A `Decoder` whose every call runs in a child process. Safe for calls from several threads."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        bounds = Bounds(
            memory=limits.decoder_memory,
            open_files=_OPEN_FILES,
            file_bytes=_LARGEST_ARRAY,
            processor_seconds=int(limits.decoder_silence * 4),
            silence=limits.decoder_silence,
        )
        # One arena and one thread of linear algebra: each more reserves address space, which is bounded.
        environment = {"MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._children = ChildPool(Program(target=_TARGET, bounds=bounds, environment=environment))

    def close(self) -> None:
        """End the children."""
        self._children.close()

    def process_ids(self) -> tuple[int, ...]:
        """Return the children that run now."""
        return self._children.process_ids()

    def describe(self, file: OpenFile, control: Control) -> Description:
        """Return what the file is, from its header."""
        return self._one("describe", file, DESCRIPTION, control)

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        """Return the text of a text file, HTML or DOCX."""
        return self._one("text", file, TEXT, control)

    def subtitles(self, file: OpenFile, control: Control) -> tuple[Cue, ...]:
        """Return the cues of the first text subtitle stream."""
        return self._one("subtitles", file, CUES, control)

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        """Return an image, reduced so that its longer side has at most this many pixels."""
        ask = self._ask(file).model_copy(update={"longest_side": longest_side})
        return self._one_picture("picture", file, ask, control)

    def page_picture(self, file: OpenFile, page: int, longest_side: int, control: Control) -> Picture:
        """Return one upright page rendered so that its longer side has this many pixels."""
        ask = self._ask(file).model_copy(update={"page": page, "longest_side": longest_side})
        return self._one_picture("page_picture", file, ask, control)

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        """Yield the wanted pages."""
        ask = self._ask(file).model_copy(update={"range": wanted})
        with closing(self._stream("pages", file, ask, control)) as replies:
            for reply in replies:
                item = _checked(PAGE, reply.body, file)
                if item.page is not None:
                    yield item.page
                else:
                    outcome.end = _ended(item, file)

    def sound(
        self, file: OpenFile, seconds: tuple[float, float] | None, outcome: Outcome, control: Control
    ) -> Iterator[SoundWindow]:
        """Yield the sound in windows."""
        ask = self._ask(file).model_copy(update={"range": seconds})
        with closing(self._stream("sound", file, ask, control)) as replies:
            for reply in replies:
                item = _checked(WINDOW, reply.body, file)
                if item.start is not None:
                    yield SoundWindow(item.start, _samples(reply, file))
                else:
                    outcome.end = _ended(item, file)

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        """Yield the planned frames of a video."""
        ask = self._ask(file).model_copy(update={"plan": plan})
        with closing(self._stream("frames", file, ask, control)) as replies:
            for reply in replies:
                item = _checked(FRAME, reply.body, file)
                if item.frame is not None:
                    seen = item.frame
                    picture = _picture(seen.picture, reply, file)
                    yield Frame(seen.time, seen.until, picture, seen.changed, seen.shot_start, seen.closing)
                else:
                    outcome.end = _ended(item, file)

    def _ask(self, file: OpenFile) -> Ask:
        return Ask.about(file, self._limits)

    def _one(self, method: str, file: OpenFile, form: TypeAdapter[T], control: Control) -> T:
        request = Request(method, self._ask(file).model_dump_json().encode(), (file.fd,))
        with _told_about(file):
            reply = self._children.one(request, control)
        return _checked(form, reply.body, file)

    def _one_picture(self, method: str, file: OpenFile, ask: Ask, control: Control) -> Picture:
        with _told_about(file):
            reply = self._children.one(Request(method, ask.model_dump_json().encode(), (file.fd,)), control)
        return _picture(_checked(_PICTURE, reply.body, file), reply, file)

    def _stream(self, method: str, file: OpenFile, ask: Ask, control: Control) -> Generator[Reply, None, None]:
        request = Request(method, ask.model_dump_json().encode(), (file.fd,))
        with _told_about(file), closing(self._children.request(request, control)) as replies:
            yield from replies


@contextmanager
def _told_about(file: OpenFile) -> Generator[None]:
    """Turn the failures of the child into errors that name the file."""
    try:
        yield
    except HandlerFailed as failure:
        error = of_code(failure.code, failure.message, failure.hint)
        if error is None:
            log.error("decoding %s: %s", file.sha256[:12], failure)  # the place of the defect; the child holds the rest
            raise EngineFailed(
                f"decoding {file.name} failed: {failure.message}", "This is a defect of the decoder; please report it"
            ) from None
        raise error from None
    except ChildFailed as failure:
        raise _error_of(failure, file) from None


def _error_of(failure: ChildFailed, file: OpenFile) -> ReamoError:
    log.warning("decoding %s: %s", file.sha256[:12], failure)  # how it ended, a signal or an exit status, in no answer
    if failure.cause == "not_started":
        return EngineFailed("the decoder process could not be started", "See `reamo-mcp doctor`")
    return DecodeLimit(
        f"{file.name} {_LIMITS[failure.cause]} and was given up", "Convert it, cut it smaller, or raise the limits"
    )


def _checked(form: TypeAdapter[T], body: bytes, file: OpenFile) -> T:
    try:
        return form.validate_json(body)
    except ValidationError:
        raise _error_of(ChildFailed("protocol"), file) from None


def _ended(item: PageOrEnd | FrameOrEnd | WindowOrEnd, file: OpenFile) -> StreamEnd:
    if item.end is None:
        raise _error_of(ChildFailed("protocol"), file)
    return item.end


def _array(reply: Reply, element: str, dimensions: int, file: OpenFile) -> Array:
    if len(reply.arrays) != 1 or reply.arrays[0].dtype != element or reply.arrays[0].ndim != dimensions:
        raise _error_of(ChildFailed("protocol"), file)
    return reply.arrays[0]


def _samples(reply: Reply, file: OpenFile) -> Array:
    samples = _array(reply, "float32", 1, file)
    if len(samples) > _LONGEST_WINDOW:
        raise _error_of(ChildFailed("protocol"), file)
    return samples


def _picture(measures: PictureMeasures, reply: Reply, file: OpenFile) -> Picture:
    pixels = _array(reply, "uint8", 3, file)
    if pixels.shape[2] != 3 or 0 in pixels.shape:
        raise _error_of(ChildFailed("protocol"), file)
    return Picture(pixels, measures.scale, measures.original_width, measures.original_height)
