"""What a child program is made of: handlers that take a request and yield replies."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reamo_mcp.isolation.control import Control

if TYPE_CHECKING:
    from reamo_mcp.isolation.arrays import Array


@dataclass(frozen=True)
class Request:
    """A call: the method, a body of JSON, files to read, and arrays (read-only).

    The descriptors belong to the caller and stay open until the last reply was taken.
    """

    method: str
    body: bytes = b""
    descriptors: Sequence[int] = ()
    arrays: "Sequence[Array]" = field(default=(), repr=False)


@dataclass(frozen=True)
class Reply:
    """One answer to a request: a body of JSON, which the parent must validate, and arrays (read-only)."""

    body: bytes = b""
    arrays: "Sequence[Array]" = field(default=(), repr=False)


Handler = Callable[[Request, Control], Iterator[Reply]]
Handlers = Mapping[str, Handler]
