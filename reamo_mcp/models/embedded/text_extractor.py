"""The embedded text extractor: entities, relations and events of any ontology, on a CPU, without torch.

Trained by this project (`reamo_mcp.training.text`; the model card lies beside the weights). A text is cut into windows;
one encoder gives the states of their words; every span of up to twelve words is scored against the texts of the asked
types, then pairs of what was found against relations, and triggers with phrases against the roles of events.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from reamo_mcp.errors import EngineFailed, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.embedded.text_extractor_decoding import FoundInText
from reamo_mcp.models.embedded.text_extractor_network import WEIGHTS, ExtractorConfig, TextNetwork, read_config
from reamo_mcp.models.embedded.text_extractor_questions import Questions, Thresholds
from reamo_mcp.models.embedded.text_extractor_reading import WindowReader
from reamo_mcp.models.embedded.text_extractor_windows import Window, cut_windows
from reamo_mcp.models.roles import Answer, Failed, Found, Mentions, ModelCard
from reamo_mcp.types.ontology import Ontology

_WORDS_OF_A_BATCH = 1_200  # after padding; 0.1 to 0.5 s on two cores
_WINDOWS_AHEAD = 256  # sorted by length together, so that little is padded


class EmbeddedTextExtractor:
    """The TextExtractor of the embedded engine. Scores are calibrated per kind: 0.8 is right four times in five.

    Weights are opened at the first text, not for the card. ``threads`` bounds the threads of one call. Not for several
    threads at once.
    """

    def __init__(self, threads: int, *, weights: Path = WEIGHTS, thresholds: Thresholds | None = None) -> None:
        self._threads = threads
        self._weights = weights
        self._thresholds = thresholds

    @cached_property
    def _config(self) -> ExtractorConfig:
        return read_config(self._weights)

    @cached_property
    def _network(self) -> TextNetwork:
        return TextNetwork(self._threads, self._weights)

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return ModelCard(
            role="text_extractor",
            name=self._config.name,
            revision=self._config.revision,
            accepts=("text",),
            calibrated=True,
            limits="English; names of up to 12 words; relations within a sentence; unusual types are found less surely",
        )

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        """Return the mentions of each text. Raises what ``control.check`` raises, and ModelUnavailable."""
        found = [FoundInText() for _ in texts]
        failed: dict[int, Failed] = {}
        if ontology.entity_types or ontology.event_types:
            asked = Questions(ontology, self._network, self._config, self._thresholds)
            total, done = float(sum(map(len, texts))), 0
            for windows in self._batches(texts):
                control.check()
                try:
                    WindowReader(windows, asked, self._network).read(found)
                except ReamoError:
                    raise  # cancelled, out of time, or no weights: no other text would fare better
                except Exception as error:  # the boundary to onnxruntime: texts of other batches do not fail
                    told = Failed(EngineFailed.code, f"The text could not be read ({type(error).__name__})")
                    failed.update((window.text, told) for window in windows)
                done += sum(window.words[-1].end - window.words[0].start for window in windows)
                control.progress(min(float(done), total), total, "characters")
        return [
            failed[number] if number in failed else Found((one.mentions(is_nested=ontology.nested),))
            for number, one in enumerate(found)
        ]

    def _batches(self, texts: Sequence[str]) -> Iterator[list[Window]]:
        ahead: list[Window] = []
        for number, text in enumerate(texts):
            for window in cut_windows(text, number):
                ahead.append(window)
                if len(ahead) == _WINDOWS_AHEAD:
                    yield from _evenly(ahead)
                    ahead = []
        yield from _evenly(ahead)


def _evenly(windows: list[Window]) -> Iterator[list[Window]]:
    batch: list[Window] = []
    for window in sorted(windows, key=lambda window: len(window.words)):
        if batch and (len(batch) + 1) * len(window.words) > _WORDS_OF_A_BATCH:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch
