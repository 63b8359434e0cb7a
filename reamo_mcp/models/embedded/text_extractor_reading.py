"""One batch of windows: states, then spots, then links between what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reamo_mcp.models.embedded.text_extractor_decoding import (
    FoundInText,
    Spot,
    chosen_arguments,
    nested,
    without_overlaps,
)
from reamo_mcp.models.embedded.text_extractor_network import States, TextNetwork
from reamo_mcp.models.embedded.text_extractor_questions import Questions
from reamo_mcp.models.embedded.text_extractor_windows import Window
from reamo_mcp.models.embedded.text_extractor_words import Word

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float32]

_MOST_PAIRED = 24  # entities of a window between which relations are looked for
_MOST_FILLERS = 20  # phrases of a window that may fill roles
_LEAST_FILLER = -5.0  # logit from which on a phrase may fill a role: -3 lost more than half of GENEVA's arguments
_FIT_SHARE = 0.5  # how much the fit of a phrase to a role, whatever the trigger, adds to the logit of the pair

Place = tuple[int, int]
"""Words of a window, half-open."""


@dataclass(frozen=True)
class Typed:
    """A span of a window and the index of its type."""

    type: int
    place: Place
    score: float


class WindowReader:
    """Reads one batch of windows."""

    def __init__(self, windows: Sequence[Window], questions: Questions, network: TextNetwork) -> None:
        self._windows = windows
        self._questions = questions
        self._network = network

    def read(self, found: Sequence[FoundInText]) -> None:
        """Add what is in the windows to what was found in their texts, by the number of the text."""
        asked = self._questions
        states = self._network.states([window.words for window in self._windows])
        logits = self._network.spots(states, asked.spot_labels.spot, asked.spot_labels.spot_bias)
        count = len(asked.entities)
        entities = self._spotted(asked.score("entity", logits[..., :count]), asked.least_entity, is_nested=asked.nested)
        triggers = self._spotted(asked.score("event", logits[..., count:]), asked.least_event, is_nested=False)
        for window, things, happenings in zip(self._windows, entities, triggers, strict=True):
            into = found[window.text]
            into.entities += [_spot(window, asked.entities[one.type], one) for one in things if window.owns(*one.place)]
            into.triggers += [
                _spot(window, asked.events[one.type], one) for one in happenings if window.owns(*one.place)
            ]
        if asked.relations:
            self._relate(states, entities, found)
        if asked.roles:
            self.fill(states, entities, triggers, found)

    def _spotted(self, scores: "Floats", least: "Floats", *, is_nested: bool) -> list[list[Typed]]:
        """Return for each window the spans that stay, of the best type each."""
        import numpy

        chosen: list[list[Typed]] = [[] for _ in self._windows]
        if not scores.shape[-1]:
            return chosen
        above = numpy.where(scores >= least, scores, 0)
        best = above.max(-1)
        places = [numpy.argwhere(row) for row in best]
        for number, window in enumerate(self._windows):
            spots: list[Spot] = []
            for start, width in places[number].tolist():
                end = start + width + 1
                if window.names(start, end):
                    kind = int(above[number, start, width].argmax())
                    spots.append(Spot(str(kind), start, end, float(best[number, start, width])))
            kept = nested(spots) if is_nested else without_overlaps(spots)
            chosen[number] = [Typed(int(spot.type), spot.place, spot.score) for spot in kept]
        return chosen

    def _relate(self, states: States, entities: list[list[Typed]], found: Sequence[FoundInText]) -> None:
        import numpy

        asked = self._questions
        pairs: list[tuple[int, Typed, Typed]] = []
        for number, window in enumerate(self._windows):
            things = sorted(entities[number], key=lambda one: -one.score)[:_MOST_PAIRED]
            pairs += [
                (number, head, tail)
                for head in things
                for tail in things
                if head.place != tail.place
                and window.sentences[head.place[0]] == window.sentences[tail.place[0]]
                and any(asked.may_link(relation, head.type, tail.type) for relation in range(len(asked.relations)))
            ]
        labels = asked.relation_labels
        for at in range(0, len(pairs), 1024):
            some = pairs[at : at + 1024]
            rows = numpy.array([(number, *head.place, *tail.place) for number, head, tail in some], numpy.int64)
            logits = self._network.pairs(states, rows) @ labels.relation.T + labels.relation_bias
            scores = asked.score("relation", logits)
            for row, relation in numpy.argwhere(scores >= asked.least_relation).tolist():
                number, head, tail = some[row]
                if asked.may_link(relation, head.type, tail.type):
                    self._add_relation(number, relation, head, tail, float(scores[row, relation]), found)

    def _add_relation(
        self, number: int, relation: int, head: Typed, tail: Typed, score: float, found: Sequence[FoundInText]
    ) -> None:
        window = self._windows[number]
        kind = self._questions.relations[relation]
        ends = [_characters(window, head.place), _characters(window, tail.place)]
        if kind.symmetric:
            ends.sort()
        key = (kind.name, ends[0], ends[1])
        relations = found[window.text].relations
        relations[key] = max(score, relations.get(key, 0.0))

    def fill(
        self,
        states: States,
        entities: list[list[Typed]],
        triggers: list[list[Typed]],
        found: Sequence[FoundInText],
    ) -> None:
        """Add the arguments of triggers, given for each window."""
        import numpy

        asked = self._questions
        numbers = [number for number, happenings in enumerate(triggers) if happenings]
        if not numbers:
            return
        here = States(states.first[numbers], states.last[numbers])
        labels = asked.role_labels
        kinds = {trigger.type for number in numbers for trigger in triggers[number]}
        applying = [role for kind in sorted(kinds) for role in asked.roles_of(kind)]
        column = {role: index for index, role in enumerate(applying)}
        fitting = self._network.spots(here, labels.spot[applying], labels.spot_bias[applying])
        rows: list[tuple[int, int, int, int, int]] = []
        cells: list[tuple[int, int, Typed, Place]] = []  # number of the window, role, trigger, what is told
        for index, number in enumerate(numbers):
            window = self._windows[number]
            for trigger in triggers[number]:
                if not window.owns(*trigger.place):
                    continue
                roles = asked.roles_of(trigger.type)
                typed = {one.place: asked.entities[one.type] for one in entities[number]}
                for place in self._fillers(
                    fitting[index][..., [column[role] for role in roles]], typed, len(window.words)
                ):
                    for role in roles:
                        told = _told(place, asked.roles[role][1].types, typed)
                        if told is not None and trigger.place not in (place, told):
                            rows.append((index, *trigger.place, *place))
                            cells.append((number, role, trigger, told))
        fillers: dict[tuple[int, Typed], list[Spot]] = {}
        for at in range(0, len(rows), 2048):
            some = numpy.array(rows[at : at + 2048], numpy.int64)
            roles = numpy.array([role for _, role, _, _ in cells[at : at + 2048]])
            events = numpy.array([trigger.type for _, _, trigger, _ in cells[at : at + 2048]]) + len(asked.entities)
            pairs, which = numpy.unique(some, axis=0, return_inverse=True)
            pair_states = self._network.pairs(here, pairs)[which.reshape(-1)]
            vectors = labels.role[roles] + asked.spot_labels.event[events]
            columns = numpy.array([column[role] for role in roles.tolist()])
            fits = fitting[some[:, 0], some[:, 3], some[:, 4] - some[:, 3] - 1, columns]
            logits = (pair_states * vectors).sum(1) + labels.role_bias[roles] + _FIT_SHARE * fits
            scores = asked.score("argument", logits)
            for row in numpy.flatnonzero(scores >= asked.least_argument[roles]).tolist():
                number, role, trigger, told = cells[at + row]
                start, end = _characters(self._windows[number], told)
                spot = Spot(asked.roles[role][1].name, start, end, float(scores[row]))
                fillers.setdefault((number, trigger), []).append(spot)
        for (number, trigger), spots in fillers.items():
            window = self._windows[number]
            key = (asked.events[trigger.type], _characters(window, trigger.place))
            found[window.text].arguments[key] = chosen_arguments(spots)

    def _fillers(self, fitting: "Floats", typed: Mapping[Place, str], words: int) -> list[Place]:
        """Return what may fill the roles of the last axis of ``fitting``: entities, and other phrases that fit."""
        import numpy

        places = list(typed)
        if not fitting.shape[-1]:
            return places
        best = fitting[:words].max(-1)
        for flat in numpy.argsort(best, axis=None)[::-1][: 2 * _MOST_FILLERS].tolist():
            start, width = divmod(flat, best.shape[1])
            if best[start, width] < _LEAST_FILLER or len(places) >= _MOST_FILLERS + len(typed):
                break
            if start + width < words and (start, start + width + 1) not in typed:
                places.append((start, start + width + 1))
        return places


def _told(place: Place, types: Sequence[str], typed: Mapping[Place, str]) -> Place | None:
    """Return what is told as the filler of a role that allows ``types``, None if the phrase may not fill it.

    Of a phrase such as "the rebel leader Ahmad" the entity is told that it ends with, or else begins with.
    """
    if not types or typed.get(place) in types:
        return place
    inside = [one for one, kind in typed.items() if kind in types and place[0] <= one[0] and one[1] <= place[1]]
    for one in inside:
        if one[1] == place[1]:
            return one
    return next((one for one in inside if one[0] == place[0]), None)


def fill_roles(
    words: Sequence[Word], event: int, trigger: Place, questions: Questions, network: TextNetwork
) -> list[Spot]:
    """Return what fills the roles of one event whose trigger is given, in words; for measuring."""
    window = Window(0, tuple(words), (0, len(words)), (0,) * len(words), (0,) * len(words))
    found = FoundInText()
    reader = WindowReader([window], questions, network)
    reader.fill(network.states([words]), [[]], [[Typed(event, trigger, 1.0)]], [found])
    return [spot for spots in found.arguments.values() for spot in spots]


def _characters(window: Window, place: Place) -> tuple[int, int]:
    return window.words[place[0]].start, window.words[place[1] - 1].end


def _spot(window: Window, kind: str, one: Typed) -> Spot:
    return Spot(kind, *_characters(window, one.place), one.score)
