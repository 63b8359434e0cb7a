"""What runs in a child process, and within which bounds."""

from pydantic import Field

from reamo_mcp.types.record import Record


class Bounds(Record):
    """Resources of one child process. None means unbounded."""

    memory: int | None = Field(default=None, description="Bytes of address space")
    open_files: int | None = Field(default=None, description="File descriptors")
    file_bytes: int | None = Field(default=None, description="Bytes of one file or shared array it may write")
    processor_seconds: int | None = Field(default=None, description="Processor seconds from one answer to the next")
    silence: float = Field(default=60.0, gt=0, description="Seconds without an answer until it is killed")
    network: bool = Field(default=False, description="Whether it may use the network")


class Program(Record):
    """A child program: ``target`` ('module:function') returns the handlers by method name when called once."""

    target: str
    bounds: Bounds = Bounds()
    environment: dict[str, str] = Field(default={}, description="Variables beside the few that every child gets")


class Confinement(Record):
    """Which bounds the kernel granted to a child."""

    network_cut: bool = False
    memory_bounded: bool = False
