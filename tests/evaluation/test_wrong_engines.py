"""A deliberately wrong engine loses exactly what arithmetic says."""

from pathlib import Path

import pytest

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.mini.cases import make_case
from reamo_mcp.evaluation.scoring import SampleScore, nothing_found, score_cell, score_sample
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, Provenance, TextSpan
from tests.evaluation.wrong_engines import (
    Spoil,
    always_answering,
    every_place,
    shifted_box,
    shifted_span,
    swapped_types,
)

BY = Provenance(model="wrong", step="locate")


def _case(tmp_path: Path, cell: str, number: int = 1) -> Case:
    return make_case(cell, number, tmp_path / f"{cell}{number}").case


def _score(case: Case, spoil: Spoil) -> SampleScore:
    return score_sample(case.gold, spoil(case.gold), case.task)


def _places(gold: Extraction, kind: str) -> int:
    return sum(place.kind == kind for entity in gold.entities for place in entity.groundings)


def test_shifted_spans_lose_every_strict_match_in_text_and_no_relaxed_one(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/T/NER")
    score = _score(case, every_place(shifted_span))
    assert score.counts["NER"].f1 == 0
    assert score.counts["NER relaxed"].f1 == 1
    relations = _score(_case(tmp_path, "mini/T/RE"), every_place(shifted_span)).counts
    assert (relations["RE"].f1, relations["RE relaxed"].f1) == (0, 1)
    events = _score(_case(tmp_path, "mini/T/EE"), every_place(shifted_span)).counts
    assert (events["ET"].f1, events["EA"].f1, events["EA loose"].f1, events["ET relaxed"].f1) == (0, 0, 1, 1)


def test_swapped_types_lose_the_share_of_mentions_whose_type_was_swapped(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/T+I+A/NER")
    mentions = swapped = 0
    for entity in case.gold.entities:
        spans = sum(isinstance(place, TextSpan) for place in entity.groundings) or 1
        mentions += spans
        swapped += spans * (entity.type in ("person", "organization"))
    assert 0 < swapped < mentions
    score = _score(case, swapped_types)
    assert score.counts["NER"].f1 == pytest.approx((mentions - swapped) / mentions, abs=1e-12)
    assert score.counts["NER boundary"].right >= score.counts["NER"].right
    assert score.places["I-Seg"] == pytest.approx(1)  # the paper's measure is free of labels
    assert score.places["I-Seg linked"] is not None
    assert score.places["I-Seg linked"] < 1


@pytest.mark.parametrize(("kind", "measure"), [("I", "I-Seg"), ("V", "V-Trck")])
def test_boxes_of_ten_by_ten_moved_by_a_tenth_keep_nine_elevenths(tmp_path: Path, kind: str, measure: str) -> None:
    """IoU = (10 - 1) / (10 + 1), for every pair, hence for the mean."""
    case = _case(tmp_path, f"mini/{kind}/NER", 0)

    def square(place: Grounding) -> Grounding:
        return _squared(place, case)

    squared = every_place(square)(case.gold)
    score = score_sample(squared, every_place(shifted_box)(squared), case.task)
    assert score.places[measure] == pytest.approx(9 / 11, abs=1e-12)
    assert score.counts["NER"].f1 == 1


def _squared(place: Grounding, case: Case) -> Grounding:
    """A square of 10 by 10 pixels of its own for each place, so that no two of them touch."""
    number = int(place.id.removeprefix("g"))
    box = Box(x=40 * (number % 10), y=40 * (number // 10), width=10, height=10)
    if isinstance(place, ImageRegion):
        return place.model_copy(update={"parts": (box,), "mask": None})
    if place.kind == "video_track":
        frames = tuple(frame.model_copy(update={"parts": (box,)}) for frame in place.keyframes)
        return place.model_copy(update={"keyframes": frames})
    return place


def test_times_a_tenth_late_keep_nine_elevenths(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/A/NER", 0)
    score = _score(case, every_place(shifted_box))
    assert score.places["A-Seg"] == pytest.approx(9 / 11, abs=1e-9)


def test_real_boxes_moved_by_a_tenth_keep_what_rounding_to_pixels_leaves(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/I/NER", 0)
    score = _score(case, every_place(lambda place: shifted_box(place) if place.quote else place))
    assert score.places["I-Seg words"] == pytest.approx(9 / 11, abs=0.03)


def test_a_segmenter_that_always_answers_loses_one_part_of_one_more(tmp_path: Path) -> None:
    picture = _case(tmp_path, "mini/I/NER")
    golds = _places(picture.gold, "image_region")
    corner = ImageRegion(id="s", media_id="poster.png", parts=(Box(x=0, y=0, width=4, height=4),), provenance=BY)
    score = _score(picture, always_answering(corner))
    assert score.places["I-Seg"] == pytest.approx(golds / (golds + 1), abs=1e-12)
    assert score.places["I-Seg linked"] == pytest.approx(golds / (golds + 1), abs=1e-12)
    entities = len(picture.gold.entities)
    assert score.counts["NER"].precision == pytest.approx(entities / (entities + 1))
    assert score.counts["NER"].recall == 1

    sound = _case(tmp_path, "mini/A/NER")
    golds = _places(sound.gold, "audio_segment")
    before = AudioSegment(id="s", media_id="speech.wav", start=0, end=0.05, provenance=BY)
    assert _score(sound, always_answering(before)).places["A-Seg"] == pytest.approx(golds / (golds + 1), abs=1e-12)


def test_over_grounding_costs_the_grounded_f1_but_not_the_recognition(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/T+I/NER", 0)
    unseen = [entity for entity in case.gold.entities if all(place.kind == "text_span" for place in entity.groundings)]
    assert unseen
    chosen = unseen[0]

    def claim(gold: Extraction) -> Extraction:
        corner = ImageRegion(id="s", media_id="poster.png", parts=(Box(x=0, y=0, width=4, height=4),), provenance=BY)

        def more(entity: Entity) -> Entity:
            if entity.id != chosen.id:
                return entity
            return entity.model_copy(update={"groundings": (*entity.groundings, corner)})

        return gold.model_copy(update={"entities": tuple(more(entity) for entity in gold.entities)})

    score = _score(case, claim)
    count = len(case.gold.entities)
    assert score.counts["NER"].f1 == 1
    assert score.counts["Grounded F1"].f1 == pytest.approx((count - 1) / count)


def test_an_engine_that_finds_nothing_scores_zero_and_is_not_left_out(tmp_path: Path) -> None:
    case = _case(tmp_path, "mini/T+I+A/EE")
    score = score_cell([nothing_found(case.gold, case.task)])
    assert {name: value.value for name, value in score.values.items()} == dict.fromkeys(score.values, 0.0)
    assert {"ET", "EA", "I-Seg", "A-Seg"} <= score.values.keys()
