# pyright: reportUnknownMemberType=false
# ... since the types of av leave some parameters open.
"""Every gold place of MUIE-mini, held against what was drawn and what is in the files."""

import json
import wave
from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from math import pi, sin
from pathlib import Path

import av
import numpy
import pytest
from numpy.typing import NDArray
from PIL import Image

from reamo_mcp.evaluation.masks import decoded
from reamo_mcp.evaluation.mini import cases, film, sound
from reamo_mcp.evaluation.mini.cases import Rendered, cell_names, make_case, make_cell
from reamo_mcp.evaluation.mini.drawing import Colour
from reamo_mcp.evaluation.scoring import score_cell, score_sample
from reamo_mcp.media.subtitles import parse_subtitles
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, TextSpan, VideoTrack

Pixels = NDArray[numpy.uint8]


def _equal(pixels: Pixels, colour: Colour) -> NDArray[numpy.bool_]:
    return (pixels == numpy.array(colour, dtype=numpy.uint8)).all(axis=2)


def _check_print(ink: NDArray[numpy.bool_], box: Box) -> None:
    """Ink touches all four edges of the box; above, below and left of it is paper."""
    left, top, right, bottom = int(box.x), int(box.y), int(box.right), int(box.bottom)
    inside = ink[top:bottom, left:right]
    assert inside[0].any()
    assert inside[-1].any()
    assert inside[:, 0].any()
    assert inside[:, -1].any()
    assert not ink[top - 1, left:right].any()
    assert not ink[bottom, left:right].any()
    assert not ink[top:bottom, left - 1].any()


def _coloured(pixels: Pixels, colours: set[Colour]) -> NDArray[numpy.bool_]:
    return numpy.logical_or.reduce([_equal(pixels, colour) for colour in colours])


def _colours_under(pixels: Pixels, mask: NDArray[numpy.bool_]) -> set[Colour]:
    return {(int(r), int(g), int(b)) for r, g, b in numpy.unique(pixels[mask], axis=0)}


def _check_poster(rendered: Rendered, place: ImageRegion) -> None:
    assert rendered.poster is not None
    clean = numpy.asarray(rendered.poster.drawn_before_noise)
    if place.quote is not None:
        for box in place.parts:
            _check_print(~_equal(clean, rendered.poster.paper), box)
        return
    assert place.mask is not None
    mask = decoded(place.mask)
    colours = _colours_under(clean, mask)
    assert len(colours) <= 2  # a thing has one colour and its shade, and no other thing has them
    assert (_coloured(clean, colours) == mask).all()


def _check_track(inks: list[NDArray[numpy.bool_]], place: VideoTrack) -> None:
    shown = {round(keyframe.time * film.FRAMES_PER_SECOND): keyframe.parts for keyframe in place.keyframes}
    for index, parts in shown.items():
        for box in parts:
            if place.quote is not None:
                _check_print(inks[index], box)
            else:
                left, top, right, bottom = int(box.x), int(box.y), int(box.right), int(box.bottom)
                drawn = inks[index]
                assert drawn[top, left:right].any()
                assert drawn[bottom - 1, left:right].any()
                assert drawn[top:bottom, left].any()
                assert drawn[top:bottom, right - 1].any()
                assert not drawn[top - 1, left:right].any()
                assert not drawn[top:bottom, left - 1].any()
                assert not drawn[top:bottom, right].any()
    assert place.start == place.keyframes[0].time
    assert place.end == pytest.approx(place.keyframes[-1].time + 0.1)


def _check_sound(rendered: Rendered, samples: NDArray[numpy.int16], place: AudioSegment) -> None:
    assert rendered.recording is not None
    quiet = 0 if rendered.case.level < 3 else 260
    first, last = round(place.start * sound.RATE), round(place.end * sound.RATE)
    edge = 10 * sound.RATE // 1000
    loud = numpy.abs(samples.astype(numpy.int64))
    assert loud[first : first + edge].max() > 600
    assert loud[last - edge : last].max() > 600
    assert loud[first - edge : first].max() <= quiet
    assert loud[last : last + edge].max() <= quiet
    said = [word for word in rendered.recording.words if first <= word.first and word.last <= last]
    text = rendered.recording.text[said[0].start : said[-1].end]
    assert text.rstrip(".") == place.quote


