"""Messages between parent and child about a document.

`{"path", "filename"}` asks for one; `{"info"}`, some `{"blocks"}` and `{"end", "warnings"}` answer,
or an `{"error"}` at any point. With `"attachments": true` the files within it are asked for; some
`{"piece"}` and `{"end"}` answer.
"""

import base64

from citewell.engine.parsing.base import (
    Block,
    BlockKind,
    DocumentInfo,
    ParseError,
    ParseFailure,
    ParseWarning,
)
from citewell.kit.sandbox.wire import Message


def pack_info(info: DocumentInfo) -> Message:
    """The message that opens a document."""
    return {
        "info": {
            "mime_type": info.mime_type,
            "title": info.title,
            "page_count": info.page_count,
            "metadata": info.metadata,
            "attachments": info.attachments,
        }
    }


def unpack_info(message: Message) -> DocumentInfo:
    """Read the message that opens a document.

    Raises:
        KeyError, TypeError: It is not one.
    """
    facts: Message = dict(message["info"])
    attachments: list[str] = facts.pop("attachments")
    return DocumentInfo(**facts, attachments=tuple(attachments))


def pack_piece(name: str, piece: bytes, *, is_last: bool) -> Message:
    """The message with a piece of an attachment."""
    return {"piece": [name, base64.b64encode(piece).decode("ascii"), is_last]}


def unpack_piece(message: Message) -> tuple[str, bytes, bool]:
    """Read the message with a piece of an attachment: name, piece, whether it is the last.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    name, piece, is_last = message["piece"]
    return str(name), base64.b64decode(piece, validate=True), bool(is_last)


def pack_blocks(blocks: list[Block]) -> Message:
    """The message with some blocks, in order."""
    return {
        "blocks": [
            [block.kind, block.text, block.page, block.level, block.breaks, block.starts_sheet]
            for block in blocks
        ]
    }


def unpack_blocks(message: Message) -> list[Block]:
    """Read the message of some blocks.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    return [
        Block(BlockKind(kind), text, page, level, tuple(breaks), starts_sheet)
        for kind, text, page, level, breaks, starts_sheet in message["blocks"]
    ]


def pack_end(warnings: list[ParseWarning]) -> Message:
    """The message behind the last blocks."""
    return {"end": True, "warnings": [[each.code, each.message] for each in warnings]}


def unpack_warnings(message: Message) -> list[ParseWarning]:
    """Read the warnings of the message behind the last blocks.

    Raises:
        KeyError, TypeError, ValueError: It has none.
    """
    return [ParseWarning(str(code), str(text)) for code, text in message["warnings"]]


def pack_error(error: ParseError) -> Message:
    """The message that ends a document that cannot be read."""
    return {"error": {"code": error.code, "message": error.message}}


def unpack_error(message: Message) -> ParseError:
    """Read the message that ends a document that cannot be read.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    error = message["error"]
    return ParseError(ParseFailure(error["code"]), str(error["message"]))
