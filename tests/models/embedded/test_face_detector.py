import hashlib
import json
from functools import cache
from pathlib import Path

import numpy
import pytest
from PIL import Image, ImageDraw

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.embedded.face_detector import WEIGHTS, FaceDetector
from reamo_mcp.models.roles import Failed, Found, Region
from reamo_mcp.types.grounding import Box


class CancelsAtOnce:
    def check(self) -> None:
        raise Cancelled("The work was cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        pass


@cache
def detector() -> FaceDetector:
    return FaceDetector(threads=2)


def faces(image: Image.Image, scale: float = 1.0) -> tuple[Region, ...]:
    width, height = image.size
    small = image.resize((round(width * scale), round(height * scale)), Image.Resampling.LANCZOS)
    (answer,) = detector().detect([Picture(numpy.asarray(small), scale, width, height)], Unlimited())
    assert isinstance(answer, Found)
    return answer.items


def persons(labels: Path, image: Image.Image) -> list[Box]:
    """The boxes of class 0 (person), from relative middles and sides to pixels."""
    boxes: list[Box] = []
    for line in labels.read_text(encoding="utf-8").splitlines() if labels.exists() else ():
        kind, x, y, width, height = line.split()
        if kind == "0":
            wide, high = float(width) * image.width, float(height) * image.height
            x, y = float(x) * image.width - wide / 2, float(y) * image.height - high / 2
            boxes.append(Box(x=x, y=y, width=wide, height=high))
    return boxes


def heads(face: Box, person: Box) -> bool:
    """Whether the middle of the face lies in the upper half of the person."""
    x, y = face.x + face.width / 2, face.y + face.height / 2
    return person.x <= x <= person.right and person.y <= y <= person.y + person.height / 2


@pytest.mark.data
def test_faces_in_photographs_belong_to_persons(real_data: Path) -> None:
    folder = real_data / "dev" / "images" / "coco_train2017_cc"
    found = right = 0
    for path in sorted((folder / "images").glob("*.jpg")):
        image = Image.open(path).convert("RGB")
        (labels,) = [*(folder / "object_detection").rglob(f"{path.stem}.txt"), path.with_suffix(".none")][:1]
        for face in faces(image):
            assert 0 <= face.box.x < face.box.right <= image.width
            assert 0 <= face.box.y < face.box.bottom <= image.height
            found += 1
            right += any(heads(face.box, person) for person in persons(labels, image))
    assert found >= 12
    assert right >= 0.9 * found


@pytest.mark.data
def test_a_face_is_found_at_its_place_whatever_the_scale(real_data: Path) -> None:
    path = real_data / "dev" / "images" / "coco_train2017_cc" / "images" / "000000000459.jpg"
    image = Image.open(path).convert("RGB")
    (whole,) = faces(image)
    (reduced,) = faces(image, 0.6)
    (enlarged,) = faces(image, 3.0)
    assert whole.box.intersection_over_union(reduced.box) > 0.7
    assert whole.box.intersection_over_union(enlarged.box) > 0.7


def test_pictures_without_a_face_give_none() -> None:
    noise = numpy.random.default_rng(3).integers(0, 256, (400, 600, 3), numpy.uint8)
    shapes = Image.new("RGB", (600, 400), "navy")
    draw = ImageDraw.Draw(shapes)
    for step in range(12):
        draw.ellipse((step * 50, step * 30, step * 50 + 60, step * 30 + 80), fill=(step * 20, 200, 90))
    for image in (Image.fromarray(noise), shapes, Image.new("RGB", (300, 300))):
        assert faces(image) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (11, 500), (13, 13)])
def test_pictures_of_any_shape_are_looked_at(size: tuple[int, int]) -> None:
    assert faces(Image.new("RGB", size, "white")) == ()


def test_a_picture_that_cannot_be_looked_at_fails_alone() -> None:
    broken = Picture(numpy.zeros((60, 60), numpy.uint8), 1.0, 60, 60)  # no colour channels
    good = Picture(numpy.zeros((60, 60, 3), numpy.uint8), 1.0, 60, 60)
    failed, found = detector().detect([broken, good], Unlimited())
    assert isinstance(failed, Failed)
    assert isinstance(found, Found)


def test_a_cancelled_detector_stops() -> None:
    with pytest.raises(Cancelled):
        detector().detect([Picture(numpy.zeros((60, 60, 3), numpy.uint8), 1.0, 60, 60)], CancelsAtOnce())


def test_the_shipped_weights_are_those_that_were_converted() -> None:
    manifest = json.loads((WEIGHTS / "manifest.json").read_text(encoding="utf-8"))
    for name, expected in manifest["written"].items():
        assert hashlib.sha256((WEIGHTS / name).read_bytes()).hexdigest() == expected
