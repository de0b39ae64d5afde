"""Socket Mode, Slack's side (docs.slack.dev, "Using Socket Mode")."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import dataclass, field

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.sandbox.workspace.delivery.envelope import DeliveryFailed, Envelope
from bot.sandbox.workspace.vendor import Json

MAX_CONNECTIONS = 10


@dataclass(eq=False)
class Connection:
    """One open WebSocket of the app. `is_leaving` once it was asked to reconnect elsewhere."""

    websocket: WebSocket
    is_leaving: bool = False
    waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict)

    async def send(self, message: Json) -> None:
        """Send one JSON text frame."""
        await self.websocket.send_text(json.dumps(message))


class SocketDelivery:
    """Keeps the app's connections and gives each payload to one of them, in turn."""

    def __init__(self, app_id: str = "") -> None:
        self.app_id = app_id
        self.connections: list[Connection] = []
        self._tickets: set[str] = set()
        self._turn = 0

    def issue_ticket(self) -> str:
        """What apps.connections.open puts into its URL: good for one connection."""
        ticket = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        self._tickets.add(ticket)
        return ticket

    async def serve(self, websocket: WebSocket) -> None:
        """The WebSocket endpoint: one connection from hello to close."""
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(code=1008, reason="invalid ticket")
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        connection = Connection(websocket)
        if len(self.connections) >= MAX_CONNECTIONS:
            await connection.send(_disconnect("too_many_websockets"))
            await websocket.close()
            return
        self.connections.append(connection)
        try:
            await connection.send(self._hello())
            await self._release_one()
            await self._receive(connection)
        finally:
            self._forget(connection)

    async def deliver(self, envelope: Envelope, ack_s: float) -> Json:
        """See Delivery."""
        connection = self._next()
        if connection is None:
            raise DeliveryFailed("no_connection")
        envelope_id = str(uuid.uuid4())
        ack: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope_id] = ack
        try:
            await connection.send(_wrap(envelope, envelope_id))
            return await asyncio.wait_for(ack, ack_s)
        except TimeoutError:
            raise DeliveryFailed("timeout") from None
        except (WebSocketDisconnect, RuntimeError) as closed:
            # Starlette says RuntimeError when the socket closed between choosing and sending.
            raise DeliveryFailed("no_connection") from closed
        finally:
            connection.waiting.pop(envelope_id, None)

    async def ask_to_reconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connection to come back on a new one, as Slack does every few hours."""
        for connection in list(self.connections):
            connection.is_leaving = True
            await connection.send(_disconnect(reason))

    async def _release_one(self) -> None:
        """Close a connection that was asked to leave, now that another has taken its place."""
        leaving = next((c for c in self.connections if c.is_leaving), None)
        if leaving is not None:
            await leaving.websocket.close(code=1000)

    async def cut(self) -> None:
        """Close every connection at once, without a word."""
        for connection in list(self.connections):
            if connection.websocket.application_state is WebSocketState.CONNECTED:
                await connection.websocket.close(code=1011)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self.app_id},
            "debug_info": {
                "host": "applink-sandbox",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
        }

    async def _receive(self, connection: Connection) -> None:
        while True:
            try:
                message = json.loads(await connection.websocket.receive_text())
            except WebSocketDisconnect:
                return
            except ValueError:
                continue  # Slack ignores frames that are not JSON
            ack = connection.waiting.get(message.get("envelope_id", ""))
            if ack is not None and not ack.done():
                payload = message.get("payload")
                ack.set_result(payload if isinstance(payload, dict) else {})

    def _next(self) -> Connection | None:
        ready = [c for c in self.connections if not c.is_leaving] or self.connections
        if not ready:
            return None
        self._turn += 1
        return ready[self._turn % len(ready)]

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        for ack in connection.waiting.values():
            if not ack.done():
                ack.set_exception(DeliveryFailed("no_connection"))


def _wrap(envelope: Envelope, envelope_id: str) -> Json:
    wrapped: Json = {
        "envelope_id": envelope_id,
        "type": envelope.kind,
        "payload": envelope.payload,
        "accepts_response_payload": envelope.kind != "events_api",
    }
    if envelope.kind == "events_api":
        wrapped["retry_attempt"] = envelope.retry_attempt
        wrapped["retry_reason"] = envelope.retry_reason
    return wrapped


def _disconnect(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}}
