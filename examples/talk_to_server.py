"""Let an MCP server extract, as an agent would.

Run: python talk_to_server.py [FOLDER]    (default: press_kit)
Make the folder first: python make_press_kit.py
"""

import sys
from pathlib import Path

import anyio

from reamo_mcp import Document, ReamoClient


async def tell(done: float, total: float | None, message: str | None) -> None:
    """Print how far the server is."""
    print(f"  {message or 'working'}: {done:g} of {total or '?'}")


async def main(folder: Path) -> None:
    """Start a server over standard input and output, and ask it for people and where they work."""
    document = Document.of(folder / "release.md", folder / "letter.pdf")
    async with ReamoClient.stdio(roots=[folder]) as client:
        extraction = await client.extract_relations(document, relation_types=["works for", "leads"], report=tell)

    names = {entity.id: entity.name for entity in extraction.entities}
    quotes = {grounding.id: grounding.quote for grounding in extraction.groundings()}
    print(f"{len(extraction.relations)} relations between {len(names)} entities")
    for relation in extraction.relations:
        print(f"{names[relation.head]} -- {relation.type} -> {names[relation.tail]}")
        print(f"  proof: {[quotes[grounding_id] for grounding_id in relation.evidence]}")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1] if len(sys.argv) > 1 else "press_kit"))
