"""Runs heavy computations of requests in child processes.

Children are killed at their limits, and few run at a time, with a share for each tenant and a
bounded queue. Whatever is asked for, the process that answers requests keeps its memory and its
event loop.
"""

import asyncio
import os
import uuid
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import structlog

from citewell.core.errors import UnavailableError
from citewell.kit.sandbox import calls
from citewell.kit.sandbox.limits import MIB, ProcessLimits
from citewell.kit.sandbox.pool import IDLE_SECONDS, ChildPool
from citewell.kit.sandbox.process import Child, ChildError, ChildFailure

log = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


class BusyError(UnavailableError):
    """The queue of computations is full, or the wait in it was too long."""

    code = "busy"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__(
            "This installation, or your share of it, is busy computing; try again in a moment."
        )


class ComputationLimitError(UnavailableError):
    """The computation was ended because it took too much time or memory."""

    code = "computation_limit"

    def __init__(self, what: str) -> None:
        super().__init__(f"This takes more than {what} to compute and was ended.")


@dataclass(frozen=True, slots=True)
class ComputeLimits:
    """Limits of computing in one process."""

    running: int = max(1, min(2, (os.cpu_count() or 1) // 2))
    """Children that compute at a time. They are niced, so the event loop goes first."""
    running_of_tenant: int = 1
    """Children that compute for one tenant, so that others need not wait for its computations."""
    waiting: int = 32
    """Callers in the queue. Each holds its arguments, some megabytes."""
    waiting_of_tenant: int = 4
    """Callers of one tenant in the queue: at two seconds each, all are served within the wait."""
    wait_seconds: float = 10.0
    """Longest wait in the queue."""
    run_seconds: float = 10.0
    """Longest computation, by the clock and by processor time; five times the longest expected."""
    memory_bytes: int = 384 * MIB
    """Memory of a child. A comparison of the longest texts takes about 150 MiB."""


class ComputePool:
    """Runs pure functions in child processes; belongs to one event loop."""

    def __init__(
        self,
        limits: ComputeLimits | None = None,
        *,
        idle_seconds: float = IDLE_SECONDS,
        folders: Sequence[Path] = (),
    ) -> None:
        """Set up without starting anything.

        Args:
            limits: Limits of the computations.
            idle_seconds: Time after which a child without work ends.
            folders: Folders in which children may read files whose paths they are told.
        """
        self._folders = tuple(folders)
        self._limits = limits or ComputeLimits()
        self._pool = ChildPool(self._start, idle_seconds=idle_seconds)
        self._running = Counter[uuid.UUID]()
        self._waiting: dict[uuid.UUID, deque[asyncio.Future[None]]] = {}

    async def run(
        self, tenant_id: uuid.UUID, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a function in a child process and return its result.

        Args:
            tenant_id: The tenant whose share it takes.
            function: Pure, at the top level of a module; takes and returns JSON values.
            *args: Its arguments.
            **kwargs: None: arguments go by position.

        Raises:
            BusyError: Too many wait, or it would have waited for too long.
            ComputationLimitError: It took too much time or memory, and was ended.
            UnavailableError: The child crashed.
        """
        # ParamSpec needs them in the signature; JSON arguments go by position only.
        assert not kwargs
        async with self._place(tenant_id):
            child = self._pool.take()
            is_fit = False
            try:
                answer = await self._answer(child, calls.request_of(function, args))
                # Only after a full answer: a child that timed out or broke off may be in any state.
                is_fit = True
            finally:
                self._pool.give_back(child, is_fit=is_fit)
        return cast(T, answer["result"])

    async def close(self) -> None:
        """End all children; running computations fail."""
        await self._pool.close()

    async def _answer(self, child: Child, request: dict[str, Any]) -> dict[str, Any]:
        limits = self._limits
        try:
            async with asyncio.timeout(limits.run_seconds):
                await child.ask(request)
                return await child.answer()
        except TimeoutError:
            failure, status = ChildFailure.TIMEOUT, ""
        except ChildError as error:
            failure, status = error.failure, error.status
        function = f"{request['module']}.{request['name']}"
        log.warning("computation_failed", function=function, failure=failure, status=status)
        if failure is ChildFailure.TIMEOUT:
            raise ComputationLimitError(f"{limits.run_seconds:g} s")
        if failure is ChildFailure.MEMORY:
            raise ComputationLimitError(f"{limits.memory_bytes // MIB} MiB of memory")
        raise UnavailableError("The process that computes this ended unexpectedly; try again.")

    def _start(self) -> Child:
        limits = self._limits
        return Child(
            calls.MODULE,
            ProcessLimits(limits.memory_bytes, round(limits.run_seconds), limits.run_seconds),
            documents=self._folders,
        )

    @asynccontextmanager
    async def _place(self, tenant_id: uuid.UUID) -> AsyncGenerator[None]:
        """One of the places to compute in, for as long as the block lasts."""
        if self._is_free_for(tenant_id) and tenant_id not in self._waiting:
            self._running[tenant_id] += 1
        else:
            await self._turn(tenant_id)
        try:
            yield
        finally:
            self._running -= Counter([tenant_id])  # drops the tenant with its last one
            self._admit()

    async def _turn(self, tenant_id: uuid.UUID) -> None:
        """Wait in the queue; the place is taken when this returns."""
        line = self._waiting.get(tenant_id, deque())
        total = sum(map(len, self._waiting.values()))
        if len(line) >= self._limits.waiting_of_tenant or total >= self._limits.waiting:
            raise BusyError
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, line).append(turn)
        is_mine = False
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await turn
            is_mine = True
        except TimeoutError:
            raise BusyError from None
        finally:
            if not is_mine:
                self._leave(tenant_id, turn)

    def _leave(self, tenant_id: uuid.UUID, turn: asyncio.Future[None]) -> None:
        """Give up a wait; a turn that was granted in the same moment goes to the next caller."""
        if turn.done() and not turn.cancelled():
            self._running -= Counter([tenant_id])
            self._admit()
        elif turn in (line := self._waiting.get(tenant_id, deque())):
            line.remove(turn)
            if not line:
                del self._waiting[tenant_id]

    def _is_free_for(self, tenant_id: uuid.UUID) -> bool:
        limits = self._limits
        return (
            self._running.total() < limits.running
            and self._running[tenant_id] < limits.running_of_tenant
        )

    def _admit(self) -> None:
        """Give free places to waiting callers, one tenant after the other."""
        for tenant_id in list(self._waiting):
            if not self._is_free_for(tenant_id):
                continue
            line = self._waiting.pop(tenant_id)
            turn = line.popleft()
            if not turn.done():  # cancelled just now otherwise
                turn.set_result(None)
                self._running[tenant_id] += 1
            if line:
                self._waiting[tenant_id] = line  # behind the other tenants
