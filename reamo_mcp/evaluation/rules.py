"""The baseline of rules and word lists: what one gets without any model, as a text extractor.

Runs of capitalised words are names; the last word, a list of first names and a list of cities and countries say of
which type. It finds no relations and no events. Dates, amounts and other forms come from the patterns that every engine
of the project uses.
"""

import re
from collections.abc import Sequence

from reamo_mcp.evaluation.word_lists import BEGINNINGS, FIRST_NAMES, ORGANIZATION_WORDS, PLACES
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import Answer, EntityMention, Found, Mentions, ModelCard
from reamo_mcp.types.ontology import Ontology

_NAME = re.compile(r"\b[A-Z][\w'’-]*(?: (?:(?:of|the|and|for|de|van|von) )?[A-Z][\w'’-]*)*")
_SCORE = 0.5


class RuleTextExtractor:
    """Names by capital letters and word lists."""

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(role="text_extractor", name="rules and word lists", revision="1")

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        """Return the capitalised names of each text whose type the ontology asks for."""
        asked = {kind.name for kind in ontology.entity_types}
        answers: list[Answer[Mentions]] = []
        for text in texts:
            control.check()
            mentions = (self._mention(text, match) for match in _NAME.finditer(text))
            kept = tuple(mention for mention in mentions if mention is not None and mention.type in asked)
            answers.append(Found((Mentions(entities=kept),)))
        return answers

    def _mention(self, text: str, match: re.Match[str]) -> EntityMention | None:
        start, end = match.span()
        first = text[start:end].split(" ")[0]
        if first.casefold() in BEGINNINGS:
            start += len(first) + 1
        words = text[start:end].split()
        if not words:
            return None
        return EntityMention(type=_type_of(words), start=start, end=end, score=_SCORE)


def _type_of(words: Sequence[str]) -> str:
    if words[-1].casefold() in ORGANIZATION_WORDS or words[0].casefold() in ORGANIZATION_WORDS:
        return "organization"
    if words[0].casefold() in FIRST_NAMES:
        return "person"
    if words[-1].casefold() in PLACES:
        return "location"
    return "person" if len(words) == 2 else "organization"
