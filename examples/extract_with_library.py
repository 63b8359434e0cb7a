"""Extract from files in Python.

Run: python extract_with_library.py [FOLDER]    (default: press_kit)
Make the folder first: python make_press_kit.py
"""

import sys
from pathlib import Path

import anyio

from reamo_mcp import Document, open_extractor
from reamo_mcp.ontologies.loading import load_ontology


async def main(files: list[Path]) -> None:
    """Print every entity and in which files it was found."""
    document = Document.of(*files)
    async with open_extractor() as extractor:
        extraction = await extractor.extract(document, load_ontology("general"))

    names = {medium.id: medium.name for medium in extraction.document.media}
    for entity in extraction.entities:
        found_in = dict.fromkeys(names[grounding.media_id] for grounding in entity.groundings)
        print(f"{entity.type:<16} {entity.name or '(no name)':<40} {', '.join(found_in)}")
    for ask in extraction.coverage.unsupported:
        print(f"not supported: {ask.what}: {ask.reason}")


if __name__ == "__main__":
    anyio.run(main, sorted(Path(sys.argv[1] if len(sys.argv) > 1 else "press_kit").glob("*.*")))
