"""What the conformance suite wants to be shown: tools, resources and prompts whose answers it knows word by word."""

import base64
import json
from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import AudioContent, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import Field

from reamo_mcp.server.services import Services, ToolContext

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
"""A picture of one pixel, in base64."""
SILENCE = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA=="
"""A recording of one sample, in base64."""
STEP_S = 0.05
"""Seconds between two notifications: the suite wants them apart."""


def add_tools_that_show(server: MCPServer[Services]) -> None:
    """Offer the tools that answer at once, without asking back."""

    @server.tool(structured_output=False)
    async def test_simple_text() -> str:
        """Answer a text."""
        return "This is a simple text response for testing."

    @server.tool(structured_output=False)
    async def test_image_content() -> ImageContent:
        """Answer a picture."""
        return ImageContent(type="image", data=DOT, mime_type="image/png")

    @server.tool(structured_output=False)
    async def test_audio_content() -> AudioContent:
        """Answer a recording."""
        return AudioContent(type="audio", data=SILENCE, mime_type="audio/wav")

    @server.tool(structured_output=False)
    async def test_embedded_resource() -> EmbeddedResource:
        """Answer a resource."""
        return embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")

    @server.tool(structured_output=False)
    async def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
        """Answer a text, a picture and a resource."""
        return [
            TextContent(type="text", text="Multiple content types test:"),
            ImageContent(type="image", data=DOT, mime_type="image/png"),
            embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
        ]

    @server.tool(structured_output=False)
    async def test_error_handling() -> str:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")

    @server.tool(structured_output=False)
    async def test_tool_with_progress(context: ToolContext) -> str:
        """Tell three times how far it is."""
        for done in (0, 50, 100):
            await context.report_progress(done, 100, f"{done} of 100")
            await anyio.sleep(STEP_S)
        return "Done"

    @server.tool(structured_output=False)
    async def test_tool_with_logging(context: ToolContext) -> str:
        """Send three messages to the log of the caller."""
        for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await context.info(said)  # pyright: ignore[reportDeprecated] -- the revision under test has it
            await anyio.sleep(STEP_S)
        return "Done"

    @server.tool(structured_output=False)
    async def test_logging_tool(context: ToolContext) -> str:
        """Send a message to a log that the caller may not want."""
        await context.info("Nobody asked for this")  # pyright: ignore[reportDeprecated] -- it has to be kept back
        return "Done"

    @server.tool(structured_output=False)
    async def test_header_argument(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    ) -> str:
        """Answer an argument that clients repeat in a header."""
        return region

    @server.tool(structured_output=False)
    async def test_trigger_tool_change(context: ToolContext) -> str:
        """Tell listeners that the list of tools changed."""
        await context.notify_tools_changed()
        return "Done"

    @server.tool(structured_output=False)
    async def test_trigger_prompt_change(context: ToolContext) -> str:
        """Tell listeners that the list of prompts changed."""
        await context.notify_prompts_changed()
        return "Done"


def add_resources_that_show(server: MCPServer[Services]) -> None:
    """Offer a text, a picture, a template and a resource to watch."""

    @server.resource("test://static-text", mime_type="text/plain")
    async def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    async def static_binary() -> bytes:
        """A picture."""
        return base64.b64decode(DOT)

    @server.resource("test://template/{id}/data", mime_type="application/json")
    async def template_data(id: str) -> str:
        """Whatever the address says."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain")
    async def watched_resource() -> str:
        """A text that may be watched."""
        return "This is the content of the watched resource."


def add_prompts_that_show(server: MCPServer[Services]) -> None:
    """Offer prompts without and with arguments, with a resource and with a picture."""

    @server.prompt()
    async def test_simple_prompt() -> UserMessage:
        """A prompt without arguments."""
        return UserMessage("This is a simple prompt for testing.")

    @server.prompt()
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> UserMessage:
        """A prompt with two arguments."""
        return UserMessage(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")

    @server.prompt()
    async def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A prompt that carries a resource."""
        return [
            UserMessage(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt()
    async def test_prompt_with_image() -> list[UserMessage]:
        """A prompt that carries a picture."""
        return [
            UserMessage(ImageContent(type="image", data=DOT, mime_type="image/png")),
            UserMessage("Please analyze the image above."),
        ]


def embedded(uri: str, kind: str, text: str) -> EmbeddedResource:
    """Return a resource as a block of an answer."""
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=kind, text=text))
