"""What the server tells about itself, without waiting for the engine."""

import os
import sys

from mcp.types import CallToolResult, TextContent

from reamo_mcp.content import installed_version
from reamo_mcp.models.local_profiles import settled
from reamo_mcp.ontologies.installed import ontology_names
from reamo_mcp.server.services import Services
from reamo_mcp.types.answers import StatusAnswer

_NOT_STARTED = "The engine starts with the first call that needs it; its models are listed then"


def status_result(answer: StatusAnswer) -> CallToolResult:
    """Return the state in both forms that hosts show."""
    lines = [f"{name}: {value}" for name, value in answer.model_dump(mode="json", exclude_defaults=True).items()]
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))],
        structured_content=answer.model_dump(mode="json", exclude_defaults=True),
    )


async def state_of(services: Services) -> StatusAnswer:
    """Return the state of the server as a record. Never starts or waits for the engine."""
    settings, jobs = services.settings, services.working
    limits = settings.limits
    engine = None if jobs is None else jobs.engine
    return StatusAnswer(
        version=installed_version(),
        engine=settled(settings).profile if engine is None else engine.profile,
        ready=jobs is not None,
        models=()
        if engine is None
        else tuple(f"{model.role}: {model.name} {model.revision}" for model in engine.models),
        device="not started" if jobs is None else jobs.device,
        memory_mb=_memory_mb(),
        running=0 if jobs is None else jobs.running,
        queued=0 if jobs is None else jobs.queued,
        roots=tuple(str(root) for root in services.roots),
        ontologies=ontology_names(),
        modalities=("text", "image", "audio", "video", "document"),
        limits={
            "most_queued": settings.most_queued,
            "file_bytes": limits.most_bytes,
            "text_file_bytes": limits.most_text_bytes,
            "pixels": limits.most_pixels,
            "pages": limits.most_pages,
            "seconds": limits.most_seconds,
        },
        cache=str(settings.cache_folder()) if settings.cache_bytes else "off",
        notice=_notice(services),
    )


def _notice(services: Services) -> str | None:
    if not services.roots and services.transport != "in_process":
        return "No folder is allowed: start the server with --root FOLDER to let it read files; texts can be read"
    return _NOT_STARTED if services.working is None else None


def _memory_mb() -> float:
    """Return the memory of this process and of the children in which media are decoded and models run."""
    if sys.platform != "linux":
        return 0.0
    resident, _ = _pages("self")
    # What children share with others (programs, buffers that they hand over) is counted once, with us.
    children = [_pages(child) for child in _children()]
    pages = resident + sum(own - shared for own, shared in children)
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _pages(process: str) -> tuple[int, int]:
    try:
        with open(f"/proc/{process}/statm", encoding="ascii") as file:
            numbers = file.read().split()
        return int(numbers[1]), int(numbers[2])
    except (OSError, IndexError):  # it ended meanwhile
        return 0, 0


def _children() -> list[str]:
    found: list[str] = []
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/children", encoding="ascii") as file:
                found += file.read().split()
        except OSError:  # the thread ended, or this kernel does not tell
            continue
    return found
