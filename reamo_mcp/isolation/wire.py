"""Frames over a socket pair: a small envelope, a body of bytes, and file descriptors.

A frame is a header (lengths and the number of descriptors), the envelope as JSON, and the body, whose meaning this
module does not know. Descriptors travel with the header. The receiver bounds every length before it allocates.
"""

import os
import select
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

_HEADER = struct.Struct("!IIB")
_MOST_ENVELOPE = 1 << 20
MOST_BODY = 1 << 28
MOST_DESCRIPTORS = 200  # the kernel carries at most 253 in one message


class BrokenFrame(Exception):
    """The other side sent what is no frame."""


@dataclass(frozen=True)
class Frame:
    """One message. Whoever received it owns the descriptors."""

    envelope: bytes
    body: bytes
    descriptors: tuple[int, ...]

    def close(self) -> None:
        """Close the descriptors of a frame that nobody wants."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def send(connection: socket.socket, envelope: bytes, body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
    """Send one frame, blocking. Raises OSError if the other side is gone, ValueError if the frame is too large."""
    if len(envelope) > _MOST_ENVELOPE or len(body) > MOST_BODY or len(descriptors) > MOST_DESCRIPTORS:
        raise ValueError("a message is too large for the process border")
    head = _HEADER.pack(len(envelope), len(body), len(descriptors)) + envelope
    if descriptors:
        sent = socket.send_fds(connection, [head], list(descriptors))
        connection.sendall(head[sent:])
    else:
        connection.sendall(head)
    if body:
        connection.sendall(body)


def receive(connection: socket.socket) -> Frame | None:
    """Receive one frame, blocking; None at the end of the stream. Raises BrokenFrame or OSError."""
    descriptors: list[int] = []
    try:
        header = bytearray()
        while len(header) < _HEADER.size:
            data, received, _, _ = socket.recv_fds(
                connection, _HEADER.size - len(header), MOST_DESCRIPTORS, _close_on_exec()
            )
            descriptors.extend(received)
            if not data:
                if header or descriptors:
                    raise BrokenFrame("the stream ended inside a frame")
                return None
            header += data
        envelope_length, body_length, count = _HEADER.unpack(header)
        if envelope_length > _MOST_ENVELOPE or body_length > MOST_BODY or count != len(descriptors):
            raise BrokenFrame("a frame is larger than allowed or lacks descriptors")
        envelope = _receive_exactly(connection, envelope_length)
        body = _receive_exactly(connection, body_length)
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return Frame(envelope, body, tuple(descriptors))


def readable(connection: socket.socket, seconds: float) -> bool:
    """Return whether something (a frame or the end of the stream) can be received within this time."""
    poll = select.poll()  # select.select fails on descriptors above 1023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _close_on_exec() -> int:
    return socket.MSG_CMSG_CLOEXEC if sys.platform == "linux" else 0


def _receive_exactly(connection: socket.socket, length: int) -> bytes:
    if not length:
        return b""
    data = bytearray()
    while len(data) < length:
        part = connection.recv(min(length - len(data), 1 << 20))
        if not part:
            raise BrokenFrame("the stream ended inside a frame")
        data += part
    return bytes(data)
