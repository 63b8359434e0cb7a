"""An extraction as a table for people: what was found, where the proof is, and what was not read."""

import os
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reamo_mcp.server.wording import clock, coverage_lines, medium_line, shown
from reamo_mcp.types.extraction import Argument, Extraction
from reamo_mcp.types.grounding import Box, Grounding
from reamo_mcp.types.media import Medium

_PLACES = 4
_UNGROUNDED = 10
_WIDTH_OF_A_PIPE = 160


def print_extraction(extraction: Extraction) -> None:
    """Print the extraction. What comes from files is shown with its control characters escaped."""
    # Without a terminal there is no width to ask for, and 80 columns would break every line.
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_PIPE
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    sheet = _Sheet(extraction)
    for medium in extraction.document.media:
        console.print(medium_line(medium), style="dim")
    sections = (("Entities", sheet.entities()), ("Relations", sheet.relations()), ("Events", sheet.events()))
    for title, table in sections:
        if table.row_count:
            console.print(f"\n{title} ({table.row_count})", style="bold")
            console.print(table)
    if not any(table.row_count for _, table in sections):
        console.print("\nNothing of these types was found.")
    if extraction.ungrounded:
        console.print(f"\nWithout proof ({len(extraction.ungrounded)})", style="bold")
        for claim in extraction.ungrounded[:_UNGROUNDED]:
            console.print(f"  {claim.type}: {shown(claim.text, 80)}: {shown(claim.reason, 120)}")
        if len(extraction.ungrounded) > _UNGROUNDED:
            console.print(f"  and {len(extraction.ungrounded) - _UNGROUNDED} more; --json lists all")
    console.print("\nRead", style="bold")
    for line in coverage_lines(extraction):
        console.print(f"  {line}")
    if extraction.status == "partial":
        console.print("Something was not read: see the first lines above.", style="yellow")


class _Sheet:
    """The rows of one extraction."""

    def __init__(self, extraction: Extraction) -> None:
        self._extraction = extraction
        self._media = {medium.id: medium for medium in extraction.document.media}
        self._names = {entity.id: shown(entity.name, 60) or f"(a {entity.type})" for entity in extraction.entities}
        self._groundings = {grounding.id: grounding for grounding in extraction.groundings()}

    def entities(self) -> Table:
        table = _table("type", "name", "score", "proof")
        kinds = list(dict.fromkeys(entity.type for entity in self._extraction.entities))
        for entity in sorted(self._extraction.entities, key=lambda entity: kinds.index(entity.type)):
            proof = self._places(entity.groundings, entity.name)
            table.add_row(entity.type, Text(self._names[entity.id], style="bold"), _score(entity.score), proof)
        return table

    def relations(self) -> Table:
        table = _table("from", "relation", "to", "score", "proof")
        for relation in self._extraction.relations:
            evidence = [self._groundings[grounding_id] for grounding_id in relation.evidence]
            ends = (self._names[relation.head], relation.type, self._names[relation.tail])
            table.add_row(*ends, _score(relation.score), self._places(evidence, ""))
        return table

    def events(self) -> Table:
        table = _table("event", "trigger", "arguments", "score", "proof")
        for event in self._extraction.events:
            arguments = "\n".join(self._argument(argument) for argument in event.arguments)
            proof = self._places(event.trigger.groundings, event.trigger.text)
            table.add_row(event.type, shown(event.trigger.text, 60), arguments, _score(event.score), proof)
        return table

    def _argument(self, argument: Argument) -> str:
        said = self._names[argument.entity] if argument.entity is not None else shown(argument.value or "", 60)
        return f"{argument.role}: {said}"

    def _places(self, groundings: Iterable[Grounding], name: str) -> Text:
        every = list(groundings)
        lines = [self._place(grounding, name) for grounding in _spread(every)[:_PLACES]]
        if len(every) > _PLACES:
            lines.append(f"and {len(every) - _PLACES} more places")
        return Text("\n".join(lines))

    def _place(self, grounding: Grounding, name: str) -> str:
        quote = "" if grounding.quote in (None, name) else f' "{shown(grounding.quote or "", 60)}"'
        return f"{self._file(grounding.media_id)} {_where(grounding, self._media[grounding.media_id])}{quote}"

    def _file(self, media_id: str) -> str:
        return shown(self._media[media_id].name, 40)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, justify="right" if column == "score" else "left", overflow="fold")
    return table


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _spread(groundings: list[Grounding]) -> list[Grounding]:
    """Return the groundings so that the first of every medium come first."""
    seen: dict[str, int] = {}
    order: list[tuple[int, int]] = []
    for number, grounding in enumerate(groundings):
        seen[grounding.media_id] = seen.get(grounding.media_id, 0) + 1
        order.append((seen[grounding.media_id], number))
    return [groundings[number] for _, number in sorted(order)]


def _where(grounding: Grounding, medium: Medium) -> str:
    match grounding.kind:
        case "text_span":
            if grounding.parts:
                part = grounding.parts[0]
                return f"page {part.page} at {_boxes([part.box for part in grounding.parts])}"
            if medium.kind == "text":
                line = medium.text.count("\n", 0, grounding.start) + 1
                return f"line {line}, characters {grounding.start}-{grounding.end}"
            return f"characters {grounding.start}-{grounding.end}"
        case "image_region":
            page = "" if grounding.page is None else f"page {grounding.page} "
            return f"{page}at {_boxes(grounding.parts)}"
        case "audio_segment" | "video_segment":
            return f"{clock(grounding.start)}-{clock(grounding.end)}"
        case "video_track":
            seen = grounding.keyframes[0]
            return f"{clock(grounding.start)}-{clock(grounding.end)} at {_boxes(seen.parts)}"
        case "whole":
            return "as a whole"


def _boxes(boxes: Iterable[Box]) -> str:
    return " + ".join(f"{box.x:.0f},{box.y:.0f} {box.width:.0f}x{box.height:.0f}" for box in boxes)
