"""When and where the words of a mention are seen in a video, from the tracks of its words."""

from collections.abc import Sequence

from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.grounding.slices import Slice
from reamo_mcp.grounding.words import joined_lines
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Box, Keyframe, TimeSpan, VideoTrack
from reamo_mcp.types.reading import AtTrack

_CLOCK = 6  # decimal places at which two times of keyframes are the same frame


def locate_in_video(slice_: Slice) -> VideoTrack | Rejection:
    """Return the track of words that are in sight together.

    The time is what the words' tracks share; keyframes are those in which every word was seen, with one box per line.
    """
    tracks = list(slice_.places(AtTrack))
    if not tracks:
        return Rejection("the words have no place in the video")
    start = max(at.start for _, at in tracks)
    end = min(at.end for _, at in tracks)
    seen: dict[float, list[Box]] = {}
    counts: dict[float, int] = {}
    for word, at in tracks:
        for frame in at.keyframes:
            time = round(frame.time, _CLOCK)
            boxes = [slice_.cut(word, box, len(frame.parts)) for box in frame.parts]
            seen.setdefault(time, []).extend(boxes)
            counts[time] = counts.get(time, 0) + 1
    keyframes = tuple(
        Keyframe(time=time, parts=joined_lines(seen[time]))
        for time in sorted(seen)
        if counts[time] == len(tracks) and start - 1e-6 <= time <= end + 1e-6
    )
    if end < start or not keyframes:
        return Rejection("its words are never in sight together")
    return VideoTrack(
        id="",
        media_id=slice_.mention.media_id,
        quote=slice_.quote,
        via=slice_.via,
        score=slice_.score,
        score_kind=slice_.score_kind,
        provenance=slice_.mention.provenance,
        start=start,
        end=end,
        keyframes=keyframes,
        observed=shared_spans([at.observed for _, at in tracks]),
        visible=shared_spans([at.visible for _, at in tracks]),
    )


def locate_sighting_in_video(mention: CandidateMention, at: AtTrack) -> VideoTrack:
    """Return the track of something that was followed without words, such as a face."""
    return VideoTrack(
        id="",
        media_id=mention.media_id,
        quote=mention.quote or None,
        score=mention.score,
        score_kind=mention.score_kind,
        provenance=mention.provenance,
        start=at.start,
        end=at.end,
        keyframes=at.keyframes,
        observed=at.observed,
        visible=at.visible,
    )


def shared_spans(lists: Sequence[Sequence[TimeSpan]]) -> tuple[TimeSpan, ...]:
    """Return the time that lies in a span of every list. Each list is sorted and free of overlaps."""
    if not lists:
        return ()
    shared = list(lists[0])
    for spans in lists[1:]:
        both: list[TimeSpan] = []
        left = right = 0
        while left < len(shared) and right < len(spans):
            start = max(shared[left].start, spans[right].start)
            end = min(shared[left].end, spans[right].end)
            if start < end:
                both.append(TimeSpan(start=start, end=end))
            if shared[left].end < spans[right].end:
                left += 1
            else:
                right += 1
        shared = both
    return tuple(shared)
