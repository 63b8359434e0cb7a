"""What Reamo and its rivals reached on the cells of the paper, to be shown beside ours, never compared like for like.

Read from the tables of the paper's project page (zero-shot; F1 and mIoU in percent).
"""

from dataclasses import dataclass

NOTE = (
    "Reamo: published numbers on its own unpublished 200-sample cells; other data, zero-shot; reference only, not like "
    "for like."
)


@dataclass(frozen=True)
class Published:
    """The results of one cell of the paper: the data set, and per method the value of each measure in percent."""

    data: str
    methods: dict[str, dict[str, float]]


def published(combination: str, task: str) -> Published | None:
    """Return the paper's results for a cell such as ``T+I``, ``NER``; None where the paper has no such cell."""
    return _TABLE.get((combination, task))


def _cell(data: str, measures: str, **methods: str) -> Published:  # names of methods are written as identifiers
    names = measures.split()
    return Published(
        data,
        {
            _METHODS[method]: dict(zip(names, (float(value) for value in values.split()), strict=True))
            for method, values in methods.items()
        },
    )


_METHODS = {
    "llava": "LLaVA + SEEM",
    "blip": "InstructBLIP + SEEM",
    "minigpt": "MiniGPT-v2",
    "speechgpt": "SpeechGPT",
    "next": "NExT-GPT + SEEM/SHAS",
    "videochat": "VideoChat + SEEM",
    "videollava": "Video-LLaVA + SEEM",
    "videollama": "Video-LLaMA + SEEM/SHAS",
    "reamo": "Reamo",
}
_TABLE: dict[tuple[str, str], Published] = {
    ("T+I", "NER"): _cell(
        "Twt17", "NER I-Seg", llava="23.0 45.8", blip="26.9 52.0", minigpt="45.4 48.7", reamo="47.4 53.5"
    ),
    ("T+I", "RE"): _cell(
        "MNRE", "RE I-Seg", llava="15.4 51.8", blip="17.0 54.8", minigpt="22.4 56.2", reamo="24.6 56.9"
    ),
    ("T+I", "EE"): _cell(
        "M2E2",
        "ET EA I-Seg",
        llava="22.8 13.5 48.3",
        blip="23.0 20.1 52.5",
        minigpt="27.3 16.3 54.8",
        reamo="30.2 25.6 60.1",
    ),
    ("I", "NER"): _cell(
        "PASCAL-C", "NER I-Seg", llava="17.8 26.1", blip="21.0 39.7", minigpt="41.8 62.0", reamo="43.0 64.6"
    ),
    ("I", "RE"): _cell("VRD", "RE I-Seg", llava="10.4 36.9", blip="11.6 39.1", minigpt="18.6 38.3", reamo="26.0 43.9"),
    ("I", "EE"): _cell(
        "imSitu",
        "ET EA I-Seg",
        llava="19.5 8.2 29.8",
        blip="18.5 11.3 30.0",
        minigpt="37.0 13.3 32.2",
        reamo="41.5 16.3 39.6",
    ),
    ("T+A", "NER"): _cell("ACE05-Aud", "NER A-Seg", speechgpt="26.7 21.4", next="19.6 15.6", reamo="28.5 24.3"),
    ("T+A", "RE"): _cell("ReTACRED", "RE A-Seg", speechgpt="45.4 27.5", next="37.5 20.4", reamo="46.8 29.1"),
    ("A", "NER"): _cell("ACE05-Aud", "NER A-Seg", speechgpt="14.0 13.3", next="8.3 10.2", reamo="17.4 16.7"),
    ("A", "RE"): _cell("ReTACRED", "RE A-Seg", speechgpt="30.4 21.0", next="25.1 12.4", reamo="33.4 25.1"),
    ("T+V", "EE"): _cell(
        "VidSitu-Txt", "ET EA V-Trck", videochat="28.8 18.5 28.1", videollava="31.0 22.4 31.4", reamo="32.8 23.1 34.4"
    ),
    ("V", "EE"): _cell(
        "VidSitu", "ET EA V-Trck", videochat="14.3 9.2 20.9", videollava="18.6 8.8 20.6", reamo="22.3 14.5 23.2"
    ),
    ("T+I+A", "NER"): _cell("Twt17-Aud", "NER I-Seg A-Seg", next="30.7 32.4 13.9", reamo="37.4 33.3 15.1"),
    ("I+A", "RE"): _cell("MNRE-Aud", "RE I-Seg A-Seg", next="15.4 46.5 18.8", reamo="21.8 53.4 21.8"),
    ("V+A", "EE"): _cell(
        "VidSitu-Aud",
        "ET EA V-Trck A-Seg",
        videollama="12.0 4.8 12.7 8.4",
        next="19.3 13.7 19.9 15.0",
        reamo="24.2 18.5 22.0 20.9",
    ),
}
