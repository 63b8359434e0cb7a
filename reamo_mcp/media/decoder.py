"""The decoder child's entry: the `Decoder` role behind the process border."""

from collections.abc import Iterator

from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Handlers, Reply, Request
from reamo_mcp.media.decoded import FramePlan, OpenFile, Outcome, Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.messages import (
    CUES,
    DESCRIPTION,
    FRAME,
    PAGE,
    TEXT,
    WINDOW,
    Ask,
    FrameMeasures,
    FrameOrEnd,
    PageOrEnd,
    PictureMeasures,
    WindowOrEnd,
)


def serve() -> Handlers:
    """Return the handlers, one per method of the role."""
    return {
        "describe": _describe,
        "text": _text,
        "pages": _pages,
        "page_picture": _page_picture,
        "picture": _picture,
        "sound": _sound,
        "frames": _frames,
        "subtitles": _subtitles,
    }


def _asked(request: Request) -> tuple[Ask, OpenFile, LocalDecoder]:
    ask = Ask.model_validate_json(request.body)
    return ask, ask.file(request.descriptors[0]), LocalDecoder(ask.limits)


def _describe(request: Request, control: Control) -> Iterator[Reply]:
    _, file, decoder = _asked(request)
    yield Reply(DESCRIPTION.dump_json(decoder.describe(file, control)))


def _text(request: Request, control: Control) -> Iterator[Reply]:
    _, file, decoder = _asked(request)
    yield Reply(TEXT.dump_json(decoder.text(file, control)))


def _pages(request: Request, control: Control) -> Iterator[Reply]:
    ask, file, decoder = _asked(request)
    wanted = (int(ask.range[0]), int(ask.range[1])) if ask.range is not None else None
    outcome = Outcome()
    for page in decoder.pages(file, wanted, outcome, control):
        yield Reply(PAGE.dump_json(PageOrEnd(page=page)))
    yield Reply(PAGE.dump_json(PageOrEnd(end=outcome.end)))


def _page_picture(request: Request, control: Control) -> Iterator[Reply]:
    ask, file, decoder = _asked(request)
    yield _reply(decoder.page_picture(file, ask.page, ask.longest_side, control))


def _picture(request: Request, control: Control) -> Iterator[Reply]:
    ask, file, decoder = _asked(request)
    yield _reply(decoder.picture(file, ask.longest_side, control))


def _sound(request: Request, control: Control) -> Iterator[Reply]:
    ask, file, decoder = _asked(request)
    outcome = Outcome()
    for window in decoder.sound(file, ask.range, outcome, control):
        yield Reply(WINDOW.dump_json(WindowOrEnd(start=window.start)), (window.samples,))
    yield Reply(WINDOW.dump_json(WindowOrEnd(end=outcome.end)))


def _frames(request: Request, control: Control) -> Iterator[Reply]:
    ask, file, decoder = _asked(request)
    outcome = Outcome()
    for frame in decoder.frames(file, ask.plan or FramePlan(), outcome, control):
        measures = FrameMeasures(
            time=frame.time,
            until=frame.until,
            picture=_measures(frame.picture),
            changed=frame.changed,
            shot_start=frame.shot_start,
            closing=frame.closing,
        )
        yield Reply(FRAME.dump_json(FrameOrEnd(frame=measures)), (frame.picture.pixels,))
    yield Reply(FRAME.dump_json(FrameOrEnd(end=outcome.end)))


def _subtitles(request: Request, control: Control) -> Iterator[Reply]:
    _, file, decoder = _asked(request)
    yield Reply(CUES.dump_json(decoder.subtitles(file, control)))


def _reply(picture: Picture) -> Reply:
    return Reply(_measures(picture).model_dump_json().encode(), (picture.pixels,))


def _measures(picture: Picture) -> PictureMeasures:
    return PictureMeasures(
        scale=picture.scale, original_width=picture.original_width, original_height=picture.original_height
    )
