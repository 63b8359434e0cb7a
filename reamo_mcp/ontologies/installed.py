"""Which ontologies are installed with the project. Apart, since reading one takes a parser and naming them does not."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@cache
def ontology_names() -> tuple[str, ...]:
    """Return the names of the ontologies that are installed with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))
