"""Annotated sets become cases; the small files here have the layouts of the real ones."""

import json
from pathlib import Path

import pytest

from reamo_mcp.evaluation.benchmark import run
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.text_cases import text_cells
from reamo_mcp.evaluation.text_sets.sample import digest
from tests.evaluation.wrong_engines import GoldAnswers


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def _tweets(data: Path) -> None:
    _write(
        data / "dev/text/mner/gmner/dev_first80.txt",
        "IMGID:1\nTaylor\tB-PER\nSwift\tI-PER\nsings\tO\nin\tO\nOslo\tB-LOC\n\nIMGID:2\nnothing\tO\n\n",
    )


def _documents(data: Path) -> str:
    title = next(f"Title {number}" for number in range(10) if digest(f"Title {number}") % 2 == 0)
    document = {
        "title": title,
        "sents": [["Ada", "works", "at", "Vela", "."], ["Ada", "left", "."]],
        "vertexSet": [
            [
                {"type": "PER", "sent_id": 0, "pos": [0, 1], "name": "Ada"},
                {"type": "PER", "sent_id": 1, "pos": [0, 1], "name": "Ada"},
            ],
            [{"type": "ORG", "sent_id": 0, "pos": [3, 4], "name": "Vela"}],
        ],
        "labels": [{"r": "P108", "h": 0, "t": 1}],
    }
    _write(data / "dev/text/re/redocred/test_revised_first50.json", json.dumps([document]))
    _write(data / "train/text/re/redocred/dev_revised.json", json.dumps([document]))
    _write(data / "train/text/re/fewrel/pid2name.json", json.dumps({"P108": ["employer", "who pays"]}))
    return title


async def test_only_sets_that_are_there_become_cells_and_a_perfect_engine_is_perfect(tmp_path: Path) -> None:
    data = tmp_path / "data"
    _tweets(data)
    _documents(data)
    chosen = cells(["text"], tmp_path / "cases", data)
    assert [cell.name for cell in chosen] == ["text/gmner/NER", "text/redocred/RE"]
    reports = await run(chosen, GoldAnswers(), tmp_path / "out", 5, lambda _: None)
    assert [report.value("NER") for report in reports] == [100, None]
    assert [report.value("RE") for report in reports] == [None, 100]


def test_gold_of_a_tweet_stands_where_its_words_are(tmp_path: Path) -> None:
    _tweets(tmp_path)
    name, cases = next(text_cells(tmp_path))
    found = [case for case, _ in cases(10)]
    assert name == "text/gmner/NER"
    assert found[0].text == "Taylor Swift sings in Oslo"
    assert [(entity.type, entity.name) for entity in found[0].gold.entities] == [
        ("person", "Taylor Swift"),
        ("location", "Oslo"),
    ]
    assert [kind.name for kind in found[0].ontology.entity_types] == [
        "person",
        "location",
        "organization",
        "miscellaneous",
    ]


def test_mentions_of_one_thing_are_one_entity_with_several_spans(tmp_path: Path) -> None:
    _documents(tmp_path)
    _, cases = next(text_cells(tmp_path))
    case, _ = next(iter(cases(1)))
    assert [len(entity.groundings) for entity in case.gold.entities] == [2, 1]
    assert [(link.type, link.head, link.tail) for link in case.gold.relations] == [("employer", "e0", "e1")]


def test_nominals_with_their_direction_are_relations_and_sentences_without_one_are_left_out(tmp_path: Path) -> None:
    lines: list[str] = []
    for number in range(60):
        kind = "Other" if number % 2 else "Cause-Effect(e2,e1)"
        lines += [f'{number}\t"The <e1>fire</e1> number {number} came from the <e2>bomb</e2>."', kind, "Comment:", ""]
    _write(tmp_path / "train/text/re/semeval2010_task8/TRAIN_FILE.TXT", "\n".join(lines))
    (cell,) = cells(["text/semeval"], tmp_path / "cases", tmp_path)
    assert cell.size is None
    found = [case for case, _ in cell.cases(100)]
    assert 1 <= len(found) < 15  # half of the fifth that was kept from training, of those with a relation
    for case in found:
        (link,) = case.gold.relations
        names = {entity.id: entity.name for entity in case.gold.entities}
        assert (names[link.head], link.type, names[link.tail]) == ("bomb", "cause of", "fire")


@pytest.mark.data
def test_every_set_of_the_real_data_is_a_cell_with_gold(real_data: Path, tmp_path: Path) -> None:
    known = {cell.name: cell for cell in cells(["text", "pictures", "speech"], tmp_path, real_data)}
    sets = (
        "text/wnut17/NER text/btc/NER text/uner-en/NER text/uner-pt/NER text/uner-zh/NER text/crossner-ai/NER "
        "text/crossner-literature/NER text/crossner-music/NER text/crossner-politics/NER text/crossner-science/NER "
        "text/redocred/RE text/semeval/RE text/geneva/EE text/phee/EE text/litbank/NER text/litbank/EE text/m2e2/EE "
        "text/gmner/NER pictures/coco/NER speech/english/ASR"
    )
    assert set(known) == set(sets.split())
    for name, cell in known.items():
        gold = [case.gold for case, _ in cell.cases(12)]
        said = sum(len((*one.entities, *one.relations, *one.events, *one.readings)) for one in gold)
        assert said > 0, name
