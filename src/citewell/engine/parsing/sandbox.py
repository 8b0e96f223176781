"""The parser of the application: reads documents in child processes that may fail."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from citewell.engine.parsing.base import (
    AttachedFile,
    Block,
    DocumentInfo,
    ParseError,
    ParseFailure,
    ParseWarning,
)
from citewell.engine.parsing.formats import SUPPORTED_EXTENSIONS, SUPPORTED_MIME_TYPES
from citewell.engine.parsing.limits import ParseLimits
from citewell.engine.parsing.wire import (
    unpack_blocks,
    unpack_error,
    unpack_info,
    unpack_piece,
    unpack_warnings,
)
from citewell.kit.sandbox.limits import MIB
from citewell.kit.sandbox.pool import IDLE_SECONDS, REQUESTS_PER_CHILD, ChildPool
from citewell.kit.sandbox.process import Child, ChildError, ChildFailure
from citewell.kit.sandbox.wire import Message

__all__ = ["SUPPORTED_EXTENSIONS", "SUPPORTED_MIME_TYPES", "ParseLimits", "SandboxedParser"]

_MODULE = "citewell.engine.parsing.child"

EVERYWHERE = Path("/")

_BROKEN = frozenset({ParseFailure.MEMORY, ParseFailure.TIMEOUT, ParseFailure.CRASHED})


class SandboxedParser:
    """Reads each document in a recycled child process with limits; implements `Parser`.

    A document that crashes, blocks or swells its child fails alone. Blocks are streamed: the child
    waits while the consumer does, so the parent never holds a whole document. Belongs to one event
    loop. POSIX only.
    """

    def __init__(
        self,
        limits: ParseLimits | None = None,
        *,
        concurrency: int = 1,
        idle_seconds: float = IDLE_SECONDS,
        documents_per_child: int = REQUESTS_PER_CHILD,
        folders: Sequence[Path] = (EVERYWHERE,),
    ) -> None:
        """Set up without starting anything.

        Args:
            limits: Limits of one document.
            concurrency: Documents open at the same time; further ones wait.
            idle_seconds: Time after which an idle child is ended.
            documents_per_child: Documents after which a child is replaced.
            folders: Folders in which the children may read a document whose path they are told.
        """
        self._limits = limits or ParseLimits()
        self._folders = tuple(folders)
        self._places = asyncio.Semaphore(concurrency)
        self._pool = ChildPool(
            self._start, idle_seconds=idle_seconds, requests_per_child=documents_per_child
        )

    @property
    def children(self) -> tuple[int, ...]:
        """Process ids of the idle children, for the operator's view."""
        return tuple(child.pid for child in self._pool.idle)

    @asynccontextmanager
    async def open(self, path: Path, filename: str) -> AsyncGenerator["SandboxedDocument"]:
        """Start to parse `path`; `filename` is the name the user gave, never used as a path.

        Raises:
            ParseError: The document cannot be read at all.
        """
        async with self._places:
            child = self._pool.take()
            document: SandboxedDocument | None = None
            is_fit = False
            try:
                try:
                    document = await _begin(child, path, filename, self._limits)
                except ParseError as error:
                    if error.code is not ParseFailure.CRASHED or child.requests == 1:
                        raise
                    # An idle child may have died of something else, so a new one tries again.
                    self._pool.give_back(child, is_fit=False)
                    child = self._pool.take_new()
                    document = await _begin(child, path, filename, self._limits)
                yield document
                is_fit = document.is_finished
            except ParseError as error:
                # A child that reported a bad document is ready for the next one; one that still has
                # something to send is not.
                is_fit = error.code not in _BROKEN and (document is None or document.is_finished)
                raise
            finally:
                self._pool.give_back(child, is_fit=is_fit)

    @asynccontextmanager
    async def attachments(self, path: Path, filename: str) -> AsyncGenerator[list[AttachedFile]]:
        """The files within a document, open for as long as the block lasts.

        Raises:
            ParseError: They cannot be read.
        """
        with ExitStack() as stack:
            async with self._places:
                child = self._pool.take()
                is_fit = False
                try:
                    files = [each async for each in self._attached(child, path, filename, stack)]
                    is_fit = True
                finally:
                    self._pool.give_back(child, is_fit=is_fit)
            yield files

    async def _attached(
        self, child: Child, path: Path, filename: str, stack: ExitStack
    ) -> AsyncIterator[AttachedFile]:
        try:
            await child.ask({**_request(path, filename), "attachments": True})
        except ChildError as error:
            raise _parse_error(error, self._limits) from error
        file: BinaryIO | None = None
        while "end" not in (message := await _answer(child, self._limits)):
            if "error" in message:
                raise _reported(message)
            try:
                name, piece, is_last = unpack_piece(message)
            except (KeyError, TypeError, ValueError) as error:
                raise _broken_down() from error
            # Without a name: a process that is killed leaves no plain copy behind.
            file = file or stack.enter_context(TemporaryFile())  # noqa: SIM115 - on the stack
            await asyncio.to_thread(file.write, piece)
            if is_last:
                file.seek(0)
                yield AttachedFile(name, file)
                file = None

    async def close(self) -> None:
        """End all children; documents still open fail."""
        await self._pool.close()

    def _start(self) -> Child:
        limits = self._limits
        return Child(_MODULE, limits.of_process(), asdict(limits), documents=self._folders)


