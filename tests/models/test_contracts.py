"""The contracts of the roles, kept by the doubles that other tests rely on."""

import numpy
import pytest

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import Found, ImageSegmenter
from tests.doubles.confirmers import ScriptedConfirmer, colour_confirmer
from tests.doubles.scripted_reasoner import ColourSegmenter
from tests.doubles.signal_modules import ToneSegmenter, blob_segmenter, blob_tracker
from tests.models.contracts import (
    PHRASES,
    a_picture,
    check_audio_segmenter,
    check_confirmer,
    check_image_segmenter,
    check_video_tracker,
    shares_of,
    some_crops,
)


@pytest.mark.parametrize("segmenter", [blob_segmenter(), ColourSegmenter()], ids=["blobs", "colours"])
def test_segmenters_of_colour_keep_the_contract(segmenter: ImageSegmenter) -> None:
    check_image_segmenter(segmenter)
    answers = segmenter.segment(a_picture(), PHRASES, Unlimited())
    assert [len(answer.items) for answer in answers if isinstance(answer, Found)] == [1, 1, 0]


def test_the_blob_tracker_keeps_the_contract() -> None:
    check_video_tracker(blob_tracker())


def test_the_tone_segmenter_keeps_the_contract() -> None:
    check_audio_segmenter(ToneSegmenter(), ["a low tone", "a high tone", "a dog barks"])
    low = 0.3 * numpy.sin(2 * numpy.pi * 220 * numpy.arange(SAMPLE_RATE) / SAMPLE_RATE)
    (answer,) = ToneSegmenter().segment(Sound(low.astype(numpy.float32), 5.0), ["a low tone"], Unlimited())
    assert isinstance(answer, Found)
    assert [(span.start, span.end) for span in answer.items] == [(5.0, 6.0)]


@pytest.mark.parametrize(
    "confirmer", [colour_confirmer(), ScriptedConfirmer(lambda _, phrase: len(phrase) / 100)], ids=["colours", "script"]
)
def test_the_doubles_of_confirmers_keep_the_contract(confirmer: ScriptedConfirmer) -> None:
    check_confirmer(confirmer)


def test_the_confirmer_of_colours_tells_what_is_there_from_what_is_not() -> None:
    crops = some_crops()
    shares = shares_of(colour_confirmer(), [crops[1]] * 3, ["the red thing", "the yellow thing", "a dog"])
    assert [share > 0.5 for share in shares] == [True, False, False]
