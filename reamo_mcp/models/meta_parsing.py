"""From the text that a reasoner wrote to a meta-response, whatever of it is usable.

A token budget may cut an answer anywhere; then every finished item is kept and the answer counts as truncated. Models
that are not bound to the grammar may write prose or a code fence around it, and items of a wrong form: these are left
out and counted.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from reamo_mcp.models.meta_response import (
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaRelation,
    MetaResponse,
)
from reamo_mcp.types.record import Record

_KEY = re.compile(r'\s*"(entities|relations|events|calls|more)"\s*:\s*')
_START = re.compile(r'\{\s*"(?:entities|relations|events|calls|more)"\s*:')
_BETWEEN = re.compile(r"\s*,?\s*")
_DECODER = json.JSONDecoder()

T = TypeVar("T", bound=Record)


@dataclass(frozen=True)
class Parsed:
    """What was understood. ``complete`` is False where the text ends too early; ``dropped`` counts unusable items."""

    response: MetaResponse
    complete: bool
    dropped: int = 0


def parse(text: str) -> Parsed:
    """Return the meta-response in a text; an empty, truncated one if there is none."""
    start = _START.search(text)
    if start is None:
        return Parsed(MetaResponse(), complete=False)
    lists, more, complete = _members(text, start.start() + 1)
    taken = _Taken()
    response = MetaResponse(
        entities=taken.valid(MetaEntity, lists.get("entities", ())),
        relations=taken.valid(MetaRelation, lists.get("relations", ())),
        events=taken.valid(MetaEvent, lists.get("events", ())),
        calls=taken.valid(MetaCall, lists.get("calls", ())),
        more=more,
    )
    return Parsed(response, complete, taken.dropped)


def _members(text: str, at: int) -> tuple[dict[str, list[Any]], bool, bool]:
    """Return the finished items of each list, the flag ``more``, and whether the object was closed."""
    lists: dict[str, list[Any]] = {}
    more = False
    while key := _KEY.match(text, at):
        at = key.end()
        if key[1] == "more":
            value = re.compile("true|false").match(text, at)
            if value is None:
                return lists, more, False
            more, at = value[0] == "true", value.end()
        elif text[at : at + 1] == "[":
            items, end = _items(text, at + 1)
            lists.setdefault(key[1], []).extend(items)
            if end is None:
                return lists, more, False
            at = end
        else:
            return lists, more, False
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
    return lists, more, text[at : at + 1] == "}"


def _items(text: str, at: int) -> tuple[list[Any], int | None]:
    """Return the finished items of the list whose content begins at ``at``, and where it ended, None if cut."""
    items: list[Any] = []
    while True:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if text[at : at + 1] == "]":
            return items, at + 1
        try:
            item, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return items, None
        items.append(item)


class _Taken:
    """Validates items one by one and counts those that are not of their form."""

    def __init__(self) -> None:
        self.dropped = 0

    def valid(self, kind: type[T], items: "list[Any] | tuple[()]") -> tuple[T, ...]:
        kept: list[T] = []
        for item in items:
            try:
                kept.append(kind.model_validate(item))
            except ValidationError:
                self.dropped += 1
        return tuple(kept)
