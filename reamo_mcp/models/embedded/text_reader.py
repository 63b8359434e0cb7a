"""Reads printed text in pictures on a CPU, with the PP-OCRv6 networks that the rapidocr package carries.

Only the weights of that package are used: its own pipeline downloads what it misses, tells no place of single
characters in mixed lines, and cannot be stopped between two lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from reamo_mcp.errors import EngineFailed, ModelUnavailable, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.embedded.networks import PictureNetwork, open_network
from reamo_mcp.models.embedded.text_detection import detect_lines
from reamo_mcp.models.embedded.text_order import in_reading_order
from reamo_mcp.models.embedded.text_recognition import recognise_line
from reamo_mcp.models.embedded.text_words import line_of
from reamo_mcp.models.roles import Answer, Failed, Found, Line, ModelCard, ReadWord
from reamo_mcp.types.grounding import Box

LEAST_CONFIDENCE = 0.5  # below it lines are mostly patterns that no person would read as text
_OWN_REVISION = 1  # raised whenever the same weights give other lines, because answers are remembered by revision


@dataclass(frozen=True)
class _Networks:
    detector: PictureNetwork
    recogniser: PictureNetwork
    alphabet: tuple[str, ...]


class EmbeddedTextReader:
    """The TextReader of the embedded engine: print in Latin and Chinese script, no handwriting.

    Weights are opened at the first picture. ``threads`` bounds the threads of one call.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    @property
    def card(self) -> ModelCard:
        """What the model is; its revision is the version of the package that carries the weights."""
        try:
            revision = version("rapidocr")
        except PackageNotFoundError:
            revision = "missing"
        return ModelCard(
            role="text_reader",
            name="pp-ocrv6-small",
            revision=f"{revision}+{_OWN_REVISION}",
            accepts=("image",),
            limits="print only, no handwriting; lines that run downwards are read, but ordered from left to right",
        )

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        """Return the lines of each picture in reading order, boxes in original units and inside the picture."""
        answers: list[Answer[Line]] = []
        for picture in pictures:
            control.check()
            try:
                answers.append(Found(tuple(self._read(picture, control))))
            except ReamoError:
                raise  # cancelled, out of time, or no weights: no other picture would fare better
            except Exception as error:  # the boundary to cv2 and onnxruntime: one bad picture fails alone
                answers.append(Failed(EngineFailed.code, f"The picture could not be read ({type(error).__name__})"))
        return answers

    @cached_property
    def _networks(self) -> _Networks:
        detector = open_network(_weights("det"), self._threads)
        recogniser = open_network(_weights("rec"), self._threads)
        # Label 0 is "no character", the last one a space; the signs between them stand in the file.
        alphabet = ("", *recogniser.metadata["character"].split("\n"), " ")
        return _Networks(detector, recogniser, alphabet)

    def _read(self, picture: Picture, control: Control) -> list[Line]:
        networks = self._networks
        lines: list[Line] = []
        for quad in detect_lines(picture.pixels, networks.detector.run, control):
            control.check()
            line = line_of(recognise_line(picture.pixels, quad, networks.recogniser.run, networks.alphabet))
            if line is not None and line.confidence >= LEAST_CONFIDENCE:
                lines.append(line)
        return [_in_original_units(line, picture) for line in in_reading_order(lines)]


def _weights(task: str) -> Path:
    package = find_spec("rapidocr")
    folders = package.submodule_search_locations if package else None
    files = sorted(Path(folders[0], "models").glob(f"*_{task}_*.onnx")) if folders else []
    if not files:
        raise ModelUnavailable(
            "The text recognition networks are not installed", "Install them: pip install 'rapidocr>=3.10,<4'"
        )
    return files[-1]


def _in_original_units(line: Line, picture: Picture) -> Line:
    words = tuple(ReadWord(start=word.start, end=word.end, box=_original_box(word.box, picture)) for word in line.words)
    return Line(text=line.text, box=_original_box(line.box, picture), words=words, confidence=line.confidence)


def _original_box(box: Box, picture: Picture) -> Box:
    """Scale a box to the original and keep it inside: a tilted line's corners may stick out."""
    left, right = (min(max(0.0, x / picture.scale), picture.original_width) for x in (box.x, box.right))
    top, bottom = (min(max(0.0, y / picture.scale), picture.original_height) for y in (box.y, box.bottom))
    return Box(x=round(left, 2), y=round(top, 2), width=round(right - left, 2), height=round(bottom - top, 2))
