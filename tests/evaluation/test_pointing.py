from pathlib import Path

import numpy
from PIL import Image

from reamo_mcp.evaluation.benchmark import run
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.counts import Counts
from reamo_mcp.evaluation.facts import Facts, Thing
from reamo_mcp.evaluation.pointing import count_pointed
from reamo_mcp.media.run_lengths import encoded
from reamo_mcp.types.grounding import Box, ImageRegion, Mask, Provenance
from tests.evaluation.wrong_engines import GoldAnswers

BY = Provenance(model="test", step="locate")


def _seen(x: float, y: float, size: float, *, kind: str = "person", mask: Mask | None = None) -> Thing:
    region = ImageRegion(
        id="g", media_id="p", parts=(Box(x=x, y=y, width=size, height=size),), mask=mask, provenance=BY
    )
    return Thing(kind, "", (region,))


def test_a_face_points_at_the_person_around_it_and_at_one_person_only() -> None:
    gold = Facts((_seen(0, 0, 40), _seen(10, 0, 40)))
    faces = Facts((_seen(15, 5, 6), _seen(20, 5, 6), _seen(25, 5, 6), _seen(80, 80, 5)))
    assert count_pointed(gold, faces) == Counts(right=2, predicted=4, gold=2)
    assert count_pointed(gold, Facts((_seen(15, 5, 6, kind="car"),))).right == 0


def test_a_point_in_the_box_but_beside_the_mask_is_no_hit() -> None:
    pixels = numpy.zeros((40, 40), dtype=numpy.bool_)
    pixels[:20] = True
    gold = Facts((_seen(0, 0, 40, mask=encoded(pixels)),))
    assert count_pointed(gold, Facts((_seen(10, 8, 4),))).right == 1
    assert count_pointed(gold, Facts((_seen(10, 28, 4),))).right == 0


def test_regions_that_carry_words_do_not_point() -> None:
    named = Thing(
        "person",
        "Ada",
        (ImageRegion(id="g", media_id="p", parts=(Box(x=1, y=1, width=4, height=4),), quote="Ada", provenance=BY),),
    )
    assert count_pointed(Facts((_seen(0, 0, 40),)), Facts((named,))) == Counts(0, 0, 1)


async def test_photographs_with_people_become_a_cell(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "dev" / "images" / "coco_train2017_cc"
    (folder / "images").mkdir(parents=True)
    (folder / "object_detection" / "labels").mkdir(parents=True)
    Image.new("RGB", (100, 50)).save(folder / "images" / "1.jpg")
    Image.new("RGB", (100, 50)).save(folder / "images" / "2.jpg")
    (folder / "object_detection" / "labels" / "1.txt").write_text("0 0.5 0.5 0.2 0.4\n17 0.1 0.1 0.1 0.1\n")
    chosen = cells(["pictures"], tmp_path / "cases", tmp_path / "data")
    golds = [case.gold for case, _ in chosen[0].cases(5)]
    assert [place.parts[0] for place in golds[0].groundings() if isinstance(place, ImageRegion)] == [
        Box(x=40, y=15, width=20, height=20)
    ]
    assert golds[1].entities == ()
    report = (await run(chosen, GoldAnswers(), tmp_path / "out", 5, lambda _: None))[0]
    assert report.value("Pointing") == 100
