"""Runs the embedded text extractor over the annotated sets and judges every answer by the gold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy

from reamo_mcp.evaluation.text_metrics import Judged, Scored
from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.evaluation.text_sets.happening import read_geneva, read_m2e2, read_phee, roles_of_types
from reamo_mcp.evaluation.text_sets.related import (
    ClusteredDocument,
    read_redocred,
    sentences_of,
)
from reamo_mcp.evaluation.text_sets.sample import Sample, digest, is_for_report, is_kept_back
from reamo_mcp.evaluation.text_sets.tagged import distinct, read_conll, read_universal
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.embedded.text_extractor_labels import entity_text, event_text, role_text
from reamo_mcp.models.embedded.text_extractor_network import TextNetwork, read_config
from reamo_mcp.models.embedded.text_extractor_questions import Questions, Thresholds
from reamo_mcp.models.embedded.text_extractor_words import Word, cut_words
from reamo_mcp.models.roles import Found, Mentions
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType

Part = Literal["tune", "report"]
ALL = Thresholds(entity=0.05, event=0.05, relation=0.05, argument=0.01)
"""Low enough that every threshold of interest can be tried afterwards."""


@dataclass(frozen=True)
class Result:
    """Judged answers of one kind (entity, event, relation, argument) on one set."""

    name: str
    kind: str
    documents: tuple[Judged, ...]
    pooled: bool = True
    """Whether the scores are those a user gets; not where gold ends or triggers were given."""
    labels: tuple[str, ...] = ()
    """Texts of the labels asked, which may have thresholds of their own."""
    support_label: str = ""
    """Text of one of the labels that its answers rest on."""

    @property
    def label(self) -> str:
        """Text of one of the labels asked; those of a set share one threshold."""
        return self.labels[0] if self.labels else ""


class Runner:
    """The extractor with weights of a folder, over the data of another."""

    def __init__(self, data: Path, weights: Path, threads: int = 2, thresholds: Thresholds | None = ALL) -> None:
        self.train = data / "train" / "text"
        self.dev = data / "dev" / "text"
        self._weights = weights
        self._threads = threads
        self.extractor = EmbeddedTextExtractor(threads, weights=weights, thresholds=thresholds)
        self.network = TextNetwork(threads, weights)
        self.least_entity = read_config(weights).calibration["entity"].least

    def questions(self, ontology: Ontology) -> Questions:
        """Return the vectors of an ontology."""
        return Questions(ontology, self.network, read_config(self._weights), ALL)

    def mentions(self, samples: Sequence[Sample], ontology: Ontology) -> list[Mentions]:
        """Return what is found in each sample."""
        found: list[Mentions] = []
        for answer in self.extractor.extract([sample.text for sample in samples], ontology, Unlimited()):
            if not isinstance(answer, Found):
                raise RuntimeError(f"a sample could not be read: {answer}")
            found.append(answer.items[0])
        return found

    def entities(self, name: str, samples: Iterable[Sample], types: dict[str, EntityType]) -> Result:
        """Return exact spans with their types; gold of types that are not asked does not count."""
        kept = list(samples)
        documents: list[Judged] = []
        ontology = Ontology(entity_types=tuple(types.values()))
        for sample, found in zip(kept, self.mentions(kept, ontology), strict=True):
            gold = {(types[e.type].name, e.start, e.end) for e in sample.entities if e.type in types}
            answers = [Scored(e.score, 1.0, (e.type, e.start, e.end) in gold) for e in found.entities]
            documents.append(Judged(tuple(answers), len(gold)))
        return Result(name, "entity", tuple(documents), labels=tuple(map(entity_text, types.values())))

    def events(
        self,
        name: str,
        samples: Iterable[Sample],
        types: dict[str, EventType],
        role_name: Callable[[str], str],
        entity_types: tuple[EntityType, ...] = (),
    ) -> list[Result]:
        """Return triggers and, resting on them, arguments: span, role and event type must agree."""
        kept = list(samples)
        labels = tuple(map(event_text, types.values()))
        triggers: list[Judged] = []
        arguments: list[Judged] = []
        ontology = Ontology(entity_types=entity_types, event_types=tuple(types.values()))
        for sample, found in zip(kept, self.mentions(kept, ontology), strict=True):
            gold = {(types[e.type].name, e.start, e.end) for e in sample.events if e.type in types}
            parts = {
                (types[e.type].name, role_name(a.role), a.start, a.end)
                for e in sample.events
                if e.type in types
                for a in e.arguments
            }
            triggers.append(
                Judged(tuple(Scored(e.score, 1.0, (e.type, e.start, e.end) in gold) for e in found.events), len(gold))
            )
            answers: dict[tuple[str, str, int, int], Scored] = {}
            for event in found.events:
                for a in event.arguments:
                    key = (event.type, a.role, a.start, a.end)
                    if key not in answers or answers[key].score < a.score:
                        answers[key] = Scored(a.score, event.score, key in parts)
            arguments.append(Judged(tuple(answers.values()), len(parts)))
        return [
            Result(f"{name} triggers", "event", tuple(triggers), labels=labels),
            Result(f"{name} arguments", "argument", tuple(arguments), labels=_roles(types), support_label=labels[0]),
        ]

    def arguments_of_gold(
        self, name: str, samples: Iterable[Sample], types: dict[str, EventType], role_name: Callable[[str], str]
    ) -> Result:
        """Return arguments of given triggers."""
        from reamo_mcp.models.embedded.text_extractor_reading import fill_roles

        kept = list(samples)
        questions = self.questions(Ontology(event_types=tuple(types.values())))
        numbers = {event.name: index for index, event in enumerate(types.values())}
        documents: list[Judged] = []
        for sample in kept:
            words = list(cut_words(sample.text))
            answers: dict[tuple[str, str, int, int], Scored] = {}
            parts: set[tuple[str, str, int, int]] = set()
            places = _Places(words)
            for event in sample.events:
                if event.type not in types:
                    continue
                kind = types[event.type].name
                parts |= {(kind, role_name(a.role), a.start, a.end) for a in event.arguments}
                at = places.of(event.start, event.end)
                if at is None:
                    continue
                for spot in fill_roles(words, numbers[kind], at, questions, self.network):
                    key = (kind, spot.type, spot.start, spot.end)
                    answers[key] = Scored(spot.score, 1.0, key in parts)
            answers = {key: Scored(a.score, 1.0, key in parts) for key, a in answers.items()}
            documents.append(Judged(tuple(answers.values()), len(parts)))
        return Result(
            f"{name} arguments of gold triggers", "argument", tuple(documents), pooled=False, labels=_roles(types)
        )

    def pair_scores(
        self, text: str, pairs: Sequence[tuple[tuple[int, int], tuple[int, int]]], questions: Questions
    ) -> "numpy.ndarray":
        """Return scores (pairs, relation types) of given pairs of places; NaN-free: what is no word scores 0."""
        words = list(cut_words(text))
        places = _Places(words)
        rows = [(places.of(*head), places.of(*tail)) for head, tail in pairs]
        scores = numpy.zeros((len(pairs), len(questions.relations)), numpy.float32)
        known = [index for index, (head, tail) in enumerate(rows) if head and tail]
        if known:
            array = numpy.array([(0, *rows[i][0], *rows[i][1]) for i in known], numpy.int64)  # pyright: ignore[reportGeneralTypeIssues, reportOptionalIterable]
            labels = questions.relation_labels
            logits = self.network.pairs(self.network.states([words]), array) @ labels.relation.T + labels.relation_bias
            scores[known] = questions.score("relation", logits)
        return scores


def _roles(types: dict[str, EventType]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(role_text(role) for kind in types.values() for role in kind.roles))


class _Places:
    def __init__(self, words: Sequence[Word]) -> None:
        self._starts = {word.start: index for index, word in enumerate(words)}
        self._ends = {word.end: index + 1 for index, word in enumerate(words)}

    def of(self, start: int, end: int) -> tuple[int, int] | None:
        first, last = self._starts.get(start), self._ends.get(end)
        return None if first is None or last is None or last <= first else (first, last)


def of_part(samples: Iterable[Sample], part: Part) -> list[Sample]:
    """Return the half of a development set."""
    return [sample for sample in samples if is_for_report(sample) == (part == "report")]


def linkless(runner: Runner, part: Part) -> list[tuple[float, ...]]:
    """Return the scores of relations, with found ends, in sentences of Re-DocRED with two things and no fact."""
    ontology = Ontology(
        entity_types=tuple(conventions.WIKIPEDIA.values()), relation_types=tuple(redocred_types(runner).values())
    )
    documents = read_redocred(runner.dev / "re/redocred/test_revised_first50.json")
    sentences = of_part((sample for document in documents for sample in sentences_of(document)), part)
    kept = [sample for sample in sentences if sample.pairs and not sample.relations]
    return [
        tuple(
            relation.score
            for relation in found.relations
            if min(found.entities[relation.head].score, found.entities[relation.tail].score) >= runner.least_entity
        )
        for found in runner.mentions(kept, ontology)
    ]


def geneva_types(runner: Runner) -> dict[str, EventType]:
    """Return the event types of GENEVA with the roles of its training part."""
    return conventions.geneva(roles_of_types(read_geneva(runner.train / "ee/geneva/train_union.json")))


def entity_results(runner: Runner, part: Part) -> list[Result]:
    """Return the results on names. Sets without a development part are only reported, on what was kept back."""
    results = [
        runner.entities(
            "wnut17", of_part(read_conll(runner.dev / "ner/wnut17/emerging.dev.conll"), part), conventions.EMERGING
        ),
        runner.entities("btc", of_part(read_conll(runner.dev / "ner/btc/btc.dev"), part), conventions.TWITTER),
        runner.entities(
            "redocred entities",
            of_part(
                (
                    s
                    for d in read_redocred(runner.dev / "re/redocred/test_revised_first50.json")
                    for s in sentences_of(d)
                ),
                part,
            ),
            conventions.WIKIPEDIA,
        ),
    ]
    if part == "report":
        path = runner.train / "ner/uner_en_ewt/en_ewt-ud-dev.iob2"
        results.append(
            runner.entities("uner_en_ewt", filter(is_kept_back, distinct(read_universal(path))), conventions.UNIVERSAL)
        )
        for domain in conventions.CROSS_DOMAINS:
            folder = runner.train / "ner/crossner" / domain
            samples = distinct([*read_conll(folder / "train.txt"), *read_conll(folder / "dev.txt")])
            results.append(
                runner.entities(f"crossner {domain}", filter(is_kept_back, samples), conventions.cross_domain(domain))
            )
    return results


def event_results(runner: Runner, part: Part) -> list[Result]:
    """Return the results on events."""
    geneva = geneva_types(runner)
    samples = of_part(read_geneva(runner.dev / "ee/geneva/val.json"), part)
    results = runner.events("geneva", samples, geneva, conventions.geneva_name)
    results.append(runner.arguments_of_gold("geneva", samples, geneva, conventions.geneva_name))
    samples = of_part(read_phee(runner.dev / "ee/phee/dev.json"), part)
    return results + runner.events("phee", samples, conventions.PHEE, conventions.phee_role_name)


def news_results(runner: Runner, part: Part) -> list[Result]:
    """Return the results on M2E2's eight event types."""
    ontology = load_ontology("m2e2")
    news = {kind.name: kind for kind in ontology.event_types}
    samples = of_part(read_m2e2(runner.dev / "ee/m2e2/text_only_event_20docs.json"), part)
    return runner.events("m2e2", samples, news, str, ontology.entity_types)


