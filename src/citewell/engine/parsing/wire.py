"""Messages between parent and child about a document.

`{"path", "filename"}` asks for one; `{"info"}`, some `{"blocks"}` and `{"end"}` answer, or an
`{"error"}` at any point.
"""

from citewell.engine.parsing.base import Block, BlockKind, DocumentInfo, ParseError, ParseFailure
from citewell.kit.sandbox.wire import Message


def pack_info(info: DocumentInfo) -> Message:
    """The message that opens a document."""
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
    """The message with some blocks, in order."""
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
    """The message that ends a document that cannot be read."""
    return {"error": {"code": error.code, "message": error.message}}


def unpack_error(message: Message) -> ParseError:
    """Read the message that ends a document that cannot be read.

    Raises:
        KeyError, TypeError, ValueError: It is not one.
    """
    error = message["error"]
    return ParseError(ParseFailure(error["code"]), str(error["message"]))
