"""Sets with one tag per token (BIO), and GUM with nested entities in WebAnno TSV."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reamo_mcp.evaluation.text_sets.sample import GoldSpan, Joined, Sample

_GUM_ENTITY = re.compile(r"([a-z]+)(?:\[(\d+)\])?")


def spans_of_tags(tags: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield type, first token and token after the last of each BIO span. A stray ``I-`` begins a span."""
    start = 0
    open_type: str | None = None
    for index, tag in enumerate([*tags, "O"]):
        kind = tag[2:] or None
        if open_type is not None and (tag[0] != "I" or kind != open_type):
            yield open_type, start, index
            open_type = None
        if kind is not None and open_type is None:
            open_type, start = kind, index


def _sample(tokens: list[str], tags: list[str]) -> Sample:
    joined = Joined(tokens)
    entities = tuple(GoldSpan(kind, *joined.place(first, end)) for kind, first, end in spans_of_tags(tags))
    return Sample(joined.text, joined.text, entities)


def read_conll(path: Path) -> Iterator[Sample]:
    """Yield the sentences of a file of ``token<TAB>tag`` lines (WNUT-17, Broad Twitter, CrossNER)."""
    tokens: list[str] = []
    tags: list[str] = []
    for line in [*path.read_text(encoding="utf-8").split("\n"), ""]:
        token, _, tag = line.strip("\r").partition("\t")
        if token.strip() and tag.strip():
            tokens.append(token.strip())
            tags.append(tag.strip())
        elif tokens:
            yield _sample(tokens, tags)
            tokens, tags = [], []


def read_universal(path: Path) -> Iterator[Sample]:
    """Yield the sentences of a Universal NER ``.iob2`` file (PER, LOC, ORG)."""
    tokens: list[str] = []
    tags: list[str] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("# "):
            continue
        columns = line.split("\t")
        if len(columns) > 2:
            tokens.append(columns[1])
            tags.append(columns[2] if columns[2][2:] in ("PER", "LOC", "ORG") else "O")
        elif tokens:
            yield _sample(tokens, tags)
            tokens, tags = [], []


def read_gum(folder: Path) -> Iterator[Sample]:
    """Yield the sentences of GUM documents with their nested mentions: every noun phrase, names or not."""
    for path in sorted(folder.glob("*.tsv")):
        rows: list[list[str]] = []
        for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
            columns = line.split("\t")
            if not line.startswith("#") and len(columns) > 3:
                rows.append(columns)
            elif rows:
                yield _gum_sentence(path.stem, rows)
                rows = []


def _gum_sentence(document: str, rows: list[list[str]]) -> Sample:
    joined = Joined([row[2] for row in rows])
    seen: dict[tuple[str, str], tuple[int, int]] = {}
    for index, row in enumerate(rows):
        if row[3] == "_":
            continue
        for kind, number in _GUM_ENTITY.findall(row[3]):
            mention = (kind, number or f"at {index}")
            seen[mention] = (seen.get(mention, (index, index))[0], index + 1)
    entities = tuple(GoldSpan(kind, *joined.place(*tokens)) for (kind, _), tokens in seen.items())
    return Sample(document, joined.text, entities)


def distinct(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples without repeated texts."""
    return list({sample.text: sample for sample in samples}.values())
