"""Calls about a recording, or the sound of a video, put to an audio segmenter window by window."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Outcome
from reamo_mcp.models.roles import AudioSegmenter, HeardSpan
from reamo_mcp.reading.calls import AskedCall, CallResult, gap_of, result_of
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.setbacks import Gap, setback, taken
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Provenance
from reamo_mcp.types.reading import AtTime

_WINDOW = 60.0  # seconds of sound that are put to the module at once
_SEAM = 0.1  # seconds between two spans at a seam of windows that are one sound
_MOST_SPANS = 20  # told of one call, the best ones


@dataclass
class _Heard:
    """What was heard of one phrase, and why it may not be all."""

    spans: list[HeardSpan] = field(default_factory=list[HeardSpan])
    gap: Gap | None = None


def called_in_sound(
    calls: Sequence[AskedCall], media_id: str, segmenter: AudioSegmenter, material: Material, control: Control
) -> Iterator[CallResult]:
    """Yield the result of each call about one medium. Raises what ``control.check`` raises."""
    heard = {asked.call.instruction: _Heard() for asked in calls}
    outcome = Outcome()
    gap: Gap | None = None
    try:
        _listen(heard, media_id, segmenter, material, outcome, control)
    except Exception as error:  # what the reasoner said is worth having without the places
        gap = Gap.by(setback(error, f"a sound ({segmenter.card.name})"))
    gap = gap or gap_of(outcome)
    for asked in calls:
        own = heard[asked.call.instruction]
        best = sorted(_hinted(own.spans, asked.call.time), key=lambda span: -span.score)[:_MOST_SPANS]
        spans = sorted(best, key=lambda span: span.start)
        mentions = tuple(_mention(asked, span, segmenter.card.name) for span in spans)
        yield result_of(asked, mentions, own.gap or gap, "the audio segmenter does not hear it")


def _listen(
    heard: Mapping[str, _Heard],
    media_id: str,
    segmenter: AudioSegmenter,
    material: Material,
    outcome: Outcome,
    control: Control,
) -> None:
    for sound in material.sounds(media_id, _WINDOW, control, outcome):
        control.check()
        end = sound.start + len(sound.samples) / SAMPLE_RATE
        for own, answer in zip(heard.values(), segmenter.segment(sound, list(heard), control), strict=True):
            spans, gap = taken(answer)
            own.gap = own.gap or gap
            for span in spans:
                _add(own.spans, span, sound.start, end)


def _add(spans: list[HeardSpan], span: HeardSpan, start: float, end: float) -> None:
    """Add a span of a window; one that goes on over the seam before it is joined with its first part."""
    first, last = max(span.start, start), min(span.end, end)
    if last <= first:
        return
    score = span.score
    if spans and first - start <= _SEAM and 0 <= first - spans[-1].end <= _SEAM:
        before = spans.pop()
        first, score = before.start, max(before.score, score)
    spans.append(HeardSpan(start=first, end=last, score=score, score_kind=span.score_kind))


def _hinted(spans: Sequence[HeardSpan], hint: tuple[float, float] | None) -> Sequence[HeardSpan]:
    """Return the spans that the hint touches, all of them where it touches none."""
    if hint is None:
        return spans
    return [span for span in spans if span.start < max(hint) and span.end > min(hint)] or spans


def _mention(asked: AskedCall, span: HeardSpan, model: str) -> CandidateMention:
    return CandidateMention(
        media_id=asked.call.medium,
        place=AtTime(start=span.start, end=span.end),
        score=min(1.0, max(0.0, span.score)),
        score_kind=span.score_kind,
        provenance=Provenance(model=model, step="locate", call=asked.id),
    )