class SandboxedDocument:
    """An open parse: its facts at once, its blocks as they come."""

    def __init__(self, child: Child, info: DocumentInfo, limits: ParseLimits) -> None:
        self._child = child
        self._limits = limits
        self.info = info
        self.warnings: Sequence[ParseWarning] = []
        """Remarks on the document; complete when the last block was yielded."""
        self.is_finished = False
        """Whether the child has sent everything about the document."""

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks in reading order; once.

        Raises:
            ParseError: The rest of the document cannot be read.
        """
        total = 0
        while not self.is_finished:
            message = await _answer(self._child, self._limits)
            if "end" in message:
                self.is_finished = True
                self.warnings = _believe_warnings(message)
                return
            if "error" in message:
                self.is_finished = True
                raise _reported(message)
            for block in _believe_blocks(message):
                total += len(block.text)
                if total > self._limits.text_chars:
                    raise ParseError(
                        ParseFailure.TOO_LARGE,
                        f"The document has more than {self._limits.text_chars:,} characters.",
                    )
                yield block


async def _begin(child: Child, path: Path, filename: str, limits: ParseLimits) -> SandboxedDocument:
    try:
        await child.ask(_request(path, filename))
    except ChildError as error:
        raise _parse_error(error, limits) from error
    message = await _answer(child, limits)
    if "error" in message:
        raise _reported(message)
    try:
        return SandboxedDocument(child, unpack_info(message), limits)
    except (KeyError, TypeError) as error:
        raise _broken_down() from error


def _request(path: Path, filename: str) -> Message:
    return {"path": str(path.absolute()), "filename": filename}


async def _answer(child: Child, limits: ParseLimits) -> Message:
    try:
        return await child.answer()
    except ChildError as error:
        raise _parse_error(error, limits) from error


def _parse_error(error: ChildError, limits: ParseLimits) -> ParseError:
    match error.failure:
        case ChildFailure.TIMEOUT:
            return ParseError(
                ParseFailure.TIMEOUT,
                f"Reading the file took longer than allowed ({limits.cpu_seconds} s of computing,"
                f" {limits.wall_seconds:g} s in all).",
            )
        case ChildFailure.MEMORY:
            return ParseError(
                ParseFailure.MEMORY,
                f"Reading the file took more than {limits.memory_bytes // MIB:,} MiB of memory.",
            )
        case ChildFailure.KILLED:
            reason = "was ended from outside; the machine may be out of memory"
        case ChildFailure.CRASHED:
            reason = f"crashed ({error.status}); the file may be damaged"
    return ParseError(ParseFailure.CRASHED, f"The program that reads the file {reason}.")


def _reported(message: Message) -> ParseError:
    try:
        return unpack_error(message)
    except (KeyError, TypeError, ValueError):
        return _broken_down()


def _believe_blocks(message: Message) -> list[Block]:
    try:
        return unpack_blocks(message)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken_down() from error


def _believe_warnings(message: Message) -> list[ParseWarning]:
    try:
        return unpack_warnings(message)
    except (KeyError, TypeError, ValueError) as error:
        raise _broken_down() from error


def _broken_down() -> ParseError:
    return ParseError(ParseFailure.CRASHED, "The program that reads the file broke down.")
