"""From samples to what the network takes: words, sampled questions, answers and what is not known."""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy
import torch
from tokenizers import Tokenizer
from torch import Tensor

from reamo_mcp.evaluation.text_sets.sample import Sample
from reamo_mcp.models.embedded.text_extractor_words import cut_words, shape
from reamo_mcp.training.text.network import WIDEST
from reamo_mcp.training.text.tasks import EventLabel, Label, Task

LONGEST = 80
"""Words of one training text."""
MOST_PIECES = 6
"""Word pieces of one word."""

WordPlace = tuple[int, int]


class Pieces:
    """Word pieces of words, remembered."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str, list[int]] = {}
        self.start: int = tokenizer.encode("").ids[0]
        self.end: int = tokenizer.encode("").ids[-1]
        self.unknown: int = tokenizer.encode("\u2603\u2603", add_special_tokens=False).ids[0]

    def of(self, word: str) -> list[int]:
        """Return at least one piece."""
        found = self._known.get(word)
        if found is None:
            found = self._tokenizer.encode(word, add_special_tokens=False).ids[:MOST_PIECES] or [self.unknown]
            self._known[word] = found
        return found

    def of_text(self, text: str) -> list[int]:
        """Return the pieces of a label text, with the marks of start and end."""
        return self._tokenizer.encode(text).ids


@dataclass
class Prepared:
    """A sample in words: what is marked, by places in words."""

    words: list[str]
    entities: list[tuple[str, WordPlace]] = field(default_factory=list[tuple[str, WordPlace]])
    events: list[tuple[str, WordPlace, list[tuple[str, WordPlace]]]] = field(
        default_factory=list[tuple[str, WordPlace, list[tuple[str, WordPlace]]]]
    )
    relations: dict[tuple[WordPlace, WordPlace], set[str]] = field(
        default_factory=dict[tuple[WordPlace, WordPlace], set[str]]
    )
    pairs: list[tuple[WordPlace, WordPlace]] = field(default_factory=list[tuple[WordPlace, WordPlace]])
    relation_types: frozenset[str] | None = None


def prepare(sample: Sample) -> Prepared:
    """Return a sample in words. What does not begin and end with a word, or lies beyond `LONGEST`, is left out."""
    words = list(cut_words(sample.text))[:LONGEST]
    starts = {word.start: index for index, word in enumerate(words)}
    ends = {word.end: index + 1 for index, word in enumerate(words)}

    def place(start: int, end: int) -> WordPlace | None:
        first, last = starts.get(start), ends.get(end)
        return None if first is None or last is None or last <= first else (first, last)

    prepared = Prepared([word.text for word in words], relation_types=sample.relation_types)
    for entity in sample.entities:
        if (at := place(entity.start, entity.end)) is not None:
            prepared.entities.append((entity.type, at))
    for event in sample.events:
        if (at := place(event.start, event.end)) is not None:
            arguments = [(a.role, p) for a in event.arguments if (p := place(a.start, a.end)) is not None]
            prepared.events.append((event.type, at, arguments))
    pairs = sample.pairs
    if pairs is None:
        ends_of = list(dict.fromkeys((entity.start, entity.end) for entity in sample.entities))
        pairs = tuple((head, tail) for head in ends_of for tail in ends_of if head != tail)
    for head, tail in pairs:
        first, second = place(*head), place(*tail)
        if first is not None and second is not None and first != second:
            prepared.pairs.append((first, second))
    for relation in sample.relations:
        first, second = place(*relation.head), place(*relation.tail)
        if first is not None and second is not None:
            prepared.relations.setdefault((first, second), set()).add(relation.type)
    return prepared


@dataclass
class Batch:
    """Tensors of one step, named as in `reamo_mcp.training.text.network`; lists of places go beside."""

    pieces: Tensor
    shapes: Tensor
    mask: Tensor
    firsts: Tensor
    lasts: Tensor
    word_mask: Tensor
    label_pieces: Tensor
    label_mask: Tensor
    spot_labels: Tensor
    spot_answers: Tensor  # (N, 4): text, start, width - 1, spot label
    unmarked: float
    role_spots: tuple[int, int]  # the spot labels from .. to that are roles
    relation_labels: Tensor
    relation_pairs: Tensor
    relation_answers: Tensor
    relation_known: Tensor
    argument_labels: Tensor  # (A, 2): label of the role, label of the event
    triggers: list[tuple[int, WordPlace, dict[int, set[WordPlace]]]]
    """Text, place, and for each argument label that applies the places that fill it."""

    def on(self, device: torch.device | str) -> "Batch":
        """Return the batch with its tensors on a device."""
        tensors = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **tensors)


class _Questions:
    """Label texts of one batch, each once."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def add(self, text: str) -> int:
        return self.index.setdefault(text, len(self.index))


