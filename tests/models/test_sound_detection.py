"""The check without which nothing is heard; it needs no model: it is tried on scorers of known habits."""

# scipy publishes no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable
from itertools import pairwise

import numpy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import resample_poly
from scipy.special import softmax

from reamo_mcp.errors import Cancelled, EngineFailed, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import Failed, Found, HeardSpan, Unsupported
from reamo_mcp.models.sound_detection import (
    EVERYWHERE,
    HOP,
    NOWHERE,
    WINDOW,
    Extent,
    SoundDecision,
    SoundSegmenter,
    common_rivals,
    is_silent,
    rare_rivals,
    shares,
    stretches,
    tripled,
    window_of,
    winning,
)
from tests.doubles.signal_modules import share_of
from tests.doubles.sound_scorers import AlwaysScorer, ToneScorer, tones
from tests.doubles.stopping import StopsAfter
from tests.models.contracts import check_audio_segmenter

DECISION = SoundDecision(threshold=0.3, margin=0.05)
ABSENT = [f"{thing} {doing}" for doing in ("close by", "far away", "in a hall", "again and again") for thing in (
    "a dog barking", "a cat", "a baby crying", "an alarm", "a door", "glass breaking", "a siren", "rain", "thunder",
    "a bird", "a cow", "footsteps", "applause", "a bell", "a phone", "a train", "a plane", "a saw", "a hammer", "water",
    "fire", "a horse", "a frog", "a bee", "laughter",
)]  # fmt: skip


def spans_of(segmenter: SoundSegmenter, sound: Sound, phrase: str) -> tuple[HeardSpan, ...]:
    (answer,) = segmenter.segment(sound, [phrase], Unlimited())
    assert isinstance(answer, Found)
    return answer.items


def test_the_segmenter_keeps_the_contract() -> None:
    check_audio_segmenter(SoundSegmenter(ToneScorer()), ["a low tone", "a high tone", "a dog barks"])


def seconds(least: float, most: float) -> st.SearchStrategy[float]:
    """Return times of hundredths of a second, as fine as the double hears."""
    return st.integers(round(100 * least), round(100 * most)).map(lambda hundredths: hundredths / 100)


@given(seconds(2.1, 6), seconds(0, 4), seconds(3, 6), seconds(2.1, 5), seconds(0, 2), st.sampled_from([0.0, 1e4]))
@example(3.0, 0.62, 3.0, 3.0, 0.0, 0.0)  # it begins within the first window
@example(3.0, 0.0, 3.0, 3.0, 0.37, 30.0)  # it ends within the last one
@settings(max_examples=40, deadline=None)
def test_planted_sounds_are_found_at_their_times_within_a_hop(
    first: float, before: float, between: float, second: float, after: float, start: float
) -> None:
    times = [start + before, start + before + first]
    times += [times[1] + between, times[1] + between + second]
    sound = tones(
        times[3] + after - start,
        ("low", times[0], times[1]),
        ("low", times[2], times[3]),
        ("high", times[1], times[2]),
        start=start,
    )
    segmenter = SoundSegmenter(ToneScorer())
    low, high, middle = segmenter.segment(sound, ["a low tone", "the high tone", "a middle tone"], Unlimited())
    assert isinstance(low, Found)
    assert isinstance(high, Found)
    found = [edge for span in (*low.items, *high.items) for edge in (span.start, span.end)]
    assert found == pytest.approx([*times, times[1], times[2]], abs=HOP + 1e-6)
    assert middle == Found(())
    assert all(span.score > 0.5 for span in low.items)


def test_what_is_shorter_than_a_window_is_found_around_its_time() -> None:
    easy = SoundDecision(threshold=0.2, margin=0.05)
    (span,) = spans_of(SoundSegmenter(ToneScorer(easy)), tones(12, ("low", 5.0, 5.6)), "a low tone")
    assert span.start <= 5.0
    assert span.end >= 5.6
    assert span.end - span.start <= WINDOW + HOP


HABITS: dict[str, Callable[[str, int], float]] = {
    "always sure": lambda _phrase, _window: 0.9,
    "sure by chance": lambda phrase, _: 0.4 + 0.5 * share_of(phrase, "level"),
    "now and then, by chance": lambda phrase, window: 0.4 + 0.5 * share_of(phrase, f"{window}"),
    "more of some, by chance": lambda phrase, window: (
        0.3 + 0.3 * share_of(phrase, "level") + 0.3 * share_of(phrase, f"{window}")
    ),
    "always as sure as can be": lambda _phrase, _window: 1.0,
    "never sure": lambda phrase, window: 0.25 * share_of(phrase, f"{window}"),
}


