"""Annotated texts of public sets as cases, read from the folder where a user has them.

Texts are those of the report half, or what was kept back from training, never what thresholds were chosen on.
A set is asked for its own types, in the words of `reamo_mcp.evaluation.text_sets.conventions`. The gold of relations
is complete only for ends that share a sentence (Re-DocRED); mentions of one thing are one entity with several spans.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.evaluation.text_sets.happening import read_geneva, read_litbank, read_m2e2, read_phee, roles_of_types
from reamo_mcp.evaluation.text_sets.related import ClusteredDocument, read_redocred, read_semeval
from reamo_mcp.evaluation.text_sets.sample import GoldEvent, Sample, digest, is_for_report, is_kept_back
from reamo_mcp.evaluation.text_sets.tagged import distinct, read_conll, read_universal
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.types.extraction import Argument, Engine, Entity, Event, Extraction, Relation, Trigger
from reamo_mcp.types.grounding import Provenance, TextSpan
from reamo_mcp.types.media import OpenedDocument, TextMedium
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType

Making = Callable[[], Iterator[Case]]
BY = Provenance(model="gold", step="locate")
ENGINE = Engine(profile="gold", version="1")


def text_cells(data: Path) -> Iterator[tuple[str, Callable[[int], Iterator[tuple[Case, Path]]]]]:
    """Yield the cells whose sets lie in ``data`` (its folders ``train`` and ``dev``): name, cases."""
    for name, needed, making in _sets(data / "train" / "text", data / "dev" / "text"):
        if all(path.exists() for path in needed):
            yield name, partial(_first, making, data)


def _first(making: Making, folder: Path, limit: int) -> Iterator[tuple[Case, Path]]:
    for case in islice(making(), limit):
        yield case, folder


def _sets(train: Path, dev: Path) -> Iterator[tuple[str, tuple[Path, ...], Making]]:
    def tagged(
        name: str, path: Path, read: Callable[[Path], Iterable[Sample]], types: Mapping[str, EntityType]
    ) -> tuple[str, tuple[Path, ...], Making]:
        return name, (path,), lambda: _named(name, filter(is_for_report, read(path)), types)

    yield tagged("text/wnut17/NER", dev / "ner/wnut17/emerging.dev.conll", read_conll, conventions.EMERGING)
    yield tagged("text/btc/NER", dev / "ner/btc/btc.dev", read_conll, conventions.TWITTER)
    for language, file in (("pt", "uner_pt_bosque/pt_bosque"), ("zh", "uner_zh_gsdsimp/zh_gsdsimp")):
        path = dev / f"ner/{file}-ud-dev.iob2"
        yield tagged(f"text/uner-{language}/NER", path, read_universal, conventions.UNIVERSAL)
    english = train / "ner/uner_en_ewt/en_ewt-ud-dev.iob2"
    yield (
        "text/uner-en/NER",
        (english,),
        lambda: _named(
            "text/uner-en/NER", filter(is_kept_back, distinct(read_universal(english))), conventions.UNIVERSAL
        ),
    )
    for domain in conventions.CROSS_DOMAINS:
        name = f"text/crossner-{domain}/NER"
        paths = tuple(train / "ner/crossner" / domain / file for file in ("train.txt", "dev.txt"))
        yield name, paths, partial(_cross, name, domain, paths)
    tweets = dev / "mner/gmner/dev_first80.txt"
    yield "text/gmner/NER", (tweets,), lambda: _named("text/gmner/NER", read_conll(tweets), _gmner())
    litbank = dev / "ee/litbank"
    yield (
        "text/litbank/NER",
        (litbank,),
        lambda: _named("text/litbank/NER", _with_entities(read_litbank(litbank)), conventions.FICTION),
    )
    facts = dev / "re/redocred/test_revised_first50.json"
    known = (train / "re/fewrel/pid2name.json", train / "re/redocred/dev_revised.json")
    yield "text/redocred/RE", (facts, *known), lambda: _related("text/redocred/RE", facts, *known)
    nominals = train / "re/semeval2010_task8/TRAIN_FILE.TXT"
    yield "text/semeval/RE", (nominals,), lambda: _nominals("text/semeval/RE", nominals)
    geneva, roles = dev / "ee/geneva/val.json", train / "ee/geneva/train_union.json"
    yield "text/geneva/EE", (geneva, roles), lambda: _geneva(geneva, roles)
    phee = dev / "ee/phee/dev.json"
    yield (
        "text/phee/EE",
        (phee,),
        lambda: _happening(
            "text/phee/EE", filter(is_for_report, read_phee(phee)), conventions.PHEE, conventions.phee_role_name
        ),
    )
    yield (
        "text/litbank/EE",
        (litbank,),
        lambda: _happening("text/litbank/EE", _with_entities(read_litbank(litbank)), conventions.FICTION_EVENT, str),
    )
    news = dev / "ee/m2e2/text_only_event_20docs.json"
    yield "text/m2e2/EE", (news,), lambda: _news(news)


def _cross(name: str, domain: str, paths: Sequence[Path]) -> Iterator[Case]:
    samples = distinct(sample for path in paths for sample in read_conll(path))
    return _named(name, filter(is_kept_back, samples), conventions.cross_domain(domain))


def _gmner() -> dict[str, EntityType]:
    kinds = {kind.name: kind for kind in load_ontology("gmner").entity_types}
    names = {"PER": "person", "LOC": "location", "ORG": "organization", "OTHER": "miscellaneous"}
    return {tag: kinds[name] for tag, name in names.items()}


def _with_entities(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Keep the texts that hold something; empty lines of books say little."""
    return (sample for sample in samples if sample.entities or sample.events)


