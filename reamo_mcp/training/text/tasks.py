"""What one set teaches: its samples, and the label texts by which its types may be asked."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.evaluation.text_sets.happening import read_geneva, read_litbank, read_phee, roles_of_types
from reamo_mcp.evaluation.text_sets.related import (
    read_fewrel,
    read_knowledgenet,
    read_re3d,
    read_redocred,
    read_semeval,
    sentences_of,
)
from reamo_mcp.evaluation.text_sets.sample import Sample, is_kept_back
from reamo_mcp.evaluation.text_sets.tagged import distinct, read_conll, read_gum, read_universal
from reamo_mcp.models.embedded.text_extractor_labels import label_text
from reamo_mcp.training.text.wider_types import WIDER_ENTITIES, WIDER_EVENTS, WIDER_RELATIONS
from reamo_mcp.types.ontology import EntityType, EventType, RelationType


@dataclass(frozen=True)
class Label:
    """A question to the model: ways to put it, and the types of the set that answer it."""

    texts: tuple[str, ...]
    types: frozenset[str]
    reversed_types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EventLabel:
    """A question for events: the same, with questions for the roles by the set's names of them."""

    label: Label
    name: str
    roles: Mapping[str, Label] = field(default_factory=dict[str, Label])


@dataclass(frozen=True)
class Task:
    """A set to learn from. ``weight`` is its share of the steps; ``own_weight`` scales the loss of unmarked spots."""

    name: str
    samples: tuple[Sample, ...]
    weight: float
    share_alike: bool
    entities: tuple[Label, ...] = ()
    relations: tuple[Label, ...] = ()
    events: tuple[EventLabel, ...] = ()
    unmarked: float = 1.0


def _texts(found: EntityType | RelationType | EventType) -> tuple[str, ...]:
    word = "entity" if isinstance(found, EntityType) else "relation" if isinstance(found, RelationType) else "event"
    full = label_text(word, found.name, found.description)
    # Where a description tells conventions apart, the bare name stays with the sets that a plain reader means.
    return (full,)


def _entity_labels(types: Mapping[str, EntityType], *, bare: bool = False) -> tuple[Label, ...]:
    labels: list[Label] = []
    for key, kind in types.items():
        texts = _texts(kind)
        labels.append(Label((*texts, label_text("entity", kind.name)) if bare else texts, frozenset((key,))))
    return tuple(labels)


def _wider_entities(name: str) -> tuple[Label, ...]:
    return tuple(Label(texts, frozenset(types[name])) for texts, types in WIDER_ENTITIES.items() if name in types)


def _relation_labels(types: Mapping[str, RelationType], *, wider: bool) -> tuple[Label, ...]:
    labels = [
        Label(
            (label_text("relation", kind.name, kind.description), label_text("relation", kind.name)), frozenset((key,))
        )
        for key, kind in types.items()
    ]
    if wider:
        labels += [
            Label(texts, frozenset(straight), frozenset(turned))
            for texts, (straight, turned) in WIDER_RELATIONS.items()
            if (set(straight) | set(turned)) & set(types)
        ]
    return tuple(labels)


def _event_label(key: str, kind: EventType, role_keys: Mapping[str, str]) -> EventLabel:
    """Return the questions for one event type; ``role_keys`` leads from the ontology's name to the set's."""
    roles: dict[str, Label] = {}
    for role in kind.roles:
        own = role_keys[role.name]
        roles[own] = Label((label_text("role", role.name, role.description),), frozenset((own,)))
    texts = (label_text("event", kind.name, kind.description), label_text("event", kind.name))
    return EventLabel(Label(texts, frozenset((key,))), kind.name, roles)


def _geneva_task(root: Path) -> Task:
    samples = tuple(read_geneva(root / "ee/geneva/train_union.json"))
    known = roles_of_types(samples)
    labels: list[EventLabel] = []
    for key, kind in conventions.geneva(known).items():
        role_keys = {conventions.geneva_name(role): role for role in known[key]}
        labels.append(_event_label(key, kind, role_keys))
    for texts, (types, roles) in WIDER_EVENTS.items():
        name = texts[0].split(":")[1].strip()
        asked_roles = {own: Label((label_text("role", asked),), frozenset((own,))) for own, asked in roles.items()}
        labels.append(EventLabel(Label(texts, frozenset(types)), name, asked_roles))
    return Task("geneva", samples, 0.20, share_alike=False, events=tuple(labels), unmarked=0.6)


def _phee_task(root: Path) -> Task:
    keys = {conventions.phee_role_name(role): role for role in conventions.PHEE_ROLE_KEYS}
    events = tuple(_event_label(key, kind, keys) for key, kind in conventions.PHEE.items())
    return Task("phee", tuple(read_phee(root / "ee/phee/train.json")), 0.17, share_alike=False, events=events)


