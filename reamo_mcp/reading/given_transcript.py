"""Transcripts that were given with a recording: found, and their words placed in the sound.

The text of a given transcript is certain; only the times of its words are looked for. A word that the aligner does not
place, or places outside its subtitle, has the bounds of the subtitle; in a plain text it has no time.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from reamo_mcp.errors import ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Cue, Description, SoundWindow
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.subtitles import parse_subtitles
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import HeardWord, Transcriber
from reamo_mcp.reading.perception import Given
from reamo_mcp.reading.setbacks import Gap, answers_to, setback, taken
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.reading import AtTime, Word

_TOKEN = re.compile(r"\S+")
_MARGIN = 0.3  # seconds of sound around subtitles: they are shown a little early or late
_TOLERANCE = 1.0  # seconds that a word may be spoken outside its subtitle
_APART = 0.5  # seconds between subtitles that are aligned together
_LONGEST = 20.0  # seconds of sound that subtitles are aligned in
_LEAST_ALIGNED = 0.8  # share of the words that must be placed for the placed ones to be believed
_WORDS_PER_SECOND = 6  # nobody reads faster


@dataclass(frozen=True)
class Transcript:
    """A transcript as it was given: subtitles, or a plain text without times."""

    model: str
    cues: tuple[Cue, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class PlacedText:
    """The text of a reading and its words; ``gap`` is why some of them were not looked for in the sound."""

    text: str
    words: tuple[Word, ...]
    gap: Gap | None = None


def given_transcript(
    given: Given, description: Description, decoder: Decoder, control: Control
) -> tuple[Transcript | None, tuple[Notice, ...]]:
    """Return the transcript that lies beside a recording or in it, and what was wrong with one that is unusable."""
    notices: list[Notice] = []
    if given.sidecar is not None:
        name = given.sidecar.name
        try:
            text = decoder.text(given.sidecar, control).text
        except Exception as error:  # the sound can be heard without it
            notices.append(_unusable(setback(error, name), given.media_id))
        else:
            cues = parse_subtitles(text)
            if cues:
                return Transcript("given subtitles", cues), tuple(_too_much(cues, given.media_id))
            if text.strip() and PurePath(name).suffix.lower() == ".txt":
                return Transcript("given transcript", text=text), ()
            message = f"{name} holds no subtitles and is not used"
            notices.append(Notice(code="transcript", message=message, media_id=given.media_id))
    if description.has_subtitles:
        try:
            cues = decoder.subtitles(given.file, control)
        except Exception as error:  # the sound can be heard without them, if there is any
            failure = setback(error, f"the subtitles of {given.file.name}")
            if not description.has_sound:
                raise failure from failure.__cause__
            return None, (*notices, _unusable(failure, given.media_id))
        notices += _too_much(cues, given.media_id)
        readable = tuple(cue for cue in cues if cue.text)
        if readable:
            return Transcript("subtitle stream", readable), tuple(notices)
    return None, tuple(notices)


def _unusable(failure: ReamoError, media_id: str) -> Notice:
    gap = Gap.by(failure)
    return Notice(code="transcript", message=gap.reason, media_id=media_id, retryable=gap.retryable)


def _too_much(cues: Sequence[Cue], media_id: str) -> Iterator[Notice]:
    cut = sum(cue.cut for cue in cues)
    if cut:
        message = f"{cut} of {len(cues)} subtitles are longer than any that people read, or too many: they were cut"
        yield Notice(code="transcript", message=message, media_id=media_id)


def cues_within(cues: Sequence[Cue], start: float, end: float) -> tuple[Cue, ...]:
    """Return the subtitles that are shown between two times."""
    return tuple(cue for cue in cues if cue.end > start and cue.start < end)


def place_cues(
    cues: Sequence[Cue], windows: Iterator[SoundWindow], aligner: Transcriber | None, control: Control
) -> PlacedText:
    """Return the subtitles as one text, a line each, every word with its time, as far as it can be found."""
    tape = _Tape(windows)
    ear = _Ear(aligner) if aligner is not None else None
    lines: list[str] = []
    words: list[Word] = []
    at = 0
    for group in _groups(cues):
        control.check()
        heard = _heard_in(group, tape, ear, control) if ear is not None else {}
        for number, cue in enumerate(group):
            words += _words_of(cue, at, heard.get(number, ()))
            lines.append(cue.text)
            at += len(cue.text) + 1
    tape.play_out()
    return PlacedText("\n".join(lines), tuple(words), ear.gap if ear else None)


def place_text(
    text: str, windows: Iterator[SoundWindow], aligner: Transcriber | None, control: Control
) -> tuple[PlacedText, int]:
    """Return a plain text whose words have times where they were found in order, and how many have one.

    Each window is aligned with the words that are still to come and takes as many as it holds.
    """
    tokens = list(_TOKEN.finditer(text))
    ear = _Ear(aligner) if aligner is not None else None
    placed: dict[int, HeardWord] = {}
    next_token = 0
    for window in windows:
        control.check()
        if ear is None or next_token >= len(tokens):
            continue
        seconds = len(window.samples) / SAMPLE_RATE
        ahead = tokens[next_token : next_token + int(seconds * _WORDS_PER_SECOND) + 5]
        heard = ear.words(Sound(window.samples, window.start), " ".join(token[0] for token in ahead), control)
        pairs = _paired([token[0] for token in ahead], heard)
        placed.update((next_token + index, word) for index, word in pairs.items() if word.confident)
        if pairs:
            next_token += max(pairs) + 1
    words = [
        Word(
            start=token.start(),
            end=token.end(),
            place=AtTime(start=placed[number].start, end=placed[number].end) if number in placed else None,
        )
        for number, token in enumerate(tokens)
    ]
    return PlacedText(text, tuple(words), ear.gap if ear else None), len(placed)


class _Tape:
    """Sound that is played once, from which stretches in order of their start are cut."""

    def __init__(self, windows: Iterator[SoundWindow]) -> None:
        self._windows = windows
        self._kept: list[SoundWindow] = []

    def cut(self, start: float, end: float) -> Sound | None:
        """Return the sound between two times, None if there is none."""
        import numpy

        self._kept = [window for window in self._kept if _end(window) > start - _LONGEST]
        while not self._kept or _end(self._kept[-1]) < end:
            window = next(self._windows, None)
            if window is None:
                break
            if _end(window) > start - _LONGEST:
                self._kept.append(SoundWindow(window.start, window.samples.copy()))
        parts = [
            (max(start, window.start), window.samples[_index(window, start) : _index(window, end)])
            for window in self._kept
            if window.start < end and _end(window) > start
        ]
        parts = [part for part in parts if len(part[1])]
        return Sound(numpy.concatenate([samples for _, samples in parts]), parts[0][0]) if parts else None

    def play_out(self) -> None:
        """Play the rest, so that it is known how the sound ends."""
        for _ in self._windows:
            pass


def _end(window: SoundWindow) -> float:
    return window.start + len(window.samples) / SAMPLE_RATE


def _index(window: SoundWindow, time: float) -> int:
    return min(len(window.samples), max(0, round((time - window.start) * SAMPLE_RATE)))


def _groups(cues: Sequence[Cue]) -> Iterator[list[Cue]]:
    """Yield subtitles that follow each other closely: sound and words run across their borders."""
    group: list[Cue] = []
    for cue in cues:
        if group and (cue.start - group[-1].end > _APART or cue.end - group[0].start > _LONGEST):
            yield group
            group = []
        group.append(cue)
    if group:
        yield group


def _heard_in(group: Sequence[Cue], tape: _Tape, ear: "_Ear", control: Control) -> dict[int, Sequence[HeardWord]]:
    """Return the words of each subtitle of a group, by its number, as far as they were found."""
    start, end = group[0].start, max(cue.end for cue in group)
    if end - start > 2 * _LONGEST:
        return {}  # shown too long to tell when anything is said
    sound = tape.cut(max(0.0, start - _MARGIN), end + _MARGIN)
    if sound is None:
        return {}
    tokens = [(number, token[0]) for number, cue in enumerate(group) for token in _TOKEN.finditer(cue.text)]
    heard = ear.words(sound, " ".join(token for _, token in tokens), control)
    if len(heard) < _LEAST_ALIGNED * sum(any(map(str.isalnum, token)) for _, token in tokens):
        return {}
    found: dict[int, list[HeardWord]] = {}
    for index, word in _paired([token for _, token in tokens], heard).items():
        number = tokens[index][0]
        cue = group[number]
        if word.confident and cue.start - _TOLERANCE <= word.start and word.end <= cue.end + _TOLERANCE:
            found.setdefault(number, []).append(word)
    return dict(found)


@dataclass
class _Ear:
    """Finds given words in sound. Where it fails, the text is certain without it; ``gap`` remembers the last time."""

    aligner: Transcriber
    gap: Gap | None = None

    def words(self, sound: Sound, text: str, control: Control) -> tuple[HeardWord, ...]:
        (answer,) = answers_to(lambda: [self.aligner.align(sound, text, control)], 1, "the times of words")
        items, gap = taken(answer)
        self.gap = gap or self.gap
        return items


def _paired(tokens: Sequence[str], heard: Sequence[HeardWord]) -> dict[int, HeardWord]:
    """Return the heard words by the number of their token; both run in the same order, heard ones may be fewer."""
    pairs: dict[int, HeardWord] = {}
    index = 0
    for word in heard:
        while index < len(tokens) and tokens[index] != word.text:
            index += 1
        if index == len(tokens):
            break
        pairs[index] = word
        index += 1
    return pairs


def _words_of(cue: Cue, at: int, heard: Sequence[HeardWord]) -> Iterator[Word]:
    tokens = list(_TOKEN.finditer(cue.text))
    pairs = _paired([token[0] for token in tokens], heard)
    for number, token in enumerate(tokens):
        if number in pairs:
            place = AtTime(start=pairs[number].start, end=pairs[number].end)
        elif any(map(str.isalnum, token[0])):
            place = AtTime(start=cue.start, end=cue.end)
        else:
            continue  # a dash is not spoken
        yield Word(start=at + token.start(), end=at + token.end(), place=place)
