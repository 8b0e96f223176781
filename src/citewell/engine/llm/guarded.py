"""Connections that reach public addresses only, for endpoints that tenants name.

Imported only with `wire`; see `hosted`.
"""

from collections.abc import AsyncIterator

import httpx2

from citewell.kit.addresses import PrivateAddressError, ReachableHosts

MAX_REPLY_BYTES = 16 * 1024 * 1024
"""Of one reply of an endpoint that a tenant names: 60,000 tokens streamed, each in an event of 250
bytes. Sixteen replies at once are what a model object reads."""


class ReplyTooLongError(ValueError):
    """An endpoint sends more than a reply can be."""


class _BoundedStream(httpx2.AsyncByteStream):
    """The body of a reply, up to its limit."""

    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for piece in self._inner:
            total += len(piece)
            if total > self._limit:
                raise ReplyTooLongError("The reply is too long.")
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()


CONNECTIONS = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
"""The places of a model bound its connections. The usual hundred would let more wait for one until
they give up."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Resolves a host once, checks its addresses, and connects to the one that was checked.

    Replies are bounded and come uncompressed: a few bytes of gzip are a thousand times as many.
    """

    def __init__(self, hosts: ReachableHosts, limit: int = MAX_REPLY_BYTES) -> None:
        self._hosts = hosts
        self._limit = limit
        self._inner = httpx2.AsyncHTTPTransport(limits=CONNECTIONS)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request to the checked address, under the name it was meant for."""
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            address = await self._hosts.address_of(url.host, port)
        except PrivateAddressError as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        except OSError as error:
            raise httpx2.ConnectError("The host has no address.", request=request) from error
        # The Host header was set from the name already; TLS asks for the name and checks it.
        request.url = url.copy_with(host=address)
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        request.headers["accept-encoding"] = "identity"
        reply = await self._inner.handle_async_request(request)
        if reply.headers.get("content-encoding", "identity").strip().lower() != "identity":
            await reply.aclose()
            message = "The reply is compressed, which was not asked for."
            raise httpx2.RemoteProtocolError(message, request=request)
        assert isinstance(reply.stream, httpx2.AsyncByteStream)
        return httpx2.Response(
            reply.status_code,
            headers=reply.headers,
            stream=_BoundedStream(reply.stream, self._limit),
            extensions=reply.extensions,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()