def _named(name: str, samples: Iterable[Sample], types: Mapping[str, EntityType]) -> Iterator[Case]:
    ontology = Ontology(name=name.split("/")[1], entity_types=tuple(types.values()))
    for number, sample in enumerate(samples):
        entities = tuple(
            _entity(index, types[span.type].name, sample.text, [(span.start, span.end)])
            for index, span in enumerate(sample.entities)
            if span.type in types
        )
        yield _case(name, "NER", number, sample.text, ontology, entities)


def _related(name: str, facts: Path, properties: Path, training: Path) -> Iterator[Case]:
    names: dict[str, list[str]] = json.loads(properties.read_text(encoding="utf-8"))
    kinds = conventions.wikidata({fact[0] for document in read_redocred(training) for fact in document.facts}, names)
    ontology = Ontology(
        name="redocred",
        entity_types=tuple(conventions.WIKIPEDIA.values()),
        relation_types=tuple(kinds.values()),
    )
    documents = (document for document in read_redocred(facts) if digest(document.key) % 2 == 0)
    for number, document in enumerate(documents):
        yield _document(name, number, document, ontology, kinds)


def _document(
    name: str, number: int, document: ClusteredDocument, ontology: Ontology, kinds: Mapping[str, RelationType]
) -> Case:
    clusters: dict[int, list[tuple[int, int]]] = {}
    types: dict[int, str] = {}
    for mention in document.mentions:
        clusters.setdefault(mention.cluster, []).append((mention.span.start, mention.span.end))
        types[mention.cluster] = mention.span.type
    entities = tuple(
        _entity(cluster, conventions.WIKIPEDIA[types[cluster]].name, document.text, sorted(set(spans)))
        for cluster, spans in clusters.items()
    )
    known = sorted(fact for fact in document.same_sentence_facts() if fact[0] in kinds)
    relations = tuple(
        Relation(id=f"r{index}", type=kinds[kind].name, head=f"e{head}", tail=f"e{tail}")
        for index, (kind, head, tail) in enumerate(known)
    )
    return _case(name, "RE", number, document.text, ontology, entities, relations=relations)


