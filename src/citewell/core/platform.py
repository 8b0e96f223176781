"""The handles of one process, available to every context."""

from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from citewell.core.blobs.store import BlobStore
from citewell.core.compute import ComputePool
from citewell.core.database.keyring import KeyRing
from citewell.core.database.sessions import Database
from citewell.core.embedders import Embedders
from citewell.core.jobs import JobQueue
from citewell.core.ratelimit import RateLimiter
from citewell.core.schedules import Schedules
from citewell.core.settings import Settings
from citewell.core.supervision import Supervisor
from citewell.engine.embedding.base import Embedder
from citewell.engine.llm.base import LanguageModel
from citewell.engine.parsing.base import Parser
from citewell.engine.verification.base import Verifier

State = TypeVar("State")


class ClosedAtEnd:
    """A state of the platform that holds what the process has to end, such as connections."""

    async def close(self) -> None:
        """End it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Platform:
    """The handles of one process, put together by an entrypoint."""

    settings: Settings
    database: Database
    queue: "JobQueue[Platform]"
    schedules: "Schedules[Platform]"
    keys: KeyRing
    blobs: BlobStore
    parser: Parser
    compute: ComputePool
    """Runs heavy functions in child processes with limits."""
    embedder: Embedder
    """The configured embedder, for new libraries; `embedder_of` gives that of an existing one."""
    embedders: Embedders
    llm: LanguageModel | None
    verifier: Verifier
    """Reads sentences of the model that rules neither prove nor refute."""
    limiter: RateLimiter
    token_key: bytes = field(repr=False)
    """Signs access tokens, in all processes of the installation alike."""
    former_token_keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Former keys, still accepted while master keys are exchanged."""
    supervisor: Supervisor = field(default_factory=Supervisor)
    """Keeps the background tasks of this process going."""
    _state: dict[type, object] = field(default_factory=dict[type, object], repr=False)
    _to_close: list[ClosedAtEnd] = field(default_factory=list[ClosedAtEnd], repr=False)
    """Made so far, by this platform or by copies of it that hold one handle more."""

    def state_of(self, kind: type[State]) -> State:
        """The process's single object of a class, made at its first use.

        Features keep their state between calls in it, so that this class need not know them.
        """
        known = self._state.get(kind)
        if not isinstance(known, kind):
            known = self._state[kind] = kind()
            if isinstance(known, ClosedAtEnd):
                self._to_close.append(known)
        return known

    async def close_states(self) -> None:
        """Close the states that were used, the newest first."""
        while self._to_close:
            await self._to_close.pop().close()

    def holding(self, handle: object) -> Self:
        """The same handles and one more, of a class that only a higher band knows."""
        return replace(self, _state={**self._state, type(handle): handle})

    def handle(self, kind: type[State]) -> State:
        """The handle of a class that the entrypoint put in.

        Raises:
            LookupError: There is none.
        """
        held = self._state[kind]
        assert isinstance(held, kind)
        return held

    async def embedder_of(self, name: str) -> Embedder:
        """The embedder a library was embedded with.

        Raises:
            ProviderConfigurationError, ProviderError: It cannot be used, as `Embedders.named` says.
        """
        return (
            self.embedder if name == self.embedder.spec.name else await self.embedders.named(name)
        )
