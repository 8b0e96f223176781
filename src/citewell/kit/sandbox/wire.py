"""Frames between parent and child: four bytes of length, then JSON."""

import json
import os
import struct
from typing import Any, cast

HEADER = struct.Struct(">I")
"""Length of the body in bytes, big-endian."""

MAX_FRAME = 8 * 1024 * 1024
"""Longest body that is accepted; a longer one comes from a broken child."""

Message = dict[str, Any]
"""One JSON object."""


def encode(message: Message) -> bytes:
    """The frame of a message."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """The message in a frame's body.

    Raises:
        ValueError: It is no JSON object.
    """
    message = json.loads(body)
    if not isinstance(message, dict):  # not TypeError: callers catch one kind
        raise ValueError("A frame holds one JSON object.")
    return cast(Message, message)


class Channel:
    """The child's end of the socket to its parent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def receive(self) -> Message | None:
        """Wait for the next request; None when the parent has gone."""
        header = self._read(HEADER.size)
        return decode(self._read(HEADER.unpack(header)[0])) if header else None

    def send(self, message: Message) -> None:
        """Send a message; blocks while the parent does not read."""
        data = memoryview(encode(message))
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count and (part := os.read(self._descriptor, count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
