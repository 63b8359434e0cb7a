"""One page of a result: as many items as fit an agent's window, and what to do for the rest."""

import json
from collections.abc import Iterator
from itertools import islice

from mcp.types import CallToolResult, TextContent

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.server.arguments import Kind
from reamo_mcp.server.items import Items, Wanted
from reamo_mcp.server.wording import coverage_lines, medium_line
from reamo_mcp.store.keys import key
from reamo_mcp.types.answers import Answer, Item
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.record import Record

MOST_CHARACTERS = 19_500
"""Characters of a whole answer, structure and text together: hosts cut or refuse longer ones."""

_COVERAGE_LINES = 8
_INITIALS: dict[str, Kind] = {
    "e": "entity",
    "r": "relation",
    "v": "event",
    "u": "ungrounded",
    "c": "coverage",
}


def result_page(result_id: str, extraction: Extraction, wanted: Wanted, limit: int, cursor: str = "") -> CallToolResult:
    """Return the items from the cursor on, in both forms. Raises what `answer_page` does."""
    answer = answer_page(result_id, extraction, wanted, limit, cursor)
    lines = [_line_head(answer), *answer.media, *(_line(item) for item in answer.items), *answer.coverage]
    return call_result(answer, "\n".join([*lines, answer.notice or ""]).rstrip())


def answer_page(result_id: str, extraction: Extraction, wanted: Wanted, limit: int, cursor: str = "") -> Answer:
    """Return the items from the cursor on.

    Raises InvalidArgument for a cursor of another result or filter, and for a medium that the result does not have.
    """
    start = _position(result_id, wanted, cursor)
    media = {medium.id: medium_line(medium) for medium in extraction.document.media}
    told = start or "coverage" in wanted.kinds  # before, or as items
    coverage = [] if told else _first_lines(coverage_lines(extraction))
    answer = Answer(
        result_id=result_id,
        status=extraction.status,
        counts=_counts(extraction),
        coverage=tuple(coverage),
        notice="." * 300,
        cursor="." * 30,
    )
    room = MOST_CHARACTERS - _size(answer, _line_head(answer)) - sum(2 * len(_quoted(line)) for line in coverage)
    items: list[Item] = []
    named: dict[str, str] = {}
    more = False
    for item in Items(extraction).wanted(wanted, start):
        new = {id_: media[id_] for id_ in _media_named(item) if id_ not in named and id_ in media}
        room -= _size(item, _line(item)) + sum(2 * len(_quoted(line)) + 4 for line in new.values())
        if len(items) >= limit or (room < 0 and items):
            more = True
            break
        items.append(item)
        named |= new
    if not named and not start:
        named = dict(islice(media.items(), 20))
    end = start + len(items)
    return answer.model_copy(
        update={
            "media": tuple(named.values()),
            "items": tuple(items),
            "cursor": f"{end}.{''.join(_initial(kind) for kind in wanted.kinds)}.{_digest(result_id, wanted)}"
            if more
            else None,
            "notice": _notice(extraction, wanted, start, end, more=more),
        }
    )


def cursor_kinds(cursor: str) -> tuple[Kind, ...]:
    """Return the kinds that a cursor pages through. Raises InvalidArgument if it is none of ours."""
    try:
        return tuple(_INITIALS[initial] for initial in cursor.split(".")[1])
    except (IndexError, KeyError):
        raise _foreign(cursor) from None


def running(result_id: str, news: str) -> CallToolResult:
    """Return the answer that the work goes on."""
    notice = (
        f"Still at work ({news}). Call get_result(result_id='{result_id}') to wait for it, "
        f"or cancel(result_id='{result_id}') to stop it"
    )
    return call_result(Answer(result_id=result_id, status="running", notice=notice), f"running {result_id}: {notice}")


def call_result(answer: Record, text: str) -> CallToolResult:
    """Return an answer in both forms: hosts show the model one or the other."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=answer.model_dump(mode="json", exclude_defaults=True),
    )


def _counts(extraction: Extraction) -> dict[str, int]:
    return {
        "media": len(extraction.document.media),
        "entities": len(extraction.entities),
        "relations": len(extraction.relations),
        "events": len(extraction.events),
        "ungrounded": len(extraction.ungrounded),
    }


def _first_lines(lines: list[str]) -> list[str]:
    if len(lines) <= _COVERAGE_LINES + 1:  # what says that there is one more is no shorter than it
        return lines
    rest = f"and {len(lines) - _COVERAGE_LINES} more lines: get_result with kinds=['coverage']"
    return [*lines[:_COVERAGE_LINES], rest]


def _notice(extraction: Extraction, wanted: Wanted, start: int, end: int, *, more: bool) -> str | None:
    if more:
        return f"Items {start + 1} to {end}; for more call get_result with result_id, cursor and the same filters"
    if end == start and not start:
        filtered = wanted.types or wanted.medium or wanted.contains
        what = "matches these filters" if filtered else "of these types was found"
        return f"Nothing {what}. 'coverage' says what was read; other types or a lower min_score may find more"
    if extraction.status == "partial":
        again = ". What failed may be read by the same call again" if extraction.retryable else ""
        return f"Some of the input was not read: see 'coverage'{again}"
    return None


def _size(record: Record, line: str) -> int:
    structured = record.model_dump(mode="json", exclude_defaults=True)
    return len(json.dumps(structured, ensure_ascii=False, separators=(",", ":"))) + len(_quoted(line)) + 4


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _line_head(answer: Answer) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in answer.counts.items() if count)
    return f"{answer.status} {answer.result_id}: {counts}"


def _line(item: Item) -> str:
    ends = f"{item.head} -> {item.tail}" if item.head else item.text
    score = "" if item.score is None else f" {item.score:g}"
    parts = [f"{item.id} {item.type}: {ends}{score}", *item.arguments, *item.at]
    if item.attested:
        parts.append(f"attested {','.join(item.attested)}")
    if item.absent:
        parts.append(f"absent {','.join(item.absent)}")
    return " | ".join([*parts, *([item.note] if item.note else [])])


def _media_named(item: Item) -> Iterator[str]:
    yield from dict.fromkeys([*item.located, *item.attested, *item.absent])
    for line in item.at:
        yield line.split("[")[0].split()[-1] if item.kind == "ungrounded" else line.split()[1].split("[")[0]


def _position(result_id: str, wanted: Wanted, cursor: str) -> int:
    if not cursor:
        return 0
    position, _, rest = cursor.partition(".")
    if not position.isascii() or not position.isdigit() or rest.partition(".")[2] != _digest(result_id, wanted):
        raise _foreign(cursor)
    return int(position[:9])


def _foreign(cursor: str) -> InvalidArgument:
    return InvalidArgument(
        f"the cursor {cursor[:40]!r} is not of this result with these filters",
        "Pass the cursor of the answer before with the same filters, or leave it out to start over",
    )


def _digest(result_id: str, wanted: Wanted) -> str:
    return key(result_id, wanted.kinds, wanted.types, wanted.medium, wanted.contains, wanted.detail)[:8]


def _initial(kind: Kind) -> str:
    return next(initial for initial, name in _INITIALS.items() if name == kind)
