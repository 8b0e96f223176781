"""The parser everything uses: documents are read in child processes that may fail."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from citewell.engine.parsing.base import Block, DocumentInfo, ParseError, ParseFailure
from citewell.engine.parsing.formats import SUPPORTED_EXTENSIONS, SUPPORTED_MIME_TYPES
from citewell.engine.parsing.limits import MIB, ParseLimits
from citewell.engine.parsing.process import Child
from citewell.engine.parsing.wire import Message, unpack_blocks, unpack_error, unpack_info

__all__ = ["SUPPORTED_EXTENSIONS", "SUPPORTED_MIME_TYPES", "ParseLimits", "SandboxedParser"]

DOCUMENTS_PER_CHILD = 200
"""Documents after which a child is replaced: what libraries leak stays small."""

RECYCLE_BYTES = 256 * MIB
"""Resident size from which a child is replaced after its document."""

IDLE_SECONDS = 60.0
"""A child without work is ended after this: idle, nothing of the parser is in memory."""

_BROKEN = frozenset({ParseFailure.MEMORY, ParseFailure.TIMEOUT, ParseFailure.CRASHED})


class SandboxedParser:
    """Reads each document in a recycled child process with limits; implements `Parser`.

    A document that crashes, hangs or swells its child fails alone. Blocks are streamed: the child
    waits when the reader of the blocks does, so the parent never holds a document whole. Belongs
    to one event loop. POSIX only.
    """

    def __init__(
        self,
        limits: ParseLimits | None = None,
        *,
        concurrency: int = 1,
        idle_seconds: float = IDLE_SECONDS,
        documents_per_child: int = DOCUMENTS_PER_CHILD,
    ) -> None:
        """Set up without starting anything.

        Args:
            limits: What one document may cost.
            concurrency: Documents open at the same time; further ones wait.
            idle_seconds: Time after which an idle child is ended.
            documents_per_child: Documents after which a child is replaced.
        """
        self._limits = limits or ParseLimits()
        self._idle_seconds = idle_seconds
        self._documents_per_child = documents_per_child
        self._places = asyncio.Semaphore(concurrency)
        self._idle: list[Child] = []
        self._busy: list[Child] = []
        self._ending: list[Child] = []
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closed = False

    @property
    def children(self) -> tuple[int, ...]:
        """Process ids of the idle children, for the operator's view."""
        return tuple(child.pid for child in self._idle)

    @asynccontextmanager
    async def open(self, path: Path, filename: str) -> AsyncGenerator["SandboxedDocument"]:
        """Start to parse `path`; `filename` is the name the user gave, never used as a path.

        Raises:
            ParseError: The document cannot be read at all.
        """
        async with self._places:
            child = self._take()
            document: SandboxedDocument | None = None
            is_fit = False
            try:
                try:
                    document = await _begin(child, path, filename, self._limits)
                except ParseError as error:
                    if error.code is not ParseFailure.CRASHED or child.documents == 1:
                        raise
                    # What an idle child died of is not this document's fault: a new one decides.
                    self._give_back(child, is_fit=False)
                    child = self._start()
                    document = await _begin(child, path, filename, self._limits)
                yield document
                is_fit = document.is_finished
            except ParseError as error:
                is_fit = error.code not in _BROKEN and (document is None or document.is_finished)
                raise
            finally:
                self._give_back(child, is_fit=is_fit)

    async def close(self) -> None:
        """End all children; documents still open fail."""
        self._is_closed = True
        if self._sweep:
            self._sweep.cancel()
        for child in list(self._busy):
            await child.interrupt()
        ending, self._idle, self._ending = [*self._idle, *self._ending], [], []
        for child in ending:
            await child.end()

    def _take(self) -> Child:
        if self._is_closed:
            raise RuntimeError("The parser is closed.")
        while self._idle:
            child = self._idle.pop()
            if child.is_alive:
                self._busy.append(child)
                return child
            self._retire(child)
        return self._start()

    def _start(self) -> Child:
        child = Child(self._limits)
        self._busy.append(child)
        return child

    def _give_back(self, child: Child, *, is_fit: bool) -> None:
        self._busy.remove(child)
        is_worn = (
            child.documents >= self._documents_per_child or child.resident_bytes > RECYCLE_BYTES
        )
        if is_fit and not is_worn and not self._is_closed:
            self._idle.append(child)
        else:
            self._retire(child)
        self._plan_sweep()

    def _retire(self, child: Child) -> None:
        child.kill()
        if not child.reap():
            self._ending.append(child)

    def _plan_sweep(self) -> None:
        """See to idle and ending children later, without a task that lives for ever."""
        if self._sweep:
            self._sweep.cancel()
            self._sweep = None
        if self._ending or self._idle:
            delay = min(0.05, self._idle_seconds) if self._ending else self._idle_seconds
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(delay, self._sweep_up, not self._ending)

    def _sweep_up(self, is_idle: bool) -> None:
        self._sweep = None
        if is_idle:
            idle, self._idle = self._idle, []
            for child in idle:
                self._retire(child)
        self._ending = [child for child in self._ending if not child.reap()]
        self._plan_sweep()


class SandboxedDocument:
    """An open parse: its facts at once, its blocks as they come."""

    def __init__(self, child: Child, info: DocumentInfo, limits: ParseLimits) -> None:
        self._child = child
        self._limits = limits
        self.info = info
        self.is_finished = False
        """Whether the child has said all it has to say of the document."""

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the blocks in reading order; once.

        Raises:
            ParseError: The rest of the document cannot be read.
        """
        total = 0
        while not self.is_finished:
            message = await self._child.answer()
            if "end" in message:
                self.is_finished = True
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
    await child.ask(_request(path, filename))
    message = await child.answer()
    if "error" in message:
        raise _reported(message)
    try:
        return SandboxedDocument(child, unpack_info(message), limits)
    except (KeyError, TypeError) as error:
        raise _broken_down() from error


def _request(path: Path, filename: str) -> Message:
    return {"path": str(path.absolute()), "filename": filename}


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


def _broken_down() -> ParseError:
    return ParseError(ParseFailure.CRASHED, "The program that reads the file broke down.")
