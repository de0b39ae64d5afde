"""Cutting a client's TCP connection without an answer, as a lost network does."""

from __future__ import annotations

import asyncio
import weakref

from starlette.requests import ClientDisconnect, Request
from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: weakref.WeakValueDictionary[tuple[str, int], asyncio.Transport] = weakref.WeakValueDictionary()


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which remembers the transport of each client address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        if self.client:
            _transports[self.client] = transport


async def drop_connection(request: Request) -> None:
    """Close the request's connection and wait until the server noticed; the answer then goes nowhere."""
    client = request.client
    transport = _transports.get((client.host, client.port)) if client else None
    if transport is None:
        raise RuntimeError("the workspace must be run by serve() for answers to be lost")
    transport.close()
    try:
        while (await request.receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        return
