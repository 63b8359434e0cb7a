"""What every record of the project shares."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable value that crosses layers, processes and the wire unchanged; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
