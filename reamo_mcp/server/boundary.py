"""The one place where an error becomes words that a model reads, and where unknown arguments are refused."""

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError

from reamo_mcp.errors import InvalidArgument, ReamoError
from reamo_mcp.server.schemas import compact_input, compact_output

_MOST_COMPLAINTS = 5


class BoundedTool(Tool):
    """A tool that refuses unknown arguments and tells every failure as ``[code] what happened. What to do next``."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool. Raises ToolError with the words for the model, UnexpectedToolError for a defect."""
        try:
            self.fn_metadata.validate_arguments(arguments)
        except ValidationError as error:
            # The SDK would show pydantic's own text: values, a link, and no word about what is accepted.
            raise ToolError(told(refusal(error, self.parameters["properties"]))) from error
        try:
            return await super().run(arguments, context, convert_result)
        except UnexpectedToolError as error:
            if isinstance(error.__cause__, ReamoError):
                raise ToolError(told(error.__cause__)) from error.__cause__
            raise UnexpectedToolError(
                f"[engine_failed] {self.name} failed in a way that was not foreseen. Try once more; "
                "if it fails again, report it with the log of the server"
            ) from error.__cause__


def told(error: ReamoError) -> str:
    """Return the words for the model."""
    return f"[{error.code}] {error}"


def refusal(error: ValidationError, accepted: dict[str, Any]) -> InvalidArgument:
    """Return the error that names each argument that was refused, and what is accepted."""
    complaints: list[str] = []
    for detail in error.errors(include_url=False, include_input=False)[:_MOST_COMPLAINTS]:
        name = ".".join(str(part) for part in detail["loc"])[:80]
        if detail["type"] == "extra_forbidden":
            complaints.append(f"there is no argument {name!r}")
        elif detail["type"] == "missing":
            complaints.append(f"{name!r} is required")
        else:
            complaints.append(f"{name!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}")
    return InvalidArgument("; ".join(complaints), f"Accepted arguments: {', '.join(accepted)}")


def bounded_tool(function: Callable[..., Any], title: str, annotations: ToolAnnotations) -> BoundedTool:
    """Return the tool of this function, with strict arguments and compact schemas."""
    tool = BoundedTool.from_function(
        function, title=title, description=cleandoc(function.__doc__ or ""), annotations=annotations
    )
    if not isinstance(tool, BoundedTool):
        raise TypeError("the SDK made a tool of another class")
    loose = tool.fn_metadata.arg_model
    metaclass: Any = type(loose)
    strict = metaclass(loose.__name__, (loose,), {"__module__": loose.__module__}, extra="forbid")
    tool.fn_metadata.arg_model = strict  # read again at each call
    tool.parameters = compact_input(tool.parameters | {"additionalProperties": False})
    if tool.fn_metadata.output_schema is not None:
        tool.fn_metadata.output_schema = compact_output(tool.fn_metadata.output_schema)
    return tool
