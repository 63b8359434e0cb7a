from pathlib import Path

import numpy

from reamo_mcp.evaluation.mini import film, poster
from reamo_mcp.evaluation.mini.cases import make_case
from reamo_mcp.evaluation.oracle import OracleTextReader
from reamo_mcp.evaluation.rules import RuleTextExtractor
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Found
from reamo_mcp.types.grounding import Box, ImageRegion
from reamo_mcp.types.ontology import Ontology


def _picture(width: int, height: int) -> Picture:
    return Picture(numpy.zeros((height, width, 3), dtype=numpy.uint8), 1.0, width, height)


def test_the_oracle_reads_every_name_where_it_was_drawn(tmp_path: Path) -> None:
    reader = OracleTextReader(None)
    for number in range(3):
        case = make_case("mini/T+I/NER", number, tmp_path / str(number)).case
        reader.learn(case)
        answer = reader.read([_picture(poster.WIDTH, poster.HEIGHT)], Unlimited())[0]
        assert isinstance(answer, Found)
        words: dict[str, list[Box]] = {}
        for line in answer.items:
            for word in line.words:
                assert line.text[word.start : word.end].strip() == line.text[word.start : word.end]
                words.setdefault(line.text[word.start : word.end].rstrip(".,"), []).append(word.box)
        for place in case.gold.groundings():
            if isinstance(place, ImageRegion) and place.quote is not None:
                for name in place.quote.split():
                    assert any(box.intersection_over_union(part) > 0 for box in words[name] for part in place.parts)


def test_pictures_that_the_oracle_does_not_know_have_no_print(tmp_path: Path) -> None:
    reader = OracleTextReader(None)
    reader.learn(make_case("mini/T+I+A+V/NER", 0, tmp_path).case)
    assert reader.read([_picture(film.WIDTH, film.HEIGHT)], Unlimited()) == [Found(())]


def test_rules_name_what_is_capitalised_by_lists_and_last_words() -> None:
    text = "The mayor of Nairobi met Anna Novak at the Bank of Ruritania, they say."
    ontology = Ontology.of(entity_types=["person", "organization", "location"])
    answer = RuleTextExtractor().extract([text], ontology, Unlimited())[0]
    assert isinstance(answer, Found)
    assert [(found.type, text[found.start : found.end]) for found in answer.items[0].entities] == [
        ("location", "Nairobi"),
        ("person", "Anna Novak"),
        ("organization", "Bank of Ruritania"),
    ]
