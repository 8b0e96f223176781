"""The limit of those without a valid credential: by where they are, whatever they send."""

from types import SimpleNamespace
from typing import Any, cast

from starlette.types import Message, Receive, Scope, Send

from citewell.core.platform import Platform
from citewell.core.ratelimit import RateLimiter, rule
from citewell.entrypoints.http.policies import POLICY
from citewell.entrypoints.http.rates import AddressLimit, Rates
from citewell.features.http import PRIVATE, SIGN_OUT, Admission, RoutePolicy

PUBLIC = RoutePolicy(Admission.PUBLIC)
OFF = rule("off", "1 per minute").of(0)


async def statuses(*requests: tuple[RoutePolicy, str, dict[str, str]]) -> list[int]:
    """The statuses of requests with a policy, an address and headers; two are admitted a minute."""
    limiter = RateLimiter()
    platform = cast(Platform, SimpleNamespace(limiter=limiter))

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    rates = Rates(OFF, OFF, OFF, rule("two", "2 per minute"))
    limit = AddressLimit(app, lambda: platform, rates)
    found: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.request"}

    for policy, address, headers in requests:
        scope: dict[str, Any] = {
            "type": "http", "method": "GET", "path": "/", "client": (address, 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "state": {POLICY: policy, "request_id": "x"}, "query_string": b"",
        }  # fmt: skip
        await limit(scope, receive, send)
    await limiter.close()
    return found


class TestAddressLimit:
    async def test_a_credential_nobody_looks_at_changes_nothing(self) -> None:
        bearer = {"authorization": "Bearer x"}
        for policy in (PUBLIC, SIGN_OUT):
            assert await statuses(*[(policy, "192.0.2.1", bearer)] * 3) == [200, 200, 429]
        # Where one is needed it is looked at, and only wrong ones count.
        assert await statuses(*[(PRIVATE, "192.0.2.1", bearer)] * 3) == [200, 200, 200]

    async def test_addresses_of_one_customer_count_together(self) -> None:
        own = [(PUBLIC, f"2001:db8:1:2::{n}", {}) for n in range(1, 4)]
        other = (PUBLIC, "2001:db8:1:3::1", dict[str, str]())
        assert await statuses(*own, other) == [200, 200, 429, 200]
