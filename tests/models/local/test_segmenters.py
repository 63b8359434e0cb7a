"""MM-Grounding-DINO and SAM 2.1 of a few thousand random weights: real classes, real processors, true conversions."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs torch (make test-models)")

import torch

from reamo_mcp.errors import Cancelled, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.local.image_segmenter import LocalOutliner
from reamo_mcp.models.local.phrase_detector import (
    LocalPhraseDetector,
    detections,
    phrase_scores,
    prompt,
)
from reamo_mcp.models.local.sam import as_prompt, corners, masked, squeezed
from reamo_mcp.models.local.video_tracker import LocalFollower
from reamo_mcp.models.phrase_detection import NEGATIVES, Decision
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter
from reamo_mcp.models.roles import Failed, Found
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.types.grounding import Box
from tests.doubles.signal_modules import AlwaysDetector, BlobDetector, sees_everywhere
from tests.doubles.stopping import StopsAfter
from tests.doubles.tiny_segmenters import SIDE, detecting, sam, sam_video
from tests.models.contracts import FILM, PHRASES, a_picture, check_image_segmenter, check_video_tracker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the cores of a busy machine are slow

EASY = Decision(threshold=0.0001, margin=0.0000001)
"""Random weights are sure of nothing."""
BOX = Box(x=20, y=30, width=100, height=120)
SIZES = st.tuples(st.integers(1, 4000), st.integers(1, 4000))


def picture(width: int = 96, height: int = 64, seed: int = 0) -> Picture:
    pixels = numpy.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=numpy.uint8)
    return Picture(pixels, 0.5, 2 * width, 2 * height)


def of_size(width: float, height: float) -> Picture:
    return Picture(numpy.zeros((2, 2, 3), numpy.uint8), 1.0, width, height)


@pytest.fixture(scope="module")
def detector() -> LocalPhraseDetector:
    return LocalPhraseDetector(detecting, "tiny", "1", EASY)


@pytest.fixture(scope="module")
def outliner() -> LocalOutliner:
    return LocalOutliner(sam, "tiny", "1")


@pytest.fixture(scope="module")
def follower() -> LocalFollower:
    return LocalFollower(sam_video, "tiny", "1")


def test_the_image_segmenter_keeps_the_contract(detector: LocalPhraseDetector, outliner: LocalOutliner) -> None:
    segmenter = PhraseSegmenter(detector, outliner)
    check_image_segmenter(segmenter)
    answers = segmenter.segment(a_picture(), PHRASES, Unlimited())
    assert all(isinstance(answer, Found) for answer in answers)


def test_the_video_tracker_keeps_the_contract(follower: LocalFollower) -> None:
    """The detector is a double: random weights outline all of a picture, so that is where it sees something."""
    tracker = FollowingTracker(AlwaysDetector(sees_everywhere), follower)
    check_video_tracker(tracker)
    steps = list(tracker.track(FILM.frames(0, 8), PHRASES, TrackerState(), Unlimited()))
    assert [[one.id for one in step.regions] for step in steps] == [[1]] * 8


def test_what_the_model_outlines_far_from_the_box_is_not_followed(follower: LocalFollower) -> None:
    state = TrackerState()
    list(FollowingTracker(BlobDetector(), follower).track(FILM.frames(0, 8), PHRASES, state, Unlimited()))
    assert state.things == ()


@given(SIZES, st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=8))
def test_boxes_of_the_detector_are_shares_of_the_picture_and_come_back(
    size: tuple[int, int], boxes: list[tuple[float, float, float, float]]
) -> None:
    wide, high = size
    for number, found in enumerate(detections(torch.ones(len(boxes), 1), torch.tensor(boxes), of_size(*size), 0.5)):
        across, down, width, height = boxes[number]
        assert 0 <= found.box.x <= found.box.right <= wide + 1e-6
        assert 0 <= found.box.y <= found.box.bottom <= high + 1e-6
        if across - width / 2 >= 0 and across + width / 2 <= 1:
            assert (found.box.x + found.box.width / 2) / wide == pytest.approx(across, abs=1e-5)
            assert found.box.width / wide == pytest.approx(width, abs=1e-5)
        if down - height / 2 >= 0 and down + height / 2 <= 1:
            assert (found.box.y + found.box.height / 2) / high == pytest.approx(down, abs=1e-5)
            assert found.box.height / high == pytest.approx(height, abs=1e-5)


@given(SIZES, st.tuples(*[st.floats(0, 1)] * 4))
def test_boxes_of_sam_are_pixels_of_its_square_and_come_back(size: tuple[int, int], shares: tuple[float, ...]) -> None:
    wide, high = size
    box = Box(x=shares[0] * wide, y=shares[1] * high, width=shares[2] * wide, height=shares[3] * high)
    left, top, right, bottom = corners(of_size(wide, high), box, SIDE)
    back = (left * wide / SIDE, top * high / SIDE, right * wide / SIDE, bottom * high / SIDE)
    assert back == pytest.approx((box.x, box.y, box.right, box.bottom), rel=1e-6, abs=1e-6)


@given(st.lists(st.lists(st.floats(-8, 8), max_size=4), min_size=1, max_size=6))
def test_the_score_of_a_phrase_is_the_mean_over_its_pieces(phrases: list[list[float]]) -> None:
    begin, stop, piece = 101, 1012, 7
    ids = [begin, *(one for phrase in phrases for one in (*[piece] * len(phrase), stop)), 102]
    logits = torch.tensor([[0.0, *(one for phrase in phrases for one in (*phrase, 5.0)), 5.0]])
    scores = phrase_scores(logits, ids, stop, len(phrases))[0].tolist()
    for phrase, score in zip(phrases, scores, strict=True):
        mean = torch.tensor(phrase).sigmoid().mean().item() if phrase else 0.0
        assert score == pytest.approx(mean, abs=1e-6)


@pytest.mark.parametrize("phrase", ["St. Peter's dome", "what? a dog", "A RED DOG", "...", "", "a dog.", "a\nred\tdog"])
def test_every_phrase_is_one_stretch_of_the_text_whatever_is_in_it(phrase: str) -> None:
    processor = detecting().processor
    ids = processor.tokenizer(prompt([phrase, "the dog"]))["input_ids"]
    assert ids.count(1012) == 2
    assert ids.count(1029) == 0
    assert ids[-3:] == [*processor.tokenizer.convert_tokens_to_ids(["dog", "."]), 102]


def test_the_adapter_asks_the_model_what_a_plain_call_of_transformers_asks(detector: LocalPhraseDetector) -> None:
    loaded = detecting()
    shown = picture()
    inputs = loaded.processor(images=shown.pixels, text=[["a red dog", "the car"]], return_tensors="pt")
    assert inputs["input_ids"].tolist() == [loaded.processor.tokenizer(prompt(["A red dog", "the car."]))["input_ids"]]
    with torch.inference_mode():
        answer = loaded.model(**inputs)
    (plain,) = loaded.processor.post_process_grounded_object_detection(
        answer, inputs["input_ids"], threshold=0.0, text_threshold=0.0, target_sizes=[(128, 192)]
    )
    found = detector.detect(shown, ["A red dog", "the car."], Unlimited())
    corners_of = {(one.box.x, one.box.y, one.box.right, one.box.bottom) for one in found}
    assert len(corners_of) == len(plain["boxes"])
    for box in plain["boxes"].tolist():
        inside = [min(max(0.0, edge), most) for edge, most in zip(box, (192, 128, 192, 128), strict=True)]
        assert min(numpy.abs(numpy.subtract(inside, one)).max() for one in corners_of) < 1e-3
    ids = inputs["input_ids"][0].tolist()
    scores = phrase_scores(answer.logits[0], ids, 1012, 2)
    assert sorted(one.score for one in found) == pytest.approx(sorted(scores.flatten().tolist()), abs=1e-5)


def test_zeroing_the_picture_or_changing_the_words_changes_the_scores(detector: LocalPhraseDetector) -> None:
    shown = picture()
    dark = Picture(numpy.zeros_like(shown.pixels), 0.5, 192, 128)
    first, second, third = (
        [one.score for one in detector.detect(one, [phrase], Unlimited())]
        for one, phrase in ((shown, "a red dog"), (dark, "a red dog"), (shown, "the blue car"))
    )
    assert first != second
    assert first != third


def test_phrases_and_all_negative_ones_fit_into_one_pass_and_too_many_do_not(detector: LocalPhraseDetector) -> None:
    assert detector.fits(["a red dog", *NEGATIVES])
    assert not detector.fits(["a red dog throws the car"] * 60)


def test_outlines_are_those_of_a_plain_call_on_the_whole_picture(outliner: LocalOutliner) -> None:
    shown = picture()
    boxes = [BOX, Box(x=0, y=0, width=60, height=60)]
    model = sam()
    pixels = squeezed(shown, SIDE, torch.float32, torch.device("cpu"))
    places = torch.tensor([[corners(shown, box, SIDE) for box in boxes]])
    with torch.inference_mode():
        answer = model(pixel_values=pixels, input_boxes=places, multimask_output=False)
    plain = masked(answer.pred_masks[0, :, 0], shown)
    for mine, other in zip(outliner.outline(shown, boxes, Unlimited()), plain, strict=True):
        assert mine.shape == (64, 96)
        assert (mine == other).all()


def test_masks_lose_specks_and_keep_large_parts() -> None:
    logits = torch.full((1, 64, 96), -1.0)
    logits[0, 5:25, 5:25] = logits[0, 40:60, 60:90] = 1.0
    logits[0, 62:63, 2:4] = 1.0
    (mask,) = masked(logits, picture())
    assert mask[10, 10]
    assert mask[50, 70]
    assert not mask[60:, :10].any()


def test_a_mask_as_a_prompt_is_the_same_shape_in_the_square() -> None:
    pixels = numpy.zeros((32, 96), numpy.bool_)
    pixels[8:16, 24:72] = True
    square = as_prompt(pixels, SIDE)
    assert square.shape == (1, 1, SIDE, SIDE)
    assert square[0, 0, 16:32, 16:48].all()
    assert square.sum() == 16 * 32


def full_above(most: int, real: Callable[..., Any], count: Callable[[dict[str, Any]], int]) -> Callable[..., Any]:
    def forward(*given: Any, **named: Any) -> Any:
        if count(named) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*given, **named)

    return forward


def boxes_in(named: dict[str, Any]) -> int:
    return int(named["input_boxes"].shape[1])


@pytest.mark.parametrize("most", [1, 2, 3])
def test_where_memory_does_not_suffice_fewer_boxes_are_outlined_at_a_time(most: int) -> None:
    model = sam()
    real = model.forward
    boxes = [Box(x=10 * number, y=5, width=50, height=60) for number in range(7)]
    expected = LocalOutliner(lambda: model, "tiny", "1").outline(picture(), boxes, Unlimited())
    model.forward = full_above(most, real, boxes_in)
    found = LocalOutliner(lambda: model, "tiny", "1").outline(picture(), boxes, Unlimited())
    assert all((one == other).all() for one, other in zip(found, expected, strict=True))


def test_a_picture_that_is_too_much_fails_typed_and_the_next_one_is_segmented() -> None:
    model = sam()
    real = model.forward
    model.forward = full_above(0, real, boxes_in)
    segmenter = PhraseSegmenter(BlobDetector(), LocalOutliner(lambda: model, "tiny", "1"))
    (answer,) = segmenter.segment(a_picture(), PHRASES[:1], Unlimited())
    assert isinstance(answer, Failed)
    assert answer.code == OutOfMemory.code
    model.forward = real
    (answer,) = segmenter.segment(a_picture(), PHRASES[:1], Unlimited())
    assert isinstance(answer, Found)


def test_a_video_whose_stretch_is_too_much_is_followed_in_shorter_ones() -> None:
    model = sam_video()
    real = model.forward
    model.forward = full_above(5, real, lambda named: int(named["frame_idx"]))
    follower = LocalFollower(lambda: model, "tiny", "1")
    tracker = FollowingTracker(AlwaysDetector(sees_everywhere), follower)
    steps = list(tracker.track(FILM.frames(0, 16), PHRASES[:1], TrackerState(), Unlimited()))
    assert [[one.id for one in step.regions] for step in steps] == [[1]] * 16


def test_a_stretch_keeps_no_large_masks_of_its_past() -> None:
    following = LocalFollower(sam_video, "tiny", "1").begin()
    frames = list(FILM.frames(0, 6))
    following.show(frames[0].picture)
    following.seed(frames[0].picture, {3: BOX, 5: Box(x=0, y=0, width=90, height=90)})
    for frame in frames[1:]:
        following.show(frame.picture)
    kept = [
        name
        for outputs in following._session.output_dict_per_obj.values()  # pyright: ignore[reportPrivateUsage]
        for kind in outputs.values()
        for output in kind.values()
        for name in output
    ]
    assert "pred_masks" in kept
    assert "high_res_masks" not in kept


def test_things_are_seeded_later_and_by_masks_and_keep_their_numbers(follower: LocalFollower) -> None:
    following = follower.begin()
    frames = [frame.picture for frame in FILM.frames(0, 4)]
    assert following.show(frames[0]) == {}
    first = following.seed(frames[0], {7: BOX})
    assert set(first) == {7}
    assert set(following.show(frames[1])) <= {7}
    mask = numpy.zeros((120, 160), numpy.bool_)
    mask[20:60, 10:50] = True
    assert set(following.seed(frames[1], {9: mask})) == {9}
    assert set(following.show(frames[2])) <= {7, 9}


def test_the_tracker_follows_as_a_plain_session_of_transformers_does(follower: LocalFollower) -> None:
    model = sam_video()
    pictures = [frame.picture for frame in FILM.frames(0, 4)]
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    video = torch.cat([squeezed(one, SIDE, torch.float32, torch.device("cpu")) for one in pictures])
    session: Any = Sam2VideoInferenceSession(video=video, dtype=torch.float32)
    left, top, right, bottom = corners(pictures[0], BOX, SIDE)
    points = {
        "point_coords": torch.tensor([[[[left, top], [right, bottom]]]]),
        "point_labels": torch.tensor([[[2, 3]]], dtype=torch.int32),
    }
    session.add_point_inputs(session.obj_id_to_idx(1), 0, points)
    session.obj_with_new_inputs = [1]
    with torch.inference_mode():
        model(session, frame_idx=0)
        answers: list[Any] = list(model.propagate_in_video_iterator(session))
    plain = [masked(one.pred_masks[:, 0], shown)[0] for one, shown in zip(answers, pictures, strict=True)]
    following = follower.begin()
    following.show(pictures[0])
    mine = [following.seed(pictures[0], {1: BOX})[1], *(following.show(one).get(1) for one in pictures[1:])]
    for one, other in zip(mine, plain, strict=True):
        assert one is not None
        assert (one == other).all()


@pytest.mark.parametrize("kind", ["detector", "outliner", "follower"])
def test_half_precision_runs(kind: str) -> None:
    """As on a GPU; the processor can do it too, if slowly."""
    if kind == "detector":
        loaded = detecting()
        loaded.model.to(torch.bfloat16)
        assert LocalPhraseDetector(lambda: loaded, "tiny", "1", EASY).detect(picture(), ["a dog"], Unlimited())
    elif kind == "outliner":
        model = sam().bfloat16()
        assert len(LocalOutliner(lambda: model, "tiny", "1").outline(picture(), [BOX], Unlimited())) == 1
    else:
        video = sam_video().bfloat16()
        following = LocalFollower(lambda: video, "tiny", "1").begin()
        following.show(picture())
        following.seed(picture(), {1: BOX})
        following.show(picture(seed=1))


def test_cancelling_is_obeyed_before_the_model_runs(detector: LocalPhraseDetector, outliner: LocalOutliner) -> None:
    with pytest.raises(Cancelled):
        detector.detect(picture(), ["a dog"], StopsAfter(0))
    with pytest.raises(Cancelled):
        outliner.outline(picture(), [BOX], StopsAfter(0))


def of_transformers() -> tuple[Any, Any]:
    """Return the processors of transformers, which need torchvision."""
    pytest.importorskip("torchvision", reason="transformers' processors of SAM need torchvision")
    from transformers import Sam2ImageProcessor, Sam2Processor

    size = {"height": SIDE, "width": SIDE}
    pictures = Sam2ImageProcessor(size=size, mask_size={"height": SIDE // 4, "width": SIDE // 4})
    return pictures, Sam2Processor(image_processor=pictures)


def test_inputs_and_masks_are_those_of_the_processors_of_transformers(outliner: LocalOutliner) -> None:
    _, processor = of_transformers()
    shown = Picture(picture().pixels, 1.0, 96, 64)
    box = Box(x=10, y=15, width=50, height=40)
    inputs = processor(images=shown.pixels, input_boxes=[[[10, 15, 60, 55]]], return_tensors="pt")
    mine = squeezed(shown, SIDE, torch.float32, torch.device("cpu"))
    assert (inputs["pixel_values"] - mine).abs().max() < 2.1 / 255 / 0.224  # two levels of rounding
    assert inputs["input_boxes"][0, 0].tolist() == pytest.approx(corners(shown, box, SIDE))
    with torch.inference_mode():
        answer = sam()(**inputs, multimask_output=False)
    plain = processor.post_process_masks(answer.pred_masks, inputs["original_sizes"])[0][0, 0].numpy()
    (outlined,) = outliner.outline(shown, [box], Unlimited())
    assert (plain == outlined).mean() > 0.97
