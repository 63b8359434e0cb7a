"""Perceiving a text: plain text and Markdown as they stand, HTML and DOCX as the flowing text that a person reads."""

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import DecodedText, Description, HiddenSpan
from reamo_mcp.reading.metadata import metadata_reading
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.coverage import MediumCoverage
from reamo_mcp.types.media import DocumentMedium, Medium, TextMedium
from reamo_mcp.types.reading import Reading, Word


def perceive_text(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return the text of one file. Raises what the decoder raises if it cannot be decoded."""
    decoded = senses.decoder.text(given.file, control)
    length = len(decoded.text)
    control.progress(length, length, "characters")
    reading = Reading(
        id=f"{given.media_id}.text",
        media_id=given.media_id,
        kind="text",
        model="decoder",
        text=decoded.text,
        words=_hidden_words(decoded.hidden),
    )
    missed = sum(stretch.end - stretch.start for stretch in decoded.not_read if stretch.unit == "characters")
    covered = MediumCoverage(
        media_id=given.media_id,
        reader="text",
        unit="characters",
        total=length + missed,
        read=length,
        not_read=decoded.not_read,
    )
    facts = tuple(dict.fromkeys((*description.facts, *decoded.facts)))
    return Perception(
        medium=_medium(given, description, decoded),
        readings=(reading, *metadata_reading(given.media_id, facts)),
        coverage=(covered,),
        notices=(*description.notices, *decoded.notices),
    )


def _medium(given: Given, description: Description, decoded: DecodedText) -> Medium:
    if description.kind == "document":
        return DocumentMedium(
            id=given.media_id, name=given.file.name, sha256=given.file.sha256, format=description.format, pages=0
        )
    return TextMedium(
        id=given.media_id,
        name=given.file.name,
        sha256=given.file.sha256,
        format=description.format,
        text=decoded.text,
        encoding=decoded.encoding,
    )


def _hidden_words(hidden: tuple[HiddenSpan, ...]) -> tuple[Word, ...]:
    """Return what a person would not see as words without a place; the rest of flowing text needs no words."""
    return tuple(Word(start=span.start, end=span.end, visible=False) for span in hidden)
