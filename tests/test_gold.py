"""What is true of a case, told by a reasoner and modules that know it, comes out of the whole pipe as it went in.

The same answers forced through real tokenizers, grammars and families: `tests/models/local/reasoner/test_gold.py`.
"""

from pathlib import Path

import numpy
import pytest

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.mini.cases import ENGINE, Rendered, cell_names, make_case
from reamo_mcp.models.asks import Capacity
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, Provenance
from reamo_mcp.types.media import AudioMedium, OpenedDocument
from reamo_mcp.types.ontology import Ontology
from tests.doubles.gold_case import GoldCase
from tests.media_samples import write_sound


@pytest.mark.parametrize("cell", cell_names())
async def test_the_truth_of_every_combination_and_task_comes_out_whole_and_in_its_place(
    cell: str, tmp_path: Path
) -> None:
    case = GoldCase(make_case(cell, 0, tmp_path), tmp_path)
    found = await case.scripted()
    assert set(case.recognised(found).values()) == {1.0}
    located = case.located(found)
    assert set(located) == {
        name for medium, name in (("I", "I-Seg"), ("A", "A-Seg"), ("V", "V-Trck drawn")) if medium in cell.split("/")[1]
    }
    assert min(located.values(), default=1.0) >= 0.99


def sounds_of(folder: Path) -> Rendered:
    """Return a case of sounds that are no words: two of one thing, one of them over a seam of windows, one of another.

    In the cases of MUIE-mini every place in sound is that of a word, so none is called for.
    """
    path = write_sound(folder / "yard.wav", numpy.zeros(16_000 * 130, numpy.float32))
    medium = AudioMedium(id="yard.wav", name="yard.wav", sha256="0" * 64, format="wav", duration=130.0)
    heard = {"dog": ((5.25, 7.5), (58.0, 62.75)), "bell": ((100.0, 101.125),)}
    by = Provenance(model="gold", step="locate")
    entities = tuple(
        Entity(
            id=f"e{number}",
            type="object",
            name=name,
            groundings=tuple(
                AudioSegment(id=f"g{number}.{at}", media_id=medium.id, start=start, end=end, provenance=by)
                for at, (start, end) in enumerate(spans)
            ),
        )
        for number, (name, spans) in enumerate(heard.items(), 1)
    )
    gold = Extraction(document=OpenedDocument(id="gold", media=(medium,)), entities=entities, engine=ENGINE)
    ontology = Ontology.of(entity_types=["object"])
    case = Case(
        id="sounds",
        cell="sounds/A/NER",
        task="NER",
        level=1,
        files=(path.name,),
        text=None,
        ontology=ontology,
        gold=gold,
    )
    return Rendered(case, {})


async def test_sounds_that_are_no_words_come_out_at_their_times(tmp_path: Path) -> None:
    case = GoldCase(sounds_of(tmp_path), tmp_path, Capacity(seconds=200))
    found = await case.scripted()
    assert [(one.name, len(one.groundings)) for one in found.entities] == [("dog", 2), ("bell", 1)]
    assert case.located(found)["A-Seg"] >= 0.99