@pytest.mark.parametrize("seconds", [1, 6, 30])
@pytest.mark.parametrize("habit", HABITS)
def test_a_segmenter_that_always_answers_is_caught_on_at_least_95_of_100_absent_phrases(
    habit: str, seconds: int
) -> None:
    segmenter = SoundSegmenter(AlwaysScorer(HABITS[habit], DECISION))
    answers = segmenter.segment(tones(seconds), ABSENT, Unlimited())
    assert len(ABSENT) == 100
    assert sum(answer == Found(()) for answer in answers) >= 95


def test_without_rivals_the_same_segmenter_would_be_believed_every_time() -> None:
    none = numpy.zeros((3, 0))
    assert winning(numpy.array([0.9, 0.9, 0.9]), none, none, DECISION).all()


def test_one_rare_sound_that_really_is_there_hides_nothing_that_is_heard_elsewhere() -> None:
    own = numpy.array([0.5, 0.1])
    common = numpy.array([[0.1, 0.6], [0.7, 0.8]])  # speech and music may go on all the time
    common[0] = 0.2
    rare = numpy.full((2, 6), 0.1)
    rare[1, 0] = 0.9
    assert winning(own, common, rare, DECISION).tolist() == [True, False]
    rare[1, 1] = 0.9  # two of them: the model hears whatever it is asked
    assert winning(own, common, rare, DECISION).tolist() == [False, False]


@pytest.mark.parametrize(("rival", "counts"), [(0.44, True), (0.46, False), (0.6, False)])
def test_a_phrase_has_to_win_by_the_margin_where_it_is_heard(rival: float, counts: bool) -> None:
    own, none = numpy.array([0.5]), numpy.zeros((1, 0))
    assert winning(own, numpy.array([[0.1, rival]]), none, DECISION).tolist() == [counts]
    assert winning(own, none, numpy.array([[0.1, rival]]), DECISION).tolist() == [counts]
    assert not winning(numpy.array([0.29]), none, none, DECISION).any()


@pytest.mark.parametrize(
    ("phrase", "rival"),
    [
        ("a man speaks", "a person speaking"),
        ("Two women TALKING", "a person speaking"),
        ("somebody plays the guitar", "music playing"),
        ("a car drives by", "traffic on a road"),
        ("loud noises", "background noise"),
        ("the storm", "wind blowing"),
        ("a donkey", "a donkey braying"),
        ("Bagpipes!", "bagpipes"),
        ("an old clock ticks", "a cuckoo clock"),
    ],
)
def test_what_is_asked_for_is_not_put_against_itself(phrase: str, rival: str) -> None:
    assert rival in (*EVERYWHERE, *NOWHERE)
    assert rival not in (*common_rivals(phrase), *rare_rivals(phrase))
    assert len([*common_rivals(phrase), *rare_rivals(phrase)]) == len(EVERYWHERE) + len(NOWHERE) - 1


@pytest.mark.parametrize(
    "phrase",
    [
        "a man says hello",
        "the word hello",
        "Her Name is called",
        'a voice: "help"',
        "someone shouts 'help me'",
        "«oui»",
    ],
)
def test_words_are_never_located_by_their_sound(phrase: str) -> None:
    segmenter = SoundSegmenter(AlwaysScorer(lambda asked, _: float(asked == phrase), DECISION))
    (answer,) = segmenter.segment(tones(3), [phrase], Unlimited())
    assert isinstance(answer, Unsupported)
    assert "transcript" in answer.reason


@pytest.mark.parametrize("phrase", ["a man speaks", "a dog's bark", "the boys' laughter", "rock 'n' roll", "a crowd"])
def test_sounds_of_people_and_others_are_asked_for(phrase: str) -> None:
    segmenter = SoundSegmenter(AlwaysScorer(lambda asked, _: float(asked == phrase), DECISION))
    assert spans_of(segmenter, tones(3), phrase)


