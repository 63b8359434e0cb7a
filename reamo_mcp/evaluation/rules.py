"""The baseline of rules and word lists: what one gets without any model, as a text extractor.

Runs of capitalised words are names; the last word, a list of first names and a list of cities and countries say of
which type. It finds no relations and no events. Dates, amounts and other forms come from the patterns that every engine
of the project uses.
"""

import re
from collections.abc import Sequence

from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import Answer, EntityMention, Found, Mentions, ModelCard
from reamo_mcp.types.ontology import Ontology

_NAME = re.compile(r"\b[A-Z][\w'’-]*(?: (?:(?:of|the|and|for|de|van|von) )?[A-Z][\w'’-]*)*")
_ORGANIZATION = frozenset(
    "university college school academy institute bank group company corporation inc ltd foundation association club"
    " council party ministry agency hospital airlines motors records energy united city committee union press times"
    " court department league federation society museum theatre orchestra church army police office service".split()
)
_FIRST = frozenset(
    "anna maria john james robert michael william david richard joseph thomas charles christopher daniel matthew"
    " anthony mark donald steven paul andrew joshua kenneth kevin brian george edward mary patricia jennifer linda"
    " elizabeth barbara susan jessica sarah karen nancy lisa margaret sandra emily emma olivia sophia laura peter"
    " hans jan josé carlos luis juan miguel pedro antonio mohamed ahmed ali omar fatima aisha yusuf ibrahim wei li"
    " chen hiroshi ivan olga sergei natalia".split()
)
_PLACE = frozenset(
    "london paris berlin madrid rome vienna prague warsaw budapest athens lisbon dublin oslo stockholm copenhagen"
    " helsinki brussels amsterdam geneva zurich moscow kyiv istanbul ankara cairo nairobi lagos accra johannesburg"
    " beijing shanghai tokyo osaka seoul delhi mumbai karachi dhaka bangkok hanoi jakarta manila sydney melbourne"
    " toronto montreal ottawa chicago boston washington houston lima santiago bogotá caracas brazil argentina"
    " france germany spain italy austria poland hungary greece portugal ireland norway sweden denmark finland"
    " belgium netherlands switzerland russia ukraine turkey egypt kenya nigeria ghana china japan korea india"
    " pakistan iran iraq israel syria thailand vietnam indonesia australia canada mexico europe africa asia".split()
)
_BEGINS_SENTENCES = frozenset(
    "the a an it he she they we i you there this that these those in on at for from with by as of but and or if when"
    " while after before nobody few everything everybody people one no not".split()
)
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
        if first.casefold() in _BEGINS_SENTENCES:
            start += len(first) + 1
        words = text[start:end].split()
        if not words:
            return None
        return EntityMention(type=_type_of(words), start=start, end=end, score=_SCORE)


def _type_of(words: Sequence[str]) -> str:
    if words[-1].casefold() in _ORGANIZATION or words[0].casefold() in _ORGANIZATION:
        return "organization"
    if words[0].casefold() in _FIRST:
        return "person"
    if words[-1].casefold() in _PLACE:
        return "location"
    return "person" if len(words) == 2 else "organization"
