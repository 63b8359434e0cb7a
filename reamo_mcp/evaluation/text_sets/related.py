"""Sets with relations: Re-DocRED, FewRel, SemEval-2010 task 8, KnowledgeNet, re3d."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from reamo_mcp.evaluation.text_sets.sample import GoldRelation, GoldSpan, Joined, Place, Sample

_MARK = re.compile(r"</?e[12]>")
_FULL_STOP = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'“])")


@dataclass(frozen=True)
class ClusteredMention:
    """A mention of a thing that has other mentions: its cluster, its sentence, its place in the document."""

    cluster: int
    sentence: int
    span: GoldSpan


@dataclass(frozen=True)
class ClusteredDocument:
    """A document whose facts hold between clusters of mentions."""

    key: str
    text: str
    sentences: tuple[Place, ...]
    mentions: tuple[ClusteredMention, ...]
    facts: frozenset[tuple[str, int, int]]

    def same_sentence_facts(self) -> frozenset[tuple[str, int, int]]:
        """Return the facts (type, head, tail) whose two ends are mentioned in one sentence at least."""
        inside: dict[int, set[int]] = {}
        for mention in self.mentions:
            inside.setdefault(mention.cluster, set()).add(mention.sentence)
        empty: set[int] = set()
        return frozenset(fact for fact in self.facts if inside.get(fact[1], empty) & inside.get(fact[2], empty))


def read_redocred(path: Path) -> Iterator[ClusteredDocument]:
    """Yield the documents of Re-DocRED; types of facts are Wikidata property ids."""
    for row in _rows(path):
        tokens: list[str] = [token for sentence in row["sents"] for token in sentence]
        joined = Joined(tokens)
        firsts: list[int] = [0]
        for sentence in row["sents"]:
            firsts.append(firsts[-1] + len(sentence))
        mentions: list[ClusteredMention] = []
        for cluster, vertex in enumerate(row["vertexSet"]):
            for mention in vertex:
                number: int = mention["sent_id"]
                start: int = mention["pos"][0]
                end: int = mention["pos"][1]
                place = joined.place(firsts[number] + start, firsts[number] + end)
                mentions.append(ClusteredMention(cluster, number, GoldSpan(mention["type"], *place)))
        yield ClusteredDocument(
            key=row["title"],
            text=joined.text,
            sentences=tuple(joined.place(first, end) for first, end in pairwise(firsts)),
            mentions=tuple(mentions),
            facts=frozenset((label["r"], label["h"], label["t"]) for label in row["labels"]),
        )


def sentences_of(document: ClusteredDocument, together: int = 1) -> Iterator[Sample]:
    """Yield groups of neighbouring sentences; a fact counts as said wherever both its ends share a sentence."""
    for index in range(0, len(document.sentences), together):
        group = range(index, min(index + together, len(document.sentences)))
        start, end = document.sentences[group[0]][0], document.sentences[group[-1]][1]
        here = [mention for mention in document.mentions if mention.sentence in group]
        pairs: list[tuple[Place, Place]] = []
        relations: list[GoldRelation] = []
        for head in here:
            for tail in here:
                if head.cluster == tail.cluster or head.sentence != tail.sentence:
                    continue
                ends = (
                    (head.span.start - start, head.span.end - start),
                    (tail.span.start - start, tail.span.end - start),
                )
                pairs.append(ends)
                relations += [
                    GoldRelation(kind, *ends)
                    for kind, first, second in document.facts
                    if (first, second) == (head.cluster, tail.cluster)
                ]
        yield Sample(
            key=document.key,
            text=document.text[start:end],
            entities=tuple(GoldSpan(m.span.type, m.span.start - start, m.span.end - start) for m in here),
            relations=tuple(relations),
            pairs=tuple(pairs),
        )


def read_fewrel(path: Path) -> Iterator[Sample]:
    """Yield sentences with one relation each; the types are Wikidata property ids."""
    for kind, rows in json.loads(path.read_text(encoding="utf-8")).items():
        for row in rows:
            joined = Joined(row["tokens"])
            head, tail = (joined.place(row[end][2][0][0], row[end][2][0][-1] + 1) for end in ("h", "t"))
            yield Sample(joined.text, joined.text, relations=(GoldRelation(kind, head, tail),), pairs=((head, tail),))


def read_semeval(path: Path) -> Iterator[Sample]:
    """Yield sentences with two marked nominals. A relation runs from its first part to its second; Other is none."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for line, label in pairwise(lines):
        number, _, quoted = line.partition("\t")
        if not number.strip().isdigit():
            continue
        text, places = _unmarked(quoted.strip().strip('"'))
        first, second = places
        relations: tuple[GoldRelation, ...] = ()
        kind, _, order = label.strip().partition("(")
        if kind != "Other":
            ends = (first, second) if order.startswith("e1") else (second, first)
            relations = (GoldRelation(kind, *ends),)
        yield Sample(text, text, relations=relations, pairs=((first, second), (second, first)))


def _unmarked(text: str) -> tuple[str, list[Place]]:
    plain = ""
    at = 0
    bounds: dict[str, int] = {}
    for mark in _MARK.finditer(text):
        plain += text[at : mark.start()]
        bounds[mark.group()] = len(plain)
        at = mark.end()
    plain += text[at:]
    return plain, [(bounds[f"<e{number}>"], bounds[f"</e{number}>"]) for number in (1, 2)]


def read_knowledgenet(path: Path) -> Iterator[Sample]:
    """Yield passages whose facts are complete for the properties looked for, and unknown for the others."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        relations = tuple(
            GoldRelation(
                fact["property"],
                (fact["subjectStart"], fact["subjectEnd"]),
                (fact["objectStart"], fact["objectEnd"]),
            )
            for fact in row["facts"]
        )
        ends = sorted({end for relation in relations for end in (relation.head, relation.tail)})
        pairs = tuple((head, tail) for head in ends for tail in ends if head != tail)
        yield Sample(
            key=row["documentId"],
            text=row["passageText"],
            relations=relations,
            pairs=pairs,
            relation_types=frozenset(row["annotatedProperties"]),
        )


def _rows(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def read_re3d(folder: Path) -> Iterator[Sample]:
    """Yield the sentences of the documents of one source of re3d, with entities and relations."""
    entities = _lines(folder / "entities.json")
    relations = _lines(folder / "relations.json")
    for document in _lines(folder / "documents.json"):
        identity, text = document["_id"], document["text"]
        inside = [row for row in entities if row["documentId"] == identity]
        links = [row for row in relations if row["documentId"] == identity]
        bounds = [0, *(match.end() for match in _FULL_STOP.finditer(text)), len(text)]
        for start, end in pairwise(bounds):
            yield Sample(
                key=identity,
                text=text[start:end],
                entities=tuple(
                    GoldSpan(row["type"], row["begin"] - start, row["end"] - start)
                    for row in inside
                    if start <= row["begin"] and row["end"] <= end
                ),
                relations=tuple(
                    GoldRelation(
                        row["type"],
                        (row["sourceBegin"] - start, row["sourceEnd"] - start),
                        (row["targetBegin"] - start, row["targetEnd"] - start),
                    )
                    for row in links
                    if start <= min(row["sourceBegin"], row["targetBegin"])
                    and max(row["sourceEnd"], row["targetEnd"]) <= end
                ),
            )