def eventless(runner: Runner, part: Part) -> list[tuple[tuple[str, float], ...]]:
    """Return type and score of what is taken for events in sentences of M2E2 that have none."""
    samples = [s for s in of_part(read_m2e2(runner.dev / "ee/m2e2/text_only_event_20docs.json"), part) if not s.events]
    ontology = load_ontology("m2e2")
    return [tuple((event.type, event.score) for event in found.events) for found in runner.mentions(samples, ontology)]


def redocred_types(runner: Runner) -> dict[str, RelationType]:
    """Return the relation types of Re-DocRED that occur in training."""
    import json

    names = json.loads((runner.train / "re/fewrel/pid2name.json").read_text(encoding="utf-8"))
    documents = read_redocred(runner.train / "re/redocred/dev_revised.json")
    return conventions.wikidata({fact[0] for document in documents for fact in document.facts}, names)


def redocred_results(runner: Runner, part: Part) -> list[Result]:
    """Return the results on facts whose ends share a sentence, each counted once a document."""
    types = redocred_types(runner)
    documents = [
        document
        for document in read_redocred(runner.dev / "re/redocred/test_revised_first50.json")
        if (digest(document.key) % 2 == 0) == (part == "report")
    ]
    return [_found_ends(runner, documents, types), _gold_ends(runner, documents, types)]


