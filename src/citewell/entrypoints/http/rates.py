"""How many requests a minute are answered, and how replies tell."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewell.core.context import Caller
from citewell.core.errors import AppError, UnauthorizedError
from citewell.core.platform import Platform
from citewell.core.ratelimit import Decision, Rule, rule
from citewell.core.settings import Settings
from citewell.entrypoints.http.policies import POLICY
from citewell.entrypoints.http.problems import problem_of, problem_response
from citewell.features.http import PROBE, Admission, Rate, RoutePolicy
from citewell.kit.addresses import customer_of

QUERIES = rule("queries", "100 per minute")
TENANT_QUERIES = rule("tenant-queries", "6000 per minute")
"""A hundred users that ask once a second, as the load figure has it."""

REQUESTS = rule("requests", "1000 per minute")
ADDRESS = rule("address", "300 per minute")
"""Of those who have not shown a valid credential."""

USERS_PER_TENANT = 60


class RateLimitedError(AppError):
    """More requests than a minute allows."""

    code = "rate_limited"
    status = 429
    title = "Too many requests"

    def __init__(self, decision: Decision) -> None:
        seconds = max(1, decision.reset_seconds)
        super().__init__(
            f"At most {decision.limit:,} a minute; try again in {seconds} "
            f"second{'' if seconds == 1 else 's'}."
        )
        self.retry_after = seconds


@dataclass(frozen=True, slots=True)
class Rates:
    """The rules in force."""

    queries: Rule
    tenant_queries: Rule
    requests: Rule
    address: Rule

    @classmethod
    def of(cls, settings: Settings) -> "Rates":
        """Read them from the settings; 0 switches off."""
        queries, requests = settings.rate_limit_queries, settings.rate_limit_requests
        return cls(
            QUERIES.of(queries),
            TENANT_QUERIES.of(queries * USERS_PER_TENANT),
            REQUESTS.of(requests),
            ADDRESS.of(ADDRESS.window.amount if requests else 0),
        )


class AddressLimit:
    """Limits those without a valid credential by where they are: guesses of keys and passwords."""

    def __init__(self, app: ASGIApp, platform: Callable[[], Platform], rates: Rates) -> None:
        self._app = app
        self._platform = platform
        self._rule = rates.address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not self._rule.is_off:
            await self._guard_socket(scope, receive, send)
            return
        policy: RoutePolicy = scope["state"][POLICY] if scope["type"] == "http" else PROBE
        if self._rule.is_off or policy.rate is Rate.UNLIMITED:
            await self._app(scope, receive, send)
            return
        # Where a credential is not asked for, none that is sent has been looked at.
        is_anonymous = (
            policy.rate is Rate.SIGNING_IN
            or policy.admission is not Admission.CREDENTIAL
            or "authorization" not in Headers(scope=scope)
        )
        if is_anonymous:
            decision = await self._hit(scope)
            if not decision.allowed:
                await _refuse(decision, scope, receive, send)
            else:
                await self._app(scope, receive, _telling(decision, send))
            return
        try:
            await self._app(scope, receive, send)
        except UnauthorizedError:
            decision = await self._hit(scope)
            if decision.allowed:
                raise
            await _refuse(decision, scope, receive, send)

    async def _guard_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except UnauthorizedError:
            decision = await self._hit(scope)
            if not decision.allowed:
                raise RateLimitedError(decision) from None
            raise

    async def _hit(self, scope: Scope) -> Decision:
        client = scope.get("client")
        place = customer_of(client[0] if client else None)
        return await self._platform().limiter.hit(self._rule, place)


class CallerLimit:
    """Limits each caller of the API: every route there is, questions more than the rest."""

    def __init__(self, app: ASGIApp, platform: Callable[[], Platform], rates: Rates) -> None:
        self._app = app
        self._platform = platform
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller: Caller | None = scope.get("state", {}).get("caller")
        if scope["type"] != "http" or caller is None:
            await self._app(scope, receive, send)
            return
        decision = await self._decide(caller, scope["state"][POLICY])
        if decision is None:
            await self._app(scope, receive, send)
        elif decision.allowed:
            await self._app(scope, receive, _telling(decision, send))
        else:
            await _refuse(decision, scope, receive, send)

    async def _decide(self, caller: Caller, policy: RoutePolicy) -> Decision | None:
        """The tightest of the rules that hold; None: there are none."""
        actor, tenant = caller.actor, str(caller.tenant_id)
        who = str(actor.user_id or actor.id)
        limiter, rates = self._platform().limiter, self._rates
        if policy.rate is not Rate.QUERIES:
            if rates.requests.is_off:
                return None
            return await limiter.hit(rates.requests, tenant, who)
        if rates.queries.is_off:
            return None
        own = await limiter.hit(rates.queries, tenant, who)
        if not own.allowed:
            return own
        shared = await limiter.hit(rates.tenant_queries, tenant)
        return own if shared.allowed and own.remaining <= shared.remaining else shared


def _told(decision: Decision) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(decision.limit),
        "RateLimit-Remaining": str(decision.remaining),
        "RateLimit-Reset": str(decision.reset_seconds),
    }


def _telling(decision: Decision, send: Send) -> Send:
    """Send replies on, with what is left of the limit."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_told(decision))
        await send(message)

    return tell


async def _refuse(decision: Decision, scope: Scope, receive: Receive, send: Send) -> None:
    error = RateLimitedError(decision)
    headers = _told(decision) | {"Retry-After": str(error.retry_after)}
    reply = problem_response(problem_of(error), scope, headers)
    await reply(scope, receive, send)
