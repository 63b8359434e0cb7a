from pathlib import Path

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.subtitles import parse_subtitles, subtitle_cues
from reamo_mcp.settings import Limits
from tests.media_samples import VideoSample, opened, write_video


def told(text: str) -> list[tuple[float, float, str]]:
    return [(cue.start, cue.end, cue.text) for cue in parse_subtitles(text)]


def test_srt_is_read_with_and_without_blank_lines_between() -> None:
    text = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>\nAda\n2\n00:00:03,000 --> 00:00:04,000\nBye\n"
    assert told(text) == [(1.0, 2.5, "Hello there Ada"), (3.0, 4.0, "Bye")]


def test_webvtt_is_read_without_notes_and_settings() -> None:
    text = "\ufeffWEBVTT\r\n\r\nNOTE no\r\n\r\n00:01.000 --> 00:02.000 align:start\r\n<v Ada>Tom &amp; Ada</v>\r\n"
    assert told(text) == [(1.0, 2.0, "Tom & Ada")]


def test_cues_are_sorted_and_those_that_run_backwards_left_out() -> None:
    text = "00:05.000 --> 00:06.000\nb\n\n00:01.000 --> 00:02.000\na\n\n00:09.000 --> 00:08.000\nc\n"
    assert [said for _, _, said in told(text)] == ["a", "b"]


def test_what_is_no_subtitle_gives_none() -> None:
    assert parse_subtitles("Dear Ada,\n\n12:30 --> lunch\n") == ()


def test_a_subtitle_stream_is_read_on_the_clock_of_its_container(tmp_path: Path) -> None:
    sample = VideoSample(frames=120, subtitles=((0.5, 1.5, "Ada Lovelace"), (2.0, 3.25, "met Babbage")))
    for name, format in (("a.mkv", "matroska"), ("a.mp4", "mov")):
        with opened(write_video(tmp_path / name, sample), format=format) as file:
            cues = subtitle_cues(file, Limits(), Unlimited())
        assert [(round(cue.start, 2), round(cue.end, 2), cue.text) for cue in cues] == [
            (0.5, 1.5, "Ada Lovelace"),
            (2.0, 3.25, "met Babbage"),
        ]


def test_a_file_without_subtitles_gives_none(tmp_path: Path) -> None:
    with opened(write_video(tmp_path / "a.mkv", VideoSample(frames=10)), format="matroska") as file:
        assert subtitle_cues(file, Limits(), Unlimited()) == ()


def test_a_subtitle_that_nobody_could_read_is_cut_and_says_so() -> None:
    long, short = parse_subtitles(
        "1\n00:00:01,000 --> 00:00:02,000\n" + "word " * 1000 + "\n\n2\n00:00:03,000 --> 00:00:04,000\nshort\n"
    )
    assert (len(long.text) <= 2000, long.cut) == (True, True)
    assert (short.text, short.cut) == ("short", False)


def test_subtitles_without_end_are_cut_and_say_so() -> None:
    cues = parse_subtitles("00:01.000 --> 00:02.000\nword\n\n" * 50_001)
    assert len(cues) == 50_000
    assert [cue.cut for cue in cues[-2:]] == [False, True]
