"""The process in which documents are parsed: `python -m citewell.engine.parsing.child`.

It reads one request at a time from its socket and answers there. It ends with its parent, when the
parent closes the socket, or at a limit.
"""

from collections.abc import Iterator
from pathlib import Path

from citewell.engine.parsing.base import Block, ParseError, ParseFailure
from citewell.engine.parsing.findings import Findings
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_attachments, read_document
from citewell.engine.parsing.wire import (
    pack_blocks,
    pack_end,
    pack_error,
    pack_info,
    pack_piece,
)
from citewell.kit.sandbox.child import serve_parent
from citewell.kit.sandbox.confinement import allow_cpu
from citewell.kit.sandbox.wire import Channel, Message

FRAME_CHARS = 64 * 1024
"""Approximate text per frame: small for the reader's memory, large against the overhead."""

PIECE_BYTES = 2 * 1024 * 1024
"""Bytes of an attachment per frame, which is a third longer in base 64."""


def serve(channel: Channel, settings: Message) -> None:
    """Answer requests until the parent has gone; the settings are those of `ParseLimits`."""
    limits = ParseLimits(**settings)
    while request := channel.receive():
        allow_cpu(limits.cpu_seconds)
        try:
            path, filename = Path(request["path"]), str(request["filename"])
            if request.get("attachments"):
                _send_attachments(channel, path, filename, limits)
            else:
                _answer(channel, path, filename, limits)
        except ParseError as error:
            channel.send(pack_error(error))
        # Below the limit of the process, Python still raises; the child can say so and go on.
        except MemoryError:
            channel.send(pack_error(_memory_error(limits)))


def _answer(channel: Channel, path: Path, filename: str, limits: ParseLimits) -> None:
    findings = Findings(keeps_hidden=limits.keeps_hidden)
    info, blocks = read_document(path, filename, limits, findings)
    channel.send(pack_info(info))
    for batch in _batches(blocks):
        channel.send(pack_blocks(batch))
    channel.send(pack_end(findings.warnings))


def _send_attachments(channel: Channel, path: Path, filename: str, limits: ParseLimits) -> None:
    for name, data in read_attachments(path, filename, limits):
        # One piece at least, of an empty file too.
        for start in range(0, max(len(data), 1), PIECE_BYTES):
            end = start + PIECE_BYTES
            channel.send(pack_piece(name, data[start:end], is_last=end >= len(data)))
    channel.send({"end": True})


def _batches(blocks: Iterator[Block]) -> Iterator[list[Block]]:
    batch: list[Block] = []
    held = 0
    for block in blocks:
        batch.append(block)
        held += len(block.text)
        if held >= FRAME_CHARS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _memory_error(limits: ParseLimits) -> ParseError:
    return ParseError(
        ParseFailure.MEMORY,
        f"Reading the file took more than {limits.memory_bytes // 2**20:,} MiB of memory.",
    )


if __name__ == "__main__":
    serve_parent(serve)
