"""The true print instead of what was recognised: tells errors of reading from errors of recognition.

Transcripts of MUIE-mini are true already, since they lie beside the recordings. Only pictures have an oracle; what is
printed in films is read as ever.
"""

from collections.abc import Sequence
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.engines import ExtractorAnswers
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Answer, Found, Line, ModelCard, TextReader
from reamo_mcp.types.extraction import Extraction


class OracleTextReader:
    """Knows the print of the pictures of one case; leaves pictures of other sizes to a real reader."""

    def __init__(self, otherwise: TextReader | None) -> None:
        self._otherwise = otherwise
        self._lines: dict[tuple[float, float], tuple[Line, ...]] = {}

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(role="text_reader", name="oracle", revision="1")

    def learn(self, case: Case) -> None:
        """Take the print of a case, instead of that of the case before."""
        self._lines = {
            (medium.width, medium.height): case.print_in[medium.name]
            for medium in case.gold.document.media
            if medium.kind == "image" and medium.name in case.print_in
        }

    def read(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Line]]":
        """Return the true lines of each picture."""
        answers: list[Answer[Line]] = []
        for picture in pictures:
            known = self._lines.get((picture.original_width, picture.original_height))
            if known is None and self._otherwise is not None:
                answers += self._otherwise.read([picture], control)
            else:
                answers.append(Found(known or ()))
        return answers


class OracleAnswers(ExtractorAnswers):
    """An extractor whose reader of print is told the truth before each case."""

    def __init__(self, extractor: Extractor, reader: OracleTextReader) -> None:
        super().__init__(extractor, "oracle")
        self._reader = reader

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return the extraction of all media at once."""
        self._reader.learn(case)
        return await super().answer(case, folder)
