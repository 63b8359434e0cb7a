"""A program for the tests: the server over its standard streams, with the real decoder and models that run nothing.

Usage: server_program.py, with REAMO_* settings. With NOISE, libraries print all the while.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from reamo_mcp.settings import Settings

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


@asynccontextmanager
async def opened(settings: Settings) -> "AsyncGenerator[object]":
    from reamo_mcp.extractor import Extractor
    from reamo_mcp.media.child_decoder import ChildDecoder
    from reamo_mcp.models.engine import Engine
    from reamo_mcp.store.records import Store
    from tests.doubles.scripted_roles import ScriptedTextExtractor, ScriptedTextReader, ScriptedTranscriber

    if "NOISE" in os.environ:
        print_everywhere()
    engine = Engine(
        profile="scripted",
        text_extractor=ScriptedTextExtractor({"Alice": "person", "Bob": "person"}),
        text_reader=ScriptedTextReader(),
        transcriber=ScriptedTranscriber(),
    )
    with closing(ChildDecoder(settings.limits)) as decoder:
        yield Extractor(engine, decoder, Store(settings.cache_folder(), settings.cache_bytes), settings)


def print_everywhere() -> None:
    """Print as careless libraries do: at once, unflushed, from a thread, and from a process of their own."""

    def go_on() -> None:
        while True:
            print("noise of a thread", flush=True)  # noqa: T201
            time.sleep(0.01)

    print("noise of a library")  # noqa: T201
    os.write(1, b"noise of foreign code\n")
    subprocess.run([sys.executable, "-c", "print('noise of a process')"], check=True)
    threading.Thread(target=go_on, daemon=True).start()


def main() -> None:
    from reamo_mcp.server.stdio import serve_stdio

    serve_stdio(Settings.from_environment(), open_extractor=opened)  # pyright: ignore[reportArgumentType]


main()
