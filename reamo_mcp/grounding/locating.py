"""From a candidate's mention to its place, or to the reason why it has none: the one door to all locators.

A grounding made here has an empty id; `reamo_mcp.linking.assemble` numbers those that reach the answer.
"""

from collections.abc import Iterable, Iterator

from reamo_mcp.grounding.audio import locate_in_sound, locate_sighting_in_sound
from reamo_mcp.grounding.image import (
    locate_in_picture,
    locate_on_picture_of_page,
    locate_sighting_in_picture,
    locate_sighting_on_page,
)
from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.grounding.slices import Slice, slice_of
from reamo_mcp.grounding.span import locate_in_text
from reamo_mcp.grounding.text import QuoteNotFound, SearchableText
from reamo_mcp.grounding.video import locate_in_video, locate_sighting_in_video
from reamo_mcp.grounding.whole import attest
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Grounding, Provenance
from reamo_mcp.types.media import Medium, OpenedDocument
from reamo_mcp.types.reading import AtPage, AtRegion, AtTime, AtTrack, Place, Reading


class Locator:
    """Finds the places of mentions in the readings of one document. Its answers depend on nothing else."""

    def __init__(self, document: OpenedDocument, readings: Iterable[Reading]) -> None:
        self._media: dict[str, Medium] = {medium.id: medium for medium in document.media}
        self._readings: dict[str, Reading] = {}
        self._of_medium: dict[str, list[Reading]] = {}
        self._searchable: dict[tuple[str, int, int], SearchableText] = {}
        for reading in readings:
            self._readings[reading.id] = reading
            if reading.text:
                self._of_medium.setdefault(reading.media_id, []).append(reading)

    def locate(self, mention: CandidateMention) -> Grounding | Rejection:
        """Return where the mention is, or why it is nowhere.

        A known slice is checked against its reading; a known place is taken; a quote without either is searched for
        where the mention says, else in every reading of its medium (the ``nth`` place of the first reading that holds
        it); an empty or attested quote is supported by the medium as a whole.
        """
        medium = self._media.get(mention.media_id)
        if medium is None:
            return Rejection(f"there is no medium {mention.media_id!r}")
        if mention.attested:
            return attest(mention)
        if mention.place is not None:
            return _at_place(mention, mention.place)
        if mention.via is not None:
            return self._through(mention, medium)
        if not mention.quote.strip():
            return attest(mention)
        return self._searched(mention, medium)

    def _searched(self, mention: CandidateMention, medium: Medium) -> Grounding | Rejection:
        readings = self._of_medium.get(mention.media_id, [])
        known = {reading.id: reading for reading in readings}
        scopes = [
            (known[scope.reading], scope.start, scope.end) for scope in mention.within if scope.reading in known
        ] or [(reading, 0, len(reading.text)) for reading in readings]
        rejection = Rejection("none of its readings says this")
        for reading, start, end in scopes:
            found = self._stretch(reading, start, end).find(mention.quote, mention.nth)
            if isinstance(found, QuoteNotFound):
                continue
            at = slice_of(mention, reading, start + found.start, start + found.end)
            if reading.draft and not all(word.confident for word in at.words):
                rejection = Rejection("heard without confidence in a draft transcript")
                continue
            located = locate_slice(at, medium)
            if not isinstance(located, Rejection):
                return located
        return rejection

    def places(self, phrase: str, media_id: str, provenance: Provenance) -> Iterator[Grounding]:
        """Yield every place where one medium says, shows or writes ``phrase``, exactly or in normal form."""
        medium = self._media[media_id]
        mention = CandidateMention(media_id=media_id, quote=phrase, provenance=provenance)
        for reading in self._of_medium.get(media_id, []):
            for found in self._text(reading).find_all(phrase):
                located = locate_slice(slice_of(mention, reading, found.start, found.end), medium)
                if not isinstance(located, Rejection):
                    yield located

    def _text(self, reading: Reading) -> SearchableText:
        return self._stretch(reading, 0, len(reading.text))

    def _stretch(self, reading: Reading, start: int, end: int) -> SearchableText:
        known = self._searchable.get((reading.id, start, end))
        if known is None:
            known = self._searchable[reading.id, start, end] = SearchableText(reading.text[start:end])
        return known

    def _through(self, mention: CandidateMention, medium: Medium) -> Grounding | Rejection:
        via = mention.via
        reading = None if via is None else self._readings.get(via.reading)
        if via is None or reading is None or reading.media_id != medium.id:
            return Rejection("it points to a reading that the medium does not have")
        if not via.start < via.end <= len(reading.text):
            return Rejection("it points outside its reading")
        if mention.quote and reading.text[via.start : via.end] != mention.quote:
            found = self._text(reading).find(mention.quote)
            if isinstance(found, QuoteNotFound):
                return Rejection("its reading does not say this")
            return locate_slice(slice_of(mention, reading, found.start, found.end), medium)
        return locate_slice(slice_of(mention, reading, via.start, via.end), medium)


def locate_slice(slice_: Slice, medium: Medium) -> Grounding | Rejection:
    """Return where a slice of a reading stands in its medium, by the kind of place that its words have."""
    if any(not word.visible for word in slice_.words):
        return Rejection("the words are hidden from readers")
    pages = [at for _, at in slice_.places(AtPage)]
    if pages:
        numbers = {part.page for at in pages for part in at.parts}
        if len(numbers) == 1 and all(at.by == "recognition" for at in pages):
            return locate_on_picture_of_page(slice_, numbers.pop())
        return locate_in_text(slice_, medium)
    match slice_.reading.kind:
        case "text":
            return locate_in_text(slice_, medium)
        case "picture_text":
            return locate_in_picture(slice_)
        case "transcript":
            return locate_in_sound(slice_)
        case "video_text":
            return locate_in_video(slice_)
        case "sight" | "metadata":
            return attest(slice_.mention)


def _at_place(mention: CandidateMention, place: Place) -> Grounding:
    match place:
        case AtRegion():
            return locate_sighting_in_picture(mention, place)
        case AtPage():
            return locate_sighting_on_page(mention, place)
        case AtTime():
            return locate_sighting_in_sound(mention, place)
        case AtTrack():
            return locate_sighting_in_video(mention, place)
