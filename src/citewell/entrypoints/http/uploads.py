"""Decides on long bodies before they are read: who may send them, and how many at a time."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from citewell.access.policy import CREATES_FROM, Role, Scope
from citewell.core.context import Caller, unit_of_work
from citewell.core.errors import ForbiddenError, UnavailableError
from citewell.core.platform import Platform
from citewell.entrypoints.http.policies import POLICY
from citewell.features.http import BodySize, RoutePolicy


class UploadsBusyError(UnavailableError):
    """All places for uploads are taken, and none became free in time."""

    code = "busy"
    retry_after = 5

    def __init__(self) -> None:
        super().__init__(
            "Too many uploads of yours, or of your organisation, are under way; try again in a "
            "moment."
        )


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Uploads that are read at a time; each takes a file's size of disk and a thread's time."""

    of_caller: int = 4
    """As many as a browser sends side by side to one server, and a few more than help."""
    of_tenant: int = 16
    wait_seconds: float = 20.0
    """Longest wait for a place. The body waits with its sender meanwhile."""


@dataclass(slots=True)
class UploadPlaces:
    """The uploads of one process that are being read; belongs to its event loop."""

    limits: UploadLimits = field(default_factory=UploadLimits)
    _callers: Counter[tuple[uuid.UUID, uuid.UUID]] = field(
        default_factory=Counter[tuple[uuid.UUID, uuid.UUID]]
    )
    _tenants: Counter[uuid.UUID] = field(default_factory=Counter[uuid.UUID])
    _freed: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def place(self, caller: Caller) -> AsyncGenerator[None]:
        """One of the places, for as long as the block lasts.

        Raises:
            UploadsBusyError: None became free in time.
        """
        owner = caller.tenant_id, caller.actor.owner_id
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                while not self._is_free(owner):
                    await self._freed.wait()
        except TimeoutError:
            raise UploadsBusyError from None
        self._callers[owner] += 1
        self._tenants[caller.tenant_id] += 1
        try:
            yield
        finally:
            # Subtracting drops names that are at zero, so that the counters do not grow.
            self._callers -= Counter([owner])
            self._tenants -= Counter([caller.tenant_id])
            # All that wait look again; the next ones wait for another event.
            self._freed.set()
            self._freed = asyncio.Event()

    def _is_free(self, owner: tuple[uuid.UUID, uuid.UUID]) -> bool:
        return (
            self._callers[owner] < self.limits.of_caller
            and self._tenants[owner[0]] < self.limits.of_tenant
        )


class Uploads:
    """Refuses long bodies of those who could not use them, and lets few in at a time.

    A form is read before the route's own checks, as it is their argument. What is decided here
    depends on the caller alone, so it tells nothing of what there is.
    """

    def __init__(self, app: ASGIApp, platform: Callable[[], Platform]) -> None:
        self._app = app
        self._platform = platform

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        policy: RoutePolicy | None = scope.get("state", {}).get(POLICY)
        caller: Caller | None = scope.get("state", {}).get("caller")
        if policy is None or caller is None or policy.body is BodySize.JSON:
            await self._app(scope, receive, send)
            return
        for needed in policy.body_scopes:
            caller.actor.require(needed)
        if Scope.ADMIN in policy.body_scopes:
            caller.actor.require_role(Role.DIRECTOR)
        platform = self._platform()
        is_new = policy.fills_library and scope["method"] == "POST"
        if is_new and caller.actor.role < CREATES_FROM:
            await self._require_somewhere(platform, caller)
        if policy.body is not BodySize.FILE:
            await self._app(scope, receive, send)
            return
        async with platform.state_of(UploadPlaces).place(caller):
            await self._app(scope, receive, send)

    @staticmethod
    async def _require_somewhere(platform: Platform, caller: Caller) -> None:
        async with unit_of_work(platform, caller) as ctx:
            if not (await ctx.access()).write.collections:
                raise ForbiddenError("You may not add documents to any collection.")
