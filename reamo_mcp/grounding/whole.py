"""What a medium supports as a whole, without a place."""

from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Whole


def attest(mention: CandidateMention) -> Whole:
    """Return the grounding of what the medium says as a whole: a metadata field, or a claim about all of it."""
    return Whole(
        id="",
        media_id=mention.media_id,
        quote=mention.quote or None,
        score=mention.score,
        score_kind=mention.score_kind,
        provenance=mention.provenance,
    )
