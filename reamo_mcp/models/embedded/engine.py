"""The embedded engine: what works right after the installation, on a CPU, without a download."""

from reamo_mcp.models.embedded.code_detector import CodeDetector
from reamo_mcp.models.embedded.face_detector import FaceDetector
from reamo_mcp.models.embedded.name_spotter import EmbeddedNameSpotter
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.embedded.text_reader import EmbeddedTextReader
from reamo_mcp.models.embedded.transcriber import EmbeddedTranscriber
from reamo_mcp.models.engine import Engine


def embedded_engine(threads: int) -> Engine:
    """Return the engine in this process. Weights are opened by the first call of each role."""
    return Engine(
        profile="embedded",
        text_extractor=EmbeddedTextExtractor(threads),
        text_reader=EmbeddedTextReader(threads),
        transcriber=EmbeddedTranscriber(),
        name_spotter=EmbeddedNameSpotter(),
        detectors=(FaceDetector(threads), CodeDetector()),
    )
