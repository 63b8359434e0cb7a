"""The networks of the text extractor on onnxruntime: words to states, states to scores of spans and of pairs."""

# onnxruntime ships neither stubs nor annotations for what it binds; its types end at this module:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import Field

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.models.embedded.text_extractor_words import Word, shape
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import numpy
    import onnxruntime
    from numpy.typing import NDArray

    Floats = NDArray[numpy.float32]
    Integers = NDArray[numpy.int64]

WEIGHTS = Path(__file__).parent / "weights" / "text_extractor"
MOST_PIECES = 6
"""Word pieces that are read of one word: those of a full window fit the 512 places of the encoder."""
_REMEMBERED_WORDS = 20_000
_REMEMBERED_LABELS = 4_000
_LONGEST_LABEL = 64  # pieces
_DISTANCES = (0, 1, 2, 4, 7, 12, 20)


class Calibration(Record):
    """How logits of one kind become scores, ``1 / (1 + exp(-(scale * logit + shift)))``, and the least score kept."""

    scale: float = 1.0
    shift: float = 0.0
    least: float = 0.5


class ExtractorConfig(Record):
    """What the weights need to be used: by kind of label (entity, event, relation, argument)."""

    name: str
    revision: str
    calibration: dict[str, Calibration]
    least: dict[str, float] = Field(default_factory=dict[str, float])
    """Least scores of single label texts, where they differ from their kind's."""


@dataclass(frozen=True)
class States:
    """The states of the first and last piece of each word: (windows, words, hidden)."""

    first: "Floats"
    last: "Floats"


@dataclass(frozen=True)
class Labels:
    """Vectors (labels, hidden) and biases (labels,) of label texts, for each use."""

    spot: "Floats"
    spot_bias: "Floats"
    relation: "Floats"
    relation_bias: "Floats"
    role: "Floats"
    role_bias: "Floats"
    event: "Floats"


