"""The process in which documents are parsed: `python -m citewell.engine.parsing.child`.

It reads one request at a time from file descriptor 0 and answers there; its life ends with its
parent's, with the other end of that socket, or with a limit.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from citewell.engine.parsing.base import Block, ParseError, ParseFailure
from citewell.engine.parsing.confinement import allow_cpu, confine
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.reading import read_document
from citewell.engine.parsing.wire import (
    HEADER,
    Message,
    decode,
    encode,
    pack_blocks,
    pack_error,
    pack_info,
)

FRAME_CHARS = 64 * 1024
"""Text sent in one frame, about: small for the reader's memory, large against the overhead."""


class Channel:
    """The socket to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def receive(self) -> Message | None:
        """Wait for the next request; None when the parent has gone."""
        header = self._read(HEADER.size)
        return decode(self._read(HEADER.unpack(header)[0])) if header else None

    def send(self, message: Message) -> None:
        """Hand a message over; waits as long as the parent does not read."""
        data = memoryview(encode(message))
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count and (part := os.read(self._descriptor, count)):
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def serve(channel: Channel, limits: ParseLimits) -> None:
    """Answer requests until the parent has gone."""
    while request := channel.receive():
        allow_cpu(limits.cpu_seconds)
        try:
            _answer(channel, Path(request["path"]), request["filename"], limits)
        except ParseError as error:
            channel.send(pack_error(error))
        except MemoryError:
            channel.send(pack_error(_memory_error(limits)))


def _answer(channel: Channel, path: Path, filename: str, limits: ParseLimits) -> None:
    info, blocks = read_document(path, filename, limits)
    channel.send(pack_info(info))
    for batch in _batches(blocks):
        channel.send(pack_blocks(batch))
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


def main() -> None:
    """Confine this process, then serve."""
    limits = ParseLimits(**decode(sys.argv[1].encode()))
    # Libraries may print: that must not end up among the frames.
    descriptor = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    confine(limits, int(sys.argv[2]))
    try:
        serve(Channel(descriptor), limits)
    except (BrokenPipeError, ConnectionResetError):
        sys.exit(0)


if __name__ == "__main__":
    main()
