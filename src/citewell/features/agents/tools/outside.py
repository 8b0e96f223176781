"""Requests to hosts that the operator allows, to the address that was checked and no other."""

from collections.abc import Sequence

import httpx

from citewell.core.errors import ForbiddenError, InvalidInputError, UnavailableError
from citewell.core.outbound import OutboundError, PrivateHostError, asked, parsed_url
from citewell.core.platform import Platform
from citewell.kit.addresses import ReachableHosts

MAX_URL_CHARS = 1_000
MAX_REPLY_BYTES = 200_000
SECONDS = 20.0

_SENT_AS = {"user-agent": "citewell-agent", "accept": "text/*, application/json;q=0.9, */*;q=0.1"}
_TEXTUAL = ("text/", "json", "xml", "javascript", "x-www-form-urlencoded")


def parsed(url: str) -> httpx.URL:
    """A URL that can be asked for.

    Raises:
        InvalidInputError: It is none, or carries a password.
    """
    found = parsed_url(url)
    if found is None:
        raise InvalidInputError(
            "The URL must begin with http:// or https:// and a host's name, without a password."
        )
    return found


def is_listed(url: httpx.URL, hosts: Sequence[str]) -> bool:
    """Whether a host, or host and port, is in a list; `*.example.org` holds its subdomains."""
    host = url.host.lower().rstrip(".")
    usual = 443 if url.scheme == "https" else 80
    port = url.port or usual
    names = [f"{host}:{port}", host] if port == usual else [f"{host}:{port}"]
    return any(_fits(name, each.lower()) for name in names for each in hosts)


def _fits(name: str, listed: str) -> bool:
    return name == listed or (listed.startswith("*.") and name.endswith(listed[1:]))


async def send(
    platform: Platform, method: str, url: httpx.URL, *, body: str | None, key: str | None = None
) -> tuple[int, str]:
    """Send a request; returns the status and the text of the reply, cut at its limit.

    Args:
        platform: Its settings say which private networks may be reached.
        method: GET, POST...
        url: A URL whose host is allowed.
        body: JSON or text; None: no body.
        key: Sent as `Idempotency-Key`.

    Raises:
        ForbiddenError: The host is in a private network.
        UnavailableError: It does not answer as it should.
    """
    hosts = ReachableHosts(platform.settings.private_hosts)
    headers = dict(_SENT_AS)
    if key is not None:
        headers["idempotency-key"] = key
    if body is not None:
        is_json = body.lstrip()[:1] in ("{", "[")
        headers["content-type"] = "application/json" if is_json else "text/plain; charset=utf-8"
    content = None if body is None else body.encode()
    sent = asked(method, url, content, headers, hosts=hosts, seconds=SECONDS)
    try:
        async with sent as reply:
            return reply.status_code, await _text(reply)
    except PrivateHostError:
        raise ForbiddenError(f"`{url.host}` is an address of a private network.") from None
    except OutboundError as error:
        raise UnavailableError(f"`{url.host}`: {error}") from None


async def _text(reply: httpx.Response) -> str:
    kind = reply.headers.get("content-type", "text/plain").lower()
    if not any(part in kind for part in _TEXTUAL):
        return f"[{kind.partition(';')[0]}, which is no text]"
    taken, is_cut = bytearray(), False
    async for chunk in reply.aiter_bytes():
        taken += chunk
        if is_cut := len(taken) > MAX_REPLY_BYTES:
            break
    text = bytes(taken[:MAX_REPLY_BYTES]).decode(reply.charset_encoding or "utf-8", "replace")
    return f"{text}\n[cut]" if is_cut else text
