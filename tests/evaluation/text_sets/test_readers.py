"""Readers of annotated sets: what they give is where it says, and nothing is lost on the way."""

import json
from pathlib import Path

import pytest

from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.evaluation.text_sets.happening import read_geneva, read_m2e2, read_phee
from reamo_mcp.evaluation.text_sets.related import read_redocred, read_semeval, sentences_of
from reamo_mcp.evaluation.text_sets.sample import Sample, is_for_report, is_kept_back
from reamo_mcp.evaluation.text_sets.tagged import read_conll, read_gum, read_universal, spans_of_tags


def test_a_stray_inside_tag_begins_a_span() -> None:
    assert list(spans_of_tags(["O", "I-x", "I-x", "B-x", "I-y"])) == [("x", 1, 3), ("x", 3, 4), ("y", 4, 5)]


def test_hashtags_of_a_tweet_are_no_comments(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("#\tO\nParis\tB-LOC\n\n", encoding="utf-8")
    (sample,) = read_conll(tmp_path / "a.conll")
    assert sample.text == "# Paris"
    assert sample.text[sample.entities[0].start : sample.entities[0].end] == "Paris"


def test_nested_mentions_of_one_word_are_all_read(tmp_path: Path) -> None:
    rows = "1-1\t0-3\tEye\tabstract[3]|object[5]\n1-2\t4-5\t-\tabstract[3]\n"
    (tmp_path / "GUM_x.tsv").write_text("#Text=Eye -\n" + rows, encoding="utf-8")
    (sample,) = read_gum(tmp_path)
    assert {(e.type, sample.text[e.start : e.end]) for e in sample.entities} == {
        ("abstract", "Eye -"),
        ("object", "Eye"),
    }


def test_the_second_nominal_may_be_the_head(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(
        '1\t"An <e1>arm</e1> of the <e2>body</e2>."\nMember-Collection(e2,e1)\nComment:\n', encoding="utf-8"
    )
    (sample,) = read_semeval(path)
    relation = sample.relations[0]
    assert (sample.text[slice(*relation.head)], sample.text[slice(*relation.tail)]) == ("body", "arm")


def test_facts_belong_to_sentences_that_hold_both_ends(tmp_path: Path) -> None:
    def mention(sentence: int, first: int, end: int) -> dict[str, object]:
        return {"type": "PER", "sent_id": sentence, "pos": [first, end], "name": ""}

    document: dict[str, object] = {
        "title": "t",
        "sents": [["Ann", "knows", "Bob"], ["Cid", "sleeps"]],
        "vertexSet": [[mention(0, 0, 1)], [mention(0, 2, 3)], [mention(1, 0, 1)]],
        "labels": [{"r": "P1", "h": 0, "t": 1, "evidence": []}, {"r": "P1", "h": 0, "t": 2, "evidence": []}],
    }
    (tmp_path / "d.json").write_text(json.dumps([document]), encoding="utf-8")
    (read,) = read_redocred(tmp_path / "d.json")
    assert read.same_sentence_facts() == {("P1", 0, 1)}
    first, second = sentences_of(read)
    assert [first.text[slice(*end)] for end in (first.relations[0].head, first.relations[0].tail)] == ["Ann", "Bob"]
    assert not second.relations
    assert second.text == "Cid sleeps"


def test_halves_depend_on_the_document_and_not_on_the_run() -> None:
    samples = [Sample(f"document {number}", f"text {number}") for number in range(1000)]
    assert 400 < sum(map(is_for_report, samples)) < 600
    assert 150 < sum(map(is_kept_back, samples)) < 250
    assert is_for_report(samples[3]) == is_for_report(Sample("document 3", "another sentence"))


@pytest.mark.data
def test_every_annotation_of_the_development_sets_is_read(real_data: Path) -> None:
    dev = real_data / "dev" / "text"
    assert sum(len(s.entities) for s in read_conll(dev / "ner/wnut17/emerging.dev.conll")) == 836
    assert sum(len(s.entities) for s in read_conll(dev / "ner/btc/btc.dev")) == 1730
    assert sum(len(s.entities) for s in read_universal(dev / "ner/uner_zh_gsdsimp/zh_gsdsimp-ud-dev.iob2")) == 753
    assert sum(len(d.facts) for d in read_redocred(dev / "re/redocred/test_revised_first50.json")) == 1747
    geneva = list(read_geneva(dev / "ee/geneva/val.json"))
    assert sum(len(s.events) for s in geneva) == 1442
    assert sum(len(e.arguments) for s in geneva for e in s.events) == 2383
    assert sum(len(s.events) for s in read_phee(dev / "ee/phee/dev.json")) == 1003
    assert sum(len(s.events) for s in read_m2e2(dev / "ee/m2e2/text_only_event_20docs.json")) == 76


@pytest.mark.data
def test_no_kind_of_a_set_lacks_its_words(real_data: Path) -> None:
    train = real_data / "train" / "text"
    kinds = {event.type for s in read_phee(train / "ee/phee/train.json") for event in s.events}
    assert kinds <= set(conventions.PHEE)
    for domain in conventions.CROSS_DOMAINS:
        named = {e.type for s in read_conll(train / f"ner/crossner/{domain}/train.txt") for e in s.entities}
        assert named <= set(conventions.cross_domain(domain))
