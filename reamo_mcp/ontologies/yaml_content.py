"""YAML (and JSON, which it contains) as plain values, with the line of each of them for errors."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# ... since the types published for yaml say nothing of its events and nodes.

from collections.abc import Callable, Sequence

import yaml

from reamo_mcp.errors import InvalidOntology

_DEEPEST = 20  # levels of nesting; an ontology needs seven


def read_yaml(text: str, name: str) -> tuple[object, Callable[[Sequence[int | str]], int | None]]:
    """Return the content, and a function from the place of a field to its line (from 1).

    References are refused, since a few of them can stand for a content without bound; so is deep nesting.
    Raises InvalidOntology naming the line.
    """
    try:
        _refuse_references(text, name)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        problem = (error.problem if isinstance(error, yaml.MarkedYAMLError) else None) or "not YAML or JSON"
        place = f", line {mark.line + 1}" if mark else ""
        raise InvalidOntology(f"{name}{place}: {problem}", "Mend the YAML or JSON") from None
    return content, lambda place: _line(tree, place)


def _refuse_references(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _DEEPEST:
            what = "a reference" if isinstance(event, yaml.AliasEvent) else "nested too deeply"
            raise InvalidOntology(
                f"{name}, line {event.start_mark.line + 1}: {what}", "Write each type out, without references"
            )


def _line(tree: yaml.Node | None, place: Sequence[int | str]) -> int | None:
    """Return the line of the innermost part of the file that a place names."""
    node, line = tree, None
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == part]
            node = found[0] if found else None
        else:
            break
        if node is None:
            break
        line = node.start_mark.line + 1
    return line
