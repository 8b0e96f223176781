"""Frames between parent and child: four bytes of length, then JSON."""

import json
import struct
from typing import Any, cast

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure

HEADER = struct.Struct(">I")
"""Length of the body in bytes, big-endian."""

MAX_FRAME = 8 * 1024 * 1024
"""Longest body; the child packs far less, so a longer one is garbage."""

Message = dict[str, Any]
"""One of `{"info"}`, `{"blocks"}`, `{"end"}`, `{"error"}`; to the child `{"path", ...}`."""


def encode(message: Message) -> bytes:
    """Get the frame of a message."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def decode(body: bytes) -> Message:
    """Get the message of a frame's body.

    Raises:
        ValueError: It is no JSON object.
    """
    message = json.loads(body)
    if not isinstance(message, dict):  # not TypeError: callers catch one kind
        raise ValueError("A frame holds one JSON object.")
    return cast(Message, message)


def pack_info(info: DocumentInfo) -> Message:
    """Get the message that opens a document."""
    return {
        "info": {
            "mime_type": info.mime_type,
            "title": info.title,
            "page_count": info.page_count,
            "metadata": info.metadata,
        }
    }


def unpack_info(message: Message) -> DocumentInfo:
    """Read the message that opens a document.

    Raises:
        KeyError, TypeError: It is not one.
    """
    return DocumentInfo(**message["info"])


def pack_blocks(blocks: list[Block]) -> Message:
    """Get the message of some blocks, in order."""
    return {"blocks": [[block.kind, block.text, block.page, block.level] for block in blocks]}


def unpack_blocks(message: Message) -> list[Block]:
    """Read the message of some blocks.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    return [
        Block(BlockKind(kind), text, page, level) for kind, text, page, level in message["blocks"]
    ]


def pack_error(error: ParseError) -> Message:
    """Get the message that ends a document that cannot be read."""
    return {"error": {"code": error.code, "message": error.message}}


def unpack_error(message: Message) -> ParseError:
    """Read the message that ends a document that cannot be read.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    error = message["error"]
    return ParseError(ParseFailure(error["code"]), str(error["message"]))