def test_a_phrase_that_is_itself_a_rival_of_others_is_answered() -> None:
    habit = {"a donkey braying": 0.9, "a dog": 0.8}
    segmenter = SoundSegmenter(AlwaysScorer(lambda phrase, _: habit.get(phrase, 0.0), DECISION))
    donkey, dog = segmenter.segment(tones(3), ["a donkey braying", "a dog"], Unlimited())
    assert isinstance(donkey, Found)
    assert [(span.start, span.end) for span in donkey.items] == [(0.0, 3.0)]
    assert dog == Found(())


def test_an_answer_does_not_depend_on_what_else_is_asked() -> None:
    segmenter = SoundSegmenter(
        AlwaysScorer(HABITS["more of some, by chance"], SoundDecision(threshold=0, margin=0.001))
    )
    together = segmenter.segment(tones(8), ABSENT, Unlimited())
    assert any(answer != Found(()) for answer in together)
    assert together == [segmenter.segment(tones(8), [phrase], Unlimited())[0] for phrase in ABSENT]


@given(st.integers(0, 400_000))
def test_stretches_are_the_whole_sound_and_each_lies_in_its_window(length: int) -> None:
    extents = stretches(length)
    assert [extent.begin for extent in extents] == [0, *(extent.end for extent in extents)][: len(extents)]
    assert (extents[-1].end if extents else 0) == length
    hop, wide = HOP * SAMPLE_RATE, WINDOW * SAMPLE_RATE
    for extent in extents:
        window = window_of(extent, length)
        assert extent.end - extent.begin == hop or extent is extents[-1]
        assert 0 <= window.begin <= extent.begin < extent.end <= window.end <= length
        assert min(length, hop) <= window.end - window.begin <= wide
        if extent.begin >= wide / 2 and length - extent.end >= wide / 2:
            assert window.end - window.begin == wide


@given(st.integers(1, 200_000), st.integers(0, 2**32), st.floats(0, 1), st.sampled_from([0.0, 33.4, 7e4]), st.data())
@settings(max_examples=60, deadline=None)
def test_spans_are_in_order_apart_and_inside_the_sound_whatever_the_scores(
    length: int, seed: int, threshold: float, start: float, data: st.DataObject
) -> None:
    chosen = data.draw(st.sampled_from(["noise", "nothing", "extremes"]))

    def habit(phrase: str, window: int) -> float:
        if chosen == "nothing":
            return float("nan") if share_of(phrase, f"{seed} {window}") < 0.1 else 1.0
        share = share_of(phrase, f"{seed} {window}") * 2 - 1
        return share if chosen == "noise" else (2.0 if phrase == "a dog" and share > -0.5 else -1.0)

    segmenter = SoundSegmenter(AlwaysScorer(habit, SoundDecision(threshold=threshold, margin=1e-6)))
    samples = numpy.random.default_rng(seed).normal(0, 0.1, length).astype(numpy.float32)
    samples[length // 3 : length // 2] = 0
    spans = spans_of(segmenter, Sound(samples, start), "a dog")
    assert all(one.end < other.start for one, other in pairwise(spans))
    for span in spans:
        assert start - 1e-6 <= span.start < span.end <= start + length / SAMPLE_RATE + 1e-6
        assert 0 <= span.score <= 1


def test_silence_is_never_asked_about() -> None:
    scorer = ToneScorer()
    segmenter = SoundSegmenter(scorer)
    nothing = numpy.full(10 * SAMPLE_RATE, 2.0**-16, numpy.float32)
    assert spans_of(segmenter, Sound(nothing), "a low tone") == ()
    assert scorer.asked == []
    sound = tones(10, ("low", 0.0, 10.0))
    sound.samples[3 * SAMPLE_RATE : 6 * SAMPLE_RATE] = 0
    spans = spans_of(segmenter, sound, "a low tone")
    assert [(span.start, span.end) for span in spans] == [(0.0, 3.0), (6.0, 10.0)]
    assert len(scorer.asked) == 7 / HOP


def test_a_sound_of_no_samples_has_nothing_in_it() -> None:
    scorer = ToneScorer()
    assert spans_of(SoundSegmenter(scorer), Sound(numpy.zeros(0, numpy.float32), 4.0), "a low tone") == ()
    assert scorer.asked == []


def test_numbers_that_are_no_sound_hide_nothing_of_the_rest() -> None:
    sound = tones(10, ("low", 4.0, 8.0))
    sound.samples[:4] = numpy.nan, numpy.inf, -numpy.inf, 7.0
    assert [(span.start, span.end) for span in spans_of(SoundSegmenter(ToneScorer()), sound, "a low tone")] == [(4, 8)]
    assert is_silent(numpy.full(9, numpy.nan, numpy.float32))


def test_a_phrase_that_is_too_long_is_told_and_the_others_are_answered() -> None:
    sound = tones(6, ("low", 0.0, 6.0))
    answers = SoundSegmenter(ToneScorer(longest=20)).segment(sound, ["a low tone " * 9, "a low tone"], Unlimited())
    assert isinstance(answers[0], Unsupported)
    assert "fewer words" in answers[0].reason
    assert isinstance(answers[1], Found)
    assert answers[1].items


@pytest.mark.parametrize("error", [OutOfMemory("full", ""), EngineFailed("broken", "")])
def test_a_model_that_fails_fails_typed_and_the_next_sound_is_heard(error: OutOfMemory | EngineFailed) -> None:
    trouble: list[Exception] = [error]

    def before() -> None:
        if trouble:
            raise trouble.pop()

    segmenter = SoundSegmenter(ToneScorer(before=before))
    sound = tones(4, ("low", 0.0, 4.0))
    answers = segmenter.segment(sound, ["a low tone", "a dog"], Unlimited())
    assert answers == [Failed(error.code, error.message)] * 2
    assert spans_of(segmenter, sound, "a low tone")


def test_cancelling_is_obeyed_before_the_model_is_asked() -> None:
    scorer = ToneScorer()
    with pytest.raises(Cancelled):
        SoundSegmenter(scorer).segment(tones(3), ["a low tone"], StopsAfter(0))
    assert scorer.asked == []


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=9), st.floats(0, 100))
def test_the_score_of_a_window_is_the_softmax_against_the_rivals(values: list[float], scale: float) -> None:
    row = numpy.array([values])
    expected = float(softmax(scale * row, axis=1)[0, 0])
    assert shares(row[:, 0], row[:, 1:], scale).tolist() == pytest.approx([expected])


