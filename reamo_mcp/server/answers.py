"""What the tools return: an answer in both forms that hosts show, published with the schema of its structured form."""

from typing import Annotated, TypeAlias

from mcp.types import CallToolResult

from reamo_mcp.types.answers import Answer, CancelAnswer, StatusAnswer

Answered: TypeAlias = Annotated[CallToolResult, Answer]
AnsweredCancel: TypeAlias = Annotated[CallToolResult, CancelAnswer]
AnsweredStatus: TypeAlias = Annotated[CallToolResult, StatusAnswer]
AnsweredInKind: TypeAlias = CallToolResult
"""An answer that may be a picture alone, and so has no schema of its own."""
