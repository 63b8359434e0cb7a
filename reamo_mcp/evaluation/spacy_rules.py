"""The baseline of spaCy without a model: ``spacy.blank("en")`` with rules, as a text extractor.

Names by the entity ruler: shapes of tokens and the word lists that the plain rules use too. A relation stands where two
names of a sentence, its head first, have the words of its type between them; an event where a word of its type's name
stands, whatever its ending, with the names of the sentence in no role. A blank pipeline has no tagger and no parser to
do more.
spaCy is not installed with this project: ``pip install 'spacy>=3.8,<4'``.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations
from typing import TYPE_CHECKING

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.evaluation.word_lists import BEGINNINGS, FIRST_NAMES, ORGANIZATION_WORDS, PLACES
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import (
    Answer,
    EntityMention,
    EventMention,
    Found,
    Mentions,
    ModelCard,
    RelationMention,
)
from reamo_mcp.types.ontology import Ontology

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.pipeline import EntityRuler
    from spacy.tokens import Doc, Span

_Token = dict[str, object]
_SCORE = 0.5
_ENDINGS = ("ation", "ing", "ment", "ion", "age", "al", "s", "e")
_LEAST_STEM = 4
_WORDS_OF_NO_TYPE = frozenset("of in for at by to the a an".split())
_HINT = "Install it: pip install 'spacy>=3.8,<4'"


def spacy_version() -> str | None:
    """Return which spaCy is installed, None if there is none."""
    try:
        return version("spacy")
    except PackageNotFoundError:
        return None


class SpacyRuleExtractor:
    """Names, relations and events by spaCy's rules. Raises ModelUnavailable if spaCy is not installed."""

    def __init__(self) -> None:
        installed = spacy_version()
        if installed is None:
            raise ModelUnavailable("spaCy is not installed", _HINT)
        self._version = installed

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(role="text_extractor", name="spacy.blank('en') and rules", revision=f"1, {self._version}")

    @cached_property
    def _pipeline(self) -> "tuple[Language, EntityRuler]":
        import spacy
        from spacy.pipeline import EntityRuler

        language = spacy.blank("en")
        language.add_pipe("sentencizer")
        ruler = EntityRuler(language)
        ruler.add_patterns(_patterns())
        return language, ruler

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        """Return what the rules find in each text."""
        answers: list[Answer[Mentions]] = []
        language, ruler = self._pipeline
        for document in language.pipe(texts):
            control.check()
            answers.append(Found((_mentions(ruler(document), ontology),)))
        return answers


def _patterns() -> list[dict[str, str | list[dict[str, object]]]]:
    def one_of(words: frozenset[str]) -> _Token:
        return {"IS_TITLE": True, "LOWER": {"IN": sorted(words)}}

    name: _Token = {"IS_TITLE": True, "LOWER": {"NOT_IN": sorted(BEGINNINGS | ORGANIZATION_WORDS | PLACES)}}
    names: _Token = {**name, "OP": "+"}
    organization = one_of(ORGANIZATION_WORDS)
    known: tuple[tuple[str, list[_Token]], ...] = (
        ("organization", [names, organization]),
        ("organization", [organization, {"LOWER": "of"}, names]),
        ("organization", [{"IS_UPPER": True, "IS_ALPHA": True, "LENGTH": {">=": 3}}]),
        ("location", [one_of(PLACES)]),
        ("person", [name, name]),
        ("person", [one_of(FIRST_NAMES), {**name, "OP": "{1,2}"}]),
    )
    return [{"label": label, "pattern": pattern} for label, pattern in known]


def _mentions(document: "Doc", ontology: Ontology) -> Mentions:
    asked = {kind.name for kind in ontology.entity_types}
    spans = [span for span in document.ents if span.label_ in asked]
    entities = tuple(
        EntityMention(type=span.label_, start=span.start_char, end=span.end_char, score=_SCORE) for span in spans
    )
    return Mentions(
        entities=entities,
        relations=tuple(_relations(document, spans, ontology)),
        events=tuple(_events(document, ontology)),
    )


def _relations(document: "Doc", spans: "Sequence[Span]", ontology: Ontology) -> Iterator[RelationMention]:
    for kind in ontology.relation_types:
        words = {_stem(word) for word in kind.name.casefold().split()} - _WORDS_OF_NO_TYPE
        for (head, one), (tail, other) in combinations(enumerate(spans), 2):  # in the order of the text
            if one.sent.start != other.sent.start or not _may_be(one.label_, kind.head):
                continue
            if not _may_be(other.label_, kind.tail):
                continue
            if words <= {_stem(token.lower_) for token in document[one.end : other.start]}:
                yield RelationMention(type=kind.name, head=head, tail=tail, score=_SCORE)


def _events(document: "Doc", ontology: Ontology) -> Iterator[EventMention]:
    for kind in ontology.event_types:
        words = {_stem(word) for word in kind.name.casefold().split()} - _WORDS_OF_NO_TYPE
        for token in document:
            if any(len(word) >= _LEAST_STEM and token.lower_.startswith(word) for word in words):
                yield EventMention(type=kind.name, start=token.idx, end=token.idx + len(token), score=_SCORE)


def _may_be(label: str, allowed: Sequence[str]) -> bool:
    return not allowed or label in allowed


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word.removesuffix(ending)
    return word
