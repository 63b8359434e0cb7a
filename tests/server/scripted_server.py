"""A program for the tests: the server, or its HTTP twin, over an extractor that takes the steps it is told to.

Usage: scripted_server.py stdio|http PORT, with REAMO_* settings, SCRIPT_STEPS and SCRIPT_LOG (a file that gets a line
for each piece of work that began or ended). A document that has "takes N steps" in a text takes N steps; one that has
"kills the server" does.
"""

import os
import re
import signal
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from reamo_mcp.settings import Settings

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


@asynccontextmanager
async def opened(_: Settings) -> "AsyncGenerator[object]":
    from tests.doubles.scripted_extractor import ScriptedExtractor  # loaded late, as the real one is

    extractor = ScriptedExtractor(steps=int(os.environ.get("SCRIPT_STEPS", "0")), steps_of=steps_of)
    try:
        yield extractor
    finally:
        log([*("began" for _ in extractor.began), *extractor.ended, "closed"])


def steps_of(texts: Sequence[str]) -> int | None:
    if any("kills the server" in text for text in texts):
        os.kill(os.getpid(), signal.SIGKILL)
    told = re.search(r"takes (\d+) steps", " ".join(texts))
    return int(told[1]) if told else None


def log(lines: Sequence[str]) -> None:
    with open(os.environ["SCRIPT_LOG"], "a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def main() -> None:
    settings = Settings.from_environment()
    if sys.argv[1] == "stdio":
        from reamo_mcp.server.stdio import serve_stdio

        serve_stdio(settings, open_extractor=opened)  # pyright: ignore[reportArgumentType]
    else:
        from reamo_mcp.server.http import serve

        serve(settings, port=int(sys.argv[2]), open_extractor=opened)  # pyright: ignore[reportArgumentType]


main()
