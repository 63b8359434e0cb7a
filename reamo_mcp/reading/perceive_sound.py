"""Perceiving sound: what is said in a recording or in the sound track of a video, each word with its time.

A transcript that was given is used before any recogniser. What an unreliable recogniser hears is marked as a draft.
Names that the other media of the document write are listened for where there is a model for it.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Description, Outcome, SoundWindow
from reamo_mcp.media.pauses import cut_at_pauses
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import HeardWord, SpeechTranscript, Transcriber
from reamo_mcp.reading.expected_names import with_names
from reamo_mcp.reading.given_transcript import Transcript, cues_within, given_transcript, place_cues, place_text
from reamo_mcp.reading.metadata import metadata_reading
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.reading.setbacks import Gap, answers_to, setback, taken
from reamo_mcp.types.coverage import MediumCoverage, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.media import AudioMedium
from reamo_mcp.types.reading import AtTime, Reading, Word

_NEW_LINE = 0.5  # seconds of silence after which the transcript goes on in a new line


class Heard(NamedTuple):
    """What was heard of one medium: its part of a `Perception`."""

    readings: tuple[Reading, ...] = ()
    coverage: tuple[MediumCoverage, ...] = ()
    unsupported: tuple[UnsupportedAsk, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass
class _Listening:
    """One pass over the sound of a medium: how far it is, and why it ended early."""

    given: Given
    description: Description
    senses: Senses
    control: Control
    outcome: Outcome = field(default_factory=Outcome)
    played: float | None = None  # end of the last window of sound, in seconds
    failure: Gap | None = None  # why the rest was not heard
    unspotted: Notice | None = None  # why expected names were not listened for
    silent: bool = False  # no sound could be decoded at all
    speechless: bool = False  # all that was heard is no speech

    @property
    def start(self) -> float:
        return self.given.wanted(self.description.duration)[0]

    @property
    def promised(self) -> float:
        """The end of what is wanted, as far as the header can be believed."""
        return self.given.wanted(self.description.duration)[1]

    @property
    def end(self) -> float:
        return self.outcome.end.read if self.outcome.end else (self.played or 0.0)

    def windows(self) -> Iterator[SoundWindow]:
        """Yield the wanted sound. A decoder that dies later than at once ends it early."""
        try:
            for window in self.senses.decoder.sound(
                self.given.file, self.given.part.seconds, self.outcome, self.control
            ):
                yield window
                self.played = window.start + len(window.samples) / SAMPLE_RATE
                self.control.progress(self.played - self.start, max(self.promised, self.played) - self.start, "seconds")
        except Exception as error:  # what was heard until then is worth having
            if self.played is None:
                self.silent = True
                raise
            self.failure = Gap.by(setback(error, f"the sound of {self.given.file.name}"))

    def coverage(self, heard_until: float) -> MediumCoverage:
        missed = list(self.outcome.end.not_read if self.outcome.end else ())
        end = max(heard_until, self.end, self.promised if self.failure else 0.0, self.start)
        if self.failure is not None and heard_until < end:
            missed.insert(0, self.failure.not_read("seconds", heard_until, end))
        total = max([end, *(stretch.end for stretch in missed)]) - self.start
        return MediumCoverage(
            media_id=self.given.media_id,
            reader="speech",
            unit="seconds",
            total=total,
            read=max(0.0, heard_until - self.start),
            not_read=tuple(missed),
        )


def perceive_sound(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return what is said in a recording. Raises what the decoder raises if no sound of it can be decoded."""
    listening = _Listening(given, description, senses, control)
    heard = _listen(listening)
    medium = AudioMedium(
        id=given.media_id,
        name=given.file.name,
        sha256=given.file.sha256,
        format=description.format,
        duration=max(listening.end, description.duration if given.part.seconds else 0.0),
    )
    return Perception(
        medium=medium,
        readings=(*heard.readings, *metadata_reading(given.media_id, description.facts)),
        coverage=heard.coverage,
        unsupported=heard.unsupported,
        notices=(*description.notices, *heard.notices),
    )


