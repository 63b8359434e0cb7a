"""An ask as a conversation turn: the sources in order, then what is wanted. One form for every engine.

The sources come first, so that further questions about the same files share the longest possible beginning. What a
source says is data: signs that some model family reads as control tokens are broken up.
"""

import re
from collections.abc import Iterator, Sequence
from string import Template

from reamo_mcp.content import read_prompt
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import Ask, PicturePassage, Sound, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.types.reading import ReadingKind

Part = str | Picture | Sound | VideoPassage
"""A piece of a turn: text, or a medium in its place."""

# <|im_end|>, </s>, <tool_call>, <start_of_turn>, <<SYS>>, DeepSeek's wide bars, and the tags of sources themselves.
_CONTROL = re.compile(r"<(?=/?[|\uff5c]|/?[a-z_][\w\u2581 .-]{0,40}>|/?source|<)", re.IGNORECASE)
_BRACKETED = re.compile(r"\[(?=/?(?:INST|SYS|TOOL|AVAILABLE_TOOLS|IMG|CLS|SEP|MASK|PAD|UNK)\w*\])")
_KINDS: dict[ReadingKind, str] = {
    "text": "text",
    "picture_text": "text recognised in a picture",
    "transcript": "what is said",
    "video_text": "text recognised in a video",
    "sight": "sights",
    "metadata": "facts of the file",
}
_NONE = "(none)"


def turn(ask: Ask) -> list[Part]:
    """Return the parts of the turn that puts an ask; neighbouring texts are joined."""
    parts: list[Part] = []
    for part in (*_sources(ask), instructions(ask)):
        if isinstance(part, str) and parts and isinstance(parts[-1], str):
            parts[-1] = f"{parts[-1]}{part}"
        else:
            parts.append(part)
    return parts


def instructions(ask: Ask) -> str:
    """Return what is wanted, from ``prompts/reason.md`` without its heading."""
    ontology = ask.form.ontology
    return _template("reason").substitute(
        entity_types=_listed(_described(kind.name, kind.description) for kind in ontology.entity_types),
        relation_types=_listed(
            _described(kind.name, kind.description) + _ends(kind.head, kind.tail) for kind in ontology.relation_types
        ),
        event_types=_listed(
            _described(kind.name, kind.description)
            + (f" [{', '.join(role.name for role in kind.roles)}]" if kind.roles else "")
            for kind in ontology.event_types
        ),
        modules=_listed(f"{module} in {medium}" for medium, module in ask.form.modules),
        known=_listed(f"{one.id}: {plain(one.name)} ({one.type})" for one in ask.known),
        next_id=f"e{len(ask.known) + 1}",
    )


def question(phrase: str) -> str:
    """Return what is asked about a crop, from ``prompts/confirm.md`` without its heading; the answer is yes or no."""
    return _template("confirm").substitute(phrase=" ".join(plain(phrase).split()))


def plain(text: str) -> str:
    """Return a text of a source without signs that could end it or begin a turn: a blank breaks them up."""
    return _BRACKETED.sub("[ ", _CONTROL.sub("< ", text))


def _template(name: str) -> Template:
    """Return what follows the heading and the summary of a prompt."""
    return Template(read_prompt(name).split("\n\n", 2)[2].strip())


def _sources(ask: Ask) -> Iterator[Part]:
    for passage in ask.passages:
        match passage:
            case TextPassage():
                said = plain(passage.text)
                yield f'<source id="{passage.source}" kind="{_KINDS[passage.kind]}">\n{said}\n</source>\n'
            case PicturePassage():
                yield f'<source id="{passage.medium}" kind="picture">\n'
                yield passage.picture
                yield "\n</source>\n"
            case SoundPassage():
                start = passage.sound.start
                end = start + len(passage.sound.samples) / SAMPLE_RATE
                yield f'<source id="{passage.medium}" kind="sound" seconds="{start:.1f}-{end:.1f}">\n'
                yield passage.sound
                yield "\n</source>\n"
            case VideoPassage():
                end = passage.times[-1] + passage.step
                kind = "video with sound" if passage.sound else "video"
                yield f'<source id="{passage.medium}" kind="{kind}" seconds="{passage.times[0]:.1f}-{end:.1f}">\n'
                yield passage
                yield "\n</source>\n"


def _described(name: str, description: str) -> str:
    return f"{name}: {description}" if description else name


def _ends(head: Sequence[str], tail: Sequence[str]) -> str:
    return f" (from {' or '.join(head) or 'any'} to {' or '.join(tail) or 'any'})" if head or tail else ""


def _listed(lines: Iterator[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or _NONE
