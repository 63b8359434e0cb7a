"""The arguments that the tools share: their names, bounds and the words that an agent reads about them.

Empty strings and lists mean "not given": they keep the published schemas short, and some hosts send nulls as text.
"""

from typing import Annotated, Literal

from mcp.types import ToolAnnotations
from pydantic import Field

Modality = Literal["text", "image", "audio", "video", "document"]
Kind = Literal["entity", "relation", "event", "ungrounded", "coverage"]
Detail = Literal["short", "full"]

READS_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
STOPS_WORK = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

MOST_FILES = 100
MOST_TEXT = 200_000
MOST_TYPES = 100
MOST_ITEMS = 200
LONGEST_WAIT = 50.0

TypeName = Annotated[str, Field(min_length=1, max_length=400)]
Name = Annotated[str, Field(min_length=1, max_length=4096)]

Files = Annotated[
    tuple[Name, ...],
    Field(max_length=MOST_FILES, description="Paths of any files, read as one document"),
]
Text = Annotated[str, Field(max_length=MOST_TEXT, description="A text to read, at most 200,000 characters")]
PartOfFile = Annotated[str, Field(max_length=60, description="Only this stretch: 'pages 3-9' or '00:10-02:00'")]
OntologyName = Annotated[
    str,
    Field(max_length=100_000, description="A name from server_status, a YAML/JSON file, or JSON"),
]
EntityTypes = Annotated[
    tuple[TypeName, ...],
    Field(max_length=MOST_TYPES, description="Only these types; own names work: 'ship'"),
]
RelationTypes = Annotated[
    tuple[TypeName, ...],
    Field(max_length=MOST_TYPES, description="Only these; own ones as 'captain of(person, ship)'"),
]
EventTypes = Annotated[
    tuple[TypeName, ...],
    Field(max_length=MOST_TYPES, description="Only these; own ones as 'launch(ship, place)'"),
]
Modalities = Annotated[tuple[Modality, ...], Field(max_length=5, description="Only these media")]
MinScore = Annotated[float, Field(ge=0, le=1, description="Least score of an item")]
Limit = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="Most items in one answer")]
MaxWait = Annotated[float, Field(ge=0, le=LONGEST_WAIT, description="Seconds until a result_id is answered instead")]
ResultId = Annotated[str, Field(min_length=1, max_length=100, description="result_id of an earlier answer")]
Cursor = Annotated[str, Field(max_length=100, description="cursor of the answer before; other filters unchanged")]
Kinds = Annotated[
    tuple[Kind, ...], Field(max_length=5, description="Only these kinds; empty: entities, relations, events")
]
Types = Annotated[tuple[TypeName, ...], Field(max_length=MOST_TYPES, description="Only items of these types")]
FileName = Annotated[str, Field(max_length=4096, description="Only items found in this medium: its id or name")]
Contains = Annotated[str, Field(max_length=400, description="Only items whose text or quotes contain this")]
DetailLevel = Annotated[Detail, Field(description="'full' lists every place of each item")]
Phrase = Annotated[
    str, Field(min_length=1, max_length=400, description="Words to find: what is said, shown as text, or written")
]
ItemIds = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100)], ...],
    Field(min_length=1, max_length=8, description="ids of items or of places, such as 'e1' or 'g7'"),
]
ContextCharacters = Annotated[int, Field(ge=0, le=1000, description="Characters of context around each quote")]
WithPicture = Annotated[bool, Field(description="One picture of the first place instead of text")]