def perceive_speech(given: Given, description: Description, senses: Senses, control: Control) -> Heard:
    """Return what is said in the sound of a recording or video, without its metadata.

    Honours ``given.part.seconds`` and ``given.sidecar``, and reports progress in seconds. Without sound, only a given
    transcript is read. Raises what the decoder raises if no sound can be decoded.
    """
    return _listen(_Listening(given, description, senses, control))


def _listen(listening: _Listening) -> Heard:
    given, senses = listening.given, listening.senses
    transcript, notices = given_transcript(given, listening.description, senses.decoder, listening.control)
    if not listening.description.has_sound:
        return _shown(listening, transcript, notices)
    if transcript is not None:
        reading, more = _use(transcript, listening)
        covered = listening.coverage(listening.end)
    else:
        reading, heard_until = _recognised(listening)
        covered = listening.coverage(heard_until)
        more = tuple(_about_hearing(listening))
    ended = listening.outcome.end
    return Heard(
        readings=(reading,) if reading else (),
        coverage=(covered,) if reading else (),
        unsupported=tuple(_unsupported(listening, transcript)),
        notices=(*notices, *more, *(ended.notices if ended else ())),
    )


def _about_hearing(listening: _Listening) -> Iterator[Notice]:
    if listening.unspotted is not None:
        yield listening.unspotted
    if listening.speechless:
        message = f"nobody speaks in what was heard of {listening.given.file.name}"
        yield Notice(code="no_speech", message=message, media_id=listening.given.media_id)


def _shown(listening: _Listening, transcript: Transcript | None, notices: tuple[Notice, ...]) -> Heard:
    """Return the subtitles of a video without sound: their times are those at which they are shown."""
    if transcript is None or not transcript.cues:
        return Heard(notices=notices)
    cues = cues_within(transcript.cues, listening.start, listening.promised)
    placed = place_cues(cues, iter(()), None, listening.control)
    return Heard((_reading(listening, transcript.model, placed.text, placed.words),), notices=notices)


def _use(transcript: Transcript, listening: _Listening) -> tuple[Reading, tuple[Notice, ...]]:
    aligner = listening.senses.transcriber
    model = f"{transcript.model}+{aligner.card.name}" if aligner else transcript.model
    windows = cut_at_pauses(listening.windows())
    told: list[Notice] = []
    if transcript.cues:
        wanted = listening.given.part.seconds
        cues = cues_within(transcript.cues, *wanted) if wanted else transcript.cues
        placed = place_cues(cues, windows, aligner, listening.control)
    else:
        placed, found = place_text(transcript.text, windows, aligner, listening.control)
        if found < len(placed.words):
            message = f"{found} of the {len(placed.words)} words of the given transcript were found in the sound"
            told.append(Notice(code="alignment", message=message, media_id=listening.given.media_id))
    if placed.gap is not None:
        message = f"some words of the given transcript were not looked for in the sound: {placed.gap.reason}"
        retryable = placed.gap.retryable
        told.append(Notice(code="alignment", message=message, media_id=listening.given.media_id, retryable=retryable))
    return _reading(listening, model, placed.text, placed.words), tuple(told)