class BatchMaker:
    """Makes batches of one task. Everything random comes from ``chance``."""

    def __init__(self, task: Task, pieces: Pieces, chance: random.Random) -> None:
        self.task = task
        self._pieces = pieces
        self._chance = chance
        prepared = [prepare(sample) for sample in task.samples]
        self._samples = [sample for sample in prepared if sample.words]
        self._queue: list[list[Prepared]] = []

    def next(self, most_words: int) -> Batch:
        """Return the next batch, of about ``most_words`` words after padding."""
        if not self._queue:
            self._fill(most_words)
        return self._batch(self._queue.pop())

    def _fill(self, most_words: int) -> None:
        order = list(self._samples)
        self._chance.shuffle(order)
        for at in range(0, len(order), 400):
            pool = sorted(order[at : at + 400], key=lambda sample: len(sample.words))
            group: list[Prepared] = []
            for sample in pool:
                if group and (len(group) + 1) * len(sample.words) > most_words:
                    self._queue.append(group)
                    group = []
                group.append(sample)
                if len(group) == 40:
                    self._queue.append(group)
                    group = []
            if group:
                self._queue.append(group)
        self._chance.shuffle(self._queue)

    def _noisy(self, words: Sequence[str]) -> list[str]:
        """Return words as a careless writer, a transcript or a recogniser of letters would give them, mostly as is."""
        luck = self._chance.random()
        if luck < 0.08:
            return [word.lower() for word in words]
        if luck < 0.11:
            return [word.upper() for word in words]
        if luck < 0.15:
            return [self._slip(word) if self._chance.random() < 0.08 else word for word in words]
        return list(words)

    def _slip(self, word: str) -> str:
        at = self._chance.randrange(len(word))
        swaps = {"l": "1", "o": "0", "e": "c", "i": "l", "s": "5", "m": "n", "h": "b", "t": "f", "a": "o"}
        return word[:at] + swaps.get(word[at].lower(), word[at]) + word[at + 1 :]

    def _batch(self, samples: Sequence[Prepared]) -> Batch:
        questions = _Questions()
        arrays = self._words(samples)
        spots, answers, role_range = self._spots(samples, questions)
        relation_labels, relation_pairs, relation_answers, relation_known = self._relations(samples, questions)
        arguments, triggers = self._arguments(samples, questions)
        texts = [self._pieces.of_text(text) for text in questions.index]
        longest = max(map(len, texts))
        label_pieces = numpy.zeros((len(texts), longest), numpy.int64)
        label_mask = numpy.zeros((len(texts), longest), numpy.int64)
        for row, ids in enumerate(texts):
            label_pieces[row, : len(ids)] = ids
            label_mask[row, : len(ids)] = 1
        return Batch(
            *arrays,
            label_pieces=torch.from_numpy(label_pieces),
            label_mask=torch.from_numpy(label_mask),
            spot_labels=torch.tensor(spots, dtype=torch.long),
            spot_answers=torch.tensor(answers, dtype=torch.long).reshape(-1, 4),
            unmarked=self.task.unmarked,
            role_spots=role_range,
            relation_labels=torch.tensor(relation_labels, dtype=torch.long),
            relation_pairs=torch.tensor(relation_pairs, dtype=torch.long).reshape(-1, 5),
            relation_answers=relation_answers,
            relation_known=relation_known,
            argument_labels=torch.tensor(arguments, dtype=torch.long).reshape(-1, 2),
            triggers=triggers,
        )

    def _words(self, samples: Sequence[Prepared]) -> tuple[Tensor, ...]:
        rows: list[tuple[list[int], list[int], list[int], list[int]]] = []
        for sample in samples:
            ids, shapes, firsts, lasts = [self._pieces.start], [0], list[int](), list[int]()
            plain = self._chance.random() < 0.05  # shapes are not always to be had
            for word in self._noisy(sample.words):
                found = self._pieces.of(word)
                firsts.append(len(ids))
                ids += found
                shapes += [0 if plain else shape(word)] * len(found)
                lasts.append(len(ids) - 1)
            rows.append(([*ids, self._pieces.end], [*shapes, 0], firsts, lasts))
        longest, words = max(len(row[0]) for row in rows), max(len(row[2]) for row in rows)
        pieces, shapes, mask = (numpy.zeros((len(rows), longest), numpy.int64) for _ in range(3))
        firsts, lasts, word_mask = (numpy.zeros((len(rows), words), numpy.int64) for _ in range(3))
        for index, row in enumerate(rows):
            pieces[index, : len(row[0])] = row[0]
            shapes[index, : len(row[0])] = row[1]
            mask[index, : len(row[0])] = 1
            firsts[index, : len(row[2])] = row[2]
            lasts[index, : len(row[2])] = row[3]
            word_mask[index, : len(row[2])] = 1
        return tuple(torch.from_numpy(array) for array in (pieces, shapes, mask, firsts, lasts, word_mask))

    def _chosen(self, labels: Sequence[Label], present: set[str], most: int) -> list[Label]:
        """Return most of the labels that are answered here, and some that are not."""
        answered = [label for label in labels if (label.types | label.reversed_types) & present]
        others = [label for label in labels if not (label.types | label.reversed_types) & present]
        answered = [label for label in answered if self._chance.random() > 0.1]
        room = max(most - len(answered), 3)
        return (answered + self._chance.sample(others, min(room, len(others)))) or list(labels)

    def _asked_events(self, samples: Sequence[Prepared]) -> list[EventLabel]:
        present = {kind for sample in samples for kind, _, _ in sample.events}
        chosen = {id(label) for label in self._chosen([event.label for event in self.task.events], present, 10)}
        return [event for event in self.task.events if id(event.label) in chosen]

    def _spots(
        self, samples: Sequence[Prepared], questions: _Questions
    ) -> tuple[list[int], list[tuple[int, int, int, int]], tuple[int, int]]:
        spots: list[int] = []
        answers: list[tuple[int, int, int, int]] = []

        def ask(text: str, marked: Sequence[tuple[int, WordPlace]]) -> None:
            spots.append(questions.add(text))
            for row, (start, end) in set(marked):
                if end - start <= WIDEST:
                    answers.append((row, start, end - start - 1, len(spots) - 1))

        present = {kind for sample in samples for kind, _ in sample.entities}
        for label in self._chosen(self.task.entities, present, 16):
            marked = [(row, at) for row, s in enumerate(samples) for kind, at in s.entities if kind in label.types]
            ask(self._chance.choice(label.texts), marked)
        self._events = self._asked_events(samples)
        self._event_texts = {id(event): self._chance.choice(event.label.texts) for event in self._events}
        for event in self._events:
            marked = [
                (row, at) for row, s in enumerate(samples) for kind, at, _ in s.events if kind in event.label.types
            ]
            ask(self._event_texts[id(event)], marked)
        roles: defaultdict[str, set[str]] = defaultdict(set)
        kinds = {kind for sample in samples for kind, _, _ in sample.events}
        for event in self._events:
            if event.label.types & kinds:
                for own, label in event.roles.items():
                    roles[label.texts[0]].add(own)
        first_role = len(spots)
        for text, own in roles.items():
            marked = [
                (row, at)
                for row, s in enumerate(samples)
                for _, _, found in s.events
                for role, at in found
                if role in own
            ]
            ask(text, marked)
        return spots, answers, (first_role, len(spots))

    def _relations(
        self, samples: Sequence[Prepared], questions: _Questions
    ) -> tuple[list[int], list[tuple[int, int, int, int, int]], Tensor, Tensor]:
        present = {kind for sample in samples for kinds in sample.relations.values() for kind in kinds}
        labels = self._chosen(self.task.relations, present, 14)
        pairs: list[tuple[int, int, int, int, int]] = []
        truths: list[list[float]] = []
        known: list[list[float]] = []
        for row, sample in enumerate(samples):
            for head, tail in dict.fromkeys((*sample.pairs, *sample.relations)):
                straight = sample.relations.get((head, tail), set[str]())
                turned = sample.relations.get((tail, head), set[str]())
                if not straight and not turned and len(sample.pairs) > 60 and self._chance.random() < 0.5:
                    continue
                pairs.append((row, *head, *tail))
                truths.append(
                    [float(bool(label.types & straight or label.reversed_types & turned)) for label in labels]
                )
                types = sample.relation_types
                known.append(
                    [
                        float(types is None or (label.types | label.reversed_types) <= types or truth > 0)
                        for label, truth in zip(labels, truths[-1], strict=True)
                    ]
                )
        asked = [questions.add(self._chance.choice(label.texts)) for label in labels]
        size = (len(pairs), len(labels))
        return asked, pairs, torch.tensor(truths).reshape(size), torch.tensor(known).reshape(size)

    def _arguments(
        self, samples: Sequence[Prepared], questions: _Questions
    ) -> tuple[list[tuple[int, int]], list[tuple[int, WordPlace, dict[int, set[WordPlace]]]]]:
        combined: dict[tuple[int, int], int] = {}
        triggers: list[tuple[int, WordPlace, dict[int, set[WordPlace]]]] = []
        for row, sample in enumerate(samples):
            for kind, at, found in sample.events:
                asked: dict[int, set[WordPlace]] = {}
                for event in self._events:
                    if kind not in event.label.types:
                        continue
                    text = questions.add(self._event_texts[id(event)])
                    for own, label in event.roles.items():
                        key = (questions.add(label.texts[0]), text)
                        places = asked.setdefault(combined.setdefault(key, len(combined)), set())
                        places.update(place for role, place in found if role == own)
                if asked:
                    triggers.append((row, at, asked))
        return list(combined), triggers
