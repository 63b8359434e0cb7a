"""Look for types of one's own.

Run: python own_ontology.py [FOLDER]    (default: press_kit)
The types stand in ships.yaml; the same file works on the command line: reamo-mcp extract FILE --ontology ships.yaml
"""

import sys
from pathlib import Path

import anyio

from reamo_mcp import Document, EntityType, Ontology, open_extractor
from reamo_mcp.ontologies.loading import load_ontology


async def main(folder: Path) -> None:
    """Look for the types of a file, and then for types that are written here."""
    document = Document.of(folder / "release.md", folder / "poster.png")
    ships = load_ontology(Path(__file__).parent / "ships.yaml")
    animals = Ontology(
        name="animals", entity_types=(EntityType(name="animal", description="A kind of animal, such as a whale"),)
    )
    async with open_extractor() as extractor:
        for ontology in (ships, animals):
            # The files are read once: the second question costs no decoding and no character recognition.
            extraction = await extractor.extract(document, ontology)
            print(f"{ontology.name}:")
            for entity in extraction.entities:
                print(f"  {entity.type:<8} {entity.name:<20} at {len(entity.groundings)} places")


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1] if len(sys.argv) > 1 else "press_kit"))
