"""An ontology as the text extractor asks it: vectors of its types, and from which score on an answer counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reamo_mcp.models.embedded.text_extractor_labels import entity_text, event_text, relation_text, role_text
from reamo_mcp.models.embedded.text_extractor_network import Calibration, ExtractorConfig, TextNetwork
from reamo_mcp.types.ontology import Ontology, RelationType, Role

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float32]


@dataclass(frozen=True)
class Thresholds:
    """Least scores by kind of label. Given to see more or less than is returned by default, as measuring does."""

    entity: float
    event: float
    relation: float
    argument: float


class Questions:
    """The types of one ontology as vectors."""

    def __init__(
        self, ontology: Ontology, network: TextNetwork, config: ExtractorConfig, thresholds: Thresholds | None
    ) -> None:
        self._config = config
        self.nested = ontology.nested
        self.entities = [kind.name for kind in ontology.entity_types]
        self.events = [kind.name for kind in ontology.event_types]
        self.relations: list[RelationType] = list(ontology.relation_types)
        self.roles: list[tuple[int, Role]] = [
            (number, role) for number, event in enumerate(ontology.event_types) for role in event.roles
        ]
        """Index of the event, and its role."""
        spot_texts = [entity_text(kind) for kind in ontology.entity_types]
        spot_texts += [event_text(kind) for kind in ontology.event_types]
        relation_texts = [relation_text(kind) for kind in self.relations]
        self.spot_labels = network.labels(spot_texts)
        self.relation_labels = network.labels(relation_texts)
        role_texts = [role_text(role) for _, role in self.roles]
        self.role_labels = network.labels(role_texts)
        count = len(self.entities)
        self.least_entity = self._least("entity", spot_texts[:count], thresholds.entity if thresholds else None)
        self.least_event = self._least("event", spot_texts[count:], thresholds.event if thresholds else None)
        self.least_relation = self._least("relation", relation_texts, thresholds.relation if thresholds else None)
        self.least_argument = self._least("argument", role_texts, thresholds.argument if thresholds else None)
        self._allowed = [(frozenset(kind.head), frozenset(kind.tail)) for kind in self.relations]

    def _least(self, kind: str, texts: Sequence[str], own: float | None) -> "Floats":
        import numpy

        usual = self._config.calibration[kind].least
        least = [own if own is not None else self._config.least.get(text, usual) for text in texts]
        return numpy.array(least, numpy.float32)

    def score(self, kind: str, logits: "Floats") -> "Floats":
        """Return calibrated scores of logits of one kind."""
        import numpy

        calibration: Calibration = self._config.calibration[kind]
        scaled = numpy.clip(calibration.scale * logits + calibration.shift, -60, 60)
        return (1 / (1 + numpy.exp(-scaled))).astype(numpy.float32)

    def may_link(self, relation: int, head: int, tail: int) -> bool:
        """Return whether a relation allows ends of these entity types, by their indices."""
        heads, tails = self._allowed[relation]
        return (not heads or self.entities[head] in heads) and (not tails or self.entities[tail] in tails)

    def roles_of(self, event: int) -> list[int]:
        """Return the indices into ``roles`` of one event type."""
        return [index for index, (number, _) in enumerate(self.roles) if number == event]
