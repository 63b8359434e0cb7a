"""Work that outlives the call that asked for it: joined by equal requests, cancelled by its last caller, resumable.

A job is known by its `result_id`: the keyed hash of what was asked and of the content that it was asked about. The same
request on the same content meets the same job, running, finished or kept from an earlier run, and nobody who lacks the
content can guess it. The request is saved before the work starts, so that a killed server takes it up again.
"""

import hmac
import logging
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import Literal, TypeAlias

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup
from pydantic import ValidationError

from reamo_mcp.errors import Busy, Cancelled, EngineFailed, ReamoError, ResultExpired, SourceChanged
from reamo_mcp.evidence.picture import Show, picture_of
from reamo_mcp.extracting import Extracting, OpenExtractor
from reamo_mcp.extractor import Request, open_extractor
from reamo_mcp.isolation.threads import Progress
from reamo_mcp.media.opening import Allowed
from reamo_mcp.settings import Settings
from reamo_mcp.store.keys import key
from reamo_mcp.store.records import Store
from reamo_mcp.store.results import Blobs, Results
from reamo_mcp.store.secret import installation_secret
from reamo_mcp.types.extraction import Engine, Extraction
from reamo_mcp.types.grounding import Grounding
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record

log = logging.getLogger(__name__)

CancelOutcome: TypeAlias = Literal["cancelled", "still_wanted", "finished", "unknown"]

_RUNNING = 2  # fewer than the threads of the extractor, so that new requests can always be told their handle
_KEPT_FAILURES = 256
_HANDLE_DIGITS = 32


class JobRequest(Record):
    """What was asked: to extract the ontology's types, or to find the places of a phrase."""

    document: Document
    ontology: Ontology = Ontology()
    request: Request = Request()
    phrase: str | None = None


class SavedJob(Record):
    """A request and the content it was about, kept until the work is finished."""

    asked: JobRequest
    content: str


class Job:
    """One piece of work and who waits for it."""

    def __init__(self, result_id: str, asked: JobRequest, allowed: Allowed, content: str, *, resumed: bool) -> None:
        self.result_id = result_id
        self.asked = asked
        self.allowed = allowed
        self.content = content
        self.resumed = resumed
        self.holders: set[str] = set()
        self.waiting: dict[str, int] = {}
        self.latest: Progress | None = None
        self.started = False
        self.done = anyio.Event()
        self.scope = anyio.CancelScope()

    def note(self, progress: Progress) -> None:
        """Remember how far the work is; called from worker threads."""
        self.latest = progress


Outcome: TypeAlias = Extraction | ReamoError