def read_config(folder: Path = WEIGHTS) -> ExtractorConfig:
    """Return the configuration beside the weights. Raises ModelUnavailable if it is missing or damaged."""
    try:
        return ExtractorConfig.model_validate_json((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        raise _unusable(f"config.json ({type(error).__name__})") from None


def _unusable(what: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"The text extractor cannot be opened: {what}",
        "Install reamo-mcp again: pip install --force-reinstall reamo-mcp onnxruntime tokenizers",
    )


class TextNetwork:
    """Opened networks. Not for several threads at once: what is remembered is not locked."""

    def __init__(self, threads: int, folder: Path = WEIGHTS) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # an arena would keep the memory of the largest batch for good
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Processors without VNNI multiply 8-bit numbers with sums that may overflow, unless they are told to be exact.
        options.add_session_config_entry("session.x64quantprecision", "1")

        def opened(name: str) -> "onnxruntime.InferenceSession":
            try:
                return onnxruntime.InferenceSession(
                    str(folder / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # the bindings raise a dozen classes without a common parent
                raise _unusable(f"{name}.onnx ({type(error).__name__})") from None

        self._encoder = opened("encoder")
        self._spots = opened("spots")
        self._pairs = opened("pairs")
        self._labels = opened("labels")
        try:
            self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the bindings raise plain Exception
            raise _unusable(f"tokenizer.json ({type(error).__name__})") from None
        self._start = cast("int", self._tokenizer.token_to_id("[CLS]"))
        self._end = cast("int", self._tokenizer.token_to_id("[SEP]"))
        self._unknown = cast("int", self._tokenizer.token_to_id("[UNK]"))
        self._known: dict[str, list[int]] = {}
        self._known_labels: dict[str, tuple[Floats, ...]] = {}

    def _pieces(self, word: str) -> list[int]:
        found = self._known.get(word)
        if found is None:
            if len(self._known) >= _REMEMBERED_WORDS:
                self._known.clear()
            found = self._tokenizer.encode(word, add_special_tokens=False).ids[:MOST_PIECES] or [self._unknown]
            self._known[word] = found
        return found

    def states(self, windows: Sequence[Sequence[Word]]) -> States:
        """Return the states of the words of some windows; what is beyond a window's words is meaningless."""
        import numpy

        rows: list[tuple[list[int], list[int], list[int], list[int]]] = []
        for words in windows:
            ids, shapes, firsts, lasts = [self._start], [0], list[int](), list[int]()
            for word in words:
                found = self._pieces(word.text)
                firsts.append(len(ids))
                ids += found
                shapes += [shape(word.text)] * len(found)
                lasts.append(len(ids) - 1)
            rows.append(([*ids, self._end], [*shapes, 0], firsts, lasts))
        longest, most = max(len(row[0]) for row in rows), max(len(row[2]) for row in rows)
        pieces, shapes_of, mask = (numpy.zeros((len(rows), longest), numpy.int64) for _ in range(3))
        firsts_of, lasts_of = (numpy.zeros((len(rows), most), numpy.int64) for _ in range(2))
        for index, (ids, shapes, firsts, lasts) in enumerate(rows):
            pieces[index, : len(ids)] = ids
            shapes_of[index, : len(ids)] = shapes
            mask[index, : len(ids)] = 1
            firsts_of[index, : len(firsts)] = firsts
            lasts_of[index, : len(lasts)] = lasts
        return States(*self._encoded(pieces, shapes_of, mask, firsts_of, lasts_of))

    def _encoded(
        self, pieces: "Integers", shapes: "Integers", mask: "Integers", firsts: "Integers", lasts: "Integers"
    ) -> "tuple[Floats, Floats]":
        first, last = self._encoder.run(
            None, {"pieces": pieces, "shapes": shapes, "mask": mask, "firsts": firsts, "lasts": lasts}
        )
        return cast("Floats", first), cast("Floats", last)

    def labels(self, texts: Sequence[str]) -> Labels:
        """Return the vectors of label texts. They are remembered: the same question again costs nothing."""
        import numpy

        missing = [text for text in dict.fromkeys(texts) if text not in self._known_labels]
        if len(self._known_labels) + len(missing) > _REMEMBERED_LABELS:
            self._known_labels.clear()
            missing = list(dict.fromkeys(texts))
        for text in missing:
            # Each alone: in 8 bits a vector depends on what is encoded with it, and answers on what was asked before.
            self._known_labels[text] = self._embedded(text)
        if not texts:
            empty = numpy.zeros((0, self._embedded("entity")[0].shape[0]), numpy.float32)
            none = numpy.zeros(0, numpy.float32)
            return Labels(empty, none, empty, none, empty, none, empty)
        columns = zip(*(self._known_labels[text] for text in texts), strict=True)
        return Labels(*(numpy.stack(column) for column in columns))

    def _embedded(self, text: str) -> "tuple[Floats, ...]":
        import numpy

        pieces = numpy.array([self._tokenizer.encode(text).ids[:_LONGEST_LABEL]], numpy.int64)
        places = numpy.arange(pieces.shape[1])[None, :]
        states, _ = self._encoded(pieces, numpy.zeros_like(pieces), numpy.ones_like(pieces), places, places)
        pooled = states.mean(1)
        return tuple(column[0] for column in cast("list[Floats]", self._labels.run(None, {"pooled": pooled})))

    def spots(self, states: States, vectors: "Floats", biases: "Floats") -> "Floats":
        """Return logits (windows, words, widths, labels) of the span of each width that begins at each word."""
        inputs = {"first": states.first, "last": states.last, "vectors": vectors, "biases": biases}
        return cast("Floats", self._spots.run(None, inputs)[0])

    def pairs(self, states: States, pairs: "Integers") -> "Floats":
        """Return states (P, hidden) of pairs (P, 5): window, head start and end, tail start and end, in words."""
        import numpy

        window, head_start, head_end, tail_start, tail_end = pairs.T
        first, last = states.first, states.last
        head = numpy.concatenate([first[window, head_start], last[window, head_end - 1]], axis=1)
        tail = numpy.concatenate([first[window, tail_start], last[window, tail_end - 1]], axis=1)
        sums = numpy.zeros((first.shape[0], first.shape[1] + 1, first.shape[2]), numpy.float32)
        numpy.cumsum(first, axis=1, out=sums[:, 1:])
        left, right = numpy.minimum(head_end, tail_end), numpy.maximum(head_start, tail_start)
        count = numpy.maximum(right - left, 0)
        right = numpy.maximum(left, right)
        between = (sums[window, right] - sums[window, left]) / numpy.maximum(count, 1)[:, None]
        gap = numpy.maximum(numpy.maximum(tail_start - head_end, head_start - tail_end), 0)
        distance = numpy.searchsorted(_DISTANCES, gap) + 8 * (tail_start < head_start)
        inputs = {"head": head, "tail": tail, "between": between.astype(numpy.float32), "distance": distance}
        return cast("Floats", self._pairs.run(None, inputs)[0])