def _frames(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        pictures = list(container.decode(video=0))
    assert [round(float(picture.time or 0), 3) for picture in pictures] == [
        index / film.FRAMES_PER_SECOND for index in range(len(pictures))
    ]
    return [picture.to_ndarray(format="rgb24").astype(numpy.uint8) for picture in pictures]


def _check(rendered: Rendered, folder: Path) -> None:
    case = rendered.case
    samples: NDArray[numpy.int16] = numpy.zeros(0, dtype=numpy.int16)
    inks: list[NDArray[numpy.bool_]] = []
    if rendered.poster is not None:
        assert (numpy.asarray(Image.open(folder / cases.PICTURE)) == numpy.asarray(rendered.poster.canvas)).all()
    if rendered.recording is not None:
        with wave.open(str(folder / cases.SOUND)) as file:
            samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(numpy.int16)
        assert (samples == rendered.recording.samples).all()
        cues = parse_subtitles((folder / cases.TRANSCRIPT).read_text(encoding="utf-8"))
        assert [(cue.start, cue.end) for cue in cues] == [
            (pytest.approx(word.begins, abs=1e-9), pytest.approx(word.ends, abs=1e-9))
            for word in rendered.recording.words
        ]
        assert " ".join(cue.text for cue in cues) == rendered.recording.text
    if rendered.film is not None:
        frames = _frames(folder / cases.FILM)
        assert len(frames) == len(rendered.film.frames)
        for decoded_frame, drawn in zip(frames, rendered.film.frames, strict=True):
            assert (decoded_frame == numpy.asarray(drawn.canvas)).all()
        inks = [~_equal(frame, rendered.film.paper) for frame in frames]
    for place in case.gold.groundings():
        match place:
            case TextSpan():
                assert case.text is not None
                assert case.text[place.start : place.end] == place.quote
            case ImageRegion():
                _check_poster(rendered, place)
            case AudioSegment():
                _check_sound(rendered, samples, place)
            case VideoTrack():
                _check_track(inks, place)
            case _:
                pytest.fail(f"the gold has a place of kind {place.kind}")


Made = Callable[[str, int], tuple[Rendered, Path]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Cases with their folders, each made once."""
    folder = tmp_path_factory.mktemp("mini")

    @cache
    def make(cell: str, number: int) -> tuple[Rendered, Path]:
        place = folder / f"{cell.replace('/', '_')}_{number}"
        return make_case(cell, number, place), place

    return make


def _looked_at(cell: str) -> Sequence[int]:
    """Three levels of each medium alone; one of the mixtures, which are drawn by the same code."""
    _, combination, task = cell.split("/")
    return range(3) if combination in ("T", "I", "A", "V") else [cases.TASKS.index(task)]


@pytest.mark.parametrize("cell", cell_names())
def test_every_gold_place_is_where_the_pixels_and_samples_say(cell: str, made: Made) -> None:
    for number in _looked_at(cell):
        _check(*made(cell, number))


@pytest.mark.parametrize("cell", cell_names())
def test_a_cell_holds_what_its_name_says_and_nothing_is_told_twice(cell: str, tmp_path: Path) -> None:
    _, combination, task = cell.split("/")
    case = make_case(cell, 5, tmp_path).case
    kinds = {medium.kind for medium in case.gold.document.media}
    assert kinds == {{"T": "text", "I": "image", "A": "audio", "V": "video"}[one] for one in combination.split("+")}
    names = [(entity.type, entity.name) for entity in case.gold.entities]
    assert len(names) == len(set(names))
    assert bool(case.gold.relations) == (task == "RE")
    assert bool(case.gold.events) == (task == "EE")
    known = {kind.name for kind in case.ontology.entity_types}
    assert {entity.type for entity in case.gold.entities} <= known
    roles = {event.name: {role.name for role in event.roles} for event in case.ontology.event_types}
    for event in case.gold.events:
        assert {argument.role for argument in event.arguments} <= roles[event.type]
    assert {link.type for link in case.gold.relations} <= {kind.name for kind in case.ontology.relation_types}


def test_each_medium_of_a_case_with_several_tells_something_of_its_own(tmp_path: Path) -> None:
    def media(places: tuple[Grounding, ...]) -> frozenset[str]:
        return frozenset(place.media_id for place in places)

    alone = shared = 0
    for number in range(6):
        gold = make_case("mini/T+I+A/NER", number, tmp_path / str(number)).case.gold
        found = [media(entity.groundings) for entity in gold.entities]
        alone += sum(len(where) == 1 for where in found)
        shared += sum(len(where) > 1 for where in found)
    assert alone > 5
    assert shared > 5


@pytest.mark.parametrize("cell", ["mini/T+I+A+V/NER", "mini/T+I+A+V/RE", "mini/T+I+A+V/EE"])
def test_the_gold_scores_perfectly_against_itself(cell: str, tmp_path: Path) -> None:
    golds = [make_case(cell, number, tmp_path / str(number)).case for number in range(3)]
    score = score_cell([score_sample(case.gold, case.gold, case.task) for case in golds])
    assert {name: round(value.value, 12) for name, value in score.values.items()} == dict.fromkeys(score.values, 1.0)


def test_what_was_made_is_taken_again_and_what_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    first = list(make_cell("mini/T+I/NER", 2, tmp_path))
    (first[1][1] / "case.json").unlink()
    assert list(make_cell("mini/T+I/NER", 2, tmp_path)) == first


def _digest(rendered: Rendered) -> str:
    """Return the hash of words, places, pixels and samples; not of the files, whose packing depends on libraries."""
    seen = sha256((rendered.case.text or "").encode())
    for record in (*rendered.case.gold.entities, *rendered.case.gold.relations, *rendered.case.gold.events):
        seen.update(record.model_dump_json().encode())
    if rendered.poster is not None:
        seen.update(rendered.poster.canvas.tobytes())
    if rendered.recording is not None:
        seen.update(rendered.recording.text.encode())
        seen.update(rendered.recording.samples.astype("<i2").tobytes())
    if rendered.film is not None:
        for frame in rendered.film.frames:
            seen.update(frame.canvas.tobytes())
    return seen.hexdigest()[:16]


# Whoever changes what is generated gives it another VERSION: scores of different cases must not be compared.
@pytest.mark.parametrize("cell", cell_names())
def test_words_places_pixels_and_samples_are_the_same_on_every_machine(cell: str, made: Made) -> None:
    known = json.loads(Path(__file__).with_name("mini_digests.json").read_text(encoding="utf-8"))
    assert known["version"] == cases.VERSION
    assert [_digest(made(cell, number)[0]) for number in _looked_at(cell)] == known["cells"][cell]


def test_no_sample_of_a_sound_hangs_on_the_last_bits_of_a_sine() -> None:
    values = [32767 * sin(2 * pi * index / 1024) for index in range(1024)]
    assert min(abs(value % 1 - 0.5) for value in values) > 1e-3