def _nominals(name: str, path: Path) -> Iterator[Case]:
    """Yield sentences of SemEval-2010 task 8 with the one relation that is annotated, between two common nouns.

    Unlike in the task itself the two nouns are not given: an engine has to find them among all noun phrases, for which
    the types of GUM are asked, and ``RE relaxed`` forgives an article that is taken along. What else it finds counts as
    surplus. The official measure, with the nouns given, is in `reamo_mcp.evaluation.text_score`.
    """
    ontology = Ontology(
        name="semeval",
        entity_types=tuple(conventions.GUM.values()),
        relation_types=tuple(conventions.SEMEVAL.values()),
    )
    kind = conventions.GUM["object"].name  # the set does not say: types of ends do not count in RE
    kept = (s for s in filter(is_kept_back, read_semeval(path)) if s.relations and digest(s.key) // 5 % 2 == 0)
    for number, sample in enumerate(kept):
        link = sample.relations[0]
        ends = tuple(_entity(index, kind, sample.text, [end]) for index, end in enumerate((link.head, link.tail)))
        relation = Relation(id="r0", type=conventions.SEMEVAL[link.type].name, head="e0", tail="e1")
        yield _case(name, "RE", number, sample.text, ontology, ends, relations=(relation,))


def _geneva(path: Path, training: Path) -> Iterator[Case]:
    types = conventions.geneva(roles_of_types(read_geneva(training)))
    return _happening("text/geneva/EE", filter(is_for_report, read_geneva(path)), types, conventions.geneva_name)


def _news(path: Path) -> Iterator[Case]:
    ontology = load_ontology("m2e2")
    types = {kind.name: kind for kind in ontology.event_types}
    samples = (sample for sample in read_m2e2(path) if sample.events)
    return _happening("text/m2e2/EE", samples, types, str, ontology.entity_types)


def _happening(
    name: str,
    samples: Iterable[Sample],
    types: Mapping[str, EventType],
    role_name: Callable[[str], str],
    entity_types: tuple[EntityType, ...] = (),
) -> Iterator[Case]:
    ontology = Ontology(name=name.split("/")[1], entity_types=entity_types, event_types=tuple(types.values()))
    for number, sample in enumerate(samples):
        numbers = count()
        events = tuple(
            _event(f"v{index}", types[event.type].name, event, sample.text, role_name, numbers)
            for index, event in enumerate(sample.events)
            if event.type in types
        )
        yield _case(name, "EE", number, sample.text, ontology, events=events)


def _event(
    identity: str, kind: str, event: GoldEvent, text: str, role_name: Callable[[str], str], numbers: Iterator[int]
) -> Event:
    def place(start: int, end: int) -> TextSpan:
        return TextSpan(
            id=f"p{next(numbers)}", media_id="text", start=start, end=end, quote=text[start:end], provenance=BY
        )

    return Event(
        id=identity,
        type=kind,
        trigger=Trigger(text=text[event.start : event.end], groundings=(place(event.start, event.end),)),
        arguments=tuple(
            Argument(
                role=role_name(argument.role),
                value=text[argument.start : argument.end],
                groundings=(place(argument.start, argument.end),),
            )
            for argument in event.arguments
        ),
    )


def _entity(number: int, kind: str, text: str, spans: Sequence[tuple[int, int]]) -> Entity:
    places = tuple(
        TextSpan(id=f"g{number}.{index}", media_id="text", start=start, end=end, quote=text[start:end], provenance=BY)
        for index, (start, end) in enumerate(spans)
    )
    return Entity(id=f"e{number}", type=kind, name=places[0].quote or "", groundings=places)


def _case(
    name: str,
    task: Task,
    number: int,
    text: str,
    ontology: Ontology,
    entities: tuple[Entity, ...] = (),
    relations: tuple[Relation, ...] = (),
    events: tuple[Event, ...] = (),
) -> Case:
    digested = sha256(text.encode()).hexdigest()
    medium = TextMedium(id="text", name="text", sha256=digested, format="text", text=text, encoding="utf-8")
    return Case(
        id=f"{name.split('/')[1]}-{task}-{number:04}",
        cell=name,
        task=task,
        text=text,
        ontology=ontology,
        gold=Extraction(
            document=OpenedDocument(id="gold", media=(medium,)),
            entities=entities,
            relations=relations,
            events=events,
            engine=ENGINE,
        ),
    )