def _found_ends(runner: Runner, documents: Sequence[ClusteredDocument], types: dict[str, RelationType]) -> Result:
    ontology = Ontology(entity_types=tuple(conventions.WIKIPEDIA.values()), relation_types=tuple(types.values()))
    keys = {kind.name: key for key, kind in types.items()}
    judged: list[Judged] = []
    for document in documents:
        clusters = {(m.span.start, m.span.end): m.cluster for m in document.mentions}
        gold = document.same_sentence_facts()
        best: dict[tuple[str, object, object], Scored] = {}
        for (start, end), found in zip(
            document.sentences,
            runner.mentions([Sample("", document.text[s:e]) for s, e in document.sentences], ontology),
            strict=True,
        ):
            del end
            for relation in found.relations:
                head, tail = found.entities[relation.head], found.entities[relation.tail]
                ends = [(e.start + start, e.end + start) for e in (head, tail)]
                # What is no mention in the gold is a thing of its own: its name, so that it too counts once.
                first, second = (clusters.get(place, document.text[slice(*place)]) for place in ends)
                key = (keys[relation.type], first, second)
                support = min(head.score, tail.score)
                if first != second and (key not in best or best[key].score < relation.score):
                    best[key] = Scored(relation.score, support, key in gold)
        judged.append(Judged(tuple(best.values()), len(gold)))
    ends = entity_text(conventions.WIKIPEDIA["PER"])
    return Result("redocred facts, found ends", "relation", tuple(judged), support_label=ends)


def _gold_ends(runner: Runner, documents: Sequence[ClusteredDocument], types: dict[str, RelationType]) -> Result:
    questions = runner.questions(Ontology(relation_types=tuple(types.values())))
    keys = list(types)
    judged: list[Judged] = []
    for document in documents:
        gold = document.same_sentence_facts()
        best: dict[tuple[str, int, int], float] = {}
        for number, (start, end) in enumerate(document.sentences):
            here = [m for m in document.mentions if m.sentence == number]
            ends = [(a, b) for a in here for b in here if a.cluster != b.cluster]
            pairs = [
                ((a.span.start - start, a.span.end - start), (b.span.start - start, b.span.end - start))
                for a, b in ends
            ]
            if not pairs:
                continue
            scores = runner.pair_scores(document.text[start:end], pairs, questions)
            for row, kind in numpy.argwhere(scores >= ALL.relation).tolist():
                key = (keys[kind], ends[row][0].cluster, ends[row][1].cluster)
                best[key] = max(best.get(key, 0.0), float(scores[row, kind]))
        judged.append(Judged(tuple(Scored(score, 1.0, key in gold) for key, score in best.items()), len(gold)))
    return Result("redocred facts, gold ends", "relation", tuple(judged), pooled=False)