def _recognised(listening: _Listening) -> tuple[Reading | None, float]:
    """Return what the transcriber hears, and up to which time it heard."""
    transcriber = listening.senses.transcriber
    if transcriber is None:
        for _ in listening.windows():
            pass  # the sound is played all the same: only so is its true length known
        return None, listening.start
    lines: list[list[HeardWord]] = []
    languages: Counter[str] = Counter()
    heard_until = listening.start
    spoken = False
    try:
        for sound, transcript in _transcribed(listening, transcriber):
            heard_until = sound.start + len(sound.samples) / SAMPLE_RATE
            spoken = spoken or bool(transcript.speech or transcript.words)
            if transcript.language is not None:
                languages[transcript.language] += len(transcript.words)
            for word in with_names(transcript.words, _names_in(sound, listening)):
                if not lines or word.start - lines[-1][-1].end > _NEW_LINE:
                    lines.append([])
                lines[-1].append(word)
    except Exception as error:  # what was heard until then is worth having
        if listening.silent:
            raise
        listening.failure = Gap.by(setback(error, f"the speech of {listening.given.file.name}"))
    else:
        heard_until = listening.end if listening.failure is None else heard_until
    listening.speechless = not spoken and heard_until > listening.start
    text, words = _text_of(lines)
    spotter = listening.senses.name_spotter if listening.given.expected else None
    model = f"{transcriber.card.name}+{spotter.card.name}" if spotter else transcriber.card.name
    reading = _reading(listening, model, text, words)
    language = next((name for name, _ in languages.most_common(1)), None)
    return reading.model_copy(update={"language": language, "draft": transcriber.card.draft}), heard_until


def _transcribed(listening: _Listening, transcriber: Transcriber) -> Iterator[tuple[Sound, SpeechTranscript]]:
    """Yield each window of sound with what is said in it."""
    waiting: deque[Sound] = deque()

    def sounds() -> Iterator[Sound]:
        for window in cut_at_pauses(listening.windows()):
            waiting.append(Sound(window.samples, window.start))
            yield waiting[-1]

    for transcript in transcriber.transcribe(sounds(), listening.control):
        listening.control.check()
        yield waiting.popleft(), transcript


def _names_in(sound: Sound, listening: _Listening) -> tuple[HeardWord, ...]:
    """Return the expected names that are said in a window. A spotter that fails is told once, and the draft stays."""
    spotter = listening.senses.name_spotter
    if spotter is None or not listening.given.expected or listening.unspotted is not None:
        return ()
    expected = listening.given.expected
    (answer,) = answers_to(lambda: [spotter.spot(sound, expected, listening.control)], 1, "names in speech")
    names, gap = taken(answer)
    if gap is not None:
        message = f"names of the other files were not listened for from {sound.start:.0f} s on: {gap.reason}"
        media_id = listening.given.media_id
        listening.unspotted = Notice(code="names", message=message, media_id=media_id, retryable=gap.retryable)
    return names


def _text_of(lines: list[list[HeardWord]]) -> tuple[str, tuple[Word, ...]]:
    words: list[Word] = []
    at = 0
    for line in lines:
        for heard in line:
            words.append(
                Word(
                    start=at,
                    end=at + len(heard.text),
                    place=AtTime(start=heard.start, end=heard.end),
                    confidence=heard.confidence,
                    confident=heard.confident,
                )
            )
            at += len(heard.text) + 1
    return "\n".join(" ".join(word.text for word in line) for line in lines), tuple(words)


def _reading(listening: _Listening, model: str, text: str, words: tuple[Word, ...]) -> Reading:
    media_id = listening.given.media_id
    return Reading(
        id=f"{media_id}.speech",
        media_id=media_id,
        kind="transcript",
        model=model,
        text=text,
        words=words,
    )


def _unsupported(listening: _Listening, transcript: Transcript | None) -> Iterator[UnsupportedAsk]:
    media_id = listening.given.media_id
    yield UnsupportedAsk(
        media_id=media_id, what="sound_events", reason="this engine hears speech; it names no other sounds and no music"
    )
    yield UnsupportedAsk(media_id=media_id, what="speakers", reason="this engine does not tell speakers apart")
    if transcript is not None:
        return
    transcriber = listening.senses.transcriber
    if transcriber is None:
        yield UnsupportedAsk(media_id=media_id, what="speech", reason="no transcriber")
    elif transcriber.card.languages:
        yield UnsupportedAsk(
            media_id=media_id,
            what="languages",
            reason=f"the recogniser notices no other language ({transcriber.card.limits}): "
            "give a transcript (.srt, .vtt or .txt) beside the recording",
        )
