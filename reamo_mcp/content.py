"""What is installed: its version, and the content folders `tools/`, `prompts/` and `examples/`.

The folders sit beside the package in a checkout and inside it in a wheel, and are never imported by name.
"""

import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

_PACKAGE = Path(__file__).parent


@cache
def installed_version() -> str:
    """Return the version of this installation; asked again it costs nothing, while reading it takes a millisecond."""
    return version("reamo-mcp")


def folder(name: str) -> Path:
    """Return the content folder called ``name``. Raises FileNotFoundError if the installation lacks it."""
    for path in (_PACKAGE / name, _PACKAGE.parent / name):
        if path.is_dir():
            return path
    raise FileNotFoundError(f"no folder {name!r} inside the package or beside it")


def read_prompt(name: str) -> str:
    """Return the text of ``prompts/<name>.md``."""
    return (folder("prompts") / f"{name}.md").read_text(encoding="utf-8")


def load_tools() -> Iterator[ModuleType]:
    """Import each file of `tools/` as ``reamo_mcp.tools.<file>``, once per process, in the order of their names."""
    for path in sorted(folder("tools").glob("[!_]*.py")):
        name = f"reamo_mcp.tools.{path.stem}"
        yield sys.modules.get(name) or _load(name, path)


def _load(name: str, path: Path) -> ModuleType:
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python module")
    # Registered before it runs, so that pydantic can resolve its annotations.
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:  # whatever ended it, Ctrl-C too: the next import has to run the file and not meet its half
        del sys.modules[name]
        raise
    return module
