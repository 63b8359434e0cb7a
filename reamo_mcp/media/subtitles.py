"""Subtitles: SRT and WebVTT texts, and the text streams of containers."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.container import opened_container, packets_of
from reamo_mcp.media.decoded import Cue, OpenFile
from reamo_mcp.settings import Limits

_MOST_CUES = 50_000
_MOST_CHARACTERS = 2000  # of one cue
_MOST_PACKET = 1 << 18  # bytes: no decoder is given a larger one, since it would copy it several times
_TIMES = re.compile(
    r"^[ \t]*((?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3})[ \t]*-->[ \t]*((?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3})"
)
_MARKUP = re.compile(r"</?(?:[biuscv]|font|ruby|rt|lang)\b[^<>\n]{0,200}>|<\d[\d:.]{0,20}>|\{\\?[^{}\n]{0,200}\}", re.I)
_SPACE = re.compile(r"\s+")


def parse_subtitles(text: str) -> tuple[Cue, ...]:
    """Return the cues of an SRT or WebVTT text in order of time, without markup. Text that is neither gives none.

    Notes, styles and regions of WebVTT are skipped, as are cues without text or with times that run backwards.
    """
    cues: list[Cue] = []
    lines = text.lstrip("\ufeff").splitlines()
    index = 0
    while index < len(lines) and len(cues) < _MOST_CUES:
        match = _TIMES.match(lines[index])
        index += 1
        if match is None:
            continue
        said: list[str] = []
        while index < len(lines) and lines[index].strip() and not _TIMES.match(lines[index]):
            said.append(lines[index])
            index += 1
        if index < len(lines) and _TIMES.match(lines[index]) and said and said[-1].strip().isdigit():
            said.pop()  # the number of the next cue: the blank line between them is missing
        cues += _cue(_seconds(match[1]), _seconds(match[2]), "\n".join(said))
    return _in_order(cues, cut=len(cues) >= _MOST_CUES and any(map(_TIMES.match, lines[index:])))


def subtitle_cues(file: OpenFile, limits: Limits, control: Control) -> tuple[Cue, ...]:
    """Return the cues of the first text subtitle stream on the container's clock, empty if there is none."""
    from av.error import FFmpegError
    from av.subtitles.subtitle import AssSubtitle

    with opened_container(file, limits) as opened:
        stream = opened.subtitles
        if stream is None or stream.time_base is None:
            return ()
        cues: list[Cue] = []
        cut = False
        for packet in packets_of(opened, stream):
            control.check()
            if packet.pts is None:
                continue
            if len(cues) >= _MOST_CUES:
                cut = True
                break
            start = float(opened.time(packet.pts, stream.time_base))
            end = start + float((packet.duration or 0) * stream.time_base)
            if packet.size > _MOST_PACKET:
                cues.append(Cue(max(0.0, start), max(0.0, end), "", cut=True))
                continue
            try:
                decoded = stream.decode(packet)  # pyright: ignore[reportUnknownMemberType] a Packet without its type argument
                parts = [part for part in decoded if isinstance(part, AssSubtitle)]
            except (FFmpegError, ValueError):
                continue
            text = "\n".join(part.dialogue.decode("utf-8", "replace") for part in parts)
            cues += _cue(start, end, text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " "))
        return _in_order(cues, cut=cut)


def _in_order(cues: list[Cue], *, cut: bool) -> tuple[Cue, ...]:
    """Return the cues by their times; with ``cut``, the last of them says that more would follow."""
    ordered = sorted(cues, key=lambda cue: (cue.start, cue.end))
    if cut and ordered:
        ordered[-1] = replace(ordered[-1], cut=True)
    return tuple(ordered)


def _cue(start: float, end: float, text: str) -> Iterator[Cue]:
    said = _SPACE.sub(" ", html.unescape(_MARKUP.sub("", text[:_MOST_CHARACTERS]))).strip()
    if said and end > max(0.0, start):
        yield Cue(max(0.0, start), end, said, cut=len(text) > _MOST_CHARACTERS)


def _seconds(time: str) -> float:
    *hours, minutes, seconds = time.replace(",", ".").split(":")
    return int(hours[0] if hours else 0) * 3600 + int(minutes) * 60 + float(seconds)
