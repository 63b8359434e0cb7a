"""The baseline of the benchmark of the server: one trivial tool on the bare SDK, over standard input and output."""

from typing import Annotated

from mcp.server import MCPServer
from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel


class State(BaseModel):
    """As much as a small answer holds."""

    version: str
    ready: bool
    names: list[str]
    limits: dict[str, float]


def bare_server() -> "MCPServer[None]":
    """Return a server of one tool whose answer is structured and validated, as ours are."""
    server = MCPServer[None]("bare", log_level="WARNING")

    @server.tool()
    async def state() -> Annotated[CallToolResult, State]:
        """Tell the state."""
        answer = State(version="1", ready=True, names=["one", "two"], limits={"files": 100.0})
        return CallToolResult(
            content=[TextContent(type="text", text=answer.model_dump_json())],
            structured_content=answer.model_dump(mode="json"),
        )

    return server


def main() -> None:
    """Serve."""
    bare_server().run("stdio")
