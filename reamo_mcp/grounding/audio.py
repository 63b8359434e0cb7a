"""When the words of a mention are spoken: always the times of words, never times that a language model wrote."""

from reamo_mcp.grounding.slices import Slice
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import AudioSegment, Whole
from reamo_mcp.types.reading import AtTime


def locate_in_sound(slice_: Slice) -> AudioSegment | Whole:
    """Return the stretch from the start of the first word to the end of the last.

    A mention that covers a part of a word takes the whole word: sound cannot be cut by letters. Words of a given
    transcript that could not be aligned have no time: the recording as a whole supports them.
    """
    times = [at for _, at in slice_.places(AtTime)]
    if not times:
        return Whole(
            id="",
            media_id=slice_.mention.media_id,
            quote=slice_.quote,
            via=slice_.via,
            score=slice_.score,
            score_kind=slice_.score_kind,
            provenance=slice_.mention.provenance,
        )
    return AudioSegment(
        id="",
        media_id=slice_.mention.media_id,
        quote=slice_.quote,
        via=slice_.via,
        score=slice_.score,
        score_kind=slice_.score_kind,
        provenance=slice_.mention.provenance,
        start=min(at.start for at in times),
        end=max(at.end for at in times),
    )


def locate_sighting_in_sound(mention: CandidateMention, at: AtTime) -> AudioSegment:
    """Return the stretch in which something was heard without words."""
    return AudioSegment(
        id="",
        media_id=mention.media_id,
        quote=mention.quote or None,
        score=mention.score,
        score_kind=mention.score_kind,
        provenance=mention.provenance,
        start=at.start,
        end=at.end,
    )
