"""Annotated photographs as cases: the people in pictures of COCO, for whatever finds people without words.

The measure is *Pointing*: a face is inside the person. Names cannot be right or wrong here, so NER only tells whether
as many people were claimed as there are.
"""

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.types.extraction import Engine, Entity, Extraction
from reamo_mcp.types.grounding import Box, ImageRegion, Provenance
from reamo_mcp.types.media import ImageMedium, OpenedDocument
from reamo_mcp.types.ontology import Ontology

_PERSON = "0"  # class of YOLO labels
_NAME = "pictures/coco/NER"


def picture_cells(data: Path) -> Iterator[tuple[str, int, Callable[[int], Iterator[tuple[Case, Path]]]]]:
    """Yield the cells whose sets lie in ``data``: name, size, cases."""
    folder = data / "dev" / "images" / "coco_train2017_cc"
    pictures = sorted((folder / "images").glob("*.jpg"))
    if pictures:
        yield _NAME, len(pictures), partial(_cases, folder, pictures)


def _cases(folder: Path, pictures: list[Path], limit: int) -> Iterator[tuple[Case, Path]]:
    from PIL import Image, ImageOps

    people = tuple(kind for kind in load_ontology("general").entity_types if kind.name == "person")
    for path in islice(pictures, limit):
        with Image.open(path) as opened:
            width, height = ImageOps.exif_transpose(opened).size
        medium = ImageMedium(
            id=path.name,
            name=path.name,
            sha256=sha256(path.read_bytes()).hexdigest(),
            format="jpeg",
            width=width,
            height=height,
        )
        labels = folder / "object_detection" / "labels" / f"{path.stem}.txt"
        lines = labels.read_text(encoding="utf-8").splitlines() if labels.exists() else []
        boxes = [_box(line, width, height) for line in lines if line.split()[:1] == [_PERSON]]
        gold = Extraction(
            document=OpenedDocument(id="gold", media=(medium,)),
            entities=tuple(_person(number, path.name, box) for number, box in enumerate(boxes)),
            engine=Engine(profile="gold", version="1"),
        )
        yield (
            Case(
                id=f"coco-{path.stem}",
                cell=_NAME,
                task="NER",
                files=(path.name,),
                ontology=Ontology(name="people", entity_types=people),
                gold=gold,
            ),
            path.parent,
        )


def _person(number: int, picture: str, box: Box) -> Entity:
    region = ImageRegion(
        id=f"g{number}", media_id=picture, parts=(box,), provenance=Provenance(model="coco", step="locate")
    )
    return Entity(id=f"e{number}", type="person", name="", groundings=(region,))


def _box(line: str, width: int, height: int) -> Box:
    """Return the box of a YOLO label: class, centre x, centre y, width, height as shares of the picture."""
    x, y, wide, high = (float(part) for part in line.split()[1:5])
    return Box(x=(x - wide / 2) * width, y=(y - high / 2) * height, width=wide * width, height=high * height)
