"""Tools and prompts that ask the client back, as each revision does: mid-call, or by an answer that wants more."""

from typing import Annotated, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import UserMessage
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    CallToolResult,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    MissingRequiredClientCapabilityErrorData,
    SamplingCapability,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field, JsonValue

from reamo_mcp.server.services import Services, ToolContext

Asked = CallToolResult | InputRequiredResult


class Account(BaseModel):
    """What `test_elicitation` asks for."""

    username: Annotated[str, Field(description="User's response")]
    email: Annotated[str, Field(description="User's email address")]


class Defaults(BaseModel):
    """A form with a default of each primitive type."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


TITLED: list[JsonValue] = [{"const": "value1", "title": "First"}, {"const": "value2", "title": "Second"}]


class Choices(BaseModel):
    """A form with each way to offer a choice."""

    untitledSingle: Literal["option1", "option2", "option3"]
    titledSingle: Annotated[str, Field(json_schema_extra={"oneOf": TITLED})]
    legacyEnum: Annotated[
        Literal["opt1", "opt2", "opt3"], Field(json_schema_extra={"enumNames": ["One", "Two", "Three"]})
    ]
    untitledMulti: list[Literal["option1", "option2", "option3"]]
    titledMulti: Annotated[list[str], Field(json_schema_extra={"items": {"anyOf": TITLED}})]


def add_tools_that_ask(server: MCPServer[Services]) -> None:
    """Offer the tools that ask in the middle of a call, as revisions before 2026-07-28 do."""

    @server.tool(structured_output=False)
    async def test_sampling(context: ToolContext, prompt: str) -> str:
        """Let the client's model say something."""
        answer = await context.session.create_message(  # pyright: ignore[reportDeprecated] -- the revision has it
            messages=[SamplingMessage(role="user", content=TextContent(type="text", text=prompt))],
            max_tokens=100,
            related_request_id=context.request_id,
        )
        return f"LLM response: {answer.content.text if answer.content.type == 'text' else answer.content.type}"

    @server.tool(structured_output=False)
    async def test_elicitation(context: ToolContext, message: str) -> str:
        """Ask the user for an account."""
        return await filled_in(context, message, Account)

    @server.tool(structured_output=False)
    async def test_elicitation_sep1034_defaults(context: ToolContext) -> str:
        """Ask the user by a form with defaults."""
        return await filled_in(context, "Please check", Defaults)

    @server.tool(structured_output=False)
    async def test_elicitation_sep1330_enums(context: ToolContext) -> str:
        """Ask the user by a form with choices."""
        return await filled_in(context, "Please choose", Choices)


async def filled_in(context: ToolContext, message: str, form: type[BaseModel]) -> str:
    """Return what the user answered."""
    answer = await context.elicit(message, form)
    content = answer.data.model_dump_json() if answer.action == "accept" else "{}"
    return f"Elicitation completed: action={answer.action}, content={content}"


def form(message: str, **fields: str) -> ElicitRequest:
    """Return a question to the user; fields by their JSON type."""
    schema = {"type": "object", "properties": {n: {"type": kind} for n, kind in fields.items()}, "required": [*fields]}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str) -> CreateMessageRequest:
    """Return a question to the client's model."""
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def answered(context: ToolContext, *names: str) -> bool:
    """Tell whether the client has answered all these questions."""
    return set(names) <= set(context.input_responses or {})


def said(text: str) -> CallToolResult:
    """Return an answer of these words."""
    return CallToolResult(content=[TextContent(type="text", text=text)])


NAME = form("What is your name?", name="string")
CONFIRM = form("Please confirm", ok="boolean")


def add_tools_that_want_more(server: MCPServer[Services]) -> None:
    """Offer the tools whose first answer is a question, as revision 2026-07-28 has it."""

    def ask_once(name: str, questions: dict[str, InputRequest], state: str | None = None) -> None:
        async def answer(context: ToolContext) -> Asked:
            if answered(context, *questions) and context.request_state == state:
                return said(f"state-ok: {context.input_responses}")
            return InputRequiredResult(input_requests=questions, request_state=state)

        server.add_tool(answer, name=f"test_input_required_result_{name}", description="Ask, then answer.")

    ask_once("elicitation", {"user_name": NAME})
    ask_once("sampling", {"capital_question": sample("What is the capital of France?")})
    ask_once("list_roots", {"client_roots": ListRootsRequest()})
    ask_once("request_state", {"confirm": CONFIRM}, state="asked")
    ask_once("tampered_state", {"confirm": CONFIRM}, state="asked")
    ask_once(
        "multiple_inputs",
        {"user_name": NAME, "greeting": sample("Generate a greeting"), "client_roots": ListRootsRequest()},
        state="asked",
    )

    @server.tool(structured_output=False)
    async def test_input_required_result_multi_round(context: ToolContext) -> Asked:
        """Ask twice, then answer."""
        if context.request_state is None:
            step = {"step1": form("Step 1: What is your name?", name="string")}
            return InputRequiredResult(input_requests={**step}, request_state="first")
        if context.request_state == "first":
            step = {"step2": form("Step 2: What is your favorite color?", color="string")}
            return InputRequiredResult(input_requests={**step}, request_state="second")
        return said(f"{context.input_responses}")

    @server.tool(structured_output=False)
    async def test_input_required_result_capabilities(context: ToolContext) -> Asked:
        """Ask only what this client can answer."""
        can = context.client_capabilities
        questions: dict[str, InputRequest] = {}
        if can and can.elicitation:
            questions["user_name"] = NAME
        if can and can.sampling:
            questions["greeting"] = sample("Generate a greeting")
        return InputRequiredResult(input_requests=questions, request_state="asked")

    @server.tool(structured_output=False)
    async def test_streaming_elicitation(context: ToolContext) -> Asked:
        """Ask the user, on a stream if there is one."""
        return (
            said("Done") if answered(context, "user_name") else InputRequiredResult(input_requests={"user_name": NAME})
        )

    @server.tool(structured_output=False)
    async def test_missing_capability(context: ToolContext) -> str:
        """Refuse a client that cannot sample."""
        if context.client_capabilities is None or context.client_capabilities.sampling is None:
            needed = ClientCapabilities(sampling=SamplingCapability())
            data = MissingRequiredClientCapabilityErrorData(required_capabilities=needed)
            raise MCPError(
                MISSING_REQUIRED_CLIENT_CAPABILITY,
                "This needs a client that can sample",
                data.model_dump(mode="json", by_alias=True, exclude_none=True),
            )
        return "Done"


def add_prompts_that_want_more(server: MCPServer[Services]) -> None:
    """Offer the prompt that asks before it answers."""

    @server.prompt()
    async def test_input_required_result_prompt(context: ToolContext) -> UserMessage | InputRequiredResult:
        """Ask what the prompt is about."""
        if answered(context, "user_context"):
            return UserMessage(f"{context.input_responses}")
        question = form("What context should the prompt use?", context="string")
        return InputRequiredResult(input_requests={"user_context": question})
