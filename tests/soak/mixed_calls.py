"""Calls of all kinds, in an order that a seed decides."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
from mcp import Client
from mcp.types import CallToolResult

from tests.soak.small_files import SmallFiles, name, sentence

Step: TypeAlias = Callable[[], Awaitable[None]]
_TOOLS = ("extract_entities", "extract_relations", "extract_events", "extract_knowledge")


class MixedCalls:
    """Makes calls of one client. ``count`` is how many were made; an answer that was not expected fails the test."""

    def __init__(self, client: Client, files: SmallFiles, seed: int) -> None:
        self.count = 0
        self._client = client
        self._files = files
        self._chance = random.Random(seed)
        self._kind = 0
        self._latest: dict[str, object] = {"text": sentence(0)}
        self._result = ""

    async def block(self) -> None:
        """Take every step once, some twice, in another order than the last time."""
        steps: list[Step] = [
            *(self.new_text, self.new_text, self.new_file, self.new_file, self.new_file, self.new_file),
            *(self.same_again, self.other_types, self.phrase, self.a_page_of_the_result, self.proof, self.status),
            *(self.damaged, self.missing, self.wrong_argument, self.no_such_result),
            *(self.left_by_its_caller, self.cancelled, self.two_at_once),
        ]
        self._chance.shuffle(steps)
        for step in steps:
            await step()

    async def new_text(self) -> None:
        await self._extract({"text": sentence(10_000 + self.count)})

    async def new_file(self) -> None:
        await self._extract({"files": [self._next_file()]})

    async def same_again(self) -> None:
        before = self._result
        answer = await self._call("extract_entities", self._latest)
        again = await self._call("extract_entities", self._latest)
        assert _id_of(answer) == _id_of(again)
        self._result = before

    async def other_types(self) -> None:
        await self._call("extract_entities", {**self._latest, "entity_types": [f"ship {self.count}", "person"]})

    async def phrase(self) -> None:
        await self._call("ground", {**self._latest, "phrase": name(self.count)})

    async def a_page_of_the_result(self) -> None:
        if self._result:
            await self._call("get_result", {"result_id": self._result, "limit": 1, "detail": "full"})

    async def proof(self) -> None:
        file = self._files.picture()
        result = _id_of(await self._call("ground", {"files": [file], "phrase": name(int(file[4:-4]))}))
        shown = await self._call("get_result", {"result_id": result, "kinds": ["entity"]})
        assert shown.structured_content is not None
        for item in shown.structured_content["items"][:1]:
            await self._call("show_evidence", {"result_id": result, "ids": [item["id"]], "picture": True})

    async def status(self) -> None:
        await self._call("server_status", {})

    async def damaged(self) -> None:
        await self._fails("corrupt_media", "extract_entities", {"files": [self._files.damaged_picture()]})

    async def missing(self) -> None:
        await self._fails("path_not_allowed", "extract_entities", {"files": [f"no such file {self.count}.png"]})

    async def wrong_argument(self) -> None:
        await self._fails("invalid_argument", "extract_entities", {"text": "Ada", "part": f"chapter {self.count}"})

    async def no_such_result(self) -> None:
        await self._fails("result_expired", "get_result", {"result_id": f"r{self.count:032x}"})

    async def left_by_its_caller(self) -> None:
        """A caller that goes away after a moment: 0 to 200 ms into the work."""
        file = self._next_file()
        self.count += 1
        with anyio.move_on_after(self._chance.random() * 0.2):
            await self._client.call_tool("extract_entities", {"files": [file]})

    async def cancelled(self) -> None:
        asked: dict[str, object] = {"files": [self._next_file()], "max_wait_s": 0}
        result = _id_of(await self._call("extract_entities", asked))
        await self._call("cancel", {"result_id": result})

    async def two_at_once(self) -> None:
        asked: list[dict[str, object]] = [{"files": [self._next_file()]} for _ in range(2)]
        async with anyio.create_task_group() as group:
            for arguments in asked:
                group.start_soon(self._call, "extract_entities", arguments)

    async def idle(self) -> None:
        """Wait until no work is left."""
        while True:
            answer = await self._client.call_tool("server_status", {})
            assert answer.structured_content is not None
            if not answer.structured_content["running"] and not answer.structured_content["queued"]:
                return
            await anyio.sleep(0.02)

    def _next_file(self) -> str:
        """Return a new file, of each kind in turn."""
        self._kind += 1
        return self._files.makers[self._kind % len(self._files.makers)]()

    async def _extract(self, asked: dict[str, object]) -> None:
        self._latest = asked
        self._result = _id_of(await self._call(_TOOLS[self.count % len(_TOOLS)], asked))

    async def _call(self, tool: str, arguments: dict[str, object]) -> CallToolResult:
        self.count += 1
        answer = await self._client.call_tool(tool, arguments)
        assert not answer.is_error, (tool, arguments, answer.content)
        return answer

    async def _fails(self, code: str, tool: str, arguments: dict[str, object]) -> None:
        self.count += 1
        answer = await self._client.call_tool(tool, arguments)
        assert answer.is_error
        assert f"[{code}]" in str(answer.content), (tool, arguments, answer.content)


def _id_of(answer: CallToolResult) -> str:
    assert answer.structured_content is not None
    return str(answer.structured_content["result_id"])
