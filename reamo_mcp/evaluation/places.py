"""From groundings to overlaps: regions of pictures, stretches of sound, tracks of video.

Decided here, since the paper leaves it open: regions are compared as pixels of the gold picture (boxes are filled);
times as 10 ms steps for the assignment and exactly for the IoU; tracks frame by frame, in frames that the gold
annotates, so that switching two identities costs nothing, as published. *track-mIoU* assigns once per video and
divides the shared area summed over frames by the joint area summed over frames.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil

import numpy
from numpy.typing import NDArray

from reamo_mcp.evaluation.masks import filled, pixels_of
from reamo_mcp.evaluation.overlap import Cost, Overlaps, bce_and_dice, iou, mean, set_miou
from reamo_mcp.types.grounding import AudioSegment, Box, ImageRegion, VideoTrack

TIME_STEP = 0.01  # seconds
SAME_FRAME = 1e-3  # seconds: two times of one frame


def overlaps_of_regions(
    gold: Sequence[ImageRegion], predicted: Sequence[ImageRegion], width: int, height: int
) -> Overlaps:
    """Return the overlaps of two sets of regions of one picture."""
    mine = [pixels_of(region, width, height).ravel() for region in gold]
    theirs = [pixels_of(region, width, height).ravel() for region in predicted]
    return _of_pixels(mine, theirs, width * height)


def overlaps_of_segments(gold: Sequence[AudioSegment], predicted: Sequence[AudioSegment], duration: float) -> Overlaps:
    """Return the overlaps of two sets of stretches of a recording of ``duration`` seconds."""
    ends = [segment.end for segment in (*gold, *predicted)]
    steps = max(1, ceil(round(max([duration, *ends]) / TIME_STEP, 6)))

    def step(time: float) -> int:
        return round(time / TIME_STEP)

    def shared(one: AudioSegment, other: AudioSegment) -> float:
        return max(0.0, min(one.end, other.end) - max(one.start, other.start))

    def shared_steps(one: AudioSegment, other: AudioSegment) -> float:
        return max(0, min(step(one.end), step(other.end)) - max(step(one.start), step(other.start)))

    return Overlaps(
        gold=tuple(float(step(segment.end) - step(segment.start)) for segment in gold),
        predicted=tuple(float(step(segment.end) - step(segment.start)) for segment in predicted),
        shared=tuple(tuple(shared_steps(one, other) for other in predicted) for one in gold),
        everything=float(steps),
        exact=tuple(
            tuple(iou(one.end - one.start, other.end - other.start, shared(one, other)) for other in predicted)
            for one in gold
        ),
    )


def track_frames(
    gold: Sequence[VideoTrack], predicted: Sequence[VideoTrack], width: int, height: int
) -> list[Overlaps]:
    """Return the overlaps of two sets of tracks in each frame that the gold annotates.

    Without gold tracks the frames of the predictions count (each of them surplus, hence 0).
    """
    times = frame_times(gold) or frame_times(predicted)
    frames: list[Overlaps] = []
    for time in times:
        mine = [parts for track in gold if (parts := seen_at(track, time))]
        theirs = [parts for track in predicted if (parts := seen_at(track, time))]
        frames.append(
            _of_pixels(
                [filled(parts, width, height).ravel() for parts in mine],
                [filled(parts, width, height).ravel() for parts in theirs],
                width * height,
            )
        )
    return frames


def track_miou(frames: Sequence[Overlaps], cost: Cost = bce_and_dice) -> float | None:
    """Return the mean over frames of the mIoU of their sets; frames with nothing on both sides are left out."""
    return mean([set_miou(frame, cost) for frame in frames])


def overlaps_of_tracks(
    gold: Sequence[VideoTrack], predicted: Sequence[VideoTrack], width: int, height: int
) -> Overlaps:
    """Return the overlaps of two sets of whole tracks, areas summed over the frames that the gold annotates."""
    times = frame_times(gold) or frame_times(predicted)

    def volume(track: VideoTrack) -> NDArray[numpy.bool_]:
        frames = [filled(seen_at(track, time), width, height).ravel() for time in times]
        return numpy.concatenate(frames) if frames else numpy.zeros(0, dtype=numpy.bool_)

    return _of_pixels(
        [volume(track) for track in gold], [volume(track) for track in predicted], _size(times, width, height)
    )


def frame_times(tracks: Sequence[VideoTrack]) -> list[float]:
    """Return the times of all keyframes, each once."""
    times: list[float] = []
    for time in sorted(keyframe.time for track in tracks for keyframe in track.keyframes):
        if not times or time - times[-1] > SAME_FRAME:
            times.append(time)
    return times


def seen_at(track: VideoTrack, time: float) -> tuple[Box, ...]:
    """Return where a track is in the frame shown at ``time``, empty where it is out of sight.

    A track says boxes at keyframes only. Between two of them, each box moves in a straight line (if their number stays
    the same; else those of the earlier keyframe stay), as long as the track says it is visible. Before the first and
    after the last keyframe the nearest one stands, within start and end.
    """
    if not track.start - SAME_FRAME <= time <= track.end + SAME_FRAME:
        return ()
    times = [keyframe.time for keyframe in track.keyframes]
    after = bisect_right(times, time + SAME_FRAME)
    before = track.keyframes[max(after - 1, 0)]
    if abs(before.time - time) <= SAME_FRAME:
        return before.parts
    if track.visible and not any(span.start - SAME_FRAME <= time < span.end + SAME_FRAME for span in track.visible):
        return ()
    if after == 0 or after == len(times) or len(track.keyframes[after].parts) != len(before.parts):
        return before.parts
    following = track.keyframes[after]
    share = (time - before.time) / (following.time - before.time)

    def between(one: float, other: float) -> float:
        return one + share * (other - one)

    return tuple(
        Box(
            x=between(one.x, other.x),
            y=between(one.y, other.y),
            width=between(one.width, other.width),
            height=between(one.height, other.height),
        )
        for one, other in zip(before.parts, following.parts, strict=True)
    )


def _size(times: Sequence[float], width: int, height: int) -> int:
    return max(1, len(times)) * width * height


def _of_pixels(
    gold: Sequence[NDArray[numpy.bool_]], predicted: Sequence[NDArray[numpy.bool_]], everything: int
) -> Overlaps:
    return Overlaps(
        gold=tuple(float(numpy.count_nonzero(mask)) for mask in gold),
        predicted=tuple(float(numpy.count_nonzero(mask)) for mask in predicted),
        shared=tuple(tuple(float(numpy.count_nonzero(one & other)) for other in predicted) for one in gold),
        everything=float(everything),
    )