def _turned(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Add to each single pair its other direction, in which nothing holds."""
    for sample in samples:
        yield replace(sample, pairs=tuple((tail, head) for head, tail in sample.pairs or ()) + (sample.pairs or ()))


def read_tasks(root: Path, *, strict: bool, without: frozenset[str] = frozenset()) -> list[Task]:
    """Return the tasks below ``root`` (the folder ``text`` of the training data).

    ``strict`` leaves out what is under CC BY-SA. ``without`` names tasks to leave out, such as ``crossner_music``.
    """
    names: dict[str, list[str]] = json.loads((root / "re/fewrel/pid2name.json").read_text(encoding="utf-8"))

    def kept(samples: Iterable[Sample]) -> tuple[Sample, ...]:
        return tuple(sample for sample in distinct(samples) if not is_kept_back(sample))

    def redocred() -> Task:
        documents = list(read_redocred(root / "re/redocred/dev_revised.json"))
        samples = [s for document in documents for s in sentences_of(document)]
        samples += [s for document in documents for s in sentences_of(document, together=2)]
        properties = {fact[0] for document in documents for fact in document.facts}
        labels = _relation_labels(conventions.wikidata(properties, names), wider=True)
        entities = (*_entity_labels(conventions.WIKIPEDIA), *_wider_entities("redocred"))
        return Task("redocred", tuple(samples), 0.17, True, entities, labels)

    def fewrel() -> Task:
        samples = tuple(_turned(read_fewrel(root / "re/fewrel/val_wiki.json")))
        properties = {relation.type for sample in samples for relation in sample.relations}
        return Task(
            "fewrel",
            samples,
            0.01,
            True,
            relations=_relation_labels(conventions.wikidata(properties, names), wider=True),
        )

    def cross(domain: str) -> Task:
        folder = root / "ner/crossner" / domain
        samples = kept([*read_conll(folder / "train.txt"), *read_conll(folder / "dev.txt")])
        labels = (*_entity_labels(conventions.cross_domain(domain)), *_wider_entities("crossner"))
        present = {entity.type for sample in samples for entity in sample.entities}
        labels = tuple(label for label in labels if label.types & present)
        return Task(f"crossner_{domain}", samples, 0.06, True, labels)

    def gum() -> Task:
        samples = tuple(read_gum(root / "ner/gum/tsv"))
        if strict:
            samples = tuple(s for s in samples if not s.key.startswith(("GUM_bio", "GUM_voyage")))
        return Task("gum", samples, 0.01, False, _entity_labels(conventions.GUM))

    def re3d() -> Task:
        sources = ("CENTCOM", "UK_Government", "US_State_Department", *(() if strict else ("Wikipedia",)))
        samples = tuple(sample for source in sources for sample in read_re3d(root / "re/re3d" / source))
        labels = _relation_labels(conventions.DEFENCE_RELATIONS, wider=False)
        return Task("re3d", samples, 0.01, False, _entity_labels(conventions.DEFENCE), labels)

    def litbank() -> Task:
        event = EventLabel(
            Label(
                (label_text("event", "event", conventions.FICTION_EVENT["EVENT"].description),), frozenset(("EVENT",))
            ),
            "event",
        )
        return Task(
            "litbank",
            tuple(read_litbank(root / "ee/litbank")),
            0.02,
            False,
            _entity_labels(conventions.FICTION),
            events=(event,),
        )

    readers: dict[str, Callable[[], Task]] = {
        "wnut17": lambda: Task(
            "wnut17",
            tuple(read_conll(root / "ner/wnut17/wnut17train.conll")),
            0.05,
            False,
            (*_entity_labels(conventions.EMERGING), *_wider_entities("wnut17")),
        ),
        "btc": lambda: Task(
            "btc", tuple(read_conll(root / "ner/btc/btc.train")), 0.11, False, _entity_labels(conventions.TWITTER)
        ),
        "uner": lambda: Task(
            "uner",
            kept(read_universal(root / "ner/uner_en_ewt/en_ewt-ud-dev.iob2")),
            0.12,
            True,
            _entity_labels(conventions.UNIVERSAL, bare=True),
        ),
        **{f"crossner_{domain}": lambda domain=domain: cross(domain) for domain in conventions.CROSS_DOMAINS},
        "gum": gum,
        "redocred": redocred,
        "fewrel": fewrel,
        "semeval": lambda: Task(
            "semeval",
            tuple(s for s in read_semeval(root / "re/semeval2010_task8/TRAIN_FILE.TXT") if not is_kept_back(s)),
            0.07,
            False,
            relations=_relation_labels(conventions.SEMEVAL, wider=False),
        ),
        "knowledgenet": lambda: Task(
            "knowledgenet",
            tuple(read_knowledgenet(root / "re/knowledgenet/passages.jsonl")),
            0.03,
            True,
            relations=_relation_labels(conventions.KNOWLEDGENET, wider=True),
        ),
        "re3d": re3d,
        "geneva": lambda: _geneva_task(root),
        "phee": lambda: _phee_task(root),
        "litbank": litbank,
    }
    tasks = [read() for name, read in readers.items() if name not in without]
    return [task for task in tasks if not (strict and task.share_alike)]
