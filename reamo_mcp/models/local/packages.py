"""Whether the packages that models of a hub run on can be imported, which only trying tells.

A torchvision that was built for another torch has the right version, cannot be imported, and stops transformers, which
imports it wherever it is installed.
"""

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Handlers, Reply, Request

_TRIED = ("torch", "torchvision", "safetensors", "transformers", "accelerate", "llguidance")
_BUILT_TOGETHER = ("torch", "torchvision")
_INSTALL = "pip install 'reamo-mcp[gpu]'"


def try_packages() -> None:
    """Import those that are installed. Raises ModelUnavailable naming the first that cannot be, and what mends it."""
    for package in _TRIED:
        if find_spec(package) is None:
            continue
        try:
            import_module(package)
        except Exception as error:  # whatever is broken in it, this is where it is told
            raise _unusable(package, error) from None


def unusable_package(error: ImportError) -> ModelUnavailable:
    """Return what an import that failed tells a user: which package is to blame, and the command that mends it."""
    first: BaseException = error
    while first.__cause__ is not None:  # transformers tells each failed import as one of its own
        first = first.__cause__
    missing = first.name if isinstance(first, ImportError) else None
    package = (missing or "transformers").partition(".")[0]
    if missing is None or find_spec(package) is not None:
        try:
            try_packages()
        except ModelUnavailable as told:
            return told
    return _unusable(package, first)


def _unusable(package: str, error: BaseException) -> ModelUnavailable:
    if find_spec(package) is None:
        return ModelUnavailable(f"{package} is not installed", _INSTALL)
    mend = " ".join(_BUILT_TOGETHER if package in _BUILT_TOGETHER else (package,))
    return ModelUnavailable(
        f"{package} is installed but cannot be imported here ({type(error).__name__})",
        f"pip install --force-reinstall {mend}",
    )


def serve() -> Handlers:
    """Return the handler of a child that tries the packages, so that whoever asks need not load them."""

    def packages(_request: Request, _control: Control) -> Iterator[Reply]:
        try_packages()
        yield Reply()

    return {"packages": packages}
