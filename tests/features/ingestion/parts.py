"""Parts that do something else in the middle of a document."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from citewell.engine.embedding.base import Vectors
from citewell.engine.embedding.testing import HashEmbedder
from citewell.engine.errors import ProviderError
from citewell.engine.parsing.base import Block, ParseError, ParseFailure
from citewell.engine.parsing.testing import TextDocument, TextParser


async def crash() -> None:
    raise ZeroDivisionError


async def crash_as_provider() -> None:
    raise ProviderError("refused", retryable=False)


Action = Callable[[], Coroutine[None, None, None]]


class Interrupted(HashEmbedder):
    """Does something else in the middle of a document: before its batch number `after`."""

    def __init__(self, action: Action, *, after: int = 0) -> None:
        super().__init__()
        self.action = action
        self._after = after

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self._after -= 1
        if self._after == -1:
            # Beside the document's own tasks, which may be cancelled by what it does.
            self.done = asyncio.ensure_future(self.action())
            await asyncio.shield(self.done)
        return await super().embed_passages(texts)


class Unreachable(HashEmbedder):
    """A model that does not answer."""

    def __init__(self, *, retryable: bool = True) -> None:
        super().__init__()
        self._retryable = retryable

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:  # noqa: ARG002
        raise ProviderError("no answer", retryable=self._retryable, retry_after=7)


class BreaksOff(TextParser):
    """A parser whose documents turn out broken near their end."""

    @asynccontextmanager
    async def open(self, path: Path, filename: str) -> AsyncIterator[TextDocument]:
        async with super().open(path, filename) as document:
            yield _Broken(document)


class _Broken(TextDocument):
    def __init__(self, whole: TextDocument) -> None:
        self._blocks = whole._blocks
        self.info = whole.info

    async def blocks(self) -> AsyncIterator[Block]:
        for block in self._blocks[: len(self._blocks) * 9 // 10]:
            yield block
        raise ParseError(ParseFailure.CORRUPT, "The end of the file is missing.")