class Jobs:
    """All work of one server. Open it with `opened_jobs`; every method belongs to the event loop."""

    def __init__(
        self, extractor: Extracting, results: Blobs, requests: Blobs, secret: bytes, most_queued: int, group: TaskGroup
    ) -> None:
        self._extractor = extractor
        self._results = Results(results)
        self._requests = requests
        self._secret = secret
        self._most_queued = most_queued
        self._group = group
        self._jobs: dict[str, Job] = {}
        self._queues: OrderedDict[str, deque[Job]] = OrderedDict()
        self._running: set[str] = set()
        self._failed: OrderedDict[str, ReamoError] = OrderedDict()

    @property
    def engine(self) -> Engine:
        """Which engine answers."""
        return self._extractor.engine

    @property
    def device(self) -> str:
        """Where the models of the engine run."""
        return self._extractor.device

    @property
    def running(self) -> int:
        """How many jobs are being worked on."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """How many jobs wait for their turn."""
        return len(self._jobs) - len(self._running)

    @property
    def finished(self) -> tuple[str, ...]:
        """The handles of the results at hand, oldest first."""
        return self._results.at_hand

    async def ask(self, asked: JobRequest, allowed: Allowed, caller: str) -> str:
        """Return the handle of this request, with the work started, joined or already done.

        Raises Busy when too much work waits, and the errors of opening the files.
        """
        content = await self._extractor.fingerprint(asked.document, allowed=allowed)
        result_id = self._handle(asked, content)
        job = await self._wanted(result_id)
        if job is None:
            kept = await self._results.get(result_id)
            job = await self._wanted(result_id)  # another caller may have started it meanwhile
            if job is None:
                self._failed.pop(result_id, None)
                if kept is not None and not kept.retryable:
                    return result_id
                job = self._start(Job(result_id, asked, allowed, content, resumed=False), caller)
        job.holders.add(caller)
        return result_id

    async def outcome(
        self, result_id: str, seconds: float, allowed: Allowed, caller: str, *, own: bool = False
    ) -> Extraction | None:
        """Return the result as soon as it is there, None if the work takes longer than this.

        Unfinished work of an earlier run is taken up again, with the files that ``allowed`` permits now. With ``own``,
        the caller's cancellation gives the work up. Raises the error that ended the work, and ResultExpired.
        """
        job = self._jobs.get(result_id)
        if job is None:
            if (failure := self._failed.get(result_id)) is not None:
                raise _afresh(failure)
            if (kept := await self._results.get(result_id)) is not None:
                return kept
            job = self._jobs.get(result_id) or await self._resume(result_id, allowed, caller)
        job.waiting[caller] = job.waiting.get(caller, 0) + 1
        try:
            with anyio.move_on_after(seconds):
                await job.done.wait()
        except anyio.get_cancelled_exc_class():
            if own and job.waiting[caller] == 1:
                self._leave(job, caller)
            raise
        finally:
            job.waiting[caller] -= 1
        if not job.done.is_set():
            return None
        if (failure := self._failed.get(result_id)) is not None:
            raise _afresh(failure)
        kept = await self._results.get(result_id)
        if kept is None:
            raise _expired(result_id)
        return kept

    async def finished_result(self, result_id: str) -> Extraction | None:
        """Return a finished result at once, None if it is unfinished or not kept."""
        return None if result_id in self._jobs else await self._results.get(result_id)

    async def look(
        self, result_id: str, extraction: Extraction, place: Grounding, allowed: Allowed, show: Show = picture_of
    ) -> bytes | None:
        """Return a JPEG (or what ``show`` makes) of a place of a finished result, None where there is nothing to see.

        Raises ResultExpired if the request is not kept any more, and the errors of opening and decoding.
        """
        asked = (await self._saved(result_id)).asked
        return await self._extractor.look(asked.document, extraction, place, show=show, allowed=allowed)

    def latest(self, result_id: str) -> str:
        """Return how far the work is, in words."""
        job = self._jobs.get(result_id)
        if job is None:
            return "finishing"
        if not job.started:
            return f"waiting for its turn; {self.running} running, {self.queued} waiting"
        if job.latest is None:
            return "starting"
        progress = job.latest
        return f"{progress.message}: {progress.done:g} of {progress.total:g} {progress.unit}"

    def progress(self, result_id: str) -> Progress | None:
        """Return how far the work is, None before it tells."""
        job = self._jobs.get(result_id)
        return job.latest if job else None

    async def cancel(self, result_id: str, caller: str, seconds: float = 2.0) -> CancelOutcome:
        """Take back one caller's interest, and stop the work if it was the last one.

        A caller who has none, such as one that was connected anew, takes back that of somebody who is not waiting.
        """
        job = self._jobs.get(result_id)
        if job is None:
            if result_id in self._failed or await self._results.get(result_id) is not None:
                return "finished"
            if await self._request(result_id) is None:
                return "unknown"
            await anyio.to_thread.run_sync(self._requests.remove, result_id)
            return "cancelled"
        away = (holder for holder in job.holders if not job.waiting.get(holder))
        leaving = caller if caller in job.holders else next(away, None)
        if leaving is not None:
            self._leave(job, leaving)
        if job.holders:
            return "still_wanted"
        with anyio.move_on_after(seconds):
            await job.done.wait()
        return "cancelled"

    def _start(self, job: Job, caller: str) -> Job:
        if len(self._running) >= _RUNNING and self.queued >= self._most_queued:
            raise Busy(f"{self.queued} requests are waiting already", "Ask again in a minute, or cancel one of them")
        self._jobs[job.result_id] = job
        job.holders.add(caller)
        self._group.start_soon(self._admit, job, caller)
        return job

    async def _admit(self, job: Job, caller: str) -> None:
        saved = SavedJob(asked=job.asked, content=job.content).model_dump_json().encode()
        await anyio.to_thread.run_sync(self._requests.put, job.result_id, saved)
        if not job.holders:  # cancelled before it could begin
            await self._end(job)
            return
        self._queues.setdefault(caller, deque()).append(job)
        self._start_waiting()

    async def _resume(self, result_id: str, allowed: Allowed, caller: str) -> Job:
        saved = await self._saved(result_id)
        running = self._jobs.get(result_id)
        if running is not None:
            return running
        return self._start(Job(result_id, saved.asked, allowed, saved.content, resumed=True), caller)

    async def _wanted(self, result_id: str) -> Job | None:
        """Return the job that works on this, None if there is none; one that its callers left is waited for to end."""
        while (job := self._jobs.get(result_id)) is not None and not job.holders:
            await job.done.wait()
        return job

    async def _saved(self, result_id: str) -> SavedJob:
        """Return the saved request. Raises ResultExpired if there is none."""
        payload = await self._request(result_id)
        try:
            if payload is not None:
                return SavedJob.model_validate_json(payload)
        except ValidationError:  # written by another version
            pass
        raise _expired(result_id)

    async def _request(self, result_id: str) -> bytes | None:
        """Return the saved request, None if there is none."""
        try:
            return await anyio.to_thread.run_sync(self._requests.get, result_id)
        except ValueError:  # not even the form of a handle
            return None

    def _start_waiting(self) -> None:
        # One job of each caller in turn, so that one caller's many requests do not starve another's single one.
        while self._queues and len(self._running) < _RUNNING:
            caller, queue = self._queues.popitem(last=False)
            job = queue.popleft()
            if queue:
                self._queues[caller] = queue
            job.started = True
            self._running.add(job.result_id)
            self._group.start_soon(self._run, job)

    def _leave(self, job: Job, caller: str) -> None:
        job.holders.discard(caller)
        if job.holders:
            return
        self._fail(job, Cancelled("the work was cancelled by its last caller", "Call the tool again to start it anew"))
        if job.started:
            job.scope.cancel()
            return
        for name, queue in list(self._queues.items()):
            if job in queue:
                queue.remove(job)
                if not queue:
                    del self._queues[name]
                self._group.start_soon(self._end, job)

    async def _run(self, job: Job) -> None:
        try:
            with job.scope:
                extraction = await self._work(job)
                await self._results.keep(job.result_id, extraction)
        except ReamoError as error:
            self._fail(job, error)
        except Exception:
            log.exception("the job %s failed unexpectedly", job.result_id)
            self._fail(job, EngineFailed("the work failed unexpectedly", "Try once more; the server's log says why"))
        finally:
            await self._end(job)

    async def _work(self, job: Job) -> Extraction:
        asked = job.asked
        if job.resumed:
            content = await self._extractor.fingerprint(asked.document, allowed=job.allowed)
            if content != job.content:
                raise SourceChanged(
                    "the files changed since this result was asked for", "Call the tool again to read them as they are"
                )
        if asked.phrase is None:
            return await self._extractor.extract(
                asked.document, asked.ontology, request=asked.request, report=job.note, allowed=job.allowed
            )
        return await self._extractor.ground(
            asked.document, asked.phrase, request=asked.request, report=job.note, allowed=job.allowed
        )

    async def _end(self, job: Job) -> None:
        if job.result_id in self._failed:  # the requests of results stay: they say where the proof lies
            await anyio.to_thread.run_sync(self._requests.remove, job.result_id)
        self._running.discard(job.result_id)
        if self._jobs.get(job.result_id) is job:
            del self._jobs[job.result_id]
        job.done.set()
        self._start_waiting()

    def _fail(self, job: Job, error: ReamoError) -> None:
        if job.result_id not in self._failed:
            self._failed[job.result_id] = _afresh(error)
            while len(self._failed) > _KEPT_FAILURES:
                self._failed.popitem(last=False)

    def _handle(self, asked: JobRequest, content: str) -> str:
        names = [
            PurePath(source.path).name if source.kind == "file" else source.name for source in asked.document.sources
        ]
        told = key(
            content,
            names,
            asked.ontology.model_dump_json(),
            asked.request.model_dump_json(),
            asked.phrase,
            self.engine.model_dump_json(),
        )
        return "r" + hmac.new(self._secret, told.encode(), "sha256").hexdigest()[:_HANDLE_DIGITS]


def _afresh(error: ReamoError) -> ReamoError:
    """Return the same error without its traceback, whose frames hold everything that the work had in its hands."""
    return type(error)(error.message, error.hint)


def _expired(result_id: str) -> ResultExpired:
    return ResultExpired(
        f"no result {result_id[:40]!r} is kept here", "Call the extract tool again with the same arguments to make it"
    )


@asynccontextmanager
async def open_jobs(settings: Settings, opener: OpenExtractor | None = None) -> AsyncGenerator[Jobs]:
    """Yield the jobs of one server, with the engine, the store and the secret of this installation.

    Leaving stops the work; the requests of what was unfinished stay saved and can be taken up again. Raises the errors
    of starting the engine.
    """
    store = Store(settings.cache_folder(), settings.cache_bytes)
    keeps = settings.cache_bytes > 0
    secret = await anyio.to_thread.run_sync(installation_secret, store.folder if keeps else None)
    opening = opener(settings) if opener else open_extractor(settings)
    async with opening as extractor, anyio.create_task_group() as group:
        yield Jobs(extractor, store.results, store.jobs, secret, settings.most_queued, group)
        group.cancel_scope.cancel()
