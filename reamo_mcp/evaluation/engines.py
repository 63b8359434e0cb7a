"""Whatever can answer a case: an extractor, or any MCP server with the same tools."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from reamo_mcp.client import ReamoClient
from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.extractor import Extractor, Request, open_extractor
from reamo_mcp.extractor import Task as Wanted
from reamo_mcp.settings import Settings
from reamo_mcp.types.extraction import Extraction

WANTED: dict[Task, tuple[Wanted, ...]] = {
    "NER": ("entities",),
    "RE": ("entities", "relations"),
    "EE": ("entities", "events"),
    "ASR": ("entities",),
}


class Answering(Protocol):
    """Something that answers cases."""

    @property
    def name(self) -> str:
        """How the report calls it."""
        ...

    @property
    def identity(self) -> str:
        """What it is in full, models and revisions included: answers of another identity are not used again."""
        ...

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return what is found in a case whose files are in ``folder``. Raises errors of `reamo_mcp.errors`."""
        ...


class ExtractorAnswers:
    """An extractor, asked for what the task is about."""

    def __init__(self, extractor: Extractor, name: str) -> None:
        self._extractor = extractor
        self._name = name

    @property
    def name(self) -> str:
        """The profile."""
        return self._name

    @property
    def identity(self) -> str:
        """The engine with its models."""
        return f"{self._name} {self._extractor.engine.model_dump_json()}"

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return the extraction of all media at once."""
        request = Request(tasks=WANTED[case.task])
        return await self._extractor.extract(case.document(folder), case.ontology, request=request)


class ClientAnswers:
    """Any server that offers the tools of this project."""

    def __init__(self, client: ReamoClient, name: str, identity: str) -> None:
        self._client = client
        self._name = name
        self._identity = identity

    @property
    def name(self) -> str:
        """How the caller named the server."""
        return self._name

    @property
    def identity(self) -> str:
        """What the caller knows of it."""
        return self._identity

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return what the tool of the task answers."""
        document = case.document(folder)
        match case.task:
            case "NER" | "ASR":
                return await self._client.extract_entities(document, ontology=case.ontology)
            case "RE":
                return await self._client.extract_relations(document, ontology=case.ontology)
            case "EE":
                return await self._client.extract_events(document, ontology=case.ontology)


@asynccontextmanager
async def opened_engine(profile: str | None) -> AsyncGenerator[ExtractorAnswers]:
    """Yield the engine of a profile. It keeps nothing between cases, so that times are those of the work."""
    settings = settings_of(profile)
    async with open_extractor(settings) as extractor:
        yield ExtractorAnswers(extractor, extractor.engine.profile)


@asynccontextmanager
async def opened_server(url: str, token: str | None) -> AsyncGenerator[ClientAnswers]:
    """Yield a running server that offers the tools of this project. It must be allowed to read the cases' files.

    A server that keeps results answers what it knows at once, so its times are not those of the work.
    """
    async with ReamoClient.http(url, token=token) as client:
        status = await client.server_status()
        identity = f"{url} {status.version} {status.engine} {' '.join(status.models)}"
        yield ClientAnswers(client, "server", identity)


def settings_of(profile: str | None) -> Settings:
    """Return the settings of an evaluation: those of the environment, a profile if given, and nothing kept."""
    settings = Settings.from_environment()
    if profile is not None:
        settings = settings.with_profile(profile)
    return settings.model_copy(update={"cache_bytes": 0})
