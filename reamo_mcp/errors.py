"""Every error that a caller may meet, as one tree.

ReamoError
├── InputError                 the caller can mend it
│   ├── PathNotAllowed         path_not_allowed      outside the allowed folders, or not there: one text for both
│   ├── NotARegularFile        not_a_regular_file
│   ├── TooLarge               too_large
│   ├── UnsupportedFormat      unsupported_format
│   ├── UnsupportedContainer   unsupported_container
│   ├── CorruptMedia           corrupt_media
│   ├── EncryptedMedia         encrypted_media
│   ├── SourceChanged          source_changed
│   ├── NetworkDisabled        network_disabled
│   ├── InvalidArgument        invalid_argument
│   ├── InvalidOntology        invalid_ontology
│   └── ResultExpired          result_expired
├── LimitError                 a bound of this installation was met
│   ├── DecodeLimit            decode_limit
│   ├── Deadline               deadline
│   ├── Busy                   busy
│   └── OutOfMemory            out_of_memory
├── EngineError                the engine failed
│   ├── EngineFailed           engine_failed
│   ├── ModelUnavailable       model_unavailable
│   └── RemoteEngineFailed     remote_engine_failed
└── Cancelled                  cancelled

Each error says what happened (`message`) and what to do next (`hint`). Texts never hold file contents, tracebacks, or
paths that the caller did not name.
"""

from typing import ClassVar


class ReamoError(Exception):
    """Base of the project's own errors."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class InputError(ReamoError):
    """The caller can mend it."""

    code = "input"


class PathNotAllowed(InputError):
    """The path is outside the allowed folders, or there is no such file: the text is the same for both."""

    code = "path_not_allowed"


class NotARegularFile(InputError):
    """The path is a folder, a pipe, a device or a socket."""

    code = "not_a_regular_file"


class TooLarge(InputError):
    """The file is beyond a limit of size, pixels, pages or members before anything was decoded."""

    code = "too_large"


class UnsupportedFormat(InputError):
    """The content is of no type that this project reads."""

    code = "unsupported_format"


class UnsupportedContainer(InputError):
    """The content is a playlist or container that is refused, such as HLS, DASH, SDP or concat lists."""

    code = "unsupported_container"


class CorruptMedia(InputError):
    """The content is damaged so that nothing of it could be read."""

    code = "corrupt_media"


class EncryptedMedia(InputError):
    """The document asks for a password."""

    code = "encrypted_media"


class SourceChanged(InputError):
    """The file changed while it was read."""

    code = "source_changed"
    retryable = True


class NetworkDisabled(InputError):
    """The path is an address; no address is ever fetched."""

    code = "network_disabled"


class InvalidArgument(InputError):
    """An argument has a value that is not accepted; the hint lists what is."""

    code = "invalid_argument"


class InvalidOntology(InputError):
    """An ontology could not be read; the message names the place."""

    code = "invalid_ontology"


class ResultExpired(InputError):
    """The result is no longer kept, or never was."""

    code = "result_expired"


class LimitError(ReamoError):
    """A bound of this installation was met."""

    code = "limit"


class DecodeLimit(LimitError):
    """Decoding took more memory, time or output than allowed and was stopped."""

    code = "decode_limit"


class Deadline(LimitError):
    """The work did not end in the time allowed."""

    code = "deadline"
    retryable = True


class Busy(LimitError):
    """More work is queued than this installation accepts."""

    code = "busy"
    retryable = True


class OutOfMemory(LimitError):
    """The memory of the machine or device does not suffice for this input."""

    code = "out_of_memory"


class EngineError(ReamoError):
    """The engine failed."""

    code = "engine"


class EngineFailed(EngineError):
    """A model or its process failed in a way that is not the caller's fault."""

    code = "engine_failed"
    retryable = True


class ModelUnavailable(EngineError):
    """A model is not installed or its weights do not match; the hint names the command that mends it."""

    code = "model_unavailable"


class RemoteEngineFailed(EngineError):
    """The remote engine did not answer, or answered with an error."""

    code = "remote_engine_failed"
    retryable = True


class Cancelled(ReamoError):
    """The caller cancelled the work."""

    code = "cancelled"
    retryable = True


def of_code(code: str, message: str, hint: str = "") -> ReamoError | None:
    """Return the error of this code, None if there is none: how an error crosses a process border."""
    waiting: list[type[ReamoError]] = [ReamoError]
    while waiting:
        kind = waiting.pop()
        if kind.code == code and not kind.__subclasses__():
            return kind(message, hint)
        waiting.extend(kind.__subclasses__())
    return None
