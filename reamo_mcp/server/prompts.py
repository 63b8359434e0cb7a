"""The prompts that people pick in their host: each is a Markdown file of `prompts/`.

A file begins with a title and a one-sentence description; the rest is a template whose names are the arguments.
"""

from dataclasses import dataclass
from string import Template

from mcp.server import MCPServer
from mcp.server.mcpserver import UserMessage
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from reamo_mcp.content import read_prompt
from reamo_mcp.server.services import Services

OFFERED = ("extract_from_files", "timeline", "who_did_what", "compare_sources")
"""`prompts/` also holds what models are told; these are the ones meant for people."""

_EVERYTHING = "everyone and everything"
_ARGUMENTS = [
    PromptArgument(name="files", description="Paths of the files, separated by commas", required=True),
    PromptArgument(name="focus", description=f"What to look at; if empty: {_EVERYTHING}", required=False),
]


@dataclass(frozen=True)
class PromptFile:
    """A prompt as it stands in its file."""

    title: str
    description: str
    template: Template


def parse_prompt(text: str) -> PromptFile:
    """Return the parts of a prompt file. Raises ValueError if it does not begin with a title and a description."""
    title, _, rest = text.partition("\n\n")
    description, _, body = rest.partition("\n\n")
    if not title.startswith("# ") or not description.startswith("> "):
        raise ValueError("a prompt begins with a line '# Title' and a line '> Description'")
    return PromptFile(title[2:].strip(), description[2:].strip(), Template(body.strip()))


def add_prompts(server: MCPServer[Services]) -> None:
    """Offer each prompt file under its own name."""
    for name in OFFERED:
        server.add_prompt(_prompt(name))


def _prompt(name: str) -> Prompt:
    prompt = parse_prompt(read_prompt(name))

    async def message(files: str, focus: str = "") -> list[UserMessage]:
        return [UserMessage(prompt.template.substitute(files=files, focus=focus or _EVERYTHING))]

    return Prompt(
        name=name,
        title=prompt.title,
        description=prompt.description,
        arguments=_ARGUMENTS,
        fn=message,
        context_kwarg=None,
    )
