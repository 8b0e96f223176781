"""Requests of this process to addresses that tenants name: pinned, bounded, without redirects."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from citewell.kit.addresses import PrivateAddressError, ReachableHosts


class OutboundError(Exception):
    """A request did not get a reply; the message says why, without addresses of this network."""


class PrivateHostError(OutboundError):
    """The host is in a private network that the operator does not allow."""

    def __init__(self) -> None:
        super().__init__(
            "The host is in a private network that CITEWELL_PRIVATE_HOSTS of the server lacks."
        )


@dataclass(frozen=True, slots=True)
class OutboundReply:
    """A reply."""

    status: int
    milliseconds: int


def parsed_url(url: str) -> httpx.URL | None:
    """A URL that can be asked for; None: it is none, carries a password or has no such port."""
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        return None
    is_usable = found.scheme in ("http", "https") and found.host and not found.userinfo
    has_port = found.port is None or 0 < found.port < 65_536
    return found if is_usable and has_port else None


async def post(
    url: str, content: bytes, headers: Mapping[str, str], *, hosts: ReachableHosts, seconds: float
) -> OutboundReply:
    """Send a body; the reply's own body is not read.

    Args:
        url: http or https.
        content: The body.
        headers: Beside `Host`.
        hosts: Networks that may be reached.
        seconds: For all of it.

    Raises:
        OutboundError: It got no reply.
    """
    target = parsed_url(url)
    if target is None:
        raise OutboundError("The URL cannot be asked for.")
    begun = time.monotonic()
    async with asked("POST", target, content, headers, hosts=hosts, seconds=seconds) as reply:
        status = reply.status_code
    return OutboundReply(status, round((time.monotonic() - begun) * 1000))


@asynccontextmanager
async def asked(
    method: str,
    target: httpx.URL,
    content: bytes | None,
    headers: Mapping[str, str],
    *,
    hosts: ReachableHosts,
    seconds: float,
) -> AsyncGenerator[httpx.Response, None]:
    """The reply to a request, its body still to be read.

    The host's name is resolved once and the connection goes to that address: a name that points
    elsewhere a moment later leads nowhere. Redirects are not followed.

    Args:
        method: GET, POST...
        target: As `parsed_url` gives it.
        content: The body; None: there is none.
        headers: Beside `Host`.
        hosts: Networks that may be reached.
        seconds: For all of it, reading the reply included.

    Raises:
        PrivateHostError: The host may not be reached.
        OutboundError: It got no reply, or not the whole of it in time.
    """
    port = target.port or (443 if target.scheme == "https" else 80)
    try:
        async with asyncio.timeout(seconds):
            address = await hosts.address_of(target.host, port)
            # Nothing of the environment: a proxy there would resolve the name again.
            async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113 - above
                request = client.build_request(
                    method, target.copy_with(host=address), content=content,
                    headers={**headers, "host": target.netloc.decode()},
                    extensions={"sni_hostname": target.host},
                )  # fmt: skip
                reply = await client.send(request, stream=True, follow_redirects=False)
                try:
                    yield reply
                finally:
                    await reply.aclose()
    except PrivateAddressError:
        raise PrivateHostError from None
    except TimeoutError:
        raise OutboundError(f"It did not answer within {seconds:g} s.") from None
    # Value errors: a name or header that has no code.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise OutboundError(f"It cannot be reached ({type(error).__name__}).") from None
