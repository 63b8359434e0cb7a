"""Who answers beside the engine that is measured: baselines, oracles, and the engine without one of its parts.

- ``pipeline``: the paper's baseline, one medium per pass with the same models.
- ``rules``, ``spacy``: no model of text; capital letters and word lists, or spaCy's blank pipeline with rules.
- ``oracle-print``, ``oracle-transcript``: the true print of pictures, the true words of recordings with their times.
- ``-joint``, ``-instruction``, ``-verify``: see `reamo_mcp.evaluation.ablations`.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from reamo_mcp.evaluation.ablations import NamingReasoner, SeparateAnswers, UnverifiedAnswers
from reamo_mcp.evaluation.cells import Cell
from reamo_mcp.evaluation.engines import Answering, ExtractorAnswers, settings_of
from reamo_mcp.evaluation.oracle import OracleAnswers, OracleTextReader, OracleTranscriber
from reamo_mcp.evaluation.pipeline import PipelineAnswers
from reamo_mcp.evaluation.rules import RuleTextExtractor
from reamo_mcp.evaluation.spacy_rules import SpacyRuleExtractor, spacy_version
from reamo_mcp.extractor import Extractor
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.profiles import open_decoder, open_engine, plain_engine
from reamo_mcp.models.roles import TextExtractor
from reamo_mcp.store.records import Store

Rival = Literal["pipeline", "rules", "spacy", "oracle-print", "oracle-transcript", "-joint", "-instruction", "-verify"]
RIVALS: tuple[Rival, ...] = (
    "pipeline",
    "rules",
    "spacy",
    "oracle-print",
    "oracle-transcript",
    "-joint",
    "-instruction",
    "-verify",
)


def why_not(rival: Rival, profile: str | None) -> str | None:
    """Return why a rival cannot answer here, None if it can."""
    if rival == "spacy":
        return None if spacy_version() else "spaCy is not installed: pip install 'spacy>=3.8,<4'"
    return _lacking(rival, plain_engine(settings_of(profile)))


def _lacking(rival: Rival, engine: Engine) -> str | None:
    modules = (engine.image_segmenter, engine.video_tracker, engine.audio_segmenter)
    match rival:
        case "-instruction" if engine.reasoner is None or not any(modules):
            return f"unsupported: the engine {engine.profile!r} gives no instructions to a module"
        case "-verify" if engine.reasoner is None:
            return f"unsupported: the engine {engine.profile!r} claims nothing that would have to be verified"
        case _:
            return None


def differs(rival: Rival, cell: Cell) -> bool:
    """Return whether a rival can answer the cases of a cell otherwise than the engine itself."""
    if cell.name.endswith("/ASR"):
        return False  # only the ear is asked
    match rival:
        case "pipeline" | "-joint":
            return len(cell.media) > 1
        case "oracle-print":
            return "I" in cell.media
        case "-instruction":
            return any(medium != "T" for medium in cell.media)
        case "oracle-transcript":
            return "A" in cell.media
        case "rules" | "spacy" | "-verify":
            return True


@asynccontextmanager
async def opened_rival(rival: Rival, profile: str | None) -> AsyncGenerator[Answering]:
    """Yield a rival over the models of a profile. ``why_not`` tells first whether it can answer."""
    settings = settings_of(profile)
    store = Store(settings.cache_folder(), settings.cache_bytes)
    with open_engine(settings, store.readings) as engine, open_decoder(settings) as decoder:

        def over(changed: Engine) -> Extractor:
            return Extractor(changed, decoder, store, settings)

        yield answering(rival, engine, over)


def answering(rival: Rival, engine: Engine, over: Callable[[Engine], Extractor]) -> Answering:
    """Return a rival that uses what it needs of an engine; ``over`` makes an extractor of a changed engine."""
    match rival:
        case "pipeline":
            return PipelineAnswers(over(engine))
        case "rules":
            return _without_models(engine, over, rival, RuleTextExtractor())
        case "spacy":
            return _without_models(engine, over, rival, SpacyRuleExtractor())
        case "oracle-print":
            reader = OracleTextReader(engine.text_reader)
            return OracleAnswers(over(replace(engine, text_reader=reader)), rival, reader)
        case "oracle-transcript":
            transcriber = OracleTranscriber(engine.transcriber)
            return OracleAnswers(over(replace(engine, transcriber=transcriber)), rival, transcriber)
        case "-joint":
            return SeparateAnswers(over(engine))
        case "-instruction":
            reasoner = engine.reasoner and NamingReasoner(engine.reasoner)
            return ExtractorAnswers(over(replace(engine, reasoner=reasoner)), rival)
        case "-verify":
            return UnverifiedAnswers(over(engine))


def _without_models(
    engine: Engine, over: Callable[[Engine], Extractor], rival: Rival, names: TextExtractor
) -> ExtractorAnswers:
    plain = replace(
        engine,
        profile=rival,
        text_extractor=names,
        reasoner=None,
        image_segmenter=None,
        video_tracker=None,
        audio_segmenter=None,
        confirmer=None,
    )
    return ExtractorAnswers(over(plain), rival)