@given(st.integers(1, 3000), st.data())
def test_a_stretch_at_three_times_the_rate_has_three_samples_for_each_and_no_seams(
    length: int, data: st.DataObject
) -> None:
    samples = numpy.random.default_rng(length).normal(0, 0.1, length).astype(numpy.float32)
    begin = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(begin + 1, length))
    whole = tripled(samples, Extent(0, length))
    assert len(whole) == 3 * length
    part = tripled(samples, Extent(begin, end))
    assert len(part) == 3 * (end - begin)
    assert part.dtype == numpy.float32
    assert part == pytest.approx(whole[3 * begin : 3 * end], abs=1e-6)


def wave(hertz: float, rate: int, seconds: float = 1.0) -> NDArray[numpy.float32]:
    return numpy.sin(2 * numpy.pi * hertz * numpy.arange(round(seconds * rate)) / rate).astype(numpy.float32)


@pytest.mark.parametrize("hertz", [0.5, 50.0, 440.0, 3000.0, 7000.0])
def test_tones_are_the_same_at_three_times_the_rate(hertz: float) -> None:
    found = tripled(wave(hertz, SAMPLE_RATE), Extent(0, SAMPLE_RATE))
    inside = slice(3000, -3000)
    assert numpy.abs(found - wave(hertz, 3 * SAMPLE_RATE))[inside].max() < 1e-3
    spectrum = numpy.abs(numpy.fft.rfft(found[inside] * numpy.hanning(len(found[inside]))))
    above = round(9000 / (1.5 * SAMPLE_RATE) * len(spectrum))
    assert spectrum[above:].max() < 1e-4 * max(1.0, spectrum.max())  # nothing is mirrored above what there was


def test_the_rate_is_tripled_as_scipy_does_it() -> None:
    loudness = numpy.hanning(SAMPLE_RATE)
    samples = sum(loudness * wave(hertz, SAMPLE_RATE) for hertz in (90.0, 700.0, 2500.0, 5000.0)) / 4
    expected = numpy.asarray(resample_poly(samples, 3, 1, window=("kaiser", 8.0)))
    found = tripled(numpy.asarray(samples, numpy.float32), Extent(0, SAMPLE_RATE))
    assert found.shape == expected.shape
    assert numpy.abs(found - expected).max() < 0.01
