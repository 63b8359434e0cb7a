"""`reamo-mcp extract`: what is in these files, with proof."""


def extract() -> None:
    """Extract entities, relations and events from files."""
    raise NotImplementedError
