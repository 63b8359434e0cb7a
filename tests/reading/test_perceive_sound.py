from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import EngineFailed
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.transcriber import EmbeddedTranscriber
from reamo_mcp.models.roles import Answer, Found, HeardWord, ModelCard, SpeechTranscript, Transcriber
from reamo_mcp.reading.perceive_sound import perceive_sound, perceive_speech
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.settings import Limits
from reamo_mcp.types.media import AudioMedium, Part
from reamo_mcp.types.reading import AtTime, Reading
from tests.doubles.scripted_roles import ScriptedNameSpotter
from tests.media_samples import VideoSample, write_sound, write_video

NOISE = numpy.random.default_rng(0).normal(0, 0.05, 70 * 16_000).astype(numpy.float32)
SRT = "1\n00:00:01,000 --> 00:00:03,000\nAda Lovelace — met\n\n2\n00:00:05,000 --> 00:00:06,000\nCharles Babbage\n"


def word(text: str, start: float, end: float, *, confident: bool = True) -> HeardWord:
    return HeardWord(text=text, start=start, end=end, confidence=0.5, confident=confident)


@dataclass
class Listener:
    """Hears its words in the windows that hold them; aligns each token of a text to a fifth of a second in turn."""

    words: tuple[HeardWord, ...] = ()
    fails_at: float | None = None
    aligns: bool = True
    languages: tuple[str, ...] = ("en",)
    draft: bool = True
    language: str | None = "en"
    windows: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    aligned: list[str] = field(default_factory=list[str])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="transcriber", name="listener", revision="1", languages=self.languages, draft=self.draft)

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        for sound in sounds:
            end = sound.start + len(sound.samples) / 16_000
            self.windows.append((sound.start, len(sound.samples)))
            if self.fails_at is not None and end > self.fails_at:
                raise EngineFailed("the engine died over speech")
            words = tuple(w for w in self.words if sound.start <= w.start < end)
            yield SpeechTranscript(speech=(), words=words, language=self.language if words else None)

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        self.aligned.append(text)
        if not self.aligns:
            return Found(())
        fits = text.split()[: len(sound.samples) // 3200]
        spoken = [token for token in fits if any(map(str.isalnum, token))]
        start = sound.start + 0.3
        return Found(tuple(word(token, start + 0.2 * n, start + 0.2 * n + 0.15) for n, token in enumerate(spoken)))


def perceived(
    path: Path, transcriber: Transcriber | None, sidecar: Path | None = None, part: Part | None = None
) -> Perception:
    control, limits = Unlimited(), Limits()
    decoder = LocalDecoder(limits)
    with open_file(str(path), Allowed.named(), limits, control) as file:
        senses = Senses(decoder, None, transcriber)
        description = decoder.describe(file, control)
        if sidecar is None:
            return perceive_sound(Given(file, "m1", part or Part()), description, senses, control)
        with open_file(str(sidecar), Allowed.named(), limits, control) as beside:
            return perceive_sound(Given(file, "m1", part or Part(), beside), description, senses, control)


def listened(path: Path, spotter: ScriptedNameSpotter, *expected: str) -> Perception:
    control, limits = Unlimited(), Limits()
    decoder = LocalDecoder(limits)
    with open_file(str(path), Allowed.named(), limits, control) as file:
        senses = Senses(decoder, None, Listener((word("jon", 1, 1.4), word("was", 4, 4.5))), spotter)
        given = Given(file, "m1", expected=expected)
        return perceive_sound(given, decoder.describe(file, control), senses, control)


def speech(perception: Perception) -> Reading:
    (reading,) = [reading for reading in perception.readings if reading.kind == "transcript"]
    return reading


def times(reading: Reading) -> list[tuple[str, float, float]]:
    return [
        (reading.text[w.start : w.end], round(w.place.start, 2), round(w.place.end, 2))
        for w in reading.words
        if isinstance(w.place, AtTime)
    ]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_sound(tmp_path / "talk.wav", NOISE[: 10 * 16_000])


def test_a_draft_says_that_it_is_one_and_which_words_are_doubtful(recording: Path) -> None:
    words = (word("ada", 1, 1.4), word("met", 1.5, 1.8, confident=False), word("babbage", 4, 4.5))
    perception = perceived(recording, Listener(words))
    reading = speech(perception)
    assert (reading.id, reading.text, reading.draft, reading.language) == ("m1.speech", "ada met\nbabbage", True, "en")
    assert times(reading) == [("ada", 1, 1.4), ("met", 1.5, 1.8), ("babbage", 4, 4.5)]
    assert [w.confident for w in reading.words] == [True, False, True]
    assert isinstance(perception.medium, AudioMedium)
    assert perception.medium.duration == pytest.approx(10)
    (covered,) = perception.coverage
    assert (covered.reader, covered.unit, covered.read, covered.total) == ("speech", "seconds", 10, 10)
    assert {ask.what for ask in perception.unsupported} == {"sound_events", "speakers", "languages"}


def test_what_a_reliable_recogniser_hears_is_no_draft_and_has_the_language_that_it_heard(recording: Path) -> None:
    words = (word("ada", 1, 1.4), word("traf", 1.5, 1.8))
    perception = perceived(recording, Listener(words, languages=(), draft=False, language="de"))
    reading = speech(perception)
    assert (reading.text, reading.draft, reading.language) == ("ada traf", False, "de")
    assert {ask.what for ask in perception.unsupported} == {"sound_events", "speakers"}


def test_a_name_of_the_other_files_is_heard_in_a_draft_at_its_time(recording: Path) -> None:
    spotter = ScriptedNameSpotter(word("John Dashwood", 0.9, 1.6))
    reading = speech(listened(recording, spotter, "John Dashwood", "Nancy Ajram"))
    assert times(reading) == [("John Dashwood", 0.9, 1.6), ("was", 4, 4.5)]
    assert reading.draft
    assert reading.model == "listener+scripted"
    assert speech(listened(recording, ScriptedNameSpotter(spotter.name))).text == "jon\nwas", "nobody expects it"


def test_a_spotter_that_fails_is_told_once_and_leaves_the_draft(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", NOISE)
    spotter = ScriptedNameSpotter(word("John Dashwood", 0.9, 1.6), bears=1)
    perception = listened(path, spotter, "John Dashwood")
    assert times(speech(perception))[0] == ("John Dashwood", 0.9, 1.6)
    assert [notice.code for notice in perception.notices] == ["names"]
    assert perception.retryable
    assert len(spotter.asked) == 2


def test_long_sound_is_heard_in_windows_without_a_gap(tmp_path: Path) -> None:
    listener = Listener()
    perceived(write_sound(tmp_path / "a.wav", NOISE), listener)
    position = 0.0
    for start, samples in listener.windows:
        assert start == pytest.approx(position)
        assert samples <= 30 * 16_000
        position += samples / 16_000
    assert position == pytest.approx(70)


def test_without_a_transcriber_speech_is_unsupported(recording: Path) -> None:
    perception = perceived(recording, None)
    assert not perception.readings
    assert not perception.coverage
    assert "speech" in {ask.what for ask in perception.unsupported}
    assert isinstance(perception.medium, AudioMedium)
    assert perception.medium.duration == pytest.approx(10)


def test_an_engine_that_fails_midway_leaves_what_was_heard(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", NOISE)
    perception = perceived(path, Listener((word("ada", 1, 1.4),), fails_at=40))
    assert speech(perception).text == "ada"
    (covered,) = perception.coverage
    assert 18 <= covered.read <= 30
    (missed,) = covered.not_read
    assert (missed.start, missed.reason) == (covered.read, "the engine died over speech")
    assert missed.end > covered.read


def test_given_subtitles_are_used_before_any_recogniser(recording: Path) -> None:
    sidecar = recording.with_suffix(".srt")
    sidecar.write_text(SRT, encoding="utf-8")
    listener = Listener((word("never", 1, 2),))
    reading = speech(perceived(recording, listener, sidecar))
    assert reading.text == "Ada Lovelace — met\nCharles Babbage"
    assert not reading.draft
    assert not listener.windows
    assert times(reading) == [
        ("Ada", 1.0, 1.15),
        ("Lovelace", 1.2, 1.35),
        ("met", 1.4, 1.55),
        ("Charles", 5.0, 5.15),
        ("Babbage", 5.2, 5.35),
    ]


@pytest.mark.parametrize("listener", [None, Listener(aligns=False)])
def test_words_that_cannot_be_placed_have_the_bounds_of_their_subtitle(
    recording: Path, listener: Listener | None
) -> None:
    sidecar = recording.with_suffix(".srt")
    sidecar.write_text(SRT, encoding="utf-8")
    reading = speech(perceived(recording, listener, sidecar))
    assert times(reading)[0] == ("Ada", 1, 3)
    assert times(reading)[-1] == ("Babbage", 5, 6)


def test_a_plain_transcript_is_placed_window_by_window_and_its_rest_has_no_time(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", NOISE)
    sidecar = tmp_path / "a.txt"
    tokens = [f"word{number}" for number in range(400)]
    sidecar.write_text(" ".join(tokens), encoding="utf-8")
    perception = perceived(path, Listener(), sidecar)
    reading = speech(perception)
    placed = times(reading)
    assert [token for token, _, _ in placed] == tokens[: len(placed)]
    assert placed == sorted(placed, key=lambda item: item[1])
    assert 300 < len(placed) < 400
    assert len(reading.words) == 400
    assert [notice.code for notice in perception.notices] == ["alignment"]


def test_a_text_that_does_not_fit_gets_no_times(recording: Path) -> None:
    sidecar = recording.with_suffix(".txt")
    sidecar.write_text("Ada Lovelace", encoding="utf-8")
    reading = speech(perceived(recording, Listener(aligns=False), sidecar))
    assert reading.text == "Ada Lovelace"
    assert times(reading) == []


def test_only_the_wanted_seconds_are_heard(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", NOISE)
    listener = Listener((word("early", 2, 3), word("wanted", 21, 22), word("late", 50, 51)))
    perception = perceived(path, listener, part=Part(seconds=(20, 30)))
    assert speech(perception).text == "wanted"
    assert (perception.coverage[0].read, perception.coverage[0].total) == (10, 10)
    assert isinstance(perception.medium, AudioMedium)
    assert perception.medium.duration == pytest.approx(70)


def test_an_unusable_sidecar_is_told_and_the_sound_is_heard(recording: Path) -> None:
    sidecar = recording.with_suffix(".srt")
    sidecar.write_text("no times here", encoding="utf-8")
    perception = perceived(recording, Listener((word("ada", 1, 1.4),)), sidecar)
    assert speech(perception).text == "ada"
    assert [notice.code for notice in perception.notices] == ["transcript"]


def test_the_subtitles_of_a_silent_video_are_read_at_the_times_they_are_shown(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", VideoSample(frames=120, subtitles=((0.5, 1.5, "Ada Lovelace"),)))
    control, limits = Unlimited(), Limits()
    decoder = LocalDecoder(limits)
    with open_file(str(path), Allowed.named(), limits, control) as file:
        description = decoder.describe(file, control)
        heard = perceive_speech(Given(file, "m1"), description, Senses(decoder, None, Listener()), control)
    (reading,) = heard.readings
    assert times(reading) == [("Ada", 0.5, 1.5), ("Lovelace", 0.5, 1.5)]


@pytest.mark.data
def test_a_real_text_is_placed_in_a_real_reading(real_data: Path, tmp_path: Path) -> None:
    base = real_data / "dev" / "audio" / "speech" / "ljspeech"
    said = (base / "metadata.csv").read_text(encoding="utf-8").splitlines()[3].split("|")[2]
    sidecar = tmp_path / "LJ001-0004.txt"
    sidecar.write_text(said, encoding="utf-8")
    reading = speech(perceived(base / "wavs" / "LJ001-0004.flac", EmbeddedTranscriber(), sidecar))
    placed = times(reading)
    assert [token for token, _, _ in placed] == said.split()
    assert all(0 <= start < end <= 5.14 for _, start, end in placed)


def test_a_recording_in_which_nobody_speaks_says_so(recording: Path) -> None:
    silent = perceived(recording, Listener())
    assert [notice.code for notice in silent.notices] == ["no_speech"]
    assert silent.coverage[0].not_read == ()
    spoken = perceived(recording, Listener((word("ada", 1, 1.4),)))
    assert not spoken.notices
