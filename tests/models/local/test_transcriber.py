"""The local transcriber over speech of tones: everything of it but the models, without torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reamo_mcp.errors import Cancelled, ModelUnavailable, OutOfMemory
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.local.listening import HeardPart
from reamo_mcp.models.local.transcriber import LocalTranscriber
from reamo_mcp.models.roles import Answer, Failed, Found, HeardWord, ModelCard, SpeechTranscript
from tests.doubles.stopping import StopsAfter
from tests.doubles.tone_speech import Samples, ToneActivity, ToneAligner, ToneRecogniser, tone_speech

CARD = ModelCard(role="transcriber", name="tones", revision="1", accepts=("audio",))
WORDS = st.lists(st.sampled_from("reamo hears every word once and no word twice or never".split()), max_size=90)


def heard(samples: Samples, recogniser: ToneRecogniser, start: float = 0.0) -> SpeechTranscript:
    transcriber = LocalTranscriber(CARD, ToneActivity(), recogniser)
    (transcript,) = transcriber.transcribe(iter([Sound(samples, start)]), Unlimited())
    return transcript


def items(answer: Answer[HeardWord]) -> tuple[HeardWord, ...]:
    assert isinstance(answer, Found)
    return answer.items


@settings(max_examples=30, deadline=None)
@given(WORDS, st.dictionaries(st.integers(0, 89), st.floats(0.1, 4.0)), st.sampled_from([0.0, 100.0]))
def test_long_speech_is_heard_in_passes_without_doubling_or_losing_a_word(
    words: list[str], pauses: dict[int, float], start: float
) -> None:
    samples, said = tone_speech(words, pauses)
    recogniser = ToneRecogniser()
    transcript = heard(samples, recogniser, start)
    assert [word.text for word in transcript.words] == words
    for word, true in zip(transcript.words, said, strict=True):
        assert word.start - start == pytest.approx(true.start, abs=0.05)
        assert word.end - start == pytest.approx(true.end, abs=0.05)
    assert all(length <= 30 for lengths in recogniser.asked for length in lengths)


def test_a_minute_of_speech_without_a_pause_takes_several_passes_heard_together() -> None:
    samples, said = tone_speech(["consequently"] * 60)
    recogniser = ToneRecogniser()
    assert len(heard(samples, recogniser).words) == len(said)
    assert [len(lengths) for lengths in recogniser.asked] == [3]


def test_where_nobody_speaks_no_model_is_asked() -> None:
    recogniser, aligner = ToneRecogniser(), ToneAligner()
    transcriber = LocalTranscriber(CARD, ToneActivity(), recogniser, aligner)
    silence = Sound(numpy.zeros(20 * SAMPLE_RATE, numpy.float32))
    assert list(transcriber.transcribe(iter([silence]), Unlimited())) == [SpeechTranscript(speech=(), words=())]
    assert items(transcriber.align(silence, "nobody", Unlimited())) == ()
    assert recogniser.asked == []


class Inventive(ToneRecogniser):
    """Hears a word in the silence as well."""

    def hear(self, parts: Sequence[Samples], language: str | None, control: Control) -> list[HeardPart]:
        made_up = HeardWord(text="thanks", start=2.0, end=2.5, confidence=0.9, confident=True)
        return [
            HeardPart(part.language, (part.words[0], made_up, part.words[1]))
            for part in super().hear(parts, language, control)
        ]


def test_a_word_that_a_model_hears_where_nobody_speaks_is_dropped() -> None:
    samples, _ = tone_speech(["yes", "no"], {0: 4.0})
    assert [word.text for word in heard(samples, Inventive()).words] == ["yes", "no"]


@dataclass
class Small(ToneRecogniser):
    """Has memory for so many parts at once."""

    room: int = 1

    def hear(self, parts: Sequence[Samples], language: str | None, control: Control) -> list[HeardPart]:
        if len(parts) > self.room:
            raise OutOfMemory("too much")
        return super().hear(parts, language, control)


def test_passes_are_heard_one_by_one_where_the_memory_holds_no_more() -> None:
    samples, said = tone_speech(["consequently"] * 60)
    recogniser = Small()
    assert len(heard(samples, recogniser).words) == len(said)
    assert [len(lengths) for lengths in recogniser.asked] == [1, 1, 1]


def test_memory_that_does_not_suffice_for_one_part_is_told_as_that() -> None:
    samples, _ = tone_speech(["yes"])
    transcriber = LocalTranscriber(CARD, ToneActivity(), Small(room=0))
    with pytest.raises(OutOfMemory):
        list(transcriber.transcribe(iter([Sound(samples)]), Unlimited()))
    answer = transcriber.align(Sound(samples), "yes", Unlimited())
    assert isinstance(answer, Failed)
    assert answer.code == OutOfMemory.code


class Missing(ToneRecogniser):
    def hear(self, parts: Sequence[Samples], language: str | None, control: Control) -> list[HeardPart]:
        raise ModelUnavailable("no weights", "reamo-mcp models pull")


def test_missing_weights_are_told_with_their_remedy() -> None:
    with pytest.raises(ModelUnavailable, match="reamo-mcp models pull"):
        heard(tone_speech(["yes"])[0], Missing())


@settings(max_examples=20, deadline=None)
@given(WORDS.filter(bool), WORDS)
@example([*["reamo"] * 13, *["word"] * 11, "no", "reamo"], [])  # one stands across the cut of an utterance
def test_given_words_are_placed_and_those_after_the_end_are_left(words: list[str], more: list[str]) -> None:
    words = words[:40]
    samples, said = tone_speech(words)
    transcriber = LocalTranscriber(CARD, ToneActivity(), ToneRecogniser(), ToneAligner())
    found = items(transcriber.align(Sound(samples, 10.0), " ".join([*words, "—", *more]), Unlimited()))
    assert [word.text for word in found[: len(words)]] == words
    assert len(found) <= len(words) + 1, "a letter of the next word may be taken for heard"
    for word, true in zip(found, said, strict=False):
        assert word.start == pytest.approx(true.start + 10, abs=0.05)
        assert word.confident


def test_words_that_are_not_said_are_not_placed() -> None:
    samples, _ = tone_speech(["every", "word", "once"])
    transcriber = LocalTranscriber(CARD, ToneActivity(), ToneRecogniser(), ToneAligner())
    assert items(transcriber.align(Sound(samples), "unlikely quibbling jazz", Unlimited())) == ()
    assert items(transcriber.align(Sound(samples), "— … !", Unlimited())) == ()


@pytest.mark.parametrize("aligner", [None, ToneAligner()])
def test_without_letters_that_the_aligner_knows_given_words_are_those_that_are_heard(
    aligner: ToneAligner | None,
) -> None:
    samples, said = tone_speech(["every", "word", "once"])
    transcriber = LocalTranscriber(CARD, ToneActivity(), ToneRecogniser(), aligner)
    answer = transcriber.align(Sound(samples), "Каждое слово: Every word" if aligner else "Every word", Unlimited())
    found = items(answer)
    assert [(word.text, word.start) for word in found] == [("Every", said[0].start), ("word", said[1].start)]


@pytest.mark.parametrize("looks", [0, 1])
def test_work_stops_when_asked_to_and_goes_on_afterwards(looks: int) -> None:
    samples, _ = tone_speech(["yes"])
    transcriber = LocalTranscriber(CARD, ToneActivity(), ToneRecogniser())
    with pytest.raises(Cancelled):
        next(transcriber.transcribe(iter([Sound(samples)]), StopsAfter(looks)))
    assert next(transcriber.transcribe(iter([Sound(samples)]), Unlimited())).words


def test_the_language_of_the_first_words_is_that_of_the_window_unless_it_is_given() -> None:
    @dataclass
    class Polyglot(ToneRecogniser):
        room: int = 1

        def hear(self, parts: Sequence[Samples], language: str | None, control: Control) -> list[HeardPart]:
            if len(parts) > self.room:
                raise OutOfMemory("too much")
            languages.append(language)
            return super().hear(parts, language, control)

    samples, _ = tone_speech(["consequently"] * 60)
    for given_language, expected in ((None, [None, "en", "en"]), ("de", ["de"] * 3)):
        languages: list[str | None] = []
        transcriber = LocalTranscriber(CARD, ToneActivity(), Polyglot(), language=given_language)
        heard = next(transcriber.transcribe(iter([Sound(samples)]), Unlimited()))
        assert languages == expected
        assert heard.language == expected[-1]
        assert all(a.start <= b.start for a, b in pairwise(heard.words))
