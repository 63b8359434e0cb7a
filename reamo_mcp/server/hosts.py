"""The entry that a host needs in its configuration to start or reach the server."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from reamo_mcp.errors import InvalidArgument

Host: TypeAlias = Literal["claude-code", "claude-desktop", "cursor", "vscode"]
HOSTS: tuple[Host, ...] = get_args(Host)


@dataclass(frozen=True)
class HostEntry:
    """What to put where: ``content`` under ``key`` of the JSON file ``path``, or the command that does it."""

    path: Path
    key: str
    content: dict[str, object]
    command: str | None = None

    def document(self) -> dict[str, object]:
        """Return the file as it looks with this entry alone."""
        return {self.key: {"reamo": self.content}}


def configuration(
    host: Host, roots: Sequence[Path], *, engine: str | None = None, environment: dict[str, str] | None = None
) -> HostEntry:
    """Return the entry for a host. Roots are made absolute: some hosts start servers in a folder of their own.

    Raises InvalidArgument for a host that is not known.
    """
    arguments = [part for root in roots for part in ("--root", str(root.expanduser().resolve()))]
    if engine:
        arguments += ["--engine", engine]
    program, *first = command()
    content: dict[str, object] = {"command": program, "args": [*first, *arguments]}
    if environment:
        content["env"] = environment
    match host:
        case "claude-code":
            line = shlex.join((program, *first, *arguments))
            return HostEntry(Path(".mcp.json"), "mcpServers", content, f"claude mcp add reamo -- {line}")
        case "claude-desktop":
            return HostEntry(_claude_desktop_file(), "mcpServers", content)
        case "cursor":
            return HostEntry(Path(".cursor/mcp.json"), "mcpServers", content)
        case "vscode":
            return HostEntry(Path(".vscode/mcp.json"), "servers", {"type": "stdio", **content})
        case _:
            raise InvalidArgument(f"{host!r} is no host that is known", f"Choose one of {', '.join(HOSTS)}")


def command() -> list[str]:
    """Return how this installation is started: absolute, since hosts do not share the user's search path."""
    script = Path(sys.executable).with_name("reamo-mcp")
    if script.is_file():
        return [str(script)]
    found = shutil.which("reamo-mcp")
    return [found] if found else [sys.executable, "-m", "reamo_mcp"]


def _claude_desktop_file() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/Claude/claude_desktop_config.json"
    if sys.platform == "win32":
        return Path.home() / "AppData/Roaming/Claude/claude_desktop_config.json"
    return Path.home() / ".config/Claude/claude_desktop_config.json"
